//! What follows from the work of a step: done with what it saves and how it is undone, polled again,
//! retried, failed.

use std::sync::Arc;

use recipe::program::{Evidence, Kind, SaveFrom, Step};
use types::{
    Artifact, ArtifactId, ArtifactKind, Failure, Idempotency, Labeled, Labels, Millis, Outcome, Timestamp,
};

use crate::backoff::backoff;
use crate::decide::Decider;
use crate::event::{Event, KeptArtifact, Saved, Then};
use crate::frozen::{Frozen, FrozenCall, FrozenUndo};
use crate::key::StepKey;
use crate::locate::Work;
use crate::scope::Names;
use crate::state::{Stage, StepState};

/// How often a step with `until` is repeated at most, if no time-out ends it before.
const POLLS: u32 = 10_000;
/// The shortest wait after a call was held back, in milliseconds.
const SOONEST_MS: Millis = 50;

/// What the work of a step came to.
pub(crate) struct Yield {
    pub(crate) attempt: u32,
    pub(crate) output: Labeled,
    pub(crate) artifacts: Vec<Artifact>,
    /// Whether `until` has a say; not where a person or the author has said that the step is done.
    pub(crate) polled: bool,
}

impl Yield {
    /// Of a step without an attempt.
    pub(crate) fn of(output: Labeled) -> Self {
        Self {
            attempt: 0,
            output,
            artifacts: Vec::new(),
            polled: true,
        }
    }
}

/// The part of an output that a `save` takes.
pub(crate) fn saved_part(output: &Labeled, from: &SaveFrom) -> Labeled {
    match from {
        SaveFrom::Output(pointer) => output.pointer(pointer).unwrap_or_else(Labeled::null),
        SaveFrom::Literal(value) => Labeled::new(value.clone(), types::Label::Author),
    }
}

/// The events of a step whose work is done.
pub(crate) fn succeeded(decider: &Decider<'_>, work: Work<'_>, done: Yield) -> Vec<Event> {
    let Yield {
        attempt,
        output,
        artifacts,
        polled,
    } = done;
    let Work { key, step, items } = work;
    let run = decider.state.created.run.to_string();
    let keep = |at: usize, name: &str, artifact: Artifact, labels: Labels| KeptArtifact {
        id: ArtifactId::derive(
            decider.now,
            &[&run, key.as_str(), &attempt.to_string(), &at.to_string()],
        ),
        name: name.to_owned(),
        artifact,
        labels,
    };
    let mut kept: Vec<KeptArtifact> = artifacts
        .into_iter()
        .enumerate()
        .map(|(at, artifact)| keep(at, "", artifact, output.all_labels()))
        .collect();
    let (mut saves, mut undo) = (Vec::new(), Vec::new());
    if let Some(step) = step {
        let parts: Vec<(String, Arc<Labeled>)> = step
            .save
            .iter()
            .map(|save| (save.name.clone(), Arc::new(saved_part(&output, &save.from))))
            .collect();
        let names = Names {
            state: decider.state,
            program: decider.program,
            items,
            fresh: &parts,
            own: Some((key, &output)),
        };
        if polled && let Some(event) = not_yet(decider, key, step, attempt, &names) {
            return vec![event];
        }
        for evidence in &step.evidence {
            let (artifact, labels) = evidence_artifact(evidence, &names, &output);
            kept.push(keep(kept.len(), &evidence.name, artifact, labels));
        }
        undo = frozen_undo(decider, key, step, &names);
        // A loop saves lists itself when all its items are done.
        if step.for_each.is_none() {
            saves = step.save.iter().map(saved).collect();
        }
    }
    vec![Event::StepSucceeded {
        step: key.clone(),
        attempt,
        output,
        saves,
        artifacts: kept,
        undo,
    }]
}

