//! What follows from the outcome of an attempt: done, polled again, retried, looked up, uncertain, failed.

use std::sync::Arc;

use recipe::program::{Evidence, Kind, OnUncertain, Retry, SaveFrom, Step};
use types::{
    Actor, Artifact, ArtifactId, ArtifactKind, Failure, Idempotency, Labeled, Millis, Outcome, ProbeResult,
};

use crate::backoff::backoff;
use crate::decide::Decider;
use crate::event::{Event, KeptArtifact, Resolution, Saved, Then};
use crate::frozen::{Frozen, FrozenCall, FrozenUndo};
use crate::key::StepKey;
use crate::locate::Items;
use crate::progress::{later, safe_to_repeat};
use crate::scope::Names;
use crate::state::{Stage, StepState};

/// How look-ups and repeats after unknown outcomes are spaced.
const UNKNOWN_RETRY: Retry = Retry {
    max_attempts: u32::MAX,
    backoff_ms: 500,
    factor: 2.0,
    max_backoff_ms: 30_000,
};

/// How many unclear look-ups in a row a probe of an unkeyed write gets before a person is asked.
const PROBES: u32 = 5;

/// The part of an output that a `save` takes.
pub(crate) fn saved_part(output: &Labeled, from: &SaveFrom) -> Labeled {
    match from {
        SaveFrom::Output(pointer) => output.pointer(pointer).unwrap_or_else(Labeled::null),
        SaveFrom::Literal(value) => Labeled::new(value.clone(), types::Label::Author),
    }
}

/// The events of a step whose work is done.
pub(crate) fn succeeded(
    decider: &Decider<'_>,
    key: &StepKey,
    step: Option<&Step>,
    items: &Items,
    attempt: u32,
    output: Labeled,
    artifacts: Vec<Artifact>,
) -> Vec<Event> {
    let labels = output.all_labels();
    let keep = |at: usize, name: &str, artifact: Artifact| KeptArtifact {
        id: ArtifactId::derive(
            decider.now,
            &[
                &decider.state.created.run.to_string(),
                key.as_str(),
                &attempt.to_string(),
                &at.to_string(),
            ],
        ),
        name: name.to_owned(),
        artifact,
        labels,
    };
    let mut kept: Vec<KeptArtifact> = artifacts
        .into_iter()
        .enumerate()
        .map(|(at, artifact)| keep(at, "", artifact))
        .collect();
    let Some(step) = step else {
        return vec![success(key, attempt, output, Vec::new(), kept, Vec::new())];
    };
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
    };
    if let Some(until) = &step.until {
        match names.condition(&until.condition) {
            Ok((true, _)) => {}
            Ok((false, _)) => {
                let message = format!(
                    "step {key}: its condition does not hold yet: {}",
                    until.condition.source
                );
                let then = Then::Poll {
                    at: decider.now + until.every_ms.max(1),
                };
                return vec![failed_event(
                    key,
                    attempt,
                    Failure::new("until_not_yet", message),
                    true,
                    then,
                )];
            }
            Err(failure) => return vec![failed_event(key, attempt, failure, true, Then::Final)],
        }
    }
    for evidence in &step.evidence {
        let artifact = evidence_artifact(evidence, &names, &output);
        kept.push(keep(kept.len(), &evidence.name, artifact));
    }
    let undo = frozen_undo(decider, key, step, &names);
    // A loop saves lists itself when all its items are done.
    let saves = if step.for_each.is_some() {
        Vec::new()
    } else {
        step.save.iter().map(saved).collect()
    };
    vec![success(key, attempt, output, saves, kept, undo)]
}

