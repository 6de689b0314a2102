//! From state and events to the rows that lists show.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use types::{LeafId, Millis, Timestamp};

use crate::event::{Event, Recorded, Resolution, Then};
use crate::frozen::Frozen;
use crate::held;
use crate::key::StepKey;
use crate::rows::{ApprovalRow, ArtifactRow, Leaf, Rows, RunRow, StepRow};
use crate::state::{Stage, State, StepState};

/// The longest title made of rendered words, in characters.
const TITLE: usize = 200;

/// The rows that `events`, folded into `state` last, have changed. `pause_poll_ms` is how long a
/// step that could go on, but is held by something outside the run, waits before it looks again.
pub fn rows(state: &State, events: &[Recorded], now: Timestamp, pause_poll_ms: Millis) -> Rows {
    let mut touched: BTreeSet<StepKey> = events
        .iter()
        .flat_map(|recorded| steps_of(&recorded.event))
        .collect();
    touched.extend(closed(state, events));
    let steps = touched
        .iter()
        .filter_map(|key| state.steps.get(key).map(|step| step_row(key, step)))
        .collect();
    let approvals = events.iter().filter_map(|recorded| match &recorded.event {
        Event::ApprovalRequested { approval, .. } | Event::ApprovalDecided { approval, .. } => {
            Some(*approval)
        }
        _ => None,
    });
    Rows {
        run: run_row(state, events, now, pause_poll_ms),
        steps,
        artifacts: events
            .iter()
            .flat_map(|recorded| artifact_rows(state, recorded))
            .collect(),
        approvals: approvals
            .collect::<BTreeSet<_>>()
            .into_iter()
            .filter_map(|id| approval_row(state, id))
            .collect(),
        leaves: events
            .iter()
            .filter_map(|recorded| leaf(state, recorded))
            .collect(),
    }
}

fn run_row(state: &State, events: &[Recorded], now: Timestamp, pause_poll_ms: Millis) -> RunRow {
    let created = &state.created;
    // A run that was just created, forks with their events included, has to be taken up.
    let new = events
        .iter()
        .any(|recorded| matches!(recorded.event, Event::RunCreated(_)));
    let wake_at = if new {
        now
    } else {
        state.wake_after(now, pause_poll_ms)
    };
    RunRow {
        tenant: created.tenant,
        run: created.run,
        recipe: created.recipe.id,
        recipe_name: created.recipe.name.clone(),
        recipe_version: created.recipe.version,
        agent: created.agent.as_ref().map(|agent| agent.name.clone()),
        mode: created.mode,
        status: state.status(),
        phase: state.phase,
        needs_attention: state.needs_attention(),
        requester: created.requester.name.clone(),
        parent: created.parent.clone(),
        created_at: state.created_at,
        finished_at: state.finished_at,
        failure: state.failure.clone(),
        outputs: state.outputs.value.clone(),
        waiting_for: held::listed(state.steps.values().map(StepState::waiting_for)),
        wake_at,
        head: state.head,
    }
}

/// Steps that ended because what they lie in, or the run, ended: no event names them.
fn closed(state: &State, events: &[Recorded]) -> BTreeSet<StepKey> {
    let mut closed = BTreeSet::new();
    for recorded in events {
        let inside = match &recorded.event {
            Event::RunFinished { .. } | Event::UndoStarted { .. } => String::new(),
            Event::StepFailed {
                step,
                then: Then::Final,
                ..
            } => format!("{step}."),
            _ => continue,
        };
        let just = |step: &StepState| step.finished_at == Some(recorded.at) || step.stage == Stage::Uncertain;
        let steps = state.steps.iter();
        let new = steps.filter(|(key, step)| key.as_str().starts_with(&inside) && just(step));
        closed.extend(new.map(|(key, _)| key.clone()));
    }
    closed
}

