//! Restart from a step: the prefix is kept, the rest is done anew, and nothing is done twice unasked.

use crate::support::world::fold;
use crate::support::*;
use engine::{ForkError, RunCreated};
use serde_json::json;
use types::{RunId, RunStatus, StepStatus};

use super::control::kill;
use super::people::{happened, resolve, task};

/// Forks the root run at `step` and serves the new run.
fn fork(world: World, step: &str) -> World {
    let mut world = world;
    let older = world.root();
    let new = RunCreated {
        run: RunId::derive(world.now, &["fork", &world.runs.len().to_string()]),
        ..older.state.created.clone()
    };
    let recipe = older.program.recipe.clone();
    let forked = engine::fork(&older.state, &older.journal, &recipe, &key(step), new, world.now);
    let (created, more) = forked.expect("it forks");
    assert_eq!(more.first().map(|recorded| recorded.seq), Some(2));
    world.root = created.run;
    world.calls.clear();
    world.create(created, more);
    world.run();
    world
}

fn chain() -> World {
    let mut recipe = recipe([
        call("b", "native").undo(vec![call("back", "native")]),
        call("c", "native"),
    ]);
    recipe.plan = vec![call("a", "native").save("got", "/id")];
    recipe.guardrails.timeout_ms = Some(100_000);
    recipe.outputs = vec![("got".into(), template(json!("{{ got }}")))];
    World::new(recipe).script("plan/a", [Reply::Ok(json!({"id": 7}))])
}

#[test]
fn a_fork_keeps_what_stands_and_redoes_what_was_undone() {
    let world = chain()
        .script("act/c", [Reply::Refuse(false, None)])
        .start(json!({}));
    assert_eq!(world.step_status("act/b"), StepStatus::Undone);
    let world = fork(world, "act/c");
    assert_eq!(world.order(), ["act/b", "act/c"]);
    assert_eq!(
        (world.status(), &world.root().state.outputs.value),
        (RunStatus::Succeeded, &json!({"got": 7}))
    );
    assert!(
        world
            .calls
            .iter()
            .all(|call| call.key.starts_with(&world.root.to_string()))
    );
    let again = fork(world, "act/b");
    assert_eq!(again.order(), ["act/b", "act/c"], "a fork can be forked");
}

#[test]
fn a_fork_has_its_own_time() {
    let world = chain()
        .script("act/c", [Reply::Refuse(false, None), Reply::Hold])
        .start(json!({}));
    let mut world = fork(world, "act/c");
    world.after(101_000);
    world.answer("act/c", Reply::Ok(json!({})));
    assert_eq!(world.failure(), "run_timed_out");
    assert_eq!(
        world.order(),
        ["act/b", "act/c", "act/b!undo/back"],
        "what it did itself"
    );
}

#[test]
fn handled_failures_are_kept_and_unhandled_ones_redone() {
    let steps = [
        call("a", "read").go_on(),
        call("b", "read").on_error(vec![call("mend", "native")]),
        call("c", "read"),
    ];
    let start = |mend: Reply| {
        World::new(recipe(steps.clone()))
            .script("act/a", [Reply::Refuse(false, None)])
            .script("act/b", [Reply::Refuse(false, None)])
            .script("act/b!error/mend", [mend])
            .script("act/c", [Reply::Refuse(false, None)])
            .start(json!({}))
    };
    let world = fork(start(Reply::Ok(json!({}))), "act/c");
    assert_eq!(
        (world.status(), world.order()),
        (RunStatus::Succeeded, vec!["act/c"])
    );
    let world = fork(start(Reply::Refuse(false, None)), "act/c");
    assert_eq!(
        (world.order(), world.status()),
        (vec!["act/b", "act/c"], RunStatus::Failed),
        "its handling had failed"
    );
}

#[test]
fn half_undone_steps_are_redone() {
    let first = call("a", "native").undo(vec![call("one", "native"), call("two", "native")]);
    let world = World::new(recipe([first, call("c", "read")]))
        .script("act/a!undo/two", [Reply::Refuse(false, None)])
        .script("act/c", [Reply::Refuse(false, None)])
        .start(json!({}));
    assert_eq!(world.step_status("act/a"), StepStatus::Succeeded);
    assert_eq!(fork(world, "act/c").order(), ["act/a", "act/c"]);
}

#[test]
fn an_uncertain_step_is_never_done_again_by_a_fork() {
    let mut world = World::new(recipe([call("a", "unkeyed"), call("b", "read")]))
        .script("act/a", [Reply::Unknown])
        .start(json!({}));
    world.say(kill());
    let mut world = fork(world, "act/b");
    assert_eq!(
        (world.step_status("act/a"), world.calls.len()),
        (StepStatus::Uncertain, 0)
    );
    world.say(resolve("act/a", happened()));
    assert_eq!(
        (world.status(), world.order()),
        (RunStatus::Succeeded, vec!["act/b"])
    );
    // Who restarts from the uncertain step itself has said that it shall be done again.
    let mut world = World::new(recipe([call("a", "unkeyed")]))
        .script("act/a", [Reply::Unknown])
        .start(json!({}));
    world.say(kill());
    assert_eq!(fork(world, "act/a").order(), ["act/a"]);
}

#[test]
fn inside_branches_only_what_was_cut_off_begins_anew() {
    let branches = [
        vec![call("u", "unkeyed")],
        vec![call("r", "read"), call("s", "native")],
        vec![call("w", "native")],
    ];
    let mut world = World::new(recipe([parallel("p", branches), call("z", "read")]))
        .script("act/p.0/u", [Reply::Unknown])
        .script("act/p.1/r", [Reply::Hold])
        .start(json!({}));
    world.say(kill());
    world.drop_held("act/p.1/r");
    let mut world = fork(world, "act/z");
    world.say(resolve("act/p.0/u", happened()));
    assert_eq!(
        (world.status(), world.order()),
        (RunStatus::Succeeded, vec!["act/p.1/r", "act/p.1/s", "act/z"])
    );
}

#[test]
fn a_child_of_the_older_run_is_undone_by_hand() {
    let mut sub = recipe([call("w", "native").undo(vec![call("back", "native")])]);
    sub.name = "sub".into();
    let steps = [child("c", "sub", json!({})), manual("m"), call("x", "read")];
    let mut world = World::new(recipe(steps))
        .child(sub)
        .script("act/w!undo/back", [Reply::Refuse(false, None)])
        .start(json!({}));
    world.say(task("act/m", false));
    let mut world = fork(world, "act/m");
    world.say(task("act/m", false));
    assert_eq!(world.status(), RunStatus::Undoing);
    world.say(task("act/c!undo/child-run", true));
    assert_eq!(world.status(), RunStatus::Failed);
}

#[test]
fn only_ended_runs_and_known_steps_can_be_forked() {
    let world = World::new(recipe([manual("m")])).start(json!({}));
    let run = world.root();
    let fork = |state: &engine::State, step: &str| {
        engine::fork(
            state,
            &run.journal,
            &run.program.recipe,
            &key(step),
            world.created(),
            world.now,
        )
    };
    assert_eq!(fork(&run.state, "act/m"), Err(ForkError::Running));
    let mut ended = fold(&run.journal);
    ended.finished = Some(RunStatus::Failed);
    let unknown = fork(&ended, "act/x").expect_err("there is no such step");
    assert!(unknown.to_string().contains("act/m"), "{unknown}");
}
