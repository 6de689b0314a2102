//! Properties of random runs in a hostile world. After every round the shell itself checks that the
//! journal folds to the state, that a snapshot reads as the state, that choosing again chooses the same
//! and that nothing is left to decide; here is what must hold over a run's whole life.

use std::collections::BTreeMap;

use crate::support::chaos::Chaos;
use crate::support::world::{Call, Run};
use crate::support::*;
use engine::event::{Resolution, Then};
use engine::frozen::{Frozen, FrozenCall};
use engine::{Event, Input, StepKey};
use proptest::prelude::*;
use recipe::program::OnUncertain;
use types::{Effect, Idempotency, Outcome, ProbeResult, StepStatus};

/// What the journal has said of a step so far.
#[derive(Default)]
struct Known {
    call: Option<FrozenCall>,
    in_flight: bool,
    /// Whether nobody knows what its last attempt did.
    open: bool,
    polls: u32,
    succeeded: bool,
}

/// Attempts begin only where they may, each under the one key of its poll.
fn check_attempts(run: &Run) {
    let id = run.state.created.run;
    let mut known: BTreeMap<StepKey, Known> = BTreeMap::new();
    for recorded in &run.journal {
        match &recorded.event {
            Event::StepScheduled { step, what, .. } => {
                let call = what.call().cloned();
                let old = known.insert(
                    step.clone(),
                    Known {
                        call,
                        ..Known::default()
                    },
                );
                assert!(old.is_none(), "{step} is scheduled once");
            }
            Event::StepStarted { step, key, .. } => {
                let step_known = known.get_mut(step).expect("it is scheduled");
                let expected = match step_known.polls {
                    0 => format!("{id}:{step}"),
                    poll => format!("{id}:{step}~{poll}"),
                };
                assert_eq!(*key, expected);
                assert!(!step_known.in_flight, "{step} has one attempt under way");
                assert!(!step_known.succeeded, "{step} has succeeded already");
                let call = step_known.call.as_ref().expect("only calls are attempted");
                assert!(!step_known.open || may_repeat(call), "{step} may have happened");
                (step_known.in_flight, step_known.open) = (true, false);
            }
            Event::StepFailed {
                step,
                known: sure,
                then,
                ..
            } => {
                let step = known.entry(step.clone()).or_default();
                (step.in_flight, step.open) = (false, !sure);
                step.polls += u32::from(matches!(then, Then::Poll { .. }));
            }
            Event::StepUncertain { step, .. } => {
                let step = known.entry(step.clone()).or_default();
                (step.in_flight, step.open) = (false, true);
            }
            Event::StepSucceeded { step, .. } => {
                let step = known.entry(step.clone()).or_default();
                (step.in_flight, step.open, step.succeeded) = (false, false, true);
            }
            Event::UncertainResolved {
                step,
                resolution: Resolution::Redo,
                ..
            }
            | Event::ProbeFinished {
                step,
                result: ProbeResult::Absent,
                ..
            }
            | Event::LateResult {
                step,
                outcome: Outcome::Failed { .. },
                ..
            } => {
                known.entry(step.clone()).or_default().open = false;
            }
            _ => {}
        }
    }
}

/// Whether an attempt whose outcome is open may be followed by another one without asking anybody.
fn may_repeat(call: &FrozenCall) -> bool {
    call.effect == Effect::Read
        || matches!(call.idempotency, Idempotency::Natural | Idempotency::NativeKey)
        || (call.idempotency == Idempotency::Unkeyed && call.on_uncertain == OnUncertain::Redo)
}

/// What the run believes is what happened outside.
fn check_truth(chaos: &Chaos) {
    for (key, count) in &chaos.done {
        let own = |call: &&Call| call.key == *key;
        let call = chaos.world.calls.iter().find(own).expect("somebody called");
        let frozen = frozen(chaos, call);
        let repeatable = may_repeat(&frozen);
        assert!(*count <= 1 || repeatable, "{key} happened {count} times");
    }
    for run in chaos.world.runs.values() {
        for (step, state) in run.state.steps.iter().filter(|(_, state)| state.polls_none()) {
            let Some(call) = state.call().filter(|call| call.effect != Effect::Read) else {
                continue;
            };
            let key = format!("{}:{step}", run.state.created.run);
            let happened = chaos.done.contains_key(&key);
            match state.status {
                StepStatus::Succeeded | StepStatus::Undone => {
                    let taken_as_done = call.on_uncertain == OnUncertain::Accept;
                    assert!(happened || taken_as_done, "{step} is done, but has not happened");
                }
                StepStatus::Failed if !state.outcome_open() => {
                    let repeated = call.idempotency == Idempotency::Natural || redone(call);
                    assert!(!happened || repeated, "{step} has failed, but it happened");
                }
                _ => {}
            }
        }
    }
}

fn redone(call: &FrozenCall) -> bool {
    call.idempotency == Idempotency::Unkeyed && call.on_uncertain == OnUncertain::Redo
}

fn frozen(chaos: &Chaos, call: &Call) -> FrozenCall {
    let step = &chaos.world.runs[&call.run].state.steps[&call.step];
    step.call().expect("only calls are attempted").clone()
}

/// Whether the last poll is the first call.
trait Polls {
    fn polls_none(&self) -> bool;
}

impl Polls for engine::state::StepState {
    fn polls_none(&self) -> bool {
        self.poll == 0
    }
}

/// Each child belongs to a step that started it, and no run ends before its children.
fn check_children(chaos: &Chaos) {
    for (id, run) in &chaos.world.runs {
        let Some(parent) = &run.state.created.parent else {
            continue;
        };
        let above = &chaos.world.runs[&parent.run].state;
        let started = chaos.world.runs[&parent.run].journal.iter().any(|recorded| {
            matches!(&recorded.event, Event::ChildStarted { step, child } if *step == parent.step && child == id)
        });
        assert!(started, "{id} was started by {}", parent.step);
        let step = &above.steps[&parent.step];
        assert!(matches!(step.what.as_deref(), Some(Frozen::Child { .. })));
    }
}

fn played(recipe: Vec<u8>, kid: Vec<u8>, moves: Vec<u8>) -> Chaos {
    let kid = random_recipe(&mut Dice::new(kid), "kid", false);
    let recipe = random_recipe(&mut Dice::new(recipe), "test", true);
    let mut chaos = Chaos::new(World::new(recipe).child(kid), Dice::new(moves));
    chaos.play();
    chaos
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Every run ends, and what it believes is true, however hostile the world is.
    #[test]
    fn every_run_ends_and_is_right(
        recipe in proptest::collection::vec(any::<u8>(), 0..80),
        kid in proptest::collection::vec(any::<u8>(), 0..30),
        moves in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut chaos = played(recipe, kid, moves);
        chaos.world.runs.values().for_each(check_attempts);
        check_truth(&chaos);
        check_children(&chaos);
        chaos.check_snapshots();
        // Word of every attempt once more changes nothing of what is known.
        for call in chaos.world.calls.clone() {
            let before = chaos.world.runs[&call.run].state.steps[&call.step].clone();
            let again = Input::Finished {
                step: call.step.clone(),
                attempt: call.attempt,
                outcome: crate::support::world::outcome(Reply::Unknown),
            };
            chaos.world.round(call.run, Some(again));
            prop_assert_eq!(&chaos.world.runs[&call.run].state.steps[&call.step], &before);
        }
    }
}
