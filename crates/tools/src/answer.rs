//! What a connector brings back: an answer, or an error that says whether anything happened.

use serde_json::Value;
use types::{Artifact, Failure, InputNeeded, Millis};

/// A connector's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The output, as the action's schema describes it.
    pub output: Value,
    /// What the call left behind.
    pub artifacts: Vec<Artifact>,
}

impl Answer {
    /// An answer that left nothing behind.
    pub fn new(output: Value) -> Self {
        Self {
            output,
            artifacts: Vec::new(),
        }
    }

    /// The answer with something that the call left behind.
    #[must_use]
    pub fn with(mut self, artifact: Artifact) -> Self {
        self.artifacts.push(artifact);
        self
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Known not to have happened.
    #[error("{failure}")]
    Failed {
        /// Why.
        failure: Failure,
        /// Whether trying again may help.
        retryable: bool,
        /// How long the outside asked us to wait, in milliseconds.
        retry_after_ms: Option<Millis>,
    },
    /// Known not to have been sent: AgentOps held it back, for the tool has no room for it now.
    #[error("{failure}")]
    HeldBack {
        /// Why.
        failure: Failure,
        /// How long to wait, in milliseconds.
        retry_after_ms: Millis,
    },
    /// Nobody knows whether it happened, if something had been sent.
    #[error("{failure}")]
    Unknown {
        /// What was seen.
        failure: Failure,
    },
    /// The tool asks people something and wants to be called again with the answers.
    #[error("{}", .0.failure)]
    NeedsInput(Box<Unanswered>),
}

/// What a tool asks before it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// What is said of it where nobody can be asked.
    pub failure: Failure,
    /// What it asks.
    pub needed: InputNeeded,
    /// Set if it went on without the answers and says that it is done.
    pub doubt: Option<Failure>,
}

impl CallError {
    /// Known not to have happened, and trying again won't help.
    pub fn refused(failure: Failure) -> Self {
        CallError::Failed {
            failure,
            retryable: false,
            retry_after_ms: None,
        }
    }

    /// Known not to have happened; trying again may help.
    pub fn retryable(failure: Failure) -> Self {
        CallError::Failed {
            failure,
            retryable: true,
            retry_after_ms: None,
        }
    }

    /// Nobody knows.
    pub fn unknown(failure: Failure) -> Self {
        CallError::Unknown { failure }
    }

    /// The tool asks people; `doubt` if it went on without them.
    pub fn needs_input(needed: InputNeeded, doubt: Option<Failure>) -> Self {
        let words = needed
            .questions
            .first()
            .map_or("", |question| question.prompt.as_str());
        CallError::NeedsInput(Box::new(Unanswered {
            failure: Failure::new("input_needed", format!("the tool asks a person: {words}")),
            needed,
            doubt,
        }))
    }

    /// Says one thing more.
    pub(crate) fn add(&mut self, words: &str) {
        let failure = match self {
            CallError::Failed { failure, .. }
            | CallError::HeldBack { failure, .. }
            | CallError::Unknown { failure } => failure,
            CallError::NeedsInput(asked) => &mut asked.failure,
        };
        failure.message = format!("{}; {words}", failure.message);
    }

    /// What is said about it.
    pub fn failure(&self) -> &Failure {
        match self {
            CallError::Failed { failure, .. }
            | CallError::HeldBack { failure, .. }
            | CallError::Unknown { failure } => failure,
            CallError::NeedsInput(asked) => &asked.failure,
        }
    }
}
