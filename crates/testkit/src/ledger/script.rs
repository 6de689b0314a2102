//! How the ledger behaves on the n-th request of a logical effect: a pure function of seed and token,
//! so that the ledger, and the model that judges afterwards, know the same without talking.

use serde::{Deserialize, Serialize};

use super::Operation;
use crate::dice::Dice;

/// What the ledger does with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// The effect takes place and the answer says so.
    Normal,
    /// The effect takes place after a delay in milliseconds; only then comes the answer.
    SlowToCommit(u64),
    /// The answer is lost at once, the effect takes place after a delay in milliseconds.
    LateCommit(u64),
    /// The effect takes place, the answer is lost.
    AnswerLost,
    /// Nothing takes place, and the answer is lost.
    RequestLost,
    /// 429: nothing takes place.
    RateLimited,
    /// 422, for every request of this effect.
    Refused,
    /// The effect takes place and nobody answers.
    SilentWithEffect,
    /// Nothing takes place and nobody answers.
    SilentWithoutEffect,
    /// The effect takes place, the answer is a 500.
    ErrorWithEffect,
    /// Nothing takes place, the answer is a 500.
    ErrorWithoutEffect,
}

impl Behaviour {
    /// Whether the caller can't know from the answer what happened.
    pub fn leaves_unknown(self) -> bool {
        !matches!(
            self,
            Behaviour::Normal | Behaviour::SlowToCommit(_) | Behaviour::RateLimited | Behaviour::Refused
        )
    }
}

/// Behaviours that leave the outcome unknown.
const UNKNOWN: [Behaviour; 7] = [
    Behaviour::AnswerLost,
    Behaviour::RequestLost,
    Behaviour::SilentWithEffect,
    Behaviour::SilentWithoutEffect,
    Behaviour::ErrorWithEffect,
    Behaviour::ErrorWithoutEffect,
    Behaviour::LateCommit(0),
];

/// The ledger's script.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// The seed of the whole run.
    pub seed: u64,
    /// Crash tests need a world in which little more than the crash happens: only the first answers of
    /// operations that can be looked up are lost, so that look-ups are crossed too.
    pub calm: bool,
}

impl Script {
    /// Whether every request of this effect is refused for good.
    pub fn refused(self, token: &str) -> bool {
        !self.calm && Dice::new(self.seed, &["refused", token]).chance(4)
    }

    /// What the `nth` request (from 0) of an effect meets. From the third on all is well, so that
    /// every run can end.
    pub fn behaviour(self, operation: Operation, token: &str, nth: u32) -> Behaviour {
        if self.calm {
            let looked_up = matches!(operation, Operation::Marked | Operation::Probed);
            return match nth {
                0 if looked_up => Behaviour::AnswerLost,
                _ => Behaviour::Normal,
            };
        }
        if self.refused(token) {
            return Behaviour::Refused;
        }
        let mut dice = Dice::new(self.seed, &["behaviour", token, &nth.to_string()]);
        let delay = dice.between(40, 220);
        // An unkeyed write of unknown outcome stops its run for good, so it is rarer.
        let unknown = match operation {
            Operation::Unkeyed => 8,
            _ => 25,
        };
        if nth >= 2 {
            return Behaviour::Normal;
        }
        if dice.chance(unknown) {
            return match dice.pick(&UNKNOWN) {
                Behaviour::LateCommit(_) => Behaviour::LateCommit(delay),
                other => other,
            };
        }
        match dice.between(0, 9) {
            0 => Behaviour::RateLimited,
            1 => Behaviour::SlowToCommit(delay),
            _ => Behaviour::Normal,
        }
    }

    /// What `ledger.read` answers: a number from 0 to 9.
    pub fn value(self, token: &str) -> u64 {
        Dice::new(self.seed, &["value", token]).between(0, 9)
    }
}
