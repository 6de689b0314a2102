//! Child runs: inputs and outputs, failure, cycles and depth, stopping and taking back.

use crate::support::*;
use recipe::Recipe;
use serde_json::json;
use types::{RunStatus, StepStatus};

use super::control::{cancel, kill};
use super::people::{done, task};

fn named(name: &str, mut recipe: Recipe) -> Recipe {
    recipe.name = name.into();
    recipe
}

/// A child that writes, can be undone, and hands over what it was given.
fn sub() -> Recipe {
    let mut sub = named(
        "sub",
        recipe([call("w", "native").undo(vec![call("back", "native")])]),
    );
    sub.inputs = vec![input("room", true, None), input("size", false, Some(json!(4)))];
    sub.outputs = vec![(
        "both".into(),
        template(json!("{{ inputs.room }}-{{ inputs.size }}")),
    )];
    sub
}

fn parent() -> World {
    let steps = [
        child("c", "sub", json!({"room": "r1"})).save("got", "/both"),
        manual("m"),
    ];
    World::new(recipe(steps)).child(sub())
}

#[test]
fn a_child_gets_inputs_and_hands_over_outputs() {
    let mut world = parent().start(json!({}));
    assert_eq!(
        (world.saved("got"), world.step_status("act/c")),
        (json!("r1-4"), StepStatus::Succeeded)
    );
    let created = &world.only_child().state.created;
    assert_eq!(created.parent.as_ref().map(|parent| parent.run), Some(world.root));
    assert_eq!((created.lineage.len(), created.mode), (1, types::Mode::Mock));
    world.say(done("act/m"));
    assert_eq!(world.status(), RunStatus::Succeeded);
}

#[test]
fn a_childs_failure_is_its_steps_failure() {
    let world = parent()
        .script("act/w", [Reply::Refuse(false, None)])
        .start(json!({}));
    assert_eq!(
        (world.status(), world.failure()),
        (RunStatus::Failed, "child_failed")
    );
    let missing = World::new(recipe([child("c", "sub", json!({}))]))
        .child(sub())
        .start(json!({}));
    assert_eq!(missing.failure(), "inputs_missing");
    let unknown = World::new(recipe([child("c", "other", json!({}))])).start(json!({}));
    assert_eq!(unknown.failure(), "recipe_missing");
}

#[test]
fn circles_and_depth_are_refused() {
    let world = World::new(named("a", recipe([child("c", "b", json!({}))])))
        .child(named("b", recipe([child("c", "a", json!({}))])))
        .child(named("a", recipe([])))
        .start(json!({}));
    assert_eq!(world.status(), RunStatus::Failed);
    assert_eq!(
        world
            .only_child()
            .state
            .failure
            .as_ref()
            .map(|failure| failure.code.as_str()),
        Some("child_cycle")
    );
    let own = World::new(named("a", recipe([child("c", "a", json!({}))]))).child(named("a", recipe([])));
    assert_eq!(own.start(json!({})).failure(), "child_cycle");
    let mut deep =
        World::new(named("d0", recipe([child("c", "d1", json!({}))]))).limit(|limits| limits.depth = 3);
    for level in 1..5 {
        let next = child("c", &format!("d{}", level + 1), json!({}));
        deep = deep.child(named(&format!("d{level}"), recipe([next])));
    }
    let deep = deep.start(json!({}));
    assert_eq!((deep.status(), deep.runs.len()), (RunStatus::Failed, 3));
    let codes: Vec<_> = deep
        .runs
        .values()
        .filter_map(|run| run.state.failure.clone())
        .map(|f| f.code)
        .collect();
    assert!(codes.contains(&"child_depth".to_owned()));
}

#[test]
fn cancel_and_kill_reach_the_child() {
    let mut world = parent().script("act/w", [Reply::Hold]).start(json!({}));
    world.say(cancel());
    assert!(!world.root().state.is_finished(), "it waits for its child");
    world.answer("act/w", Reply::Ok(json!({})));
    assert_eq!(
        (world.status(), world.only_child().state.status()),
        (RunStatus::Cancelled, RunStatus::Cancelled)
    );
    assert_eq!(world.order(), ["act/w", "act/w!undo/back"]);
    let mut world = parent().script("act/w", [Reply::Hold]).start(json!({}));
    world.say(kill());
    assert_eq!(
        world.only_child().state.steps[&key("act/w")].status,
        StepStatus::Uncertain
    );
    assert_eq!(world.only_child().state.status(), RunStatus::Cancelled);
}

