//! Bugs that can be planted to see whether the proof catches them.

use std::fmt;
use std::str::FromStr;

/// A planted bug.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Bug {
    /// None.
    #[default]
    None,
    /// Every attempt sends an idempotency key of its own.
    KeyNotPassed,
    /// Neither the guard before sending nor the lease check of the journal is heeded.
    NoFence,
    /// A write without an answer in time is reported as known not to have happened.
    RetryAfterTimeout,
    /// Every write is declared unkeyed, so that each unknown outcome waits for a person.
    ParkEverything,
    /// Leases are never renewed. No promise depends on it: nothing may come of this one.
    NoRenewal,
}

impl Bug {
    /// Every value.
    pub const ALL: [Bug; 6] = [
        Bug::None,
        Bug::KeyNotPassed,
        Bug::NoFence,
        Bug::RetryAfterTimeout,
        Bug::ParkEverything,
        Bug::NoRenewal,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Bug::None => "none",
            Bug::KeyNotPassed => "key-not-passed",
            Bug::NoFence => "no-fence",
            Bug::RetryAfterTimeout => "retry-after-timeout",
            Bug::ParkEverything => "park-everything",
            Bug::NoRenewal => "no-renewal",
        }
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Bug {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Bug::ALL
            .into_iter()
            .find(|bug| bug.name() == text)
            .ok_or_else(|| {
                format!(
                    "unknown bug '{text}': expected one of {}",
                    Bug::ALL.map(Bug::name).join(", ")
                )
            })
    }
}
