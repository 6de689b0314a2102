//! Leases that are not renewed. Alone this is harmless, for the fence keeps two holders of one run
//! apart; the planted bug `no-fence` has appends go through whoever holds the run.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use ports::{Append, Claim, Lease, Store, StoreError};
use types::{RunId, Timestamp};

use crate::interposed::Between;

/// How often an append is bent until it fits.
const TRIES: u32 = 20;

/// Forgets what a lease is for.
#[derive(Default)]
pub(super) struct Fenceless {
    newest: Mutex<BTreeMap<RunId, Lease>>,
}

/// Renews nothing and changes nothing else.
pub(super) struct Unrenewed;

#[async_trait]
impl Between for Unrenewed {
    async fn renew(
        &self,
        _store: &dyn Store,
        _leases: Vec<Lease>,
        _until: Timestamp,
    ) -> Result<Vec<Lease>, StoreError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Between for Fenceless {
    async fn append(&self, store: &dyn Store, mut append: Append) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            match store.append(append.clone()).await {
                Err(StoreError::LeaseLost) => {
                    let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
                    match newest.get(&append.lease.run) {
                        Some(lease) if *lease != append.lease => append.lease = *lease,
                        _ => return Err(StoreError::LeaseLost),
                    }
                }
                Err(StoreError::HeadMoved { actual, .. }) => {
                    append.expected_head = actual;
                    for (seq, event) in (actual + 1..).zip(&mut append.events) {
                        event.seq = seq;
                    }
                    append.rows.run.head = actual + append.events.len() as u64;
                    append.snapshot = None;
                }
                other => return other,
            }
        }
        Err(StoreError::LeaseLost)
    }

    /// Nothing is renewed, so that every lease runs out under its holder, who isn't told.
    async fn renew(
        &self,
        _store: &dyn Store,
        _leases: Vec<Lease>,
        _until: Timestamp,
    ) -> Result<Vec<Lease>, StoreError> {
        Ok(Vec::new())
    }

    fn claimed(&self, claims: &[Claim]) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.extend(claims.iter().map(|claim| (claim.lease.run, claim.lease)));
    }
}
