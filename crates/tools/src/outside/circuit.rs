//! A circuit breaker: a tool that fails again and again, or that asks to be left alone, is let alone
//! for a while, and then asked by one call before the others follow. The states are those of Nygard,
//! "Release It!" (closed, open, half-open).

use types::{Millis, Timestamp};

/// The longest a circuit stays open, in milliseconds: whatever a vendor asks, a person who has set
/// things right needn't wait longer.
pub(super) const MOST_OPEN_MS: Millis = 15 * 60 * 1000;
/// The longest a circuit stays open because of failures, in milliseconds.
const MOST_FAILED_MS: Millis = 5 * 60 * 1000;
/// How long others wait while one call tries whether the tool is back, in milliseconds.
const TRYING_MS: Millis = 1_000;

/// What a call has shown of the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// It answers, be it with a refusal.
    Well,
    /// It can't be reached, broke, or never answered.
    Ill,
    /// Nothing: it was not reached.
    Nothing,
    /// It wants to be let alone for so many milliseconds.
    LeaveAlone(Millis),
}

/// Why a circuit is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It failed so often in a row.
    Failures(u32),
    /// It asked for it.
    Asked,
}

/// How far a circuit opens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// Failures in a row after which it opens.
    pub(super) failures: u32,
    /// How long it stays open at first, in milliseconds.
    pub(super) open_ms: Millis,
}

/// One circuit; a new one is closed.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    /// Failures since the last good answer.
    failures: u32,
    /// How often it has opened because of failures since then.
    opened: u32,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    until: Timestamp,
    why: Why,
    /// Whether a call is under way that tries whether the tool is back.
    trying: bool,
}

impl Circuit {
    /// Until when it is closed to calls, and why; `None` lets one through.
    pub(super) fn shut_until(&mut self, now: Timestamp) -> Option<(Timestamp, Why)> {
        let open = self.open.as_mut()?;
        // A clock that was set back must not shut the tool until it has caught up.
        open.until = open.until.min(now + MOST_OPEN_MS);
        if now < open.until {
            return Some((open.until, open.why));
        }
        open.trying.then(|| (now + TRYING_MS, open.why))
    }

    /// A call that was let through begins. The answer says whether it is the one that tries.
    pub(super) fn begin(&mut self) -> bool {
        match &mut self.open {
            Some(open) => {
                open.trying = true;
                true
            }
            None => false,
        }
    }

    /// A call that was let through has ended.
    pub(super) fn end(&mut self, tried: bool, shown: Shown, rule: Rule, now: Timestamp) {
        if tried && let Some(open) = &mut self.open {
            open.trying = false;
        }
        match shown {
            Shown::Nothing => {}
            // An answer to a call that had begun before doesn't undo what the tool has asked for.
            Shown::Well if !tried && self.open.is_some_and(|open| open.why == Why::Asked) => {}
            Shown::Well => *self = Self::default(),
            Shown::LeaveAlone(span) => self.shut(now + span.min(MOST_OPEN_MS), Why::Asked),
            Shown::Ill => {
                self.failures = self.failures.saturating_add(1);
                // What fails after it has opened was begun before, and says nothing new.
                if tried || (self.open.is_none() && self.failures >= rule.failures) {
                    let doubled = rule.open_ms.saturating_mul(1 << self.opened.min(16));
                    self.opened = self.opened.saturating_add(1);
                    self.shut(now + doubled.min(MOST_FAILED_MS), Why::Failures(self.failures));
                }
            }
        }
    }

    /// Whether it holds nothing that a new one doesn't.
    pub(super) fn is_new(&self) -> bool {
        self.failures == 0 && self.opened == 0 && self.open.is_none()
    }

