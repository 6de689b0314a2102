//! The journal's events, version 1: what happened in a run. They are persisted; a change of meaning
//! is a new version, and samples of every old one stay in the tests.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{
    Actor, AgentId, ApprovalId, Artifact, ArtifactId, Digest, Failure, InputNeeded, Labeled, Labels, Mode,
    Outcome, Phase, ProbeResult, RecipeId, RunId, RunStatus, TenantId, Timestamp,
};

use crate::frozen::{Frozen, FrozenUndo, ShownUndo};
use crate::key::StepKey;

/// The version that this binary writes.
pub const EVENT_VERSION: u16 = 1;

/// An event with its place in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Position in the run's journal, counted from 1 without gaps.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// The version of the event's form.
    pub v: u16,
    /// What happened.
    pub event: Event,
}

/// Which version of which recipe a run follows, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeRef {
    /// The recipe.
    pub id: RecipeId,
    /// Its name at that version.
    pub name: String,
    /// The version, counted from 1.
    pub version: u32,
}

/// The agent a run acts for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRef {
    /// The agent.
    pub id: AgentId,
    /// Its name when the run was created.
    pub name: String,
}

/// The run and step that started a child run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The parent run.
    pub run: RunId,
    /// The step in it.
    pub step: StepKey,
}

/// The run that this one was forked from, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The older run.
    pub run: RunId,
    /// The first step that is done anew.
    pub step: StepKey,
}

/// All that is fixed when a run is created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunCreated {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// What it follows.
    pub recipe: RecipeRef,
    /// For whom it acts.
    pub agent: Option<AgentRef>,
    /// Given inputs, an object.
    pub inputs: Labeled,
    /// Sandbox or real services.
    pub mode: Mode,
    /// Who started it.
    pub requester: Actor,
    /// Seed of the jitter, so that replay waits as long.
    pub seed: u64,
    /// Set for a child run.
    pub parent: Option<Parent>,
    /// Recipes of the runs above, outermost first: a recipe may not run itself.
    pub lineage: Vec<RecipeId>,
    /// Set for a run forked from another.
    pub fork: Option<Fork>,
}

/// What follows an attempt that did not succeed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "then")]
pub enum Then {
    /// Another attempt of the same call with the same key.
    Retry {
        /// Not before.
        at: Timestamp,
    },
    /// Another call with a key of its own, because `until` does not hold yet.
    Poll {
        /// Not before.
        at: Timestamp,
    },
    /// Looking up by marker or probe what the attempt did.
    LookUp {
        /// Not before.
        at: Timestamp,
    },
    /// The same attempt once more: the call was held back before anything was sent, so that this one
    /// doesn't count.
    HeldBack {
        /// Not before.
        at: Timestamp,
    },
    /// The step has failed.
    Final,
}

/// What the door said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may run.
    Permit,
    /// A person must approve.
    Ask,
    /// Refused.
    Deny,
}

/// How an approval ended, or one vote in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalOutcome {
    /// One more person agrees; the quorum isn't reached.
    Vote,
    /// Agreed by enough people.
    Approved,
    /// Refused by one.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// The run ended first.
    Void,
}

/// How an uncertain step was resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "as")]
pub enum Resolution {
    /// The effect happened.
    Happened {
        /// Its output, if anybody knows it.
        output: Labeled,
        /// What it left behind.
        #[serde(default)]
        artifacts: Vec<Artifact>,
    },
    /// The effect did not happen: the step is done again.
    Redo,
    /// The effect did not happen and shall not: the step has failed.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// An artifact with its identity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptArtifact {
    /// Its id.
    pub id: ArtifactId,
    /// The name given by `evidence`, or empty.
    #[serde(default)]
    pub name: String,
    /// What it is.
    pub artifact: Artifact,
    /// Labels of its data.
    pub labels: Labels,
}