pub(crate) fn step_row(key: &StepKey, step: &StepState) -> StepRow {
    StepRow {
        step: key.clone(),
        position: step.position,
        title: title(step),
        kind: step.what.as_deref().map_or("unknown", Frozen::kind).to_owned(),
        action: step.call().map(|call| call.action.clone()),
        status: step.status,
        attempts: step.attempt,
        scheduled_at: step.scheduled_at,
        finished_at: step.finished_at,
        failure: step.failure.clone(),
        waiting_for: step.waiting_for(),
    }
}

/// What people read: the words of a task or a confirmation once they are known, unless its title is
/// the author's own and not the template of these words.
fn title(step: &StepState) -> String {
    match step.what.as_deref() {
        Some(Frozen::Confirm { text } | Frozen::Manual { text })
            if step.title.contains("{{") || step.title.contains("{%") =>
        {
            let words = text
                .value
                .as_str()
                .map_or_else(|| text.value.to_string(), str::to_owned);
            let line = words.chars().map(|c| if c.is_control() { ' ' } else { c });
            line.take(TITLE).collect()
        }
        _ => step.title.clone(),
    }
}

fn artifact_rows(state: &State, recorded: &Recorded) -> Vec<ArtifactRow> {
    let Event::StepSucceeded { step, artifacts, .. } = &recorded.event else {
        return Vec::new();
    };
    artifacts
        .iter()
        .map(|kept| ArtifactRow {
            id: kept.id,
            run: state.created.run,
            step: step.clone(),
            kind: kept.artifact.kind.as_str().to_owned(),
            name: kept.name.clone(),
            external_id: kept.artifact.external_id.clone(),
            url: kept.artifact.url.clone(),
            data: kept.artifact.data.clone(),
            labels: kept.labels,
            created_at: recorded.at,
        })
        .collect()
}

fn approval_row(state: &State, id: types::ApprovalId) -> Option<ApprovalRow> {
    let approval = state.approvals.get(&id)?;
    let call = state.steps.get(&approval.step)?.call()?;
    Some(ApprovalRow {
        id,
        run: state.created.run,
        recipe_name: state.created.recipe.name.clone(),
        step: approval.step.clone(),
        action: call.action.clone(),
        args: call.args.clone(),
        digest: approval.digest.clone(),
        mode: approval.mode,
        groups: approval.groups.clone(),
        quorum: approval.quorum,
        requester: state.created.requester.clone(),
        reason: approval.reason.clone(),
        policy: approval.policy.clone(),
        status: approval.status,
        votes: approval.votes.clone(),
        requested_at: approval.requested_at,
        expires_at: approval.expires_at,
        undo: approval.undo.clone(),
    })
}

/// The audit leaf of an event: every decision, and every end of a call that writes.
fn leaf(state: &State, recorded: &Recorded) -> Option<Leaf> {
    let requester = &state.created.requester.name;
    let args_of = |step: &StepKey| Some(state.steps.get(step)?.call()?.args.value.clone());
    let mut args = None;
    let (kind, actor, step, body) = match &recorded.event {
        Event::RunCreated(created) => {
            args = Some(created.inputs.value.clone());
            let body = json!({"recipe": created.recipe, "mode": created.mode});
            ("run_created", requester, None, body)
        }
        Event::PolicyDecided {
            step,
            attempt,
            decision,
            action,
            policy,
            reason,
            approval,
            ..
        } => {
            args = args_of(step);
            let body = json!({"action": action, "attempt": attempt, "decision": decision, "policy": policy,
                              "reason": reason, "approval": approval, "mode": state.created.mode});
            ("policy_decided", requester, Some(step), body)
        }
        Event::ApprovalDecided {
            approval,
            step,
            outcome,
            by,
            note,
        } => {
            args = args_of(step);
            let body = json!({"approval": approval, "outcome": outcome, "note": note});
            ("approval_decided", &by.name, Some(step), body)
        }
        Event::UncertainResolved {
            step,
            resolution,
            by,
            note,
        } => {
            let said = match resolution {
                Resolution::Happened { .. } => "happened",
                Resolution::Redo => "redo",
                Resolution::Failed { .. } => "failed",
            };
            let body = json!({"as": said, "note": note});
            ("uncertain_resolved", &by.name, Some(step), body)
        }
        Event::TaskDone { step, ok, note, by } => {
            ("task_done", &by.name, Some(step), json!({"ok": ok, "note": note}))
        }
        Event::InputGiven {
            step,
            name,
            value,
            by: Some(by),
        } => {
            args = Some(value.value.clone());
            ("input_given", &by.name, Some(step), json!({"name": name}))
        }
        Event::SignalReceived { name, payload, by } => {
            args = Some(payload.value.clone());
            ("signal_received", &by.name, None, json!({"name": name}))
        }
        Event::RunPaused { by } => ("run_paused", &by.name, None, Value::Null),
        Event::RunResumed { by } => ("run_resumed", &by.name, None, Value::Null),
        Event::CancelRequested { by, reason } => {
            ("cancel_requested", &by.name, None, json!({"reason": reason}))
        }
        Event::KillRequested { by, reason } => ("kill_requested", &by.name, None, json!({"reason": reason})),
        event => return call_leaf(state, recorded, event),
    };
    Some(Leaf {
        args,
        ..new_leaf(state, recorded, kind, actor.clone(), step.cloned(), body)
    })
}

