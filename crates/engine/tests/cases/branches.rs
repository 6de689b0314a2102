//! `parallel`: branches side by side, and how they end together when one fails.

use crate::support::*;
use serde_json::{Value, json};
use types::{RunStatus, StepStatus};

use Reply::*;

fn ok(value: Value) -> Reply {
    Ok(value)
}

#[test]
fn branches_run_side_by_side_within_their_bounds() {
    let branches = || {
        (0..4).map(|at| {
            vec![
                call(&format!("x{at}"), "native"),
                call(&format!("y{at}"), "native"),
            ]
        })
    };
    let held = |world: World| {
        (0..4).fold(world, |world, at| {
            world.script(&format!("act/p.{at}/x{at}"), [Hold])
        })
    };
    let begun = |world: &World| world.root().flights.len();
    let mut world = held(World::new(recipe([parallel("p", branches())]))).start(json!({}));
    assert_eq!(begun(&world), 4);
    world.answer("act/p.2/x2", ok(json!({})));
    assert_eq!(
        world.order().last(),
        Some(&"act/p.2/y2"),
        "a branch goes on by itself"
    );
    let mut world = held(World::new(recipe([parallel("p", branches()).at_once(2)]))).start(json!({}));
    assert_eq!(begun(&world), 2);
    world.answer("act/p.0/x0", ok(json!({})));
    assert_eq!(
        world.order(),
        ["act/p.0/x0", "act/p.1/x1", "act/p.0/y0", "act/p.2/x2"]
    );
    let limited = held(World::new(recipe([parallel("p", branches())]))).limit(|limits| limits.in_flight = 3);
    assert_eq!(begun(&limited.start(json!({}))), 3);
    let none: [Vec<recipe::program::Step>; 0] = [];
    assert_eq!(
        World::new(recipe([parallel("p", none)]))
            .start(json!({}))
            .status(),
        RunStatus::Succeeded
    );
    let zero = World::new(recipe([parallel("p", branches()).at_once(0)])).start(json!({}));
    assert_eq!(
        zero.status(),
        RunStatus::Succeeded,
        "no branch at a time would be for ever"
    );
}

/// Two branches: the first is refused while the second's call answers as scripted, then a step that
/// must never run.
fn failing_beside(action: &str, replies: &[Reply]) -> World {
    let branches = [
        vec![call("x", "read")],
        vec![
            call("y", action).undo(vec![call("back", "native")]),
            call("z", "read"),
        ],
    ];
    World::new(recipe([parallel("p", branches)]))
        .script("act/p.0/x", [Hold])
        .script("act/p.1/y", replies.to_vec())
        .start(json!({}))
}

#[test]
fn a_failing_branch_waits_for_effects_under_way_beside_it() {
    let mut world = failing_beside("native", &[Hold]);
    world.answer("act/p.0/x", Refuse(false, None));
    assert_eq!(
        world.step_status("act/p"),
        StepStatus::Running,
        "the other call is in flight"
    );
    world.answer("act/p.1/y", ok(json!({})));
    assert_eq!(world.status(), RunStatus::Failed);
    assert_eq!(world.step_status("act/p.1/y"), StepStatus::Undone);
    assert_eq!(world.order(), ["act/p.0/x", "act/p.1/y", "act/p.1/y!undo/back"]);
}

#[test]
fn a_failing_branch_waits_until_unknown_outcomes_beside_it_are_known() {
    for (action, calls) in [("native", 2), ("marker", 1), ("probe", 1)] {
        let mut world = failing_beside(action, &[Hold]);
        let flight = world.calls[1].clone();
        world.drop_flight("act/p.1/y");
        world.finish(&flight, Unknown);
        world.answer("act/p.0/x", Refuse(false, None));
        assert_eq!(world.status(), RunStatus::Failed);
        assert_eq!(world.calls_of("act/p.1/y").len(), calls, "{action}");
        let undone = world.step_status("act/p.1/y");
        // An absent effect is not done for a run that fails anyway; a repeated one is known at last.
        let expected = if action == "native" {
            StepStatus::Undone
        } else {
            StepStatus::Failed
        };
        assert_eq!(undone, expected, "{action}");
    }
    let mut world = failing_beside("unkeyed", &[Hold]);
    let flight = world.calls[1].clone();
    world.drop_flight("act/p.1/y");
    world.finish(&flight, Unknown);
    world.answer("act/p.0/x", Refuse(false, None));
    assert_eq!(
        world.step_status("act/p"),
        StepStatus::Running,
        "a person has to say first"
    );
    assert!(world.root().state.needs_attention());
}

#[test]
fn branches_that_are_given_up_leave_nothing_waiting() {
    let branches = [
        vec![call("x", "read")],
        vec![manual("person")],
        vec![call("w", "wipe")],
        vec![call("r", "read")],
    ];
    let mut world = World::new(recipe([parallel("p", branches).go_on(), manual("end")]))
        .script("act/p.0/x", [Hold])
        .script("act/p.3/r", [Refuse(true, Some(100_000))])
        .limit(|limits| limits.in_flight = 4);
    world.begin(json!({}));
    world.serve_ready();
    world.answer("act/p.0/x", Refuse(false, None));
    let state = &world.root().state;
    assert_eq!(state.steps[&key("act/p")].status, StepStatus::Failed);
    for step in ["act/p.1/person", "act/p.2/w", "act/p.3/r"] {
        assert_eq!(
            state.steps[&key(step)].stage,
            engine::state::Stage::Done,
            "{step}"
        );
    }
    let void = engine::rows::ApprovalStatus::Void;
    assert!(state.approvals.values().all(|approval| approval.status == void));
    assert_eq!(
        world.root().state.wake_at(),
        types::Timestamp::MAX,
        "only the last step waits"
    );
}

#[test]
fn parallel_has_a_time_of_its_own() {
    let branches = [vec![manual("person")], vec![call("x", "native")]];
    let mut world = World::new(recipe([parallel("p", branches).timeout(60_000)]))
        .script("act/p.1/x", [Hold])
        .start(json!({}));
    world.after(61_000);
    assert_eq!(
        world.step_status("act/p"),
        StepStatus::Running,
        "the call under way is awaited"
    );
    world.answer("act/p.1/x", ok(json!({})));
    assert_eq!(
        (world.status(), world.failure()),
        (RunStatus::Failed, "step_timed_out")
    );
}

#[test]
fn parallel_keeps_evidence_and_undo_like_any_step() {
    let branches = [vec![call("x", "native")]];
    let both = parallel("p", branches)
        .undo(vec![call("back", "native")])
        .evidence("proof", None);
    let world = World::new(recipe([both, check("no", "1 == 2")])).start(json!({}));
    assert_eq!(world.order(), ["act/p.0/x", "act/p!undo/back"]);
}

#[test]
fn the_first_branch_to_fail_is_the_cause() {
    let mut waits = recipe([manual("m")]);
    waits.name = "waits".into();
    let branches = [vec![child("c", "waits", json!({}))], vec![call("x", "native")]];
    let mut world = World::new(recipe([parallel("p", branches)]))
        .child(waits)
        .script("act/p.1/x", [Hold])
        .start(json!({}));
    world.answer("act/p.1/x", Refuse(false, None));
    world.after(60_000);
    assert_eq!(world.step_status("act/p.0/c"), StepStatus::Failed, "told to stop");
    assert_eq!((world.status(), world.failure()), (RunStatus::Failed, "refused"));
}
