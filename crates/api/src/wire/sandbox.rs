//! What mock runs did in the sandbox, on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A pull request of the sandbox with what it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PullDiff {
    /// Its number.
    pub number: u64,
    /// What it says it changes.
    pub title: String,
    /// The branch that holds the changes.
    pub head: String,
    /// The branch that they shall go to.
    pub base: String,
    /// The unified difference.
    pub diff: String,
}
