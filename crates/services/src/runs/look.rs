//! Looking at runs: rows and, for one run, what it asks for and what was decided.

use engine::frozen::Frozen;
use engine::rows::{ApprovalRow, ApprovalStatus, ArtifactRow, RunRow, StepRow};
use engine::state::{Stage, State};
use engine::{Event, Recorded, StepKey};
use ports::{ApprovalFilter, ArtifactFilter, DeadLetter, LetterFilter, RunFilter, StoreError};
use serde::Serialize;
use serde_json::Value;
use types::{Failure, RunId, RunStatus, StepStatus, Timestamp};

use super::fold;
use crate::{Result, Services};

/// The most journal events handed out at once.
const JOURNAL_PAGE: u32 = 1_000;
/// Artifacts in the view of a run.
const ARTIFACTS: u32 = 500;
/// The most pending approvals looked through for one run.
const APPROVALS: u32 = 1_000;

/// An answer or a task that a run waits for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Asked {
    /// An input.
    Input {
        /// The step that asks.
        step: StepKey,
        /// The name to answer under.
        name: String,
        /// The question.
        prompt: String,
        /// JSON Schema of the answer.
        schema: Value,
    },
    /// A task or a confirmation.
    Task {
        /// The step.
        step: StepKey,
        /// The words.
        text: String,
        /// Whether it is a confirmation rather than a task.
        confirm: bool,
    },
    /// A signal.
    Signal {
        /// The step.
        step: StepKey,
        /// Its name.
        name: String,
    },
    /// A person must say what an effect did.
    Uncertain {
        /// The step.
        step: StepKey,
        /// Its attempt.
        attempt: u32,
        /// `tool.action`.
        action: String,
        /// What was seen.
        seen: String,
    },
}

/// That a person, or the run above, wanted a run to stop.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stop {
    /// Stopped at once, and nothing undone.
    pub killed: bool,
    /// Who.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// When the run took it in.
    pub at: Timestamp,
}

/// A run with all that its page shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunView {
    /// The run.
    pub run: RunRow,
    /// Its steps in the order in which they were scheduled.
    pub steps: Vec<StepRow>,
    /// What it left behind, oldest first; the newest 500.
    pub artifacts: Vec<ArtifactRow>,
    /// Whether it left more behind than that.
    pub more_artifacts: bool,
    /// What people can answer now.
    pub asks: Vec<Asked>,
    /// Approvals that wait.
    pub approvals: Vec<ApprovalRow>,
    /// Tools that a person holds and that steps due now need.
    pub held: Vec<String>,
    /// Who wanted it to stop, and why, in that order.
    pub stops: Vec<Stop>,
    /// Messages that it hasn't taken in yet: once there is none, the rest tells what came of them.
    pub untold: usize,
}

