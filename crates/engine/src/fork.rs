//! Restart from a step: a new run that keeps what the older one finished before that step.

use std::collections::BTreeSet;

use recipe::Recipe;
use recipe::program::{OnError, Step};
use types::{Label, Labeled, Phase, StepStatus, Timestamp};

use crate::event::{EVENT_VERSION, Event, Fork, Recorded, RunCreated};
use crate::frozen::Frozen;
use crate::key::StepKey;
use crate::state::{Stage, State};

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
    // A step that nobody knows the effect of is kept too: doing it anew would double it, so the new
    // run waits for a person's word as the older one did.
    let stands = |(key, step): &&(StepKey, &Step)| {
        let ended = ended_well(older, key, step) && !undone_inside(older, key);
        ended || uncertain_inside(older, key)
    };
    let kept: BTreeSet<&StepKey> = program[..position]
        .iter()
        .take_while(stands)
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
    let timer = recipe.guardrails.timeout_ms.map(|timeout| Event::TimerSet {
        step: None,
        at: now + timeout,
    });
    let events = journal.iter().filter_map(|recorded| match &recorded.event {
        Event::PhaseEntered { phase } if reached.is_none_or(|reached| *phase <= reached) => {
            Some(recorded.event.clone())
        }
        event => {
            let key = step_key(event)?;
            let keep = kept.contains(&top(key)) && !key.is_compensation() && stands_alone(older, key);
            keep.then(|| without_child_undo(event.clone()))
        }
    });
    let events = timer.into_iter().chain(events).enumerate();
    let recorded = events.map(|(position, event)| Recorded {
        seq: position as u64 + 2,
        at: now,
        v: EVENT_VERSION,
        event,
    });
    Ok((created, recorded.collect()))
}

/// Whether the older run went on after the step: it succeeded, was left out, or its failure was
/// handled as the recipe says.
fn ended_well(older: &State, key: &StepKey, step: &Step) -> bool {
    let Some(state) = older.steps.get(key) else {
        return false;
    };
    let is_loop = matches!(state.what.as_deref(), Some(Frozen::ForEach { .. }));
    match (state.status, &step.on_error) {
        (StepStatus::Succeeded | StepStatus::Skipped, _) => true,
        // Each item has had its own `on_error`.
        (StepStatus::Failed, _) if is_loop => false,
        (StepStatus::Failed, OnError::Continue) => true,
        (StepStatus::Failed, OnError::Steps(steps)) => steps
            .iter()
            .all(|inner| ended_well(older, &StepKey::new(&key.on_error(), &inner.id), inner)),
        _ => false,
    }
}

/// Whether anything in the step was taken back, all of it or only by some of its undo steps.
fn undone_inside(older: &State, key: &StepKey) -> bool {
    older.steps.iter().any(|(inner, step)| {
        let undid = inner.as_str().contains("!undo/") && step.status == StepStatus::Succeeded;
        (undid || step.status == StepStatus::Undone) && top(inner) == *key
    })
}

fn uncertain_inside(older: &State, key: &StepKey) -> bool {
    older
        .steps
        .iter()
        .any(|(inner, step)| step.stage == Stage::Uncertain && !inner.is_compensation() && top(inner) == *key)
}

/// Whether a step's events make sense in another run. What was cut off when the older run ended is
/// begun anew instead.
fn stands_alone(older: &State, key: &StepKey) -> bool {
    let Some(state) = older.steps.get(key) else {
        return false;
    };
    let container = matches!(
        state.what.as_deref(),
        Some(Frozen::ForEach { .. } | Frozen::Parallel { .. })
    );
    let cut_off = state.status == StepStatus::Failed
        && state
            .failure
            .as_ref()
            .is_none_or(|failure| failure.code == "run_killed");
    container || !cut_off
}

/// A child run reports to the run that started it, so a fork can't take it back by itself.
fn without_child_undo(mut event: Event) -> Event {
    if let Event::StepSucceeded { undo, .. } = &mut event {
        for step in undo {
            if let Frozen::Child { child, recipe, .. } = &step.what {
                let text = format!("undo by hand what the child run {child} of '{}' did", recipe.name);
                step.what = Frozen::Manual {
                    text: Labeled::new(text, Label::System),
                };
            }
        }
    }
    event
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
        | Event::QuestionsAsked { step, .. }
        | Event::InputRequested { step, .. }
        | Event::InputGiven { step, .. }
        | Event::TaskDone { step, .. }
        | Event::ChildStarted { step, .. }
        | Event::ChildFinished { step, .. }
        | Event::TimerFired { step: Some(step) } => Some(step),
        _ => None,
    }
}