/// What happens instead of success while `until` does not hold.
fn not_yet(
    decider: &Decider<'_>,
    key: &StepKey,
    step: &Step,
    attempt: u32,
    names: &Names<'_>,
) -> Option<Event> {
    let until = step.until.as_ref()?;
    match names.condition(&until.condition) {
        Ok((true, _)) => return None,
        Ok((false, _)) => {}
        Err(failure) => return Some(failed_event(key, attempt, failure, true, Then::Final)),
    }
    let condition = &until.condition.source;
    let state = decider.state.steps.get(key);
    let repeatable = matches!(step.kind, Kind::Action { .. } | Kind::Run { .. });
    let (code, message, then) = if !repeatable {
        let message = format!("step {key}: its condition does not hold: {condition}");
        ("until_not_met", message, Then::Final)
    } else if state.is_some_and(|state| state.poll >= POLLS) {
        let message = format!("step {key}: its condition does not hold after {POLLS} calls: {condition}");
        ("until_timed_out", message, Then::Final)
    } else {
        let message = format!("step {key}: its condition does not hold yet: {condition}");
        let at = decider.now + until.every_ms.max(1);
        ("until_not_yet", message, Then::Poll { at })
    };
    Some(failed_event(
        key,
        attempt,
        Failure::new(code, message),
        true,
        then,
    ))
}

fn saved(save: &recipe::program::Save) -> Saved {
    let (pointer, value) = match &save.from {
        SaveFrom::Output(pointer) => (Some(pointer.clone()), None),
        SaveFrom::Literal(value) => (None, Some(Labeled::new(value.clone(), types::Label::Author))),
    };
    Saved {
        name: save.name.clone(),
        pointer,
        value,
    }
}

fn evidence_artifact(evidence: &Evidence, names: &Names<'_>, output: &Labeled) -> (Artifact, Labels) {
    let (data, labels) = match &evidence.value {
        None => (output.value.clone(), output.all_labels()),
        Some(template) => match names.render(template) {
            Ok(value) => (value.value.clone(), value.all_labels()),
            // The effect is done; evidence that can't be computed must not make it look undone.
            Err(failure) => (
                serde_json::json!({"error": failure.message, "code": failure.code}),
                Labels::UNTRUSTED,
            ),
        },
    };
    let artifact = Artifact {
        kind: ArtifactKind::Evidence,
        external_id: evidence.name.clone(),
        url: None,
        data,
    };
    (artifact, labels)
}

fn frozen_undo(decider: &Decider<'_>, key: &StepKey, step: &Step, names: &Names<'_>) -> Vec<FrozenUndo> {
    let mut undo: Vec<FrozenUndo> = step
        .undo
        .iter()
        .map(|undo| {
            let frozen = match &undo.kind {
                Kind::Action { action, args } => {
                    decider.freeze_call(undo, action, args, names).map(Frozen::Call)
                }
                Kind::Manual { text } | Kind::Confirm { text } => {
                    names.text(text).map(|text| Frozen::Manual { text })
                }
                _ => Err(Failure::new(
                    "undo_kind",
                    "only actions and manual tasks can undo a step",
                )),
            };
            // The step is done, so its undo can't be given up: a person does what can't be computed.
            let what = frozen.unwrap_or_else(|failure| {
                let text = format!("undo by hand: {} ({failure})", undo.title);
                Frozen::Manual {
                    text: Labeled::with(text, Labels::UNTRUSTED),
                }
            });
            FrozenUndo {
                step: StepKey::new(&key.undo(), &undo.id),
                title: undo.title.clone(),
                what,
            }
        })
        .collect();
    let what = decider
        .state
        .steps
        .get(key)
        .and_then(|state| state.what.as_deref());
    if let Some(child @ Frozen::Child { .. }) = what {
        undo.push(FrozenUndo {
            step: key.undo_child(),
            title: format!("undo {}", step.title),
            what: child.clone(),
        });
    }
    undo
}

pub(crate) fn failed_event(key: &StepKey, attempt: u32, failure: Failure, known: bool, then: Then) -> Event {
    Event::StepFailed {
        step: key.clone(),
        attempt,
        failure,
        known,
        then,
    }
}

/// The events that follow from what an attempt came to.
pub(crate) fn outcome(
    decider: &Decider<'_>,
    work: Work<'_>,
    state: &StepState,
    call: &FrozenCall,
    outcome: Outcome,
) -> Vec<Event> {
    match outcome {
        Outcome::Succeeded { output, artifacts } => {
            let done = Yield {
                attempt: state.attempt,
                output,
                artifacts,
                polled: !decider.state.is_finished(),
            };
            succeeded(decider, work, done)
        }
        Outcome::Failed {
            failure,
            retryable,
            retry_after_ms,
        } => {
            let after = retryable.then(|| retry_after_ms.unwrap_or(0));
            vec![known_failure(decider, work, state, call, failure, after)]
        }
        Outcome::HeldBack {
            failure,
            retry_after_ms,
        } => vec![held_back(decider, work, state, call, failure, retry_after_ms)],
        Outcome::Unknown { failure } => crate::unknown::unknown(decider, work, state, call, failure),
        Outcome::NeedsInput { needed, doubt } => {
            crate::question::needs_input(decider, work, state, call, needed, doubt)
        }
    }
}