fn success(
    key: &StepKey,
    attempt: u32,
    output: Labeled,
    saves: Vec<Saved>,
    artifacts: Vec<KeptArtifact>,
    undo: Vec<FrozenUndo>,
) -> Event {
    Event::StepSucceeded {
        step: key.clone(),
        attempt,
        output,
        saves,
        artifacts,
        undo,
    }
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

fn evidence_artifact(evidence: &Evidence, names: &Names<'_>, output: &Labeled) -> Artifact {
    let data = match &evidence.value {
        None => output.value.clone(),
        Some(template) => match names.render(template) {
            Ok(value) => value.value,
            // The effect is done; evidence that can't be computed must not make it look undone.
            Err(failure) => serde_json::json!({"error": failure.message, "code": failure.code}),
        },
    };
    Artifact {
        kind: ArtifactKind::Evidence,
        external_id: evidence.name.clone(),
        url: None,
        data,
    }
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
                    text: Labeled::new(text, types::Label::System),
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
    if let Some(Frozen::Child { .. }) = what
        && let Some(child) = what.cloned()
    {
        let title = format!("undo {}", step.title);
        undo.push(FrozenUndo {
            step: StepKey::new(&key.undo(), "child"),
            title,
            what: child,
        });
    }
    undo
}

fn failed_event(key: &StepKey, attempt: u32, failure: Failure, known: bool, then: Then) -> Event {
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
    key: &StepKey,
    step: Option<&Step>,
    items: &Items,
    state: &StepState,
    call: &FrozenCall,
    outcome: Outcome,
) -> Vec<Event> {
    match outcome {
        Outcome::Succeeded { output, artifacts } => {
            succeeded(decider, key, step, items, state.attempt, output, artifacts)
        }
        Outcome::Failed {
            failure,
            retryable,
            retry_after_ms,
        } => {
            vec![known_failure(
                decider,
                key,
                state,
                call,
                failure,
                retryable,
                retry_after_ms,
            )]
        }
        Outcome::Unknown { failure } => unknown(decider, key, state, call, failure),
    }
}

fn known_failure(
    decider: &Decider<'_>,
    key: &StepKey,
    state: &StepState,
    call: &FrozenCall,
    failure: Failure,
    retryable: bool,
    retry_after_ms: Option<Millis>,
) -> Event {
    let failures = state.failures + 1;
    // While an earlier attempt's outcome is open a refusal now settles nothing: a write that may
    // have happened is repeated until the vendor answers for it.
    let open = state.unknowns > 0 && call.effect != types::Effect::Read && retryable;
    if !open && (!retryable || failures >= call.retry.max_attempts) {
        return failed_event(key, state.attempt, failure, true, Then::Final);
    }
    let wait = backoff(&call.retry, failures, decider.state.created.seed, key.as_str());
    let at = decider.now + wait.max(retry_after_ms.unwrap_or(0));
    if state.deadline.is_some_and(|deadline| at >= deadline) && !open {
        return failed_event(key, state.attempt, failure, true, Then::Final);
    }
    failed_event(key, state.attempt, failure, true, Then::Retry { at })
}

/// The table of unknown outcomes, and nothing else.
pub(crate) fn unknown(
    decider: &Decider<'_>,
    key: &StepKey,
    state: &StepState,
    call: &FrozenCall,
    failure: Failure,
) -> Vec<Event> {
    let attempt = state.attempt;
    let sent_until = match state.stage {
        Stage::InFlight { deadline } => later(deadline, decider.now),
        _ => decider.now,
    };
    if safe_to_repeat(call) {
        let wait = backoff(
            &UNKNOWN_RETRY,
            state.unknowns + 1,
            decider.state.created.seed,
            key.as_str(),
        );
        let at = if failure.code == CRASHED {
            decider.now
        } else {
            decider.now + wait
        };
        if call.effect == types::Effect::Read && state.deadline.is_some_and(|deadline| at >= deadline) {
            return vec![failed_event(key, attempt, failure, false, Then::Final)];
        }
        return vec![failed_event(key, attempt, failure, false, Then::Retry { at })];
    }
    if let Idempotency::Marker { settle_ms } = call.idempotency {
        // The claim itself waited for the end of the older lease, so what remains is the time in
        // which the request may still be taken, and the vendor's own delay.
        return vec![failed_event(
            key,
            attempt,
            failure,
            false,
            Then::LookUp {
                at: sent_until + settle_ms,
            },
        )];
    }
    if call.probe {
        return vec![failed_event(
            key,
            attempt,
            failure,
            false,
            Then::LookUp { at: sent_until },
        )];
    }
    undecidable(decider, key, attempt, call, failure)
}

/// The code of an attempt that a crash cut off.
pub(crate) const CRASHED: &str = "worker_lost";

fn undecidable(
    decider: &Decider<'_>,
    key: &StepKey,
    attempt: u32,
    call: &FrozenCall,
    failure: Failure,
) -> Vec<Event> {
    let uncertain = Event::StepUncertain {
        step: key.clone(),
        attempt,
        failure: failure.clone(),
    };
    match call.on_uncertain {
        OnUncertain::Ask => vec![uncertain],
        OnUncertain::Redo => {
            let at = decider.now + backoff(&UNKNOWN_RETRY, 1, decider.state.created.seed, key.as_str());
            vec![failed_event(key, attempt, failure, false, Then::Retry { at })]
        }
        OnUncertain::Accept => {
            let resolution = Resolution::Happened {
                output: Labeled::null(),
                artifacts: Vec::new(),
            };
            let by = Actor::system("on_uncertain: accept");
            let resolved = Event::UncertainResolved {
                step: key.clone(),
                resolution,
                by,
                note: String::new(),
            };
            let done = success(key, attempt, Labeled::null(), Vec::new(), Vec::new(), Vec::new());
            vec![uncertain, resolved, done]
        }
    }
}

/// The events that follow from a look-up.
pub(crate) fn probed(
    decider: &Decider<'_>,
    key: &StepKey,
    step: Option<&Step>,
    items: &Items,
    state: &StepState,
    call: &FrozenCall,
    result: ProbeResult,
) -> Vec<Event> {
    let attempt = state.attempt;
    let finished = |again_at| Event::ProbeFinished {
        step: key.clone(),
        attempt,
        result: result.clone(),
        again_at,
    };
    match &result {
        ProbeResult::Happened { output, artifacts } => {
            let mut events = vec![finished(None)];
            events.extend(succeeded(
                decider,
                key,
                step,
                items,
                attempt,
                output.clone(),
                artifacts.clone(),
            ));
            events
        }
        ProbeResult::Absent => vec![finished(None)],
        ProbeResult::Unclear { failure } => {
            let unclear = match state.stage {
                Stage::LookUp { unclear, .. } => unclear + 1,
                _ => 1,
            };
            let by_marker = matches!(call.idempotency, Idempotency::Marker { .. });
            if !by_marker && unclear >= PROBES {
                let mut events = vec![finished(None)];
                events.extend(undecidable(decider, key, attempt, call, failure.clone()));
                return events;
            }
            let wait = backoff(&UNKNOWN_RETRY, unclear, decider.state.created.seed, key.as_str());
            vec![finished(Some(decider.now + wait))]
        }
    }
}
