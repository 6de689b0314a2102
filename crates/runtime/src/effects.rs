//! Performing: each attempt and each look-up is a task that reports back to its run, or, if the run
//! has been lost meanwhile, posts what it got as a late result.

use std::sync::Arc;
use std::time::Duration;

use engine::frozen::FrozenCall;
use engine::{Input, Message, StepKey};
use governance::Permit;
use ports::{Call, Post};
use tokio::sync::mpsc;
use types::{Failure, InboxId, Outcome, RecipeId, Timestamp};

use crate::crash_point;
use crate::guard::{Guard, Held};
use crate::node::Shared;
use crate::slots::Slot;
use crate::trouble::passes;

/// How often a late result is offered to a store that can't take it: for some minutes.
const LATE_TRIES: u32 = 150;
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How long after its deadline a call that doesn't end by itself is given up.
const OVERRUN: Duration = Duration::from_secs(5);

/// An effect to be begun.
pub(crate) struct Effect {
    /// What the run follows: its slots are bounded too.
    pub(crate) recipe: RecipeId,
    pub(crate) step: StepKey,
    pub(crate) attempt: u32,
    pub(crate) call: FrozenCall,
    /// Answers to what its tool asked before; a look-up needs none.
    pub(crate) answers: Option<types::Answers>,
    pub(crate) deadline: Timestamp,
    pub(crate) permit: Permit,
}

/// Begins an attempt.
pub(crate) fn perform(shared: &Arc<Shared>, held: &Arc<Held>, effect: Effect, results: mpsc::Sender<Input>) {
    let (shared, held) = (Arc::clone(shared), Arc::clone(held));
    tokio::spawn(async move {
        let (step, attempt) = (effect.step.clone(), effect.attempt);
        let _slots = slots(&shared, &effect).await;
        crash_point!("runtime.call.before");
        let (allowed, call) = prepare(&shared, &held, &effect);
        let work = tokio::time::timeout(allowed, shared.options.tools.perform(effect.permit, call));
        let outcome = work.await.unwrap_or_else(|_| Outcome::Unknown {
            failure: Failure::new("call_timed_out", "the call did not end in its time"),
        });
        crash_point!("runtime.call.after");
        report(
            &shared,
            &held,
            results,
            Input::Finished {
                step,
                attempt,
                outcome,
            },
        )
        .await;
    });
}

/// Begins a look-up.
pub(crate) fn look_up(shared: &Arc<Shared>, held: &Arc<Held>, effect: Effect, results: mpsc::Sender<Input>) {
    let (shared, held) = (Arc::clone(shared), Arc::clone(held));
    tokio::spawn(async move {
        let (step, attempt) = (effect.step.clone(), effect.attempt);
        let _slots = slots(&shared, &effect).await;
        crash_point!("runtime.look_up.before");
        let (allowed, call) = prepare(&shared, &held, &effect);
        let work = tokio::time::timeout(allowed, shared.options.tools.look_up(effect.permit, call));
        let result = work.await.unwrap_or_else(|_| types::ProbeResult::Unclear {
            failure: Failure::new("call_timed_out", "the look-up did not end in its time"),
        });
        crash_point!("runtime.look_up.after");
        report(
            &shared,
            &held,
            results,
            Input::Probed {
                step,
                attempt,
                result,
            },
        )
        .await;
    });
}

/// Always the recipe's slot first: whoever waits for a tool's slot then waits for calls under way.
async fn slots(shared: &Shared, effect: &Effect) -> (Slot, Slot) {
    let of_recipe = shared.recipe_slots.take(&effect.recipe).await;
    let of_tool = shared.slots.take(&tool_of(&effect.call)).await;
    (of_recipe, of_tool)
}

fn prepare(shared: &Arc<Shared>, held: &Arc<Held>, effect: &Effect) -> (Duration, Call) {
    let now = shared.options.clock.now();
    let allowed = Duration::from_millis(effect.deadline.since(now)) + OVERRUN;
    let guard = Guard {
        held: Arc::clone(held),
        clock: Arc::clone(&shared.options.clock),
        deadline: effect.deadline,
    };
    let call = Call {
        tenant: held.lease.tenant,
        args: effect.call.args.clone(),
        answers: effect.answers.clone(),
        deadline: effect.deadline,
        guard: Arc::new(guard),
    };
    (allowed, call)
}

async fn report(shared: &Arc<Shared>, held: &Arc<Held>, results: mpsc::Sender<Input>, input: Input) {
    crash_point!("runtime.result.before");
    if let Err(mpsc::error::SendError(input)) = results.send(input).await {
        post_late(shared, held, input).await;
    }
    crash_point!("runtime.result.after");
}

/// Puts a result whose run is no longer in memory here into the run's inbox.
pub(crate) async fn post_late(shared: &Shared, held: &Held, input: Input) {
    let Input::Finished {
        step,
        attempt,
        outcome,
    } = input
    else {
        return;
    };
    let now = shared.options.clock.now();
    let run = held.lease.run;
    let parts = [
        run.to_string(),
        step.to_string(),
        attempt.to_string(),
        "late".to_owned(),
    ];
    let post = Post {
        id: InboxId::derive(now, &parts.each_ref().map(String::as_str)),
        tenant: held.lease.tenant,
        run,
        at: now,
        message: Message::Late {
            step,
            attempt,
            outcome,
        },
    };
    let mut wait = FIRST_WAIT;
    for _ in 0..LATE_TRIES {
        let Err(error) = shared.options.store.post(post.clone()).await else {
            return shared.wake.notify_one();
        };
        tracing::error!(run = %run, %error, "a late result could not be stored");
        if !passes(&error) {
            return;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

fn tool_of(call: &FrozenCall) -> String {
    call.action.split('.').next().unwrap_or_default().to_owned()
}