/// A call that was never sent because its tool has no room for it now. `retry` counts what the vendor
/// made of a call, and the vendor has not seen this one: were it counted, a crowd of runs that start
/// together would fail on a limit that lets all of them through one after the other. What ends the
/// waiting is the step's time, as with a tool that a person holds.
fn held_back(
    decider: &Decider<'_>,
    work: Work<'_>,
    state: &StepState,
    call: &FrozenCall,
    failure: Failure,
    after: Millis,
) -> Event {
    let at = decider.now + after.max(SOONEST_MS);
    let must_go_on = state.earlier_open() && call_again_is_safe(call);
    if !must_go_on && !in_time(state, at) {
        let known = !state.earlier_open();
        let failure = no_time_left(work, failure);
        return failed_event(work.key, state.attempt, failure, known, Then::Final);
    }
    failed_event(work.key, state.attempt, failure, true, Then::HeldBack { at })
}

/// `after` is the shortest wait before the next attempt, in milliseconds, or none if trying again
/// can't help.
pub(crate) fn known_failure(
    decider: &Decider<'_>,
    work: Work<'_>,
    state: &StepState,
    call: &FrozenCall,
    failure: Failure,
    after: Option<Millis>,
) -> Event {
    let key = work.key;
    let failures = state.failures + 1;
    let earlier_open = state.earlier_open();
    // A refusal is about this attempt. It may come from before the vendor looked at the key, such as an
    // expired token, and so says nothing of what an earlier attempt did.
    let known = !earlier_open;
    let fail = |failure| failed_event(key, state.attempt, failure, known, Then::Final);
    let Some(after) = after else {
        return fail(failure);
    };
    // A write that may have happened is repeated until the vendor answers for it.
    let must_go_on = earlier_open && call_again_is_safe(call);
    if !must_go_on && failures >= call.retry.max_attempts {
        return fail(failure);
    }
    let wait = backoff(&call.retry, failures, decider.state.created.seed, key.as_str());
    let at = decider.now + wait.max(after);
    if !must_go_on && !in_time(state, at) {
        return fail(no_time_left(work, failure));
    }
    failed_event(key, state.attempt, failure, true, Then::Retry { at })
}

/// Whether the step's time lasts until then. While it stands still its end is not known yet.
fn in_time(state: &StepState, at: Timestamp) -> bool {
    state.held_since.is_some() || state.deadline.is_none_or(|deadline| at < deadline)
}

/// What to call the last failure of a step whose time is up: where it waits for a condition, that this
/// did not come to hold is the point, and the last call may have had hardly any time left.
pub(crate) fn no_time_left(work: Work<'_>, last: Failure) -> Failure {
    match work.step.and_then(|step| step.until.as_ref()) {
        Some(_) => until_timed_out(work.key, &format!("; last: {}", last.message)),
        None => last,
    }
}

/// The failure of a step whose condition did not come to hold. `last` says what was seen last.
pub(crate) fn until_timed_out(key: &StepKey, last: &str) -> Failure {
    let message = format!("step {key}: its condition did not hold in time{last}");
    Failure::new("until_timed_out", message).hint("raise the step's timeout_s")
}

/// Whether an unknown outcome of this call may simply be tried again with the same key.
pub(crate) fn call_again_is_safe(call: &FrozenCall) -> bool {
    call.effect == types::Effect::Read
        || matches!(call.idempotency, Idempotency::Natural | Idempotency::NativeKey)
}

/// Whether a step's state lets what an attempt came to in. Only word of an attempt whose outcome is
/// open changes anything, and that it is still unknown is no word.
pub(crate) fn expects(state: &StepState, attempt: u32, outcome: &Outcome) -> bool {
    let in_flight = matches!(state.stage, Stage::InFlight { .. });
    let no_word = matches!(
        outcome,
        Outcome::Unknown { .. } | Outcome::NeedsInput { doubt: Some(_), .. }
    );
    let open = state.open && state.stage != Stage::Done && !no_word;
    state.attempt == attempt && (in_flight || open)
}