#[test]
fn a_succeeded_child_is_taken_back_with_its_parent() {
    let mut world = parent().start(json!({}));
    world.say(task("act/m", false));
    assert_eq!(
        (world.status(), world.step_status("act/c")),
        (RunStatus::Failed, StepStatus::Undone)
    );
    assert_eq!(world.order(), ["act/w", "act/w!undo/back"]);
    assert_eq!(world.only_child().state.status(), RunStatus::Cancelled);
    assert!(!world.root().state.needs_attention());
    let mut world = parent()
        .script("act/w!undo/back", [Reply::Refuse(false, None)])
        .start(json!({}));
    world.say(task("act/m", false));
    assert!(world.root().state.needs_attention(), "the child's undo failed");
}

#[test]
fn a_child_whose_time_is_up_is_stopped_and_awaited() {
    let steps = || [child("c", "sub", json!({"room": "r1"})).timeout(60_000)];
    let slow = || {
        let mut world = World::new(recipe(steps()))
            .child(sub())
            .script("act/w", [Reply::Hold])
            .start(json!({}));
        world.after(61_000);
        assert_eq!(
            world.step_status("act/c"),
            StepStatus::Waiting,
            "the child has to end first"
        );
        world.crash(world.root);
        world
    };
    let mut world = slow();
    world.answer("act/w", Reply::Ok(json!({})));
    assert_eq!(
        (world.status(), world.failure()),
        (RunStatus::Failed, "step_timed_out")
    );
    assert_eq!(
        world.order(),
        ["act/w", "act/w!undo/back"],
        "nothing of it is left behind"
    );
}

#[test]
fn a_failing_branch_stops_the_child_beside_it() {
    let branches = [vec![call("x", "read")], vec![child("c", "person", json!({}))]];
    let mut world = World::new(recipe([parallel("p", branches)]))
        .child(named("person", recipe([manual("m")])))
        .script("act/p.0/x", [Reply::Hold])
        .start(json!({}));
    world.answer("act/p.0/x", Reply::Refuse(false, None));
    assert_eq!(
        (world.status(), world.only_child().state.status()),
        (RunStatus::Failed, RunStatus::Cancelled)
    );
}

#[test]
fn crashes_and_duplicates_do_not_start_a_child_twice() {
    let mut world = parent().script("act/w", [Reply::Hold]).start(json!({}));
    world.crash(world.root);
    world.crash(world.root);
    assert_eq!(world.runs.len(), 2);
    world.drop_flight("act/w");
    let child = world.only_child().state.created.run;
    world.crash(child);
    world.run();
    assert_eq!(world.step_status("act/c"), StepStatus::Succeeded);
    let again = engine::Message::ChildFinished {
        step: key("act/c"),
        child,
        status: RunStatus::Failed,
        outputs: types::Labeled::null(),
        failure: None,
    };
    world.say(again);
    assert_eq!(
        (world.step_status("act/c"), world.root().notes.len()),
        (StepStatus::Succeeded, 1)
    );
}

#[test]
fn each_poll_of_a_run_step_is_a_child_of_its_own() {
    let mut sub = named("sub", recipe([call("r", "read").save("n", "/n")]));
    sub.outputs = vec![("n".into(), template(json!("{{ n }}")))];
    let step = child("c", "sub", json!({}))
        .save("got", "/n")
        .until("got == 3", 1_000);
    let world = World::new(recipe([step]))
        .child(sub)
        .script("act/r", (1..4).map(|n| Reply::Ok(json!({"n": n}))))
        .start(json!({}));
    assert_eq!(
        (world.status(), world.runs.len(), world.saved("got")),
        (RunStatus::Succeeded, 4, json!(3))
    );
}