fn call_leaf(state: &State, recorded: &Recorded, event: &Event) -> Option<Leaf> {
    let (step, attempt, result) = match event {
        Event::StepSucceeded { step, attempt, .. } if *attempt > 0 => (step, attempt, "succeeded"),
        Event::StepFailed {
            step,
            attempt,
            then: Then::Final,
            ..
        } if *attempt > 0 => (step, attempt, "failed"),
        Event::StepUncertain { step, attempt, .. } => (step, attempt, "uncertain"),
        _ => return None,
    };
    let call = state
        .steps
        .get(step)?
        .call()
        .filter(|call| call.effect != types::Effect::Read)?;
    let body = json!({"action": call.action, "attempt": attempt, "result": result,
                      "connector": call.connector, "mode": state.created.mode});
    let engine = "engine".to_owned();
    Some(Leaf {
        args: Some(call.args.value.clone()),
        ..new_leaf(state, recorded, "call_ended", engine, Some(step.clone()), body)
    })
}

fn new_leaf(
    state: &State,
    recorded: &Recorded,
    kind: &str,
    actor: String,
    step: Option<StepKey>,
    body: Value,
) -> Leaf {
    let run = state.created.run;
    let id = LeafId::derive(recorded.at, &[&run.to_string(), &recorded.seq.to_string()]);
    Leaf {
        id,
        at: recorded.at,
        kind: kind.to_owned(),
        actor,
        run: Some(run),
        step,
        body,
        args: None,
    }
}

/// The steps that an event changes: the one it names, and the owner of an undo step.
fn steps_of(event: &Event) -> Vec<StepKey> {
    let step = match event {
        Event::StepScheduled { step, .. }
        | Event::StepStarted { step, .. }
        | Event::StepSucceeded { step, .. }
        | Event::StepFailed { step, .. }
        | Event::StepSkipped { step, .. }
        | Event::StepUncertain { step, .. }
        | Event::LateResult { step, .. }
        | Event::ProbeFinished { step, .. }
        | Event::UncertainResolved { step, .. }
        | Event::ApprovalRequested { step, .. }
        | Event::ApprovalDecided { step, .. }
        | Event::QuestionsAsked { step, .. }
        | Event::InputRequested { step, .. }
        | Event::InputGiven { step, .. }
        | Event::TaskDone { step, .. }
        | Event::TimerFired { step: Some(step) }
        | Event::ChildStarted { step, .. }
        | Event::ChildFinished { step, .. } => step,
        _ => return Vec::new(),
    };
    let owner = step.as_str().rsplit_once("!undo/");
    let owner = owner.map(|(owner, _)| StepKey::from(owner));
    std::iter::once(step.clone()).chain(owner).collect()
}
