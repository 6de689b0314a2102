//! What a tool asks a person in the midst of a call, and the answers that the next attempt takes along.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Labeled;

/// One question. Its words come from the tool and are not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The tool's name for it, unique among the questions of one call: letters, digits, `_` and `-`.
    pub key: String,
    /// The words that people read.
    pub prompt: String,
    /// JSON Schema of the answer.
    pub schema: Value,
}

/// All that a tool needs before it goes on with a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputNeeded {
    /// The questions, at least one.
    pub questions: Vec<Question>,
    /// What the tool wants to get back with the answers, unread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
    /// Whether answers given to earlier questions of the same call are given once more with the new
    /// ones, because the tool begins the call from its start.
    #[serde(default)]
    pub keep: bool,
}

/// What an attempt takes along beside its arguments.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// As the tool gave it with its questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
    /// The answers by key.
    #[serde(default)]
    pub given: BTreeMap<String, Labeled>,
}