    fn shut(&mut self, until: Timestamp, why: Why) {
        let trying = self.open.is_some_and(|open| open.trying);
        // Of two wishes the longer one holds.
        let until = self.open.map_or(until, |open| open.until.max(until));
        self.open = Some(Open { until, why, trying });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule {
        failures: 3,
        open_ms: 30_000,
    };

    /// What happens to a circuit, one after the other.
    enum Do {
        /// So many milliseconds pass.
        Pass(i64),
        /// A call begins and ends at once.
        Call(Shown),
        /// A call begins; [`Do::End`] ends the oldest one under way.
        Begin,
        End(Shown),
        /// A call is turned away, and may come again after so many milliseconds.
        Shut(u64),
    }

    fn check(name: &str, script: &[Do]) {
        let (mut circuit, mut now) = (Circuit::default(), Timestamp::from_millis(1_000_000));
        let mut under_way = std::collections::VecDeque::new();
        for (at, step) in script.iter().enumerate() {
            let shut = circuit.shut_until(now).map(|(until, _)| until.since(now));
            match step {
                Do::Pass(millis) => now = Timestamp::from_millis(now.as_millis() + millis),
                Do::Shut(wait) => assert_eq!(shut, Some(*wait), "{name}, step {at}"),
                Do::Begin | Do::Call(_) => {
                    assert_eq!(shut, None, "{name}, step {at}");
                    let tried = circuit.begin();
                    match step {
                        Do::Call(shown) => circuit.end(tried, *shown, RULE, now),
                        _ => under_way.push_back(tried),
                    }
                }
                Do::End(shown) => {
                    let tried = under_way.pop_front().expect("a call under way");
                    circuit.end(tried, *shown, RULE, now);
                }
            }
        }
    }

    #[test]
    fn it_opens_is_tried_and_closes() {
        use Do::*;
        use Shown::*;
        check(
            "a good answer begins the count anew",
            &[
                Call(Ill),
                Call(Ill),
                Call(Well),
                Call(Ill),
                Call(Ill),
                Call(Nothing),
                Call(Ill),
                Shut(30_000),
            ],
        );
        check(
            "one call tries, and its answer lets all in",
            &[
                Call(Ill),
                Call(Ill),
                Call(Ill),
                Pass(29_999),
                Shut(1),
                Pass(1),
                Begin,
                Shut(1_000),
                End(Well),
                Call(Ill),
                Call(Ill),
                Call(Well),
            ],
        );
        check(
            "each time it is open twice as long, up to five minutes",
            &[
                Call(Ill),
                Call(Ill),
                Call(Ill),
                Pass(30_000),
                Call(Ill),
                Shut(60_000),
                Pass(60_000),
                Call(Ill),
                Shut(120_000),
                Pass(120_000),
                Call(Ill),
                Shut(240_000),
                Pass(240_000),
                Call(Ill),
                Shut(300_000),
            ],
        );
        check(
            "a try that reached nobody is made again",
            &[
                Call(Ill),
                Call(Ill),
                Call(Ill),
                Pass(30_000),
                Call(Nothing),
                Call(Well),
                Call(Ill),
                Call(Ill),
            ],
        );
        check(
            "calls that had begun before don't prolong it",
            &[
                Begin,
                Begin,
                Call(Ill),
                Call(Ill),
                Call(Ill),
                Pass(10_000),
                End(Ill),
                Shut(20_000),
                End(Well),
                Call(Well),
            ],
        );
        check(
            "a wish is heard, within bounds, whoever else gets an answer",
            &[
                Begin,
                Call(LeaveAlone(7_000)),
                Shut(7_000),
                End(Well),
                Shut(7_000),
                Pass(7_000),
                Begin,
                Shut(1_000),
                End(LeaveAlone(86_400_000)),
                Shut(MOST_OPEN_MS),
                Pass(900_000),
                Call(Well),
                Call(Ill),
            ],
        );
        check(
            "the longer wish holds",
            &[
                Begin,
                Begin,
                End(LeaveAlone(60_000)),
                End(LeaveAlone(1_000)),
                Shut(60_000),
            ],
        );
        check(
            "a clock that is set back",
            &[Call(LeaveAlone(60_000)), Pass(-900_000_000), Shut(900_000)],
        );
    }
}
