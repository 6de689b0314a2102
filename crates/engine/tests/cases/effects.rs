//! Known failures follow `retry`; unknown outcomes follow the table and nothing else.

use crate::support::*;
use recipe::program::OnUncertain;
use serde_json::json;
use types::{Failure, Label, Labeled, ProbeResult, RunStatus, StepStatus};

fn happened() -> ProbeResult {
    ProbeResult::Happened {
        output: Labeled::new(json!({"id": "found"}), Label::System),
        artifacts: Vec::new(),
    }
}

fn unclear() -> ProbeResult {
    ProbeResult::Unclear {
        failure: Failure::new("down", "the vendor is down"),
    }
}

/// One call of an action; how the run and its step end, after how many attempts, all with one key.
#[track_caller]
fn check(
    action: &str,
    replies: &[Reply],
    found: &[ProbeResult],
    expected: (RunStatus, StepStatus, usize),
) -> World {
    let world = World::new(recipe([call("a", action)]))
        .script("act/a", replies.to_vec())
        .finds("act/a", found.to_vec())
        .start(json!({}));
    let calls = world.calls_of("act/a");
    assert!(
        calls.iter().all(|call| call.key == calls[0].key),
        "one key for all attempts"
    );
    assert_eq!(
        (world.status(), world.step_status("act/a"), calls.len()),
        expected
    );
    world
}

#[test]
fn known_failures_are_tried_again_with_growing_waits() {
    use Reply::*;
    let world = check(
        "read",
        &[Refuse(true, None), Refuse(true, None), Ok(json!({}))],
        &[],
        (RunStatus::Succeeded, StepStatus::Succeeded, 3),
    );
    let at: Vec<_> = world.calls.iter().map(|call| call.at).collect();
    assert!((500..=1_000).contains(&at[1].since(at[0])));
    assert!((1_000..=2_000).contains(&at[2].since(at[1])));
}

#[test]
fn retry_after_is_honoured_and_refusals_that_help_nothing_end_the_step() {
    use Reply::*;
    let world = check(
        "unkeyed",
        &[Refuse(true, Some(45_000)), Ok(json!({}))],
        &[],
        (RunStatus::Succeeded, StepStatus::Succeeded, 2),
    );
    assert_eq!(world.calls[1].at.since(world.calls[0].at), 45_000);
    let failed = (RunStatus::Failed, StepStatus::Failed);
    let world = check("unkeyed", &[Refuse(false, None)], &[], (failed.0, failed.1, 1));
    assert_eq!(world.failure(), "refused");
    assert!(!world.root().state.needs_attention());
    let world = check(
        "native",
        &[Refuse(true, None), Refuse(true, None), Refuse(true, None)],
        &[],
        (failed.0, failed.1, 3),
    );
    assert!(!world.root().state.needs_attention());
}

#[test]
fn what_was_held_back_uses_up_no_attempt() {
    use Reply::*;
    // More often than `retry` and the poison stop allow attempts, with as many refusals as may be.
    let mut replies = vec![HeldBack(1_000); 120];
    replies.splice(50..50, [Refuse(true, None), Refuse(true, None)]);
    replies.push(Ok(json!({})));
    for action in ["read", "native", "unkeyed"] {
        let good = (RunStatus::Succeeded, StepStatus::Succeeded, 123);
        let world = check(action, &replies, &[], good);
        assert_eq!(world.calls[1].at.since(world.calls[0].at), 1_000);
        let polls = world
            .kinds()
            .iter()
            .filter(|kind| *kind == "step_uncertain")
            .count();
        assert_eq!(polls, 0, "{action}: it is known not to have been sent");
    }
    // The third refusal is one too many, however often the call was held back in between.
    let replies = [
        Refuse(true, None),
        HeldBack(5),
        Refuse(true, None),
        HeldBack(5),
        Refuse(true, None),
    ];
    check(
        "native",
        &replies,
        &[],
        (RunStatus::Failed, StepStatus::Failed, 5),
    );
}

#[test]
fn a_call_that_is_held_back_beyond_the_steps_time_fails_as_known() {
    let mut step = call("a", "unkeyed");
    step.timeout_ms = Some(10_000);
    let world = World::new(recipe([step]))
        .script("act/a", vec![Reply::HeldBack(4_000); 9])
        .start(json!({}));
    assert_eq!((world.failure(), world.calls.len()), ("tool_busy", 3));
    assert!(!world.root().state.needs_attention(), "nothing was sent");
}

