//! How often somebody may ask. Buckets by name for those who are known, by address for
//! strangers; the tables are bounded by what `governor` drops when they grow.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::attempts::Attempts;
use super::problem::{Answer, Refusal};

/// Entries after which those that are full again are dropped.
const MOST: usize = 10_000;

/// The bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Requests a second for each person, whatever tokens they have, with ten times as many at once.
    pub per_second: u32,
    /// Requests a minute to public routes, and of strangers, for each address.
    pub strangers_per_minute: u32,
    /// Attempts to sign in that fail, a minute, for each address; three times as many for each name.
    pub sign_ins_per_minute: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            per_second: 100,
            strangers_per_minute: 600,
            sign_ins_per_minute: 10,
        }
    }
}

/// The buckets.
pub(crate) struct Limits {
    known: DefaultKeyedRateLimiter<String>,
    strangers: DefaultKeyedRateLimiter<IpAddr>,
    pub(crate) sign_ins: Attempts,
}

impl Limits {
    pub(crate) fn new(rates: Rates) -> Self {
        let at_least_1 = |rate: u32| NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN);
        let burst = at_least_1(rates.per_second.saturating_mul(10));
        Self {
            known: RateLimiter::keyed(Quota::per_second(at_least_1(rates.per_second)).allow_burst(burst)),
            strangers: RateLimiter::keyed(Quota::per_minute(at_least_1(rates.strangers_per_minute))),
            sign_ins: Attempts::new(rates.sign_ins_per_minute),
        }
    }

    /// Somebody who is known asks.
    pub(crate) fn principal(&self, name: &str) -> Answer<()> {
        take(&self.known, &name.to_owned())
    }

    /// Somebody asks for something that is public.
    pub(crate) fn public(&self, from: IpAddr) -> Answer<()> {
        take(&self.strangers, &from)
    }

    /// Somebody could not show who they are.
    pub(crate) fn stranger(&self, from: IpAddr) -> Answer<()> {
        take(&self.strangers, &from)
    }
}

fn take<K: std::hash::Hash + Eq + Clone>(bucket: &DefaultKeyedRateLimiter<K>, key: &K) -> Answer<()> {
    if bucket.len() > MOST {
        bucket.retain_recent();
    }
    bucket.check_key(key).map_err(|full| {
        let wait = full.wait_time_from(DefaultClock::default().now());
        let seconds = (wait + Duration::from_millis(999)).as_secs().max(1);
        let message = format!("too many requests; the next is answered in {seconds} s");
        Refusal {
            retry_after_s: Some(seconds),
            ..Refusal::new("rate_limited", message)
        }
    })
}