/// One saved value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// Its name.
    pub name: String,
    /// Where in the step's output it lies (RFC 6901), if it comes from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The value itself, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Labeled>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Event {
    /// The first event of every run.
    RunCreated(Box<RunCreated>),
    /// A phase began.
    PhaseEntered {
        /// Which.
        phase: Phase,
    },
    /// A step's turn came; everything it needs is frozen.
    StepScheduled {
        /// Which.
        step: StepKey,
        /// What people read.
        title: String,
        /// What will be done, with values and labels.
        what: Box<Frozen>,
        /// When its time is up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
    },
    /// An attempt of an effect begins now; written before its first byte is sent.
    StepStarted {
        /// Which.
        step: StepKey,
        /// The attempt, counted from 1 over all polls.
        attempt: u32,
        /// The idempotency key sent with it.
        key: String,
        /// The call is given up at this instant.
        deadline: Timestamp,
    },
    /// A step is done.
    StepSucceeded {
        /// Which.
        step: StepKey,
        /// The attempt that did it; 0 where there is no effect.
        attempt: u32,
        /// What it gave.
        output: Labeled,
        /// What is kept by name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        saves: Vec<Saved>,
        /// What it left behind.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        artifacts: Vec<KeptArtifact>,
        /// The frozen steps that take it back.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        undo: Vec<FrozenUndo>,
    },
    /// An attempt did not succeed, or the step has failed: `then` says which.
    StepFailed {
        /// Which.
        step: StepKey,
        /// The attempt; 0 where there is no effect.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// Whether the effect is known not to have happened.
        known: bool,
        /// What follows.
        #[serde(flatten)]
        then: Then,
    },
    /// A step was left out because of `when`.
    StepSkipped {
        /// Which.
        step: StepKey,
        /// What people read.
        title: String,
        /// Names that it would have saved, now none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        saves: Vec<String>,
    },
    /// Nobody knows whether the effect happened, and a person must say.
    StepUncertain {
        /// Which.
        step: StepKey,
        /// The attempt.
        attempt: u32,
        /// What was seen.
        failure: Failure,
    },
    /// The result of an attempt arrived after its worker had lost the run.
    LateResult {
        /// Which.
        step: StepKey,
        /// The attempt.
        attempt: u32,
        /// What it came to.
        outcome: Outcome,
    },
    /// Looking up an effect of unknown outcome came to an end.
    ProbeFinished {
        /// Which.
        step: StepKey,
        /// The attempt that was looked up.
        attempt: u32,
        /// What was found.
        result: ProbeResult,
        /// If the look-up was unclear, the next one is not before this instant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again_at: Option<Timestamp>,
    },
    /// An uncertain step was resolved.
    UncertainResolved {
        /// Which.
        step: StepKey,
        /// How.
        resolution: Resolution,
        /// By whom.
        by: Actor,
        /// Their note.
        #[serde(default)]
        note: String,
    },
    /// The door decided an attempt.
    PolicyDecided {
        /// Which.
        step: StepKey,
        /// The attempt that it is for.
        attempt: u32,
        /// What it said.
        decision: Decision,
        /// The action.
        action: String,
        /// Digest of the arguments.
        digest: Digest,
        /// The policy in force.
        policy: String,
        /// Why, in words.
        reason: String,
        /// The approval that counted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<ApprovalId>,
    },
    /// People are asked to approve exact arguments.
    ApprovalRequested {
        /// The approval.
        approval: ApprovalId,
        /// The step that waits.
        step: StepKey,
        /// Digest of the arguments.
        digest: Digest,
        /// Groups or roles of which any may approve; empty is anyone who may approve.
        groups: Vec<String>,
        /// How many different people.
        quorum: u32,
        /// When it lapses.
        expires_at: Timestamp,
        /// The policy that asked.
        policy: String,
        /// Why, in words.
        reason: String,
        /// The version of the tool that would perform it.
        #[serde(default)]
        connector: String,
        /// How the step would be taken back.
        #[serde(default)]
        undo: Vec<ShownUndo>,
    },
    /// A vote on an approval, or its end.
    ApprovalDecided {
        /// The approval.
        approval: ApprovalId,
        /// The step that waits.
        step: StepKey,
        /// What came of it.
        outcome: ApprovalOutcome,
        /// Who.
        by: Actor,
        /// Their note.
        #[serde(default)]
        note: String,
    },
    /// An attempt ended because the tool asks a person something before it goes on.
    QuestionsAsked {
        /// Which.
        step: StepKey,
        /// The attempt.
        attempt: u32,
        /// What it asks.
        needed: InputNeeded,
        /// Whether the effect is known not to have happened; else another event says what follows.
        known: bool,
    },
    /// The run needs an input.
    InputRequested {
        /// The step that asks.
        step: StepKey,
        /// The name in `intake`.
        name: String,
        /// The question.
        prompt: String,
        /// JSON Schema of the answer.
        schema: Value,
    },
    /// An input is there.
    InputGiven {
        /// The step that asked.
        step: StepKey,
        /// The name in `intake`.
        name: String,
        /// The answer.
        value: Labeled,
        /// Who answered; none if it came with the run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
    },
    /// A person finished a task or a confirmation.
    TaskDone {
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
    /// The run wants to be woken.
    TimerSet {
        /// The step, or none for the run itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepKey>,
        /// When.
        at: Timestamp,
    },
    /// A timer's instant has come.
    TimerFired {
        /// The step, or none for the run itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<StepKey>,
    },
    /// A named signal arrived; it waits until a step asks for it.
    SignalReceived {
        /// Its name.
        name: String,
        /// What it carries.
        payload: Labeled,
        /// Who sent it.
        by: Actor,
    },
    /// A child run was created in the same transaction.
    ChildStarted {
        /// The step.
        step: StepKey,
        /// The child.
        child: RunId,
    },
    /// A child run ended, or was undone.
    ChildFinished {
        /// The step.
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
    /// A person held the run.
    RunPaused {
        /// Who.
        by: Actor,
    },
    /// A person let it go on.
    RunResumed {
        /// Who.
        by: Actor,
    },
    /// A person wants the run to stop at the next safe point and be undone.
    CancelRequested {
        /// Who.
        by: Actor,
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// A person wants the run to stop now.
    KillRequested {
        /// Who.
        by: Actor,
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// Undo and rollback steps run from here.
    UndoStarted {
        /// Why, in words.
        reason: String,
        /// The failure that the run will end with; none if a person or the parent stops it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// They have ended.
    UndoFinished {
        /// Undo steps that failed.
        failed: Vec<StepKey>,
    },
    /// The run has ended.
    RunFinished {
        /// How.
        status: RunStatus,
        /// Why, if it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
        /// What it hands over, an object.
        outputs: Labeled,
        /// Whether a person must look.
        needs_attention: bool,
    },
}
