//! What the log says of a server that has too much to do: at most one line a second, with how often it was
//! so. A line for each refusal would be more work than the refusal.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use types::Failure;

static LOG: LazyLock<Seldom<DefaultClock>> = LazyLock::new(|| Seldom::new(DefaultClock::default()));

/// Says it, or counts it.
pub(crate) fn say(failure: &Failure) {
    if let Some(times) = LOG.next() {
        tracing::warn!(
            code = failure.code,
            message = failure.message,
            times,
            "requests were told to come back"
        );
    }
}

/// Something that is said at most once a second.
struct Seldom<C: Clock> {
    limiter: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    /// How often it was not said.
    unsaid: AtomicU64,
}

impl<C: Clock> Seldom<C> {
    fn new(clock: C) -> Self {
        Self {
            limiter: RateLimiter::direct_with_clock(Quota::per_second(NonZeroU32::MIN), clock),
            unsaid: AtomicU64::new(0),
        }
    }

    /// Once more: how often it was so since it was said last, if it is to be said now.
    fn next(&self) -> Option<u64> {
        let times = self.unsaid.fetch_add(1, Ordering::Relaxed) + 1;
        self.limiter.check().ok()?;
        self.unsaid.fetch_sub(times, Ordering::Relaxed);
        Some(times)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn a_busy_server_says_so_once_a_second_with_a_count() {
        let clock = FakeRelativeClock::default();
        let seldom = Seldom::new(clock.clone());
        let said = |times: usize| -> Vec<u64> { (0..times).filter_map(|_| seldom.next()).collect() };
        assert_eq!(said(1_000), [1]);
        clock.advance(Duration::from_millis(999));
        assert_eq!(said(5), [0; 0]);
        clock.advance(Duration::from_millis(1));
        assert_eq!(said(3), [1_005]);
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(said(3), [3]);
    }
}
