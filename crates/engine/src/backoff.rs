//! How long to wait before the next attempt: exponential backoff with equal jitter.

use recipe::program::Retry;
use sha2::{Digest as _, Sha256};
use types::Millis;

/// The wait before attempt `failures + 1`: half of `backoff · factor^(failures-1)` (at most
/// `max_backoff`) plus a share of the other half that follows from `seed` and `salt`, so that replay
/// waits as long. "Equal jitter" as described by Brooker, "Exponential Backoff And Jitter" (2015).
pub(crate) fn backoff(retry: &Retry, failures: u32, seed: u64, salt: &str) -> Millis {
    let exponent = i32::try_from(failures.saturating_sub(1))
        .unwrap_or(i32::MAX)
        .min(64);
    let grown = retry.backoff_ms as f64 * retry.factor.max(1.0).powi(exponent);
    // The comparison also catches infinity; the bound makes the cast exact enough.
    let full = if grown < retry.max_backoff_ms as f64 {
        grown as Millis
    } else {
        retry.max_backoff_ms
    };
    let half = full / 2;
    if half == 0 {
        return full;
    }
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(salt.as_bytes());
    hash.update(failures.to_be_bytes());
    let bytes = hash.finalize();
    let random = u64::from_be_bytes([
        bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
    ]);
    half + random % (full - half + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_stay_between_half_and_the_whole(failures in 1u32..200, seed: u64, base in 0u64..100_000) {
            let retry = Retry { max_attempts: 9, backoff_ms: base, factor: 2.0, max_backoff_ms: 30_000 };
            let wait = backoff(&retry, failures, seed, "act/x");
            prop_assert!(wait <= 30_000);
            prop_assert!(wait >= (base.min(30_000)) / 2);
            prop_assert_eq!(wait, backoff(&retry, failures, seed, "act/x"));
        }
    }

    #[test]
    fn different_steps_do_not_wait_in_step() {
        let retry = Retry {
            max_backoff_ms: 1_000_000,
            backoff_ms: 100_000,
            ..Retry::default()
        };
        assert_ne!(backoff(&retry, 1, 7, "act/a"), backoff(&retry, 1, 7, "act/b"));
    }
}