#[test]
fn holding_back_a_repetition_leaves_the_first_attempt_in_doubt() {
    use Reply::*;
    // A write with a key goes on until the vendor answers for it.
    let good = (RunStatus::Succeeded, StepStatus::Succeeded, 4);
    check(
        "native",
        &[Unknown, HeldBack(9), HeldBack(9), Ok(json!({}))],
        &[],
        good,
    );
}

#[test]
fn what_is_safe_to_repeat_runs_again_with_the_same_key() {
    use Reply::*;
    for action in ["read", "natural", "native"] {
        for unknown in [Unknown, Crash] {
            let good = (RunStatus::Succeeded, StepStatus::Succeeded, 3);
            check(action, &[unknown.clone(), unknown, Ok(json!({}))], &[], good);
        }
    }
}

#[test]
fn a_read_without_an_answer_is_tried_as_often_as_one_that_is_refused() {
    use Reply::*;
    let failed = (RunStatus::Failed, StepStatus::Failed, 3);
    let world = check("read", &[Unknown, Refuse(true, None), Unknown], &[], failed);
    assert!(!world.root().state.needs_attention(), "nothing was changed");
    let replies = [Crash, Crash, Crash, Crash, Ok(json!({}))];
    let good = (RunStatus::Succeeded, StepStatus::Succeeded, 5);
    check("read", &replies, &[], good);
}

#[test]
fn a_refusal_does_not_settle_a_write_whose_outcome_is_open() {
    use Reply::*;
    let refused = || Refuse(true, None);
    // Five refusals are more than `retry` allows, but the first attempt may have happened.
    let replies = [
        Unknown,
        refused(),
        refused(),
        refused(),
        refused(),
        refused(),
        Ok(json!({})),
    ];
    check(
        "native",
        &replies,
        &[],
        (RunStatus::Succeeded, StepStatus::Succeeded, 7),
    );
    // The refusal may be one of a token, before anybody looked at the key.
    let failed = (RunStatus::Failed, StepStatus::Failed, 2);
    for action in ["native", "natural"] {
        let world = check(action, &[Unknown, Refuse(false, None)], &[], failed);
        assert!(
            world.root().state.needs_attention(),
            "{action}: the first attempt may have happened"
        );
    }
}

#[test]
fn a_marker_is_looked_up_after_deadline_and_settling() {
    use Reply::*;
    for unknown in [Unknown, Crash] {
        let good = |calls| (RunStatus::Succeeded, StepStatus::Succeeded, calls);
        let world = check("marker", std::slice::from_ref(&unknown), &[happened()], good(1));
        assert_eq!(
            world.step("act/a").output.as_ref().map(|o| &o.value),
            Some(&json!({"id": "found"}))
        );
        assert_eq!(world.now.since(world.calls[0].at), CALL_MS + SETTLE_MS);
        let world = check(
            "marker",
            std::slice::from_ref(&unknown),
            &[ProbeResult::Absent],
            good(2),
        );
        assert_eq!(world.calls[1].at.since(world.calls[0].at), CALL_MS + SETTLE_MS);
        let world = check(
            "marker",
            std::slice::from_ref(&unknown),
            &[unclear(), unclear(), happened()],
            good(1),
        );
        assert_eq!(world.probes, 3);
    }
    // Each unknown attempt is looked up by itself, and absent ones are no open outcomes any more.
    let replies = [Unknown, Unknown, Refuse(false, None)];
    let world = check(
        "marker",
        &replies,
        &[],
        (RunStatus::Failed, StepStatus::Failed, 3),
    );
    assert!(!world.root().state.needs_attention());
}

#[test]
fn a_look_up_that_never_becomes_clear_ends_in_the_dead_letters() {
    let found: Vec<ProbeResult> = (0..60).map(|_| unclear()).collect();
    let failed = (RunStatus::Failed, StepStatus::Failed, 1);
    let world = check("marker", &[Reply::Unknown], &found, failed);
    assert_eq!((world.failure(), world.probes), ("attempts_exhausted", 50));
    assert!(world.root().state.needs_attention());
}

#[test]
fn a_probe_decides_what_it_can_and_else_a_person() {
    use Reply::*;
    let good = |calls| (RunStatus::Succeeded, StepStatus::Succeeded, calls);
    check("probe", &[Unknown], &[happened()], good(1));
    check("probe", &[Crash], &[ProbeResult::Absent], good(2));
    let found: Vec<ProbeResult> = (0..5).map(|_| unclear()).collect();
    let waiting = (RunStatus::Waiting, StepStatus::Uncertain, 1);
    let world = check("probe", &[Unknown], &found, waiting);
    assert!(world.root().state.needs_attention());
}

