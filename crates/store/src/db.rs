//! A store on either database: what both share, and what a database has to offer for it.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use ports::{Boot, Claim, Created, Lease, LeaseRequest, StoreError};
use types::{Clock, Entropy, Millis, TenantId, Timestamp};

use crate::fault::Fault;
use crate::seal::Sealer;
use crate::sql::Connection;
use crate::table::append::PreparedAppend;
use crate::table::inbox::PreparedPost;
use crate::table::leaves::{self, PreparedLeaf};
use crate::table::rows::PreparedNew;

/// An open store. Clones share it.
pub struct Db<B> {
    pub(crate) backend: Arc<B>,
}

impl<B> Clone for Db<B> {
    fn clone(&self) -> Self {
        Self {
            backend: Arc::clone(&self.backend),
        }
    }
}

/// What every open store has.
pub(crate) struct Core {
    pub(crate) boot: Boot,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) sealer: Arc<Sealer>,
}

/// What a write is, for those who group writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An append to a journal.
    Append,
    /// A new run.
    Create,
    /// A message to a run.
    Post,
    /// About the lease of one run.
    Lease,
    /// Anything else. Such writes never happen at the same time, so that they may look before they write.
    Other,
}

/// What a database offers.
pub(crate) trait Backend: Send + Sync + 'static {
    /// What it was opened with.
    fn core(&self) -> &Core;

    /// Reads; all that is read is of one instant.
    fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// Writes in a transaction, all or nothing. `work` may be run more than once; what counts is the last
    /// time.
    fn write<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl FnMut(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// Creates a run.
    fn create(
        &self,
        new: PreparedNew,
        lease: Option<(LeaseRequest, u64)>,
    ) -> impl Future<Output = Result<Created, StoreError>> + Send {
        self.write(Kind::Create, move |connection| new.create(connection, lease))
    }

    /// Appends to a journal.
    fn append(&self, append: PreparedAppend) -> impl Future<Output = Result<(), StoreError>> + Send {
        self.write(Kind::Append, move |connection| append.write(connection))
    }

    /// Posts a message.
    fn post(&self, post: PreparedPost) -> impl Future<Output = Result<(), StoreError>> + Send {
        self.write(Kind::Post, move |connection| post.insert(connection))
    }

    /// Claims what is due and free.
    fn claim(
        &self,
        now: Timestamp,
        lease_ms: Millis,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Claim>, StoreError>> + Send;

    /// Renews leases; those that are gone.
    fn renew(
        &self,
        leases: Vec<Lease>,
        until: Timestamp,
    ) -> impl Future<Output = Result<Vec<Lease>, StoreError>> + Send;

    /// The earliest wake-up of a run that nobody holds.
    fn next_wake(&self) -> impl Future<Output = Result<Option<Timestamp>, StoreError>> + Send;

    /// Puts audit leaves written since the last time into the order in which they are read.
    fn settle(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Completes when another process may have written something.
    fn hinted(&self) -> impl Future<Output = ()> + Send;

    /// Writes a copy of the database to a new file.
    fn backup(&self, to: &Path) -> impl Future<Output = Result<(), StoreError>> + Send;
}

#[expect(
    private_bounds,
    reason = "what a database offers the store is no business of others"
)]
impl<B: Backend> Db<B> {
    pub(crate) fn core(&self) -> &Core {
        self.backend.core()
    }

    /// A change and the leaf that tells of it, in one transaction.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        tenant: TenantId,
        leaf: engine::rows::Leaf,
        mut work: impl FnMut(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let leaf = PreparedLeaf::new(leaf, self.core().entropy.as_ref());
        let work = move |connection: &Connection| {
            let done = work(connection)?;
            leaves::note(connection, tenant, &leaf)?;
            Ok(done)
        };
        self.backend.write(Kind::Other, work).await
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.backend.read(query).await
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl FnMut(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.backend.write(kind, work).await
    }
}

impl Core {
    /// The boot epoch, which is also the number that a lease is bound to.
    ///
    /// # Errors
    /// [`StoreError::NotHolder`] for a guest.
    pub(crate) fn held_boot(&self) -> Result<u64, StoreError> {
        if self.boot.holder {
            Ok(self.boot.epoch)
        } else {
            Err(StoreError::NotHolder)
        }
    }

    /// A lease is granted to this process only.
    pub(crate) fn grantable(&self, request: LeaseRequest) -> Result<(LeaseRequest, u64), StoreError> {
        let boot = self.held_boot()?;
        if request.node == self.boot.node {
            Ok((request, boot))
        } else {
            Err(StoreError::NotHolder)
        }
    }
}