/// One run.
///
/// # Errors
/// `not_found`, or the store can't be read.
pub async fn find(services: &Services, run: RunId) -> Result<RunRow> {
    match services.store.run(services.tenant, run).await {
        Ok(row) => Ok(row),
        Err(StoreError::NotFound { .. }) => {
            Err(Failure::new("not_found", format!("there is no run {run}")).hint("see `agentops run list`"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Runs, newest first.
///
/// # Errors
/// The store can't be read.
pub async fn list(services: &Services, filter: RunFilter) -> Result<Vec<RunRow>> {
    Ok(services.store.runs(services.tenant, filter).await?)
}

/// A page of the runs that were given up, newest first.
///
/// # Errors
/// The store can't be read.
pub async fn dead_letters(services: &Services, filter: LetterFilter) -> Result<Vec<DeadLetter>> {
    Ok(services.store.dead_letters(services.tenant, filter).await?)
}

/// A run with its steps, artifacts and what it waits for.
///
/// # Errors
/// `not_found`, `journal_unreadable`, or the store can't be read.
pub async fn view(services: &Services, run: RunId) -> Result<RunView> {
    // Before the rows: what was taken in when it is looked at shows in them.
    let untold = services.store.inbox(services.tenant, run).await?.len();
    let row = find(services, run).await?;
    let steps = services.store.steps(services.tenant, run).await?;
    let mut artifacts = services
        .store
        .artifacts(
            services.tenant,
            ArtifactFilter {
                run: Some(run),
                limit: ARTIFACTS + 1,
                ..ArtifactFilter::default()
            },
        )
        .await?;
    let more_artifacts = artifacts.len() > ARTIFACTS as usize;
    artifacts.truncate(ARTIFACTS as usize);
    artifacts.reverse();
    // Only a run that waits, or that a person must look at, asks for anything: the others' journals
    // need not be read.
    let held = if row.status.is_final() {
        Vec::new()
    } else {
        held(services, &steps).await?
    };
    let asking = row.needs_attention || !row.waiting_for.is_empty() || !held.is_empty();
    let asks = if asking {
        let folded = fold(services, run).await;
        if_readable(&row, folded.map(|state| asked(&state)))?
    } else {
        Vec::new()
    };
    let approvals = if row.status.is_final() || row.waiting_for.is_empty() {
        Vec::new()
    } else {
        let pending = ApprovalFilter {
            status: Some(ApprovalStatus::Pending),
            run: Some(run),
            before: None,
            limit: APPROVALS,
        };
        services.store.approvals(services.tenant, pending).await?
    };
    let stops = if_readable(&row, stops(services, &row).await)?;
    Ok(RunView {
        run: row,
        steps,
        artifacts,
        more_artifacts,
        asks,
        approvals,
        held,
        stops,
        untold,
    })
}

/// What only the journal knows; nothing if it can't be read and the run's row says so already.
fn if_readable<T: Default>(row: &RunRow, found: Result<T>) -> Result<T> {
    const UNREADABLE: &str = "journal_unreadable";
    let said = row.failure.as_ref().map(|failure| failure.code.as_str());
    match found {
        Err(failure) if failure.code == UNREADABLE && said == Some(UNREADABLE) => Ok(T::default()),
        found => found,
    }
}

/// Who stopped a run; only the journal knows, and only that of a run that is ending or has ended badly
/// is read for it.
async fn stops(services: &Services, row: &RunRow) -> Result<Vec<Stop>> {
    if !matches!(
        row.status,
        RunStatus::Undoing | RunStatus::Cancelled | RunStatus::Failed
    ) {
        return Ok(Vec::new());
    }
    let journal = whole_journal(services, row.run).await?;
    let stop = |recorded: Recorded| {
        let (killed, by, reason) = match recorded.event {
            Event::CancelRequested { by, reason } => (false, by, reason),
            Event::KillRequested { by, reason } => (true, by, reason),
            _ => return None,
        };
        Some(Stop {
            killed,
            by: by.name,
            reason,
            at: recorded.at,
        })
    };
    Ok(journal.into_iter().filter_map(stop).collect())
}

/// Tools that are held and that a step due now needs.
async fn held(services: &Services, steps: &[StepRow]) -> Result<Vec<String>> {
    let due: Vec<&str> = steps
        .iter()
        .filter(|step| step.status == StepStatus::Pending)
        .filter_map(|step| step.action.as_deref()?.split_once('.'))
        .map(|(tool, _)| tool)
        .collect();
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let tools = services.store.tools(services.tenant).await?;
    Ok(tools
        .into_iter()
        .filter(|tool| tool.paused && due.contains(&tool.name.as_str()))
        .map(|tool| tool.name)
        .collect())
}

/// A run's journal after a position: at most `limit` events, and never more than 1,000.
///
/// # Errors
/// `not_found`, or the store can't be read.
pub async fn journal(services: &Services, run: RunId, after: u64, limit: u32) -> Result<Vec<Recorded>> {
    find(services, run).await?;
    Ok(services
        .store
        .journal(services.tenant, run, after, limit.min(JOURNAL_PAGE))
        .await?)
}

/// The whole journal, page by page.
pub(super) async fn whole_journal(services: &Services, run: RunId) -> Result<Vec<Recorded>> {
    let mut events: Vec<Recorded> = Vec::new();
    loop {
        let after = events.last().map_or(0, |recorded| recorded.seq);
        let page = journal(services, run, after, JOURNAL_PAGE).await?;
        if page.is_empty() {
            return Ok(events);
        }
        events.extend(page);
    }
}

/// What people can answer in this state.
pub(super) fn asked(state: &State) -> Vec<Asked> {
    let questions = state.steps.iter().filter(|(_, step)| step.stage == Stage::Person);
    let questions = questions.flat_map(|(key, step)| {
        step.open_questions().map(|question| Asked::Input {
            step: key.clone(),
            name: engine::question_name(key, &question.key),
            prompt: question.prompt.clone(),
            schema: question.schema.clone(),
        })
    });
    let steps = state.steps.iter().filter_map(|(key, step)| {
        let key = key.clone();
        match (&step.stage, step.what.as_deref()?) {
            (Stage::Person, Frozen::Ask { name, prompt, schema }) => Some(Asked::Input {
                step: key,
                name: name.clone(),
                prompt: prompt.clone(),
                schema: schema.clone(),
            }),
            (Stage::Person, Frozen::Confirm { text }) => Some(Asked::Task {
                step: key,
                text: words(&text.value),
                confirm: true,
            }),
            (Stage::Person, Frozen::Manual { text }) => Some(Asked::Task {
                step: key,
                text: words(&text.value),
                confirm: false,
            }),
            (
                Stage::Time,
                Frozen::Wait {
                    signal: Some(name), ..
                },
            ) => Some(Asked::Signal {
                step: key,
                name: name.clone(),
            }),
            (Stage::Uncertain, what) => Some(Asked::Uncertain {
                step: key,
                attempt: step.attempt,
                action: what.call().map(|call| call.action.clone()).unwrap_or_default(),
                seen: step
                    .failure
                    .as_ref()
                    .map(|failure| failure.message.clone())
                    .unwrap_or_default(),
            }),
            _ => None,
        }
    });
    questions.chain(steps).collect()
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
