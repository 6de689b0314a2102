//! Taking back: order, freezing, rollback, and what happens when it fails.

use crate::support::*;
use serde_json::json;
use types::{RunStatus, StepStatus};

use super::people::{done, happened, resolve};

fn undoable(id: &str) -> recipe::program::Step {
    call(id, "native").undo(vec![call("one", "native"), call("two", "native")])
}

#[test]
fn undo_runs_in_reverse_order_and_the_rollback_after_it() {
    let mut recipe = recipe([
        undoable("a"),
        call("b", "native")
            .undo(vec![call("back", "native")])
            .for_each(json!([1, 2])),
        call("x", "native"),
    ]);
    recipe.guardrails.rollback = vec![
        call("r1", "notify"),
        call("r2", "notify").when("1 == 2"),
        call("r3", "notify"),
    ];
    let world = World::new(recipe)
        .script("act/x", [Reply::Refuse(false, None)])
        .start(json!({}));
    let expected = [
        "act/a",
        "act/b[0]",
        "act/b[1]",
        "act/x",
        "act/b[1]!undo/back",
        "act/b[0]!undo/back",
        "act/a!undo/one",
        "act/a!undo/two",
        "rollback/r1",
        "rollback/r3",
    ];
    assert_eq!(world.order(), expected);
    assert_eq!((world.status(), world.failure()), (RunStatus::Failed, "refused"));
    assert_eq!(world.step_status("act/a"), StepStatus::Undone);
    assert!(!world.root().state.needs_attention());
    let keys: std::collections::BTreeSet<_> = world.calls.iter().map(|call| &call.key).collect();
    assert_eq!(keys.len(), expected.len());
}

#[test]
fn undo_is_frozen_when_its_step_succeeds() {
    let first = call("a", "native")
        .save("room", "/id")
        .undo(vec![call("back", "native").with(json!({
            "saved": "{{ room }}", "own": "{{ steps.a.output.id }}"
        }))]);
    let world = World::new(recipe([
        first,
        call("b", "native").save("room", "/id"),
        check("no", "1 == 2"),
    ]))
    .script("act/a", [Reply::Ok(json!({"id": "r1"}))])
    .script("act/b", [Reply::Ok(json!({"id": "r2"}))])
    .start(json!({}));
    assert_eq!(world.calls[2].args, json!({"saved": "r1", "own": "r1"}));
}

#[test]
fn what_cannot_be_frozen_is_undone_by_hand() {
    let first = call("a", "native").undo(vec![call("back", "native").with(json!({"x": "{{ nothing }}"}))]);
    let mut world = World::new(recipe([first, check("no", "1 == 2")])).start(json!({}));
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Undoing, 1));
    world.crash(world.root);
    world.say(done("act/a!undo/back"));
    assert_eq!(
        (world.status(), world.step_status("act/a")),
        (RunStatus::Failed, StepStatus::Undone)
    );
}

#[test]
fn a_failed_undo_needs_attention_and_the_others_are_still_tried() {
    let world = World::new(recipe([undoable("a"), undoable("b"), check("no", "1 == 2")]))
        .script("act/b!undo/one", [Reply::Refuse(false, None)])
        .start(json!({}));
    assert_eq!(world.status(), RunStatus::Failed);
    assert_eq!(
        (world.step_status("act/b"), world.step_status("act/a")),
        (StepStatus::Succeeded, StepStatus::Undone)
    );
    assert_eq!(world.calls.len(), 6);
    assert!(world.root().state.needs_attention());
    assert_eq!(world.root().state.undo_failed, [key("act/b!undo/one")]);
    let mut cancelled = World::new(recipe([undoable("a"), manual("m")]))
        .script("act/a!undo/one", [Reply::Refuse(false, None)])
        .start(json!({}));
    cancelled.say(super::control::cancel());
    assert_eq!(cancelled.status(), RunStatus::Failed);
}

#[test]
fn rollback_failures_count_unless_they_are_handled() {
    let with = |step| {
        let mut recipe = recipe([check("no", "1 == 2")]);
        recipe.guardrails.rollback = vec![step, call("last", "notify")];
        World::new(recipe)
            .script("rollback/r", [Reply::Refuse(false, None)])
            .start(json!({}))
    };
    let world = with(call("r", "native"));
    assert!(world.root().state.needs_attention());
    assert_eq!(world.order().last(), Some(&"rollback/last"));
    assert!(!with(call("r", "native").go_on()).root().state.needs_attention());
}

#[test]
fn undo_steps_retry_recover_and_wait_for_word_like_any_step() {
    use Reply::*;
    for replies in [vec![Refuse(true, None), Ok(json!({}))], vec![Crash, Unknown]] {
        let first = call("a", "native").undo(vec![call("back", "native")]);
        let world = World::new(recipe([first, check("no", "1 == 2")])).script("act/a!undo/back", replies);
        let world = world.start(json!({}));
        assert_eq!(world.step_status("act/a"), StepStatus::Undone);
        assert!(
            world
                .calls_of("act/a!undo/back")
                .iter()
                .all(|call| call.key.ends_with("act/a!undo/back"))
        );
    }
    let first = call("a", "native").undo(vec![call("back", "unkeyed"), call("more", "native")]);
    let mut world = World::new(recipe([first, check("no", "1 == 2")]))
        .script("act/a!undo/back", [Unknown])
        .start(json!({}));
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Undoing, 2));
    world.say(resolve("act/a!undo/back", happened()));
    assert_eq!(
        (world.status(), world.step_status("act/a")),
        (RunStatus::Failed, StepStatus::Undone)
    );
}

#[test]
fn steps_inside_branches_and_error_handling_are_undone_too() {
    let handled = call("h", "native").on_error(vec![undoable("mend")]);
    let world = World::new(recipe([
        parallel("p", [vec![undoable("a")], vec![handled]]),
        check("no", "1 == 2"),
    ]))
    .script("act/p.1/h", [Reply::Refuse(false, None)])
    .start(json!({}));
    assert_eq!(world.step_status("act/p.0/a"), StepStatus::Undone);
    assert_eq!(world.step_status("act/p.1/h!error/mend"), StepStatus::Undone);
}

#[test]
fn a_run_without_undo_just_ends() {
    let world = World::new(recipe([call("a", "read"), check("no", "1 == 2")])).start(json!({}));
    assert!(!world.kinds().contains(&"undo_started".to_owned()));
    assert_eq!(world.status(), RunStatus::Failed);
}

#[test]
fn undoing_can_be_paused() {
    let mut world = World::new(recipe([undoable("a"), manual("m")])).script("act/a!undo/one", [Reply::Hold]);
    world.begin(json!({}));
    world.run();
    world.say(super::control::cancel());
    world.say(engine::Message::Pause {
        by: types::Actor::user("bob"),
    });
    world.answer("act/a!undo/one", Reply::Ok(json!({})));
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Paused, 2));
    world.say(engine::Message::Resume {
        by: types::Actor::user("bob"),
    });
    assert_eq!(world.status(), RunStatus::Cancelled);
}