#[test]
fn an_unkeyed_write_follows_on_uncertain() {
    use Reply::*;
    let end = |unknown: &Reply, action: &str, what: Option<OnUncertain>| {
        let step = call("a", action)
            .save("got", "/id")
            .undo(vec![call("back", "native")]);
        let step = match what {
            Some(what) => step.on_uncertain(what),
            None => step,
        };
        let world = World::new(recipe([step])).script("act/a", [unknown.clone(), Ok(json!({"id": 1}))]);
        let world = world.start(json!({}));
        let (status, step, saved) = (world.status(), world.step_status("act/a"), world.saved("got"));
        (
            status,
            step,
            world.calls_of("act/a").len(),
            saved,
            world.step("act/a").undo.len(),
        )
    };
    for unknown in [Unknown, Crash] {
        let waits = (
            RunStatus::Waiting,
            StepStatus::Uncertain,
            1,
            json!("(not saved)"),
            0,
        );
        assert_eq!(end(&unknown, "unkeyed", None), waits);
        assert_eq!(end(&unknown, "notify", Some(OnUncertain::Ask)), waits);
        let redone = (RunStatus::Succeeded, StepStatus::Succeeded, 2, json!(1), 1);
        assert_eq!(end(&unknown, "notify", None), redone);
        assert_eq!(end(&unknown, "unkeyed", Some(OnUncertain::Redo)), redone);
        // Taken as done: what it would have saved is none, and it is undone like any other.
        let accepted = (RunStatus::Succeeded, StepStatus::Succeeded, 1, json!(null), 1);
        assert_eq!(end(&unknown, "unkeyed", Some(OnUncertain::Accept)), accepted);
    }
}

#[test]
fn attempts_are_capped_whatever_their_outcomes() {
    let replies: Vec<Reply> = (0..60).map(|_| Reply::Unknown).collect();
    let failed = |calls| (RunStatus::Failed, StepStatus::Failed, calls);
    let world = check("native", &replies, &[], failed(50));
    assert_eq!(world.failure(), "attempts_exhausted");
    assert!(world.root().state.needs_attention(), "nobody knows what it did");
    // Absent look-ups count as well: such a step must not go round for ever.
    assert_eq!(
        check("marker", &replies, &[], failed(50)).failure(),
        "attempts_exhausted"
    );
    let crashes: Vec<Reply> = (0..60).map(|_| Reply::Crash).collect();
    assert_eq!(
        check("read", &crashes, &[], failed(50)).failure(),
        "attempts_exhausted"
    );
}

#[test]
fn told_twice_counts_once() {
    for reply in [Reply::Refuse(true, None), Reply::Unknown, Reply::Ok(json!({}))] {
        for action in ["read", "native", "marker", "notify", "unkeyed"] {
            let mut world = World::new(recipe([call("a", action), manual("end")]))
                .script("act/a", [Reply::Hold])
                .start(json!({}));
            let flight = world.calls[0].clone();
            world.finish(&flight, reply.clone());
            let journal = world.root().journal.len();
            world.finish(&flight, reply.clone());
            assert_eq!(world.root().journal.len(), journal, "{action} {reply:?}");
            assert_eq!(world.root().notes.len(), 1);
        }
    }
    let mut world = World::new(recipe([call("a", "read")]))
        .script("act/a", [Reply::Hold])
        .start(json!({}));
    let never = crate::support::world::Call {
        attempt: 0,
        ..world.calls[0].clone()
    };
    world.finish(&never, Reply::Ok(json!({})));
    assert_eq!(world.root().notes.len(), 1, "there was no such attempt");
}

