//! A sliding window: how many calls began in the last minute.
//!
//! It keeps every beginning instead of a bucket of tokens: a bucket that refills lets up to twice its
//! size through in some minute, and vendors count by the minute. It takes the time as a value, which
//! the clocks of rate limit crates don't.

use std::collections::VecDeque;

use types::{Millis, Timestamp};

/// The window's length in milliseconds.
const SPAN_MS: Millis = 60_000;

/// When the calls of the last minute began, oldest first.
#[derive(Debug, Default)]
pub(super) struct Window {
    begun: VecDeque<Timestamp>,
}

impl Window {
    /// From when on another call may begin if there may be `most` in a window; `None` means now.
    pub(super) fn full_until(&mut self, most: u32, now: Timestamp) -> Option<Timestamp> {
        self.forget(now);
        let most = usize::try_from(most.max(1)).unwrap_or(usize::MAX);
        // The call that has to leave the window first, for the new one to be the last of `most`.
        let in_the_way = self.begun.len().checked_sub(most)?;
        Some(self.begun[in_the_way] + SPAN_MS)
    }

    /// A call begins now.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.begun.push_back(now);
    }

    /// Whether nothing began within the last minute.
    pub(super) fn is_empty(&mut self, now: Timestamp) -> bool {
        self.forget(now);
        self.begun.is_empty()
    }

    fn forget(&mut self, now: Timestamp) {
        // A clock that was set back must not close the tool until it has caught up.
        for at in self.begun.iter_mut().rev().take_while(|at| **at > now) {
            *at = now;
        }
        while self.begun.front().is_some_and(|at| now.since(*at) >= SPAN_MS) {
            self.begun.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn there_are_never_more_than_allowed_in_any_window(
            most in 1u32..12,
            gaps in prop::collection::vec(0u64..30_000, 1..200),
        ) {
            let mut window = Window::default();
            let mut now = Timestamp::from_millis(0);
            let mut begun: Vec<Timestamp> = Vec::new();
            for gap in gaps {
                now = now + gap;
                let last_minute = begun.iter().filter(|at| now.since(**at) < SPAN_MS).count();
                match window.full_until(most, now) {
                    None => {
                        window.begin(now);
                        begun.push(now);
                        prop_assert!(last_minute < most as usize, "{last_minute} of {most} at {now:?}");
                    }
                    // It refuses only if it must, and says exactly until when.
                    Some(until) => {
                        prop_assert_eq!(last_minute, most as usize);
                        prop_assert!(until > now);
                        let just_before = until - 1;
                        let in_way = |at: Timestamp| begun.iter().filter(|b| at.since(**b) < SPAN_MS).count();
                        prop_assert_eq!(in_way(just_before), most as usize);
                        prop_assert!(in_way(until) < most as usize);
                    }
                }
            }
        }
    }

    #[test]
    fn a_lowered_limit_waits_until_enough_calls_have_left() {
        let mut window = Window::default();
        for at in [0, 10_000, 20_000] {
            window.begin(Timestamp::from_millis(at));
        }
        let now = Timestamp::from_millis(30_000);
        assert_eq!(window.full_until(4, now), None);
        assert_eq!(window.full_until(3, now), Some(Timestamp::from_millis(60_000)));
        assert_eq!(window.full_until(1, now), Some(Timestamp::from_millis(80_000)));
    }

    #[test]
    fn a_clock_that_is_set_back_delays_by_one_window_at_most() {
        let mut window = Window::default();
        window.begin(Timestamp::from_millis(1_000_000_000));
        let now = Timestamp::from_millis(5_000);
        assert_eq!(window.full_until(1, now), Some(Timestamp::from_millis(65_000)));
        assert!(window.is_empty(Timestamp::from_millis(65_000)));
    }
}
