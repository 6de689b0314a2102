//! How often somebody may try a password in vain. Attempts are counted before they are judged, so that
//! many at once are no way around it, and those that succeed are given back.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use types::Timestamp;

use super::problem::{Answer, Refusal};

/// A minute, in milliseconds.
const MINUTE: i64 = 60_000;
/// Who is remembered at a time; beyond it strangers wait.
const MOST: usize = 100_000;
/// How many times as many attempts a name has as an address: one address alone can't lock a name.
const NAMES: i64 = 3;

/// Whose attempts are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Whose {
    Address(IpAddr),
    Name(String),
    /// Somebody who is signed in, and tries their own password.
    Own(String),
}

/// The counts.
#[derive(Debug)]
pub(crate) struct Attempts {
    per_minute: i64,
    /// When each count will have run off, in milliseconds since the Unix epoch.
    until: Mutex<HashMap<Whose, i64>>,
}

/// An attempt that has been counted.
#[derive(Debug)]
#[must_use = "one that succeeds is given back"]
pub(crate) struct Attempt(Vec<(Whose, i64)>);

impl Attempts {
    /// So many a minute for each address, and all of them at once if there were none before.
    pub(crate) fn new(per_minute: u32) -> Self {
        Self {
            per_minute: i64::from(per_minute.max(1)),
            until: Mutex::default(),
        }
    }

    /// Somebody tries a password: from this address, for this name. The address is asked first, so one
    /// that has no more attempts uses up nobody's.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn sign_in(&self, name: &str, from: Option<IpAddr>, now: Timestamp) -> Answer<Attempt> {
        let mut wanted = Vec::new();
        if let Some(from) = from {
            wanted.push((Whose::Address(from), MINUTE / self.per_minute));
        }
        let cost = MINUTE / self.per_minute.saturating_mul(NAMES);
        wanted.push((Whose::Name(name.to_lowercase()), cost));
        self.count(wanted, now)
    }

    /// Somebody who is signed in tries their own password.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) fn own(&self, name: &str, now: Timestamp) -> Answer<Attempt> {
        let whose = Whose::Own(name.to_lowercase());
        self.count(vec![(whose, MINUTE / self.per_minute)], now)
    }

    /// The attempt succeeded: it counts no more.
    pub(crate) fn give_back(&self, attempt: Attempt) {
        let mut until = self.lock();
        for (whose, cost) in attempt.0 {
            if let Some(until) = until.get_mut(&whose) {
                *until -= cost;
            }
        }
    }

    fn count(&self, wanted: Vec<(Whose, i64)>, now: Timestamp) -> Answer<Attempt> {
        let now = now.as_millis();
        let mut until = self.lock();
        if until.len() + wanted.len() > MOST {
            until.retain(|_, until| *until > now);
        }
        let mut counted = Vec::new();
        for (whose, cost) in wanted {
            let room = until.len() < MOST || until.contains_key(&whose);
            // A clock that was set back makes nobody wait longer than a minute.
            let before = until
                .get(&whose)
                .map_or(now, |until| (*until).clamp(now, now + MINUTE));
            let wait = if room {
                before + cost - now - MINUTE
            } else {
                MINUTE
            };
            if wait > 0 {
                return Err(refused(wait));
            }
            until.insert(whose.clone(), before + cost);
            counted.push((whose, cost));
        }
        Ok(Attempt(counted))
    }

    /// Nothing is half done under the lock, so a panic elsewhere spoils nothing.
    fn lock(&self) -> MutexGuard<'_, HashMap<Whose, i64>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(wait_ms: i64) -> Refusal {
    let seconds = u64::try_from(wait_ms).unwrap_or_default().div_ceil(1000).max(1);
    let message = format!("too many attempts; the next is looked at in {seconds} s");
    Refusal {
        retry_after_s: Some(seconds),
        ..Refusal::new("rate_limited", message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + millis)
    }

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn one_address_locks_only_itself() {
        let attempts = Attempts::new(3);
        for _ in 0..3 {
            let _ = attempts.sign_in("ann", address(1), at(0)).expect("an attempt");
        }
        for name in ["ann", "bob"] {
            for _ in 0..20 {
                let refused = attempts.sign_in(name, address(1), at(1)).expect_err("too many");
                assert_eq!(refused.failure.code, "rate_limited");
                assert_eq!(refused.retry_after_s, Some(20));
            }
        }
        for _ in 0..3 {
            let _ = attempts
                .sign_in("bob", address(2), at(2))
                .expect("bob's are all there");
        }
        let _ = attempts
            .sign_in("ANN", address(3), at(2))
            .expect("ann has some left");
        let _ = attempts
            .sign_in("eve", address(1), at(20_001))
            .expect("one came back");
    }

    #[test]
    fn a_name_is_tried_a_bounded_number_of_times_from_everywhere() {
        let attempts = Attempts::new(3);
        let tried = (0..20).filter(|last| attempts.sign_in("ann", address(*last), at(0)).is_ok());
        assert_eq!(tried.count(), 9);
    }

    #[test]
    fn what_succeeds_is_not_counted() {
        let attempts = Attempts::new(1);
        for _ in 0..50 {
            let attempt = attempts.sign_in("ann", address(1), at(0)).expect("an attempt");
            attempts.give_back(attempt);
            let attempt = attempts.own("ann", at(0)).expect("an attempt");
            attempts.give_back(attempt);
        }
        let _ = attempts.own("ann", at(0)).expect("an attempt");
        attempts.own("ann", at(0)).expect_err("the one before failed");
    }
}