#[test]
fn a_late_result_settles_what_is_still_open() {
    use Reply::*;
    let late = |action: &str, reply: Reply| {
        let mut world = World::new(recipe([call("a", action), manual("end")]))
            .script("act/a", [Hold])
            .start(json!({}));
        let flight = world.calls[0].clone();
        world.edit(|program| program.limits.in_flight = 0);
        world.crash(world.root);
        let message = engine::Message::Late {
            step: flight.step.clone(),
            attempt: 1,
            outcome: crate::support::world::outcome(reply),
        };
        world.tell(world.root, message);
        world.serve_one();
        world.edit(|program| program.limits.in_flight = 16);
        world
    };
    for action in ["read", "native", "marker", "probe", "notify", "unkeyed"] {
        let mut world = late(action, Ok(json!({"id": 4})));
        assert_eq!(
            (world.step_status("act/a"), world.calls.len()),
            (StepStatus::Succeeded, 1),
            "{action}"
        );
        assert!(world.kinds().contains(&"late_result".to_owned()));
        let journal = world.root().journal.len();
        world.tell(world.root, late_again());
        world.serve_one();
        assert_eq!(world.root().journal.len(), journal);
    }
    // Word that it did not happen lets it be tried again, an uncertain one included.
    for action in ["native", "marker", "probe", "unkeyed"] {
        let mut world = late(action, Refuse(true, None));
        assert!(!world.root().state.needs_attention(), "{action}");
        world.drop_held("act/a");
        world.run();
        assert_eq!(
            (world.step_status("act/a"), world.calls.len()),
            (StepStatus::Succeeded, 2),
            "{action}"
        );
        assert_eq!(world.probes, 0);
    }
    assert_eq!(
        late("unkeyed", Refuse(false, None)).step_status("act/a"),
        StepStatus::Failed
    );
    assert_eq!(
        late("unkeyed", Unknown).step_status("act/a"),
        StepStatus::Uncertain
    );
}

fn late_again() -> engine::Message {
    engine::Message::Late {
        step: key("act/a"),
        attempt: 1,
        outcome: crate::support::world::outcome(Reply::Ok(json!({"id": 4}))),
    }
}

#[test]
fn each_poll_is_a_call_of_its_own() {
    use Reply::*;
    let step = call("a", "native").save("got", "").until("got.n == 2", 5_000);
    let world = World::new(recipe([step]))
        .script(
            "act/a",
            [
                Ok(json!({"n": 0})),
                Unknown,
                Refuse(true, None),
                Ok(json!({"n": 1})),
                Ok(json!({"n": 2})),
            ],
        )
        .start(json!({}));
    let keys: Vec<&str> = world
        .calls
        .iter()
        .map(|call| call.key.rsplit(':').next().unwrap_or_default())
        .collect();
    assert_eq!(keys, ["act/a", "act/a~1", "act/a~1", "act/a~1", "act/a~2"]);
    assert_eq!(
        (world.status(), world.saved("got")),
        (RunStatus::Succeeded, json!({"n": 2}))
    );
}

#[test]
fn a_poll_that_never_holds_ends_with_its_time() {
    let never = call("a", "read").until("false", 5_000);
    let world = World::new(recipe([never.clone().timeout(12_000)])).start(json!({}));
    assert_eq!((world.failure(), world.calls.len()), ("until_timed_out", 3));
    let crash =
        World::new(recipe([never.timeout(12_000)])).script("act/a", [Reply::Ok(json!({})), Reply::Crash]);
    assert_eq!(
        crash.start(json!({})).calls.len(),
        4,
        "a crash does not lose the poll"
    );
    // The last call had too little time to answer; that the condition did not hold is what counts.
    for last in [Reply::Unknown, Reply::Refuse(true, None)] {
        let never = call("a", "read").until("false", 5_000).timeout(10_001);
        let replies = [Reply::Ok(json!({})), Reply::Ok(json!({})), last];
        let world = World::new(recipe([never])).script("act/a", replies);
        let world = world.start(json!({}));
        assert_eq!((world.failure(), world.calls.len()), ("until_timed_out", 3));
    }
}

#[test]
fn the_keys_of_items_and_steps_differ() {
    let step = call("a", "native").for_each(json!([1, 2]));
    let world = World::new(recipe([step, call("b", "native")])).start(json!({}));
    let keys: std::collections::BTreeSet<&str> = world.calls.iter().map(|call| call.key.as_str()).collect();
    assert_eq!(keys.len(), 3);
}

#[test]
fn an_open_outcome_outlives_the_steps_time() {
    // The time is up after the first, unknown attempt; calling the write failed would lose its effect.
    let world = World::new(recipe([call("a", "native").timeout(1)]))
        .script("act/a", [Reply::Unknown, Reply::Unknown, Reply::Ok(json!({}))])
        .start(json!({}));
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Succeeded, 3));
    assert_eq!(
        world.calls[2].deadline.since(world.calls[2].at),
        CALL_MS,
        "it gets its whole time"
    );
    let world = World::new(recipe([call("a", "read").timeout(1)])).script("act/a", [Reply::Unknown]);
    assert_eq!(world.start(json!({})).status(), RunStatus::Failed);
}
