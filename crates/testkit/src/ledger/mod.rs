//! The ledger: an HTTP server that behaves badly by a seeded script and writes down every request it
//! received and every effect that took place.

mod book;
mod script;
mod server;

use serde::{Deserialize, Serialize};

pub use book::{Book, Received};
pub use script::{Behaviour, Script};
pub use server::serve;

/// The kinds of operation that the ledger offers; each is one action of the tool `ledger`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Sets a value: idempotent by nature.
    Idempotent,
    /// Takes an idempotency key.
    Keyed,
    /// Carries a marker that can be looked up.
    Marked,
    /// A second request is a second effect.
    Unkeyed,
    /// The same, but an authoritative probe says what an attempt did.
    Probed,
    /// Changes nothing.
    Read,
}

impl Operation {
    /// Every kind.
    pub const ALL: [Operation; 6] = [
        Operation::Idempotent,
        Operation::Keyed,
        Operation::Marked,
        Operation::Unkeyed,
        Operation::Probed,
        Operation::Read,
    ];

    /// The name of the action and of the path.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Idempotent => "idempotent",
            Operation::Keyed => "keyed",
            Operation::Marked => "marked",
            Operation::Unkeyed => "unkeyed",
            Operation::Probed => "probed",
            Operation::Read => "read",
        }
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One request of a tool. `token` names the logical effect: it is the same for every attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Which logical effect.
    pub token: String,
    /// Idempotency key or marker, as the engine made it.
    pub key: String,
    /// Which attempt, counted from 1.
    pub attempt: u32,
}

/// What looking an effect up says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It took place.
    Happened,
    /// It did not, and will not.
    Absent,
    /// It is under way.
    Pending,
}
