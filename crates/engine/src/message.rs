//! Messages to a run: what everybody but its lease holder puts into its durable inbox.

use serde::{Deserialize, Serialize};
use types::{Actor, ApprovalId, Failure, Labeled, Outcome, RunId, RunStatus};

use crate::event::Resolution;
use crate::key::StepKey;

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Message {
    /// A person votes on an approval.
    Vote {
        /// Which.
        approval: ApprovalId,
        /// Yes or no.
        approve: bool,
        /// Who.
        by: Actor,
        /// Why.
        #[serde(default)]
        note: String,
        /// Whether the installation lets people approve their own runs.
        #[serde(default)]
        self_approval: bool,
    },
    /// A person answers a question.
    Input {
        /// The name in `intake`.
        name: String,
        /// The answer.
        value: Labeled,
        /// Who.
        by: Actor,
    },
    /// A person finished a task or a confirmation.
    Task {
        /// Which.
        step: StepKey,
        /// Whether it worked, or holds.
        ok: bool,
        /// Their note.
        #[serde(default)]
        note: String,
        /// Who.
        by: Actor,
    },
    /// A named signal.
    Signal {
        /// Its name.
        name: String,
        /// What it carries.
        payload: Labeled,
        /// Who.
        by: Actor,
    },
    /// Hold the run.
    Pause {
        /// Who.
        by: Actor,
    },
    /// Let it go on.
    Resume {
        /// Who.
        by: Actor,
    },
    /// Stop at the next safe point and undo.
    Cancel {
        /// Who.
        by: Actor,
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// Stop now.
    Kill {
        /// Who.
        by: Actor,
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// A person says what an uncertain step did.
    Resolve {
        /// Which.
        step: StepKey,
        /// The attempt that it speaks of: a word on an older one says nothing about this one.
        attempt: u32,
        /// What.
        resolution: Resolution,
        /// Who.
        by: Actor,
        /// Their note.
        #[serde(default)]
        note: String,
    },
    /// A child ended or was undone.
    ChildFinished {
        /// The step that started it.
        step: StepKey,
        /// The child.
        child: RunId,
        /// How.
        status: RunStatus,
        /// What it hands over.
        outputs: Labeled,
        /// Why it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// The parent takes this run back.
    Undo {
        /// Why.
        reason: String,
    },
    /// An attempt ended after its worker had lost the run.
    Late {
        /// Which.
        step: StepKey,
        /// The attempt.
        attempt: u32,
        /// What it came to.
        outcome: Outcome,
    },
    /// Look again: something outside the run has changed, such as a tool that is no longer paused.
    Nudge,
}
