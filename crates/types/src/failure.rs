//! What went wrong, in the form a person reads and a program matches.

use serde::{Deserialize, Serialize};

/// A failure that a user can meet: a stable code (one page each under `docs/errors/`) and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} [{code}]")]
pub struct Failure {
    /// The stable code, such as `template_undefined`.
    pub code: String,
    /// What happened, where and why, lower case and without a full stop; never a secret.
    pub message: String,
    /// What to do now, if something general can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Failure {
    /// A failure with this code and message.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            hint: None,
        }
    }

    /// The same failure with what to do now.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
