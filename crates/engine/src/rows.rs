//! What lists and pages show of a run: rows that every append brings up to date in its transaction.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{
    Actor, ApprovalId, ArtifactId, Digest, Failure, Labeled, Labels, LeafId, Mode, Phase, RecipeId, RunId,
    RunStatus, StepStatus, TenantId, Timestamp,
};

use crate::event::Parent;
use crate::frozen::ShownUndo;
use crate::key::StepKey;

/// A run as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// The tenant.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// Its recipe.
    pub recipe: RecipeId,
    /// The recipe's name.
    pub recipe_name: String,
    /// The recipe's version.
    pub recipe_version: u32,
    /// The agent's name.
    pub agent: Option<String>,
    /// Mock or real.
    pub mode: Mode,
    /// Its state.
    pub status: RunStatus,
    /// The phase it is in.
    pub phase: Option<Phase>,
    /// Whether a person must look.
    pub needs_attention: bool,
    /// Who started it.
    pub requester: String,
    /// The run and step above it.
    pub parent: Option<Parent>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What it hands over.
    pub outputs: Value,
    /// What it waits for, in words; empty if it doesn't.
    pub waiting_for: String,
    /// When it wants to be taken up again; [`Timestamp::MAX`] for never, which is null in JSON.
    #[serde(with = "never_is_null")]
    pub wake_at: Timestamp,
    /// The last position in its journal.
    pub head: u64,
}

/// A step as timelines show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// Its address.
    pub step: StepKey,
    /// The order in which steps were scheduled, counted from 0.
    pub position: u32,
    /// What people read.
    pub title: String,
    /// What kind of step.
    pub kind: String,
    /// The action it calls.
    pub action: Option<String>,
    /// Its state.
    pub status: StepStatus,
    /// How many attempts were begun.
    pub attempts: u32,
    /// When its turn came.
    pub scheduled_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it, or its last attempt, failed.
    pub failure: Option<Failure>,
    /// What it waits for, in words; empty if it doesn't.
    pub waiting_for: String,
}

/// An artifact as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArtifactRow {
    /// Its id.
    pub id: ArtifactId,
    /// The run that left it.
    pub run: RunId,
    /// The step that left it.
    pub step: StepKey,
    /// `kb`, `message`, `webinar`, `incident`, `file` or `evidence`.
    pub kind: String,
    /// The name given by `evidence`, or empty.
    pub name: String,
    /// The vendor's name for it.
    pub external_id: String,
    /// Where to see it.
    pub url: Option<String>,
    /// More about it.
    pub data: Value,
    /// Where the data came from.
    pub labels: Labels,
    /// When it was kept.
    pub created_at: Timestamp,
}

/// The state of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalStatus {
    /// People may decide.
    Pending,
    /// Enough people agreed.
    Approved,
    /// One person refused.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// The run ended first.
    Void,
}

impl ApprovalStatus {
    /// The name in rows and the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            ApprovalStatus::Pending => "pending",
            ApprovalStatus::Approved => "approved",
            ApprovalStatus::Denied => "denied",
            ApprovalStatus::Expired => "expired",
            ApprovalStatus::Void => "void",
        }
    }
}

/// One person's vote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vote {
    /// Who.
    pub by: Actor,
    /// Yes or no.
    pub approve: bool,
    /// Why.
    pub note: String,
    /// When.
    pub at: Timestamp,
}

/// An approval as the inbox shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalRow {
    /// Its id.
    pub id: ApprovalId,
    /// The run that waits.
    pub run: RunId,
    /// The recipe's name.
    pub recipe_name: String,
    /// The step that waits.
    pub step: StepKey,
    /// `tool.action`.
    pub action: String,
    /// The exact arguments with labels.
    pub args: Labeled,
    /// Their digest.
    pub digest: Digest,
    /// Mock or real.
    pub mode: Mode,
    /// Groups of which any may approve; empty is anyone who may approve.
    pub groups: Vec<String>,
    /// How many different people.
    pub quorum: u32,
    /// Who started the run.
    pub requester: Actor,
    /// Why it is asked.
    pub reason: String,
    /// The policy that asked.
    pub policy: String,
    /// Its state.
    pub status: ApprovalStatus,
    /// Votes so far.
    pub votes: Vec<Vote>,
    /// When it was asked.
    pub requested_at: Timestamp,
    /// When it lapses.
    pub expires_at: Timestamp,
    /// How the step would be taken back; the approval covers this as well.
    pub undo: Vec<ShownUndo>,
}

/// A leaf of the audit log before it has a position. The store adds salt and commitment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leaf {
    /// Its id.
    pub id: LeafId,
    /// When.
    pub at: Timestamp,
    /// What kind of thing happened, such as `policy_decided`.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// In which run.
    pub run: Option<RunId>,
    /// In which step.
    pub step: Option<StepKey>,
    /// What exactly: decision, policy version; never a secret, an argument or a digest of one.
    pub body: Value,
    /// Values that the leaf commits to and does not hold: the run's journal has them. Erasing the
    /// leaf's salt leaves nothing by which they could be guessed.
    #[serde(skip)]
    pub args: Option<Value>,
}

/// Everything that one append brings up to date.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The run.
    pub run: RunRow,
    /// Steps that were touched.
    pub steps: Vec<StepRow>,
    /// New artifacts.
    pub artifacts: Vec<ArtifactRow>,
    /// Approvals that were touched.
    pub approvals: Vec<ApprovalRow>,
    /// New audit leaves.
    pub leaves: Vec<Leaf>,
}

/// An instant whose last one, never, is null to those who read JSON.
mod never_is_null {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use types::Timestamp;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    pub(super) fn serialize<S: Serializer>(at: &Timestamp, s: S) -> Result<S::Ok, S::Error> {
        (*at != Timestamp::MAX).then_some(*at).serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Timestamp, D::Error> {
        Ok(Option::<Timestamp>::deserialize(d)?.unwrap_or(Timestamp::MAX))
    }
}
