//! Runs, their steps, artifacts and what they ask for.

use engine::rows::{RunRow, StepRow};
use ports::DeadLetter;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use services::runs::{Asked, RunView, Stop};
use types::{Failure, Mode, Phase, RecipeId, RunId, RunStatus, StepStatus, Timestamp};
use utoipa::ToSchema;

use super::approvals::Approval;
use super::artifacts::Artifact;
use super::forms;

/// Why something failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failed {
    /// The stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self {
            code: failure.code,
            message: failure.message,
            hint: failure.hint,
        }
    }
}

/// The step of another run that started this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParentStep {
    /// The run.
    #[schema(value_type = String)]
    pub run: RunId,
    /// Its step.
    pub step: String,
}

/// A run, as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// Its id.
    #[schema(value_type = String)]
    pub run: RunId,
    /// Its recipe.
    #[schema(value_type = String)]
    pub recipe: RecipeId,
    /// The recipe's name.
    pub recipe_name: String,
    /// The recipe's version.
    pub recipe_version: u32,
    /// The agent it runs for.
    pub agent: Option<String>,
    /// `mock` (the sandbox) or `real`.
    #[schema(schema_with = forms::mode, required = true)]
    pub mode: Mode,
    /// `queued`, `running`, `waiting`, `paused`, `undoing`, `succeeded`, `failed` or `cancelled`.
    #[schema(value_type = String)]
    pub status: RunStatus,
    /// The phase it is in.
    #[schema(value_type = Option<String>)]
    pub phase: Option<Phase>,
    /// Whether a person must look.
    pub needs_attention: bool,
    /// Who started it.
    pub requester: String,
    /// What started it, if another run did.
    pub parent: Option<ParentStep>,
    /// When it was created.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<i64>)]
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub failure: Option<Failed>,
    /// What it hands over.
    pub outputs: Value,
    /// What it waits for, in words; empty if it doesn't.
    pub waiting_for: String,
    /// The last position in its journal.
    pub head: u64,
}

impl From<RunRow> for Run {
    fn from(row: RunRow) -> Self {
        Self {
            run: row.run,
            recipe: row.recipe,
            recipe_name: row.recipe_name,
            recipe_version: row.recipe_version,
            agent: row.agent,
            mode: row.mode,
            status: row.status,
            phase: row.phase,
            needs_attention: row.needs_attention,
            requester: row.requester,
            parent: row.parent.map(|parent| ParentStep {
                run: parent.run,
                step: parent.step.to_string(),
            }),
            created_at: row.created_at,
            finished_at: row.finished_at,
            failure: row.failure.map(Failed::from),
            outputs: row.outputs,
            waiting_for: row.waiting_for,
            head: row.head,
        }
    }
}

/// A step, as timelines show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Its address, such as `act/restart`.
    pub step: String,
    /// The order in which steps were scheduled, counted from 0.
    pub position: u32,
    /// What people read.
    pub title: String,
    /// What kind of step.
    pub kind: String,
    /// The action it calls.
    pub action: Option<String>,
    /// `pending`, `running`, `waiting`, `succeeded`, `failed`, `skipped`, `uncertain` or `undone`.
    #[schema(value_type = String)]
    pub status: StepStatus,
    /// How many attempts were begun.
    pub attempts: u32,
    /// When its turn came.
    #[schema(value_type = i64)]
    pub scheduled_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<i64>)]
    pub finished_at: Option<Timestamp>,
    /// Why it, or its last attempt, failed.
    pub failure: Option<Failed>,
    /// What it waits for, in words.
    pub waiting_for: String,
}

impl From<StepRow> for Step {
    fn from(row: StepRow) -> Self {
        Self {
            step: row.step.to_string(),
            position: row.position,
            title: row.title,
            kind: row.kind,
            action: row.action,
            status: row.status,
            attempts: row.attempts,
            scheduled_at: row.scheduled_at,
            finished_at: row.finished_at,
            failure: row.failure.map(Failed::from),
            waiting_for: row.waiting_for,
        }
    }
}

/// What a run asks people for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Ask {
    /// An input: answer with `POST …/inputs`.
    Input {
        /// The step that asks.
        step: String,
        /// The name to answer under.
        name: String,
        /// The question.
        prompt: String,
        /// JSON Schema of the answer.
        schema: Value,
    },
    /// A task or a confirmation: answer with `POST …/tasks`.
    Task {
        /// The step.
        step: String,
        /// The words.
        text: String,
        /// Whether it is a confirmation rather than a task.
        confirm: bool,
    },
    /// A signal: send it with `POST …/signals`.
    Signal {
        /// The step.
        step: String,
        /// Its name.
        name: String,
    },
    /// A person must say what an effect did: `POST …/resolve`.
    Uncertain {
        /// The step.
        step: String,
        /// Its attempt.
        attempt: u32,
        /// `tool.action`.
        action: String,
        /// What was seen.
        seen: String,
    },
}

impl From<Asked> for Ask {
    fn from(asked: Asked) -> Self {
        match asked {
            Asked::Input {
                step,
                name,
                prompt,
                schema,
            } => Ask::Input {
                step: step.to_string(),
                name,
                prompt,
                schema,
            },
            Asked::Task { step, text, confirm } => Ask::Task {
                step: step.to_string(),
                text,
                confirm,
            },
            Asked::Signal { step, name } => Ask::Signal {
                step: step.to_string(),
                name,
            },
            Asked::Uncertain {
                step,
                attempt,
                action,
                seen,
            } => Ask::Uncertain {
                step: step.to_string(),
                attempt,
                action,
                seen,
            },
        }
    }
}

