//! `mock`: what stands in for a failed call in mock mode, and when nothing does.

use crate::support::*;
use recipe::program::{Save, SaveFrom, Step};
use serde_json::json;
use types::{Mode, RunStatus, StepStatus};

use Reply::*;

fn standing_in(id: &str, action: &str) -> Step {
    let mut step = call(id, action).save("room", "/room");
    step.mock = Some(json!({"room": {"id": "made up"}}));
    step
}

#[test]
fn a_failed_call_is_stood_in_for_in_mock_mode_and_its_stand_in_is_never_undone() {
    let mut step = standing_in("a", "native");
    step.undo = vec![call("back", "native")];
    let world = World::new(recipe([
        step,
        check("b", "room.id == 'made up'"),
        check("c", "false"),
    ]))
    .script("act/a", [Refuse(false, None)])
    .start(json!({}));
    assert_eq!(world.step_status("act/a"), StepStatus::Succeeded);
    assert_eq!(world.step_status("act/b"), StepStatus::Succeeded);
    assert_eq!(world.failure(), "check_failed");
    assert_eq!(world.order(), ["act/a"]);
    let told = world.kinds().join(" ");
    assert!(told.contains("step_failed step_succeeded"), "{told}");
}

#[test]
fn a_call_that_works_is_not_stood_in_for() {
    let world = World::new(recipe([standing_in("a", "native")]))
        .script("act/a", [Ok(json!({"room": {"id": "true one"}}))])
        .start(json!({}));
    assert_eq!(world.saved("room"), json!({"id": "true one"}));
}

#[test]
fn a_tool_that_is_not_there_is_stood_in_for() {
    let world = World::new(recipe([standing_in("a", "nowhere.dance")])).start(json!({}));
    assert_eq!(world.status(), RunStatus::Succeeded);
    assert_eq!(world.saved("room"), json!({"id": "made up"}));
}

#[test]
fn each_item_has_its_own_stand_in() {
    let step = standing_in("a", "native").for_each(json!([1, 2]));
    let world = World::new(recipe([step]))
        .script("act/a[0]", [Ok(json!({"room": {"id": "one"}}))])
        .script("act/a[1]", [Refuse(false, None)])
        .start(json!({}));
    assert_eq!(world.saved("room"), json!([{"id": "one"}, {"id": "made up"}]));
}

#[test]
fn against_real_services_a_failed_call_is_a_failed_call() {
    let mut world = World::new(recipe([standing_in("a", "native")])).script("act/a", [Refuse(false, None)]);
    world.mode = Mode::Real;
    let world = world.start(json!({}));
    assert_eq!(world.status(), RunStatus::Failed);
}

#[test]
fn a_mistake_in_the_recipe_is_not_stood_in_for() {
    let step = standing_in("a", "native").with(json!({"n": "{{ nothing.here }}"}));
    let world = World::new(recipe([step])).start(json!({}));
    assert_eq!(world.failure(), "template_undefined");
}

#[test]
fn a_constant_is_saved_as_it_stands() {
    let mut step = call("a", "native");
    step.save = vec![Save {
        name: "ready".into(),
        from: SaveFrom::Literal(json!(true)),
    }];
    let world = World::new(recipe([step])).start(json!({}));
    assert_eq!(world.saved("ready"), json!(true));
}
