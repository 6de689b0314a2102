//! Restart from a step: a new run that keeps what the older one finished before that step.

use std::collections::BTreeSet;

use recipe::Recipe;
use recipe::program::{OnError, Step};
use types::{Phase, StepStatus, Timestamp};

use crate::event::{EVENT_VERSION, Event, Fork, Recorded, RunCreated};
use crate::key::StepKey;
use crate::state::State;

/// Why a run can't be restarted from a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    /// There is no such step directly in a phase.
    #[error("there is no step '{step}' to restart from; steps are {known}")]
    NoStep {
        /// What was asked for.
        step: String,
        /// What there is.
        known: String,
    },
    /// The run is still going on.
    #[error("the run is still going on; cancel it, or wait until it has ended")]
    Running,
}

/// The journal of a run forked from `older` at `step`, a step directly in a phase. `new` is the new
/// run's creation without its `fork`. Finished steps before `step` are kept with their results;
/// undone ones, `step` itself and what follows are done anew under the new run's keys.
///
/// # Errors
/// See [`ForkError`].
pub fn fork(
    older: &State,
    journal: &[Recorded],
    recipe: &Recipe,
    step: &StepKey,
    new: RunCreated,
    now: Timestamp,
) -> Result<(RunCreated, Vec<Recorded>), ForkError> {
    if !older.is_finished() {
        return Err(ForkError::Running);
    }
    let program: Vec<(StepKey, &Step)> = Phase::ALL
        .iter()
        .flat_map(|phase| {
            recipe
                .phase(*phase)
                .iter()
                .map(|step| (StepKey::new(phase.as_str(), &step.id), step))
        })
        .collect();
    let Some(position) = program.iter().position(|(own, _)| own == step) else {
        let known = program
            .iter()
            .map(|(key, _)| key.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        return Err(ForkError::NoStep {
            step: step.to_string(),
            known,
        });
    };
    let finished = |(key, step): &&(StepKey, &Step)| {
        let ended = older.steps.get(key).is_some_and(|state| match state.status {
            StepStatus::Succeeded | StepStatus::Skipped => true,
            // A failure that the recipe handles is a result like any other.
            StepStatus::Failed => step.on_error != OnError::Fail,
            _ => false,
        });
        ended && !undone_inside(older, key)
    };
    let kept: BTreeSet<&StepKey> = program[..position]
        .iter()
        .take_while(finished)
        .map(|(key, _)| key)
        .collect();
    let reached = program
        .get(kept.len())
        .and_then(|(key, _)| key.section().parse::<Phase>().ok());
    let created = RunCreated {
        fork: Some(Fork {
            run: older.created.run,
            step: step.clone(),
        }),
        ..new
    };
    let mut events = Vec::new();
    for recorded in journal {
        let keep = match &recorded.event {
            Event::PhaseEntered { phase } => reached.is_none_or(|reached| *phase <= reached),
            event => step_key(event).is_some_and(|key| kept.contains(&top(key)) && !key.is_compensation()),
        };
        if keep {
            let seq = events.len() as u64 + 2;
            events.push(Recorded {
                seq,
                at: now,
                v: EVENT_VERSION,
                event: recorded.event.clone(),
            });
        }
    }
    Ok((created, events))
}

fn undone_inside(older: &State, key: &StepKey) -> bool {
    older
        .steps
        .iter()
        .any(|(inner, step)| step.status == StepStatus::Undone && top(inner) == *key)
}

/// The step directly in a phase that an address lies in.
fn top(key: &StepKey) -> StepKey {
    StepKey::new(key.section(), key.top_id())
}

fn step_key(event: &Event) -> Option<&StepKey> {
    match event {
        Event::StepScheduled { step, .. }
        | Event::StepStarted { step, .. }
        | Event::StepSucceeded { step, .. }
        | Event::StepFailed { step, .. }
        | Event::StepSkipped { step, .. }
        | Event::StepUncertain { step, .. }
        | Event::ProbeFinished { step, .. }
        | Event::UncertainResolved { step, .. }
        | Event::InputRequested { step, .. }
        | Event::InputGiven { step, .. }
        | Event::TaskDone { step, .. }
        | Event::ChildStarted { step, .. }
        | Event::ChildFinished { step, .. }
        | Event::TimerFired { step: Some(step) } => Some(step),
        _ => None,
    }
}
