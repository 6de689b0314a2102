//! What a call to the outside came to.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Failure, InputNeeded, Labeled, Millis};

/// What kind of thing a run left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactKind {
    /// A knowledge article.
    Kb,
    /// A chat message.
    Message,
    /// A webinar or meeting.
    Webinar,
    /// An incident.
    Incident,
    /// A story of agile development.
    Story,
    /// A task, or a subtask of a story.
    Task,
    /// A file in the artifact store.
    File,
    /// Evidence that a step kept by `evidence`.
    Evidence,
    /// An event on a calendar.
    Event,
}

impl ArtifactKind {
    /// The name in rows and the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            ArtifactKind::Kb => "kb",
            ArtifactKind::Message => "message",
            ArtifactKind::Webinar => "webinar",
            ArtifactKind::Incident => "incident",
            ArtifactKind::Story => "story",
            ArtifactKind::Task => "task",
            ArtifactKind::File => "file",
            ArtifactKind::Evidence => "evidence",
            ArtifactKind::Event => "event",
        }
    }
}

/// Something that a call left behind and that people want to find again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// What kind of thing.
    pub kind: ArtifactKind,
    /// The vendor's name for it, such as `KB0012345`.
    pub external_id: String,
    /// Where to see it, if anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// More about it, such as a webinar's id and start; small.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
}

/// What one attempt of an effect came to. The difference between `Failed` and `Unknown` is the
/// heart of the promise that no effect is lost or doubled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// The outside answered that it is done.
    Succeeded {
        /// The answer.
        output: Labeled,
        /// What it left behind.
        #[serde(default)]
        artifacts: Vec<Artifact>,
    },
    /// Known not to have happened: a refusal, or a failure before the request was sent.
    Failed {
        /// Why.
        failure: Failure,
        /// Whether trying again may help.
        retryable: bool,
        /// How long the outside asked us to wait, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<Millis>,
    },
    /// Known not to have been sent, because AgentOps itself held it back: the tool has no room for it
    /// now, or is closed to everybody. It isn't the vendor's word on the call, and so no attempt.
    HeldBack {
        /// Why.
        failure: Failure,
        /// How long to wait before it is worth asking again, in milliseconds.
        retry_after_ms: Millis,
    },
    /// Nobody knows whether it happened: crash, time-out, reset, 5xx or an unreadable answer.
    Unknown {
        /// What was seen.
        failure: Failure,
    },
    /// The tool asks a person something and wants to be called again with the answers.
    NeedsInput {
        /// What it asks.
        needed: InputNeeded,
        /// Set if the tool was told that nobody answers and then claimed to be done all the same: what
        /// it did without the answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        doubt: Option<Failure>,
    },
}

/// What looking up an effect of unknown outcome found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "found")]
pub enum ProbeResult {
    /// The effect happened; this is its output.
    Happened {
        /// What the call would have answered.
        output: Labeled,
        /// What it left behind.
        #[serde(default)]
        artifacts: Vec<Artifact>,
    },
    /// The effect did not happen.
    Absent,
    /// The look-up itself failed: try it again later.
    Unclear {
        /// Why.
        failure: Failure,
    },
}
