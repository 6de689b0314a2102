//! The lease as its holder sees it, and the last question before something is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use ports::{Lease, SendGuard};
use types::{Clock, Failure, Timestamp};

/// A lease that this process believes it holds.
pub(crate) struct Held {
    pub(crate) lease: Lease,
    until: AtomicI64,
    lost: AtomicBool,
}

impl Held {
    pub(crate) fn new(lease: Lease, until: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            lease,
            until: AtomicI64::new(until.as_millis()),
            lost: AtomicBool::new(false),
        })
    }

    pub(crate) fn renewed(&self, until: Timestamp) {
        self.until.store(until.as_millis(), Ordering::Release);
    }

    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    fn until(&self) -> Timestamp {
        Timestamp::from_millis(self.until.load(Ordering::Acquire))
    }
}

/// Checks lease and clock directly before sending.
pub(crate) struct Guard {
    pub(crate) held: Arc<Held>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) deadline: Timestamp,
}

impl SendGuard for Guard {
    fn may_send(&self) -> Result<(), Failure> {
        let now = self.clock.now();
        if self.held.is_lost() || now >= self.held.until() {
            return Err(Failure::new(
                "lease_lost",
                "the worker no longer holds the run, so nothing was sent",
            ));
        }
        if now >= self.deadline {
            return Err(Failure::new(
                "call_timed_out",
                "the call's time was up before it was sent",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{RunId, TenantId};

    struct Fixed(i64);
    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0)
        }
    }

    fn check(now: i64, until: i64, deadline: i64, lost: bool) -> Result<(), String> {
        let lease = Lease {
            tenant: TenantId::DEFAULT,
            run: RunId::from_bytes([1; 16]),
            epoch: 1,
        };
        let held = Held::new(lease, Timestamp::from_millis(until));
        if lost {
            held.lose();
        }
        let guard = Guard {
            held,
            clock: Arc::new(Fixed(now)),
            deadline: Timestamp::from_millis(deadline),
        };
        guard.may_send().map_err(|failure| failure.code)
    }

    #[test]
    fn nothing_is_sent_without_lease_or_time() {
        assert_eq!(check(1, 10, 10, false), Ok(()));
        assert_eq!(check(10, 10, 99, false), Err("lease_lost".into()));
        assert_eq!(check(1, 10, 10, true), Err("lease_lost".into()));
        assert_eq!(check(10, 99, 10, false), Err("call_timed_out".into()));
    }
}