/// That somebody wanted a run to stop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stopped {
    /// Stopped at once, and nothing undone.
    pub killed: bool,
    /// Who.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// When the run took it in.
    #[schema(value_type = i64)]
    pub at: Timestamp,
}

impl From<Stop> for Stopped {
    fn from(stop: Stop) -> Self {
        Self {
            killed: stop.killed,
            by: stop.by,
            reason: stop.reason,
            at: stop.at,
        }
    }
}

/// A run with all that its page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunDetail {
    /// The run.
    pub run: Run,
    /// Its steps in the order in which they were scheduled.
    pub steps: Vec<Step>,
    /// What it left behind, oldest first; the newest 500.
    pub artifacts: Vec<Artifact>,
    /// Whether it left more behind: `GET /api/v1/artifacts?run=` has all.
    #[serde(default)]
    pub more_artifacts: bool,
    /// What people can answer now.
    pub asks: Vec<Ask>,
    /// Approvals that wait.
    pub approvals: Vec<Approval>,
    /// Tools that a person holds and that steps due now need.
    pub held: Vec<String>,
    /// Who wanted it to stop, in that order.
    pub stops: Vec<Stopped>,
    /// Messages that it hasn't taken in yet: once there is none, the rest tells what came of them.
    pub untold: u64,
}

impl From<RunView> for RunDetail {
    fn from(view: RunView) -> Self {
        Self {
            run: view.run.into(),
            steps: view.steps.into_iter().map(Step::from).collect(),
            artifacts: view.artifacts.into_iter().map(Artifact::from).collect(),
            more_artifacts: view.more_artifacts,
            asks: view.asks.into_iter().map(Ask::from).collect(),
            approvals: view.approvals.into_iter().map(Approval::from).collect(),
            held: view.held,
            stops: view.stops.into_iter().map(Stopped::from).collect(),
            untold: view.untold as u64,
        }
    }
}

/// One entry of a run's journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JournalEntry {
    /// Its position, counted from 1 without gaps.
    pub seq: u64,
    /// When it was decided.
    #[schema(value_type = i64)]
    pub at: Timestamp,
    /// The version of the event's form.
    pub v: u16,
    /// What happened.
    pub event: Value,
}

impl From<engine::Recorded> for JournalEntry {
    fn from(recorded: engine::Recorded) -> Self {
        Self {
            seq: recorded.seq,
            at: recorded.at,
            v: recorded.v,
            event: serde_json::to_value(&recorded.event).unwrap_or_default(),
        }
    }
}

/// A run to be started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRun {
    /// Slug, name or id of the recipe.
    pub recipe: String,
    /// A version other than the active one.
    #[serde(default)]
    pub version: Option<u32>,
    /// The agent to run for, if not the recipe's own.
    #[serde(default)]
    pub agent: Option<String>,
    /// Inputs by name.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub inputs: Map<String, Value>,
    /// `mock` or `real`; the setting `runs.mode` if not said.
    #[serde(default)]
    #[schema(schema_with = forms::mode_or_none, required = false)]
    pub mode: Option<Mode>,
    /// Starting twice with one key starts once, however much later; 1 to 200 characters. Keys of two people
    /// never meet, and one that has started something else is refused.
    #[serde(default)]
    pub start_key: Option<String>,
}

/// A run that was started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Started {
    /// The run.
    #[schema(value_type = String)]
    pub run: RunId,
    /// False if the same wish had started it before.
    pub new: bool,
}

/// An answer to an input that a run asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveInput {
    /// The input's name.
    pub name: String,
    /// The answer.
    pub value: Value,
}

/// That a task is done, or a statement holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndTask {
    /// The step: an address, or a bare id.
    pub step: String,
    /// Done or not; holds or doesn't.
    pub ok: bool,
    /// A note.
    #[serde(default)]
    pub note: String,
}

/// A named signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendSignal {
    /// Its name.
    pub name: String,
    /// What it carries.
    #[serde(default)]
    pub payload: Value,
}

/// What a person says of an uncertain step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// The effect happened.
    Happened,
    /// It did not: do it again.
    Redo,
    /// It did not, and shall not: the step has failed.
    Failed,
}

/// What an uncertain step did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveStep {
    /// The step: an address, or a bare id.
    pub step: String,
    /// What happened.
    pub word: Word,
    /// What the action answered, if it happened and that is known.
    #[serde(default)]
    pub output: Option<Value>,
    /// A note.
    #[serde(default)]
    pub note: String,
}

/// Why a run is stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopRun {
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// Where a run that has ended begins again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestartRun {
    /// The step: an address, or a bare id.
    pub from: String,
}

/// A run that was given up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GivenUp {
    /// The run.
    #[schema(value_type = String)]
    pub run: RunId,
    /// Why.
    pub failure: Failed,
    /// When.
    #[schema(value_type = i64)]
    pub at: Timestamp,
}

impl From<DeadLetter> for GivenUp {
    fn from(letter: DeadLetter) -> Self {
        Self {
            run: letter.run,
            failure: letter.failure.into(),
            at: letter.at,
        }
    }
}
