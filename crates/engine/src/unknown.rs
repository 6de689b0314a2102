//! What follows when nobody knows what an attempt did: the table of unknown outcomes and nothing else.

use recipe::program::{OnUncertain, Retry};
use types::{Actor, Effect, Failure, Idempotency, Labeled, ProbeResult};

use crate::backoff::backoff;
use crate::decide::Decider;
use crate::event::{Event, Resolution, Then};
use crate::frozen::FrozenCall;
use crate::locate::Work;
use crate::settle::{Yield, call_again_is_safe, failed_event, no_time_left, succeeded};
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

/// The code of an attempt that a crash cut off.
pub(crate) const CRASHED: &str = "worker_lost";

/// The table of unknown outcomes.
pub(crate) fn unknown(
    decider: &Decider<'_>,
    work: Work<'_>,
    state: &StepState,
    call: &FrozenCall,
    failure: Failure,
) -> Vec<Event> {
    let attempt = state.attempt;
    let sent_until = match state.stage {
        Stage::InFlight { deadline } => deadline.max(decider.now),
        _ => decider.now,
    };
    let settle_ms = match call.idempotency {
        _ if call_again_is_safe(call) => return vec![again(decider, work, state, call, failure)],
        // The claim itself waited for the end of the older lease, so what remains is the time in
        // which the request may still be taken, and the vendor's own delay.
        Idempotency::Marker { settle_ms } => settle_ms,
        _ if call.probe => 0,
        _ => return undecidable(decider, work, attempt, call, failure),
    };
    let at = sent_until + settle_ms;
    vec![failed_event(
        work.key,
        attempt,
        failure,
        false,
        Then::LookUp { at },
    )]
}

/// The same call with the same key.
fn again(
    decider: &Decider<'_>,
    work: Work<'_>,
    state: &StepState,
    call: &FrozenCall,
    failure: Failure,
) -> Event {
    let (seed, key) = (decider.state.created.seed, work.key.as_str());
    // Nothing is lost with a read, so it is tried as often as any call that fails. A write goes on.
    let reads = call.effect == Effect::Read;
    let tries = state.failures + state.unknowns + 1;
    let wait = match failure.code.as_str() {
        CRASHED => 0,
        _ if reads => backoff(&call.retry, tries, seed, key),
        _ => backoff(&UNKNOWN_RETRY, state.unknowns + 1, seed, key),
    };
    let at = decider.now + wait;
    let last = |failure| failed_event(work.key, state.attempt, failure, false, Then::Final);
    let late = state.held_since.is_none() && state.deadline.is_some_and(|deadline| at >= deadline);
    if reads && late {
        return last(no_time_left(work, failure));
    }
    if reads && failure.code != CRASHED && tries >= call.retry.max_attempts {
        return last(failure);
    }
    failed_event(work.key, state.attempt, failure, false, Then::Retry { at })
}

fn undecidable(
    decider: &Decider<'_>,
    work: Work<'_>,
    attempt: u32,
    call: &FrozenCall,
    failure: Failure,
) -> Vec<Event> {
    let key = work.key;
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
            let resolved = Event::UncertainResolved {
                step: key.clone(),
                resolution,
                by: Actor::system("on_uncertain: accept"),
                note: String::new(),
            };
            let done = Yield {
                attempt,
                polled: false,
                ..Yield::of(Labeled::null())
            };
            let mut events = vec![uncertain, resolved];
            events.extend(succeeded(decider, work, done));
            events
        }
    }
}

/// The events that follow from a look-up.
pub(crate) fn probed(
    decider: &Decider<'_>,
    work: Work<'_>,
    state: &StepState,
    call: &FrozenCall,
    result: ProbeResult,
) -> Vec<Event> {
    let (key, attempt) = (work.key, state.attempt);
    let finished = |again_at| Event::ProbeFinished {
        step: key.clone(),
        attempt,
        result: result.clone(),
        again_at,
    };
    match &result {
        ProbeResult::Happened { output, artifacts } => {
            let done = Yield {
                attempt,
                output: output.clone(),
                artifacts: artifacts.clone(),
                polled: true,
            };
            let mut events = vec![finished(None)];
            events.extend(succeeded(decider, work, done));
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
                events.extend(undecidable(decider, work, attempt, call, failure.clone()));
                return events;
            }
            if unclear >= decider.program.limits.attempts {
                let message = format!(
                    "step {key}: given up after {unclear} look-ups; last: {}",
                    failure.message
                );
                let given_up = Failure::new("attempts_exhausted", message);
                return vec![
                    finished(None),
                    failed_event(key, attempt, given_up, false, Then::Final),
                ];
            }
            let wait = backoff(&UNKNOWN_RETRY, unclear, decider.state.created.seed, key.as_str());
            vec![finished(Some(decider.now + wait))]
        }
    }
}
