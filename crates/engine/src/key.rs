//! The address of a step in a run: phase, step, and inside it iteration, branch, undo or error steps.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Such as `act/restart`, `act/restart[2]` (third item of `for_each`), `act/both.1/notify` (second
/// branch), `act/restart!error/notify`, `act/restart!undo/notify`, `rollback/notify`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepKey(String);

impl StepKey {
    /// A step of a block: the block's prefix, a slash, the step's id.
    pub fn new(block: &str, id: &str) -> Self {
        Self(format!("{block}/{id}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One iteration of a `for_each` step, counted from 0.
    pub fn item(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// The block of one branch of a `parallel` step, counted from 0.
    pub fn branch(&self, index: usize) -> String {
        format!("{}.{index}", self.0)
    }

    /// The block of the steps that run when this one fails.
    pub fn on_error(&self) -> String {
        format!("{}!error", self.0)
    }

    /// The block of the steps that take this one back.
    pub fn undo(&self) -> String {
        format!("{}!undo", self.0)
    }

    /// The undo step that takes back the child run of this step. A hyphen keeps it apart from the
    /// author's undo steps, whose ids have none.
    pub fn undo_child(&self) -> Self {
        Self::new(&self.undo(), "child-run")
    }

    /// The part before the first slash: a phase, or `rollback`.
    pub fn section(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// The id of the outermost step that the address lies in.
    pub fn top_id(&self) -> &str {
        let inside = self.0.split('/').nth(1).unwrap_or_default();
        inside.split(['[', '.', '!']).next().unwrap_or_default()
    }

    /// Whether the address lies inside a step's undo steps or the run's rollback.
    pub fn is_compensation(&self) -> bool {
        self.0.contains("!undo/") || self.0.starts_with("rollback/")
    }
}

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for StepKey {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_tell_where_they_lie() {
        let key = StepKey::new("act", "restart");
        let deep = StepKey::new(&key.item(2).branch(1), "notify");
        assert_eq!(deep.as_str(), "act/restart[2].1/notify");
        assert_eq!((deep.section(), deep.top_id()), ("act", "restart"));
        assert!(!deep.is_compensation());
        assert!(StepKey::new(&key.undo(), "x").is_compensation());
        assert!(StepKey::from("rollback/x").is_compensation());
    }
}
