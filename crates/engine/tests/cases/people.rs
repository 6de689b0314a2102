//! People: inputs, tasks, confirmations, approvals, and what nobody else can say.

use crate::support::*;
use engine::event::Resolution;
use engine::rows::ApprovalStatus;
use engine::state::Stage;
use engine::{Event, Message};
use governance::{Need, Rule};
use serde_json::json;
use std::sync::Arc;
use types::{Actor, ApprovalId, Failure, Label, Labeled, RunStatus, StepStatus};

pub fn task(step: &str, ok: bool) -> Message {
    Message::Task {
        step: key(step),
        ok,
        note: "seen".into(),
        by: Actor::user("bob"),
    }
}

pub fn done(step: &str) -> Message {
    task(step, true)
}

fn answer(name: &str) -> Message {
    Message::Input {
        name: name.into(),
        value: Labeled::new("r1", Label::User),
        by: Actor::user("bob"),
    }
}

fn pending(world: &World) -> Option<ApprovalId> {
    let mut open = world.root().state.approvals.iter();
    open.find(|(_, approval)| approval.status == ApprovalStatus::Pending)
        .map(|(id, _)| *id)
}

fn vote_as(world: &World, by: Actor, approve: bool) -> Message {
    Message::Vote {
        approval: pending(world).expect("an approval is asked"),
        approve,
        by,
        note: "because".into(),
        self_approval: false,
    }
}

fn vote(world: &World, name: &str, approve: bool) -> Message {
    vote_as(world, Actor::user(name), approve)
}

/// A word on the first attempt.
pub fn resolve(step: &str, resolution: Resolution) -> Message {
    resolve_attempt(step, 1, resolution)
}

pub fn resolve_attempt(step: &str, attempt: u32, resolution: Resolution) -> Message {
    Message::Resolve {
        step: key(step),
        attempt,
        resolution,
        by: Actor::user("bob"),
        note: String::new(),
    }
}

pub fn happened() -> Resolution {
    Resolution::Happened {
        output: Labeled::null(),
        artifacts: Vec::new(),
    }
}

#[test]
fn an_input_is_taken_from_the_run_or_asked_for() {
    let mut recipe = recipe([call("a", "read").with(json!({"room": "{{ intake.room }}"}))]);
    recipe.intake = vec![ask("q", "room")];
    let given = World::new(recipe.clone()).start(json!({"room": "r9"}));
    assert_eq!(given.calls[0].args, json!({"room": "r9"}));
    let mut asked = World::new(recipe).start(json!({}));
    assert_eq!((asked.status(), asked.calls.len()), (RunStatus::Waiting, 0));
    asked.say(answer("colour"));
    assert_eq!(asked.root().notes.len(), 1, "nobody asks for that");
    asked.crash(asked.root);
    asked.say(answer("room"));
    assert_eq!(
        (asked.status(), &asked.calls[0].args),
        (RunStatus::Succeeded, &json!({"room": "r1"}))
    );
    asked.say(answer("room"));
    assert_eq!(asked.root().notes.len(), 2);
}

#[test]
fn tasks_and_confirmations_end_well_or_not() {
    for (step, code) in [(manual("m"), "task_failed"), (confirm("m"), "not_confirmed")] {
        let mut good = World::new(recipe([step.clone()])).start(json!({}));
        good.say(done("act/other"));
        assert_eq!((good.status(), good.root().notes.len()), (RunStatus::Waiting, 1));
        good.say(done("act/m"));
        assert_eq!(good.status(), RunStatus::Succeeded);
        let mut bad = World::new(recipe([step])).start(json!({}));
        bad.say(task("act/m", false));
        assert_eq!((bad.status(), bad.failure()), (RunStatus::Failed, code));
    }
    let mut late = World::new(recipe([manual("m").timeout(60_000)])).start(json!({}));
    late.run();
    assert_eq!(
        late.failure(),
        "step_timed_out",
        "a time-out on a task is for the person"
    );
}

#[test]
fn an_approved_call_runs_and_a_denied_one_does_not() {
    let start = || World::new(recipe([call("a", "wipe")])).run_for(1_000);
    let mut world = start();
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Waiting, 0));
    world.say(vote(&world, "ann", true));
    assert_eq!(world.root().notes.len(), 1, "not by who started the run");
    world.crash(world.root);
    world.say(vote(&world, "bob", true));
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Succeeded, 1));
    let mut world = start();
    world.say(vote(&world, "bob", false));
    assert_eq!((world.failure(), world.calls.len()), ("approval_denied", 0));
    let mut world = start();
    let own = Message::Vote {
        approval: pending(&world).expect("asked"),
        approve: true,
        by: Actor::user("ann"),
        note: String::new(),
        self_approval: true,
    };
    world.say(own);
    assert_eq!(
        world.status(),
        RunStatus::Succeeded,
        "where the installation allows it"
    );
    let mut world = start();
    let late = vote(&world, "bob", true);
    world.after(25 * 3_600_000);
    assert_eq!(world.failure(), "approval_expired");
    world.say(late);
    assert_eq!(world.root().notes.len(), 1);
}

#[test]
fn a_quorum_needs_different_people_of_the_groups() {
    let step = call("a", "read").approval(&["L2"], 2, None);
    let mut world = World::new(recipe([step])).run_for(1_000);
    let member = |name: &str| Actor::user(name).in_groups(["L2", "other"]);
    world.say(vote_as(&world, Actor::user("eve").in_groups(["L1"]), true));
    assert_eq!(world.root().notes.len(), 1);
    world.say(vote_as(&world, member("bob"), true));
    world.say(vote_as(&world, member("bob"), true));
    assert_eq!((world.root().notes.len(), world.calls.len()), (2, 0));
    world.say(vote_as(&world, member("cat"), true));
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Succeeded, 1));
}

#[test]
fn one_denial_is_enough() {
    let step = call("a", "read").approval(&[], 2, None);
    let mut world = World::new(recipe([step])).run_for(1_000);
    world.say(vote(&world, "bob", true));
    world.say(vote(&world, "cat", false));
    assert_eq!(world.failure(), "approval_denied");
}

#[test]
fn an_approval_holds_for_one_policy_and_for_all_attempts() {
    let mut world = World::new(recipe([call("a", "wipe")]))
        .script("act/a", [Reply::Refuse(true, None), Reply::Unknown])
        .run_for(1_000);
    world.say(vote(&world, "bob", true));
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Succeeded, 3));
    assert_eq!(world.root().state.approvals.len(), 1);
    let mut world = World::new(recipe([call("a", "wipe")])).run_for(1_000);
    world.edit(|program| Arc::make_mut(&mut program.facts).matrix.version = "newer".into());
    world.say(vote(&world, "bob", true));
    assert_eq!(
        (world.status(), world.calls.len()),
        (RunStatus::Waiting, 0),
        "asked again under today's policy"
    );
    world.say(vote(&world, "bob", true));
    assert_eq!(
        (world.status(), world.root().state.approvals.len()),
        (RunStatus::Succeeded, 2)
    );
    let digests: std::collections::BTreeSet<_> = world
        .root()
        .state
        .approvals
        .values()
        .map(|approval| &approval.digest)
        .collect();
    assert_eq!(digests.len(), 1, "for the same frozen arguments");
}

#[test]
fn an_approval_is_not_part_of_the_steps_time() {
    let mut world = World::new(recipe([call("a", "wipe").timeout(60_000).retry(9)]))
        .script("act/a", [Reply::Refuse(true, None)])
        .run_for(3_600_000);
    world.say(vote(&world, "bob", true));
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Succeeded, 2));
}

#[test]
fn the_runs_clock_stands_still_while_it_waits_for_people() {
    let wait = recipe::program::Wait::Span { millis: 8_000 };
    let mut recipe = recipe([
        manual("m"),
        wait_for("w", wait.clone()),
        call("a", "wipe"),
        wait_for("x", wait),
    ]);
    recipe.guardrails.timeout_ms = Some(20_000);
    let mut world = World::new(recipe.clone()).run_for(3_600_000);
    world.say(done("act/m"));
    assert_eq!(world.step_status("act/a"), StepStatus::Waiting);
    world.after(3_600_000);
    world.crash(world.root);
    world.say(vote(&world, "bob", true));
    assert_eq!(world.status(), RunStatus::Succeeded);
    recipe.guardrails.timeout_ms = Some(15_000);
    let mut world = World::new(recipe).run_for(3_600_000);
    world.say(done("act/m"));
    world.say(vote(&world, "bob", true));
    assert_eq!(
        world.failure(),
        "run_timed_out",
        "work counts on both sides of the waits"
    );
}

#[test]
fn approving_a_step_approves_its_undo_unless_policy_has_changed() {
    let act = || {
        [
            call("a", "wipe").undo(vec![call("back", "wipe").with(json!({"x": 1}))]),
            manual("m"),
        ]
    };
    let start = || {
        let mut world = World::new(recipe(act())).run_for(1_000);
        world.say(vote(&world, "bob", true));
        world
    };
    let mut world = start();
    world.say(task("act/m", false));
    assert_eq!(world.order(), ["act/a", "act/a!undo/back"]);
    assert_eq!(
        (world.status(), world.step_status("act/a")),
        (RunStatus::Failed, StepStatus::Undone)
    );
    let mut world = start();
    world.edit(|program| Arc::make_mut(&mut program.facts).matrix.version = "newer".into());
    world.tell(world.root, task("act/m", false));
    world.after(1_000);
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Undoing, 1));
    world.say(vote(&world, "bob", true));
    assert_eq!(world.step_status("act/a"), StepStatus::Undone);
}

#[test]
fn an_undo_that_was_not_shown_is_asked_for() {
    // What to take back depends on what the step answers, so nobody has seen it when they approved.
    let back = call("back", "wipe").with(json!({"x": "{{ got }}"}));
    let step = call("a", "wipe").save("got", "/id").undo(vec![back]);
    let mut world = World::new(recipe([step, manual("m")]))
        .script("act/a", [Reply::Ok(json!({"id": "r2"}))])
        .run_for(1_000);
    let shown = &world.root().state.approvals.values().next().expect("asked").undo;
    assert_eq!((shown.len(), &shown[0].args), (1, &None));
    world.say(vote(&world, "bob", true));
    world.tell(world.root, task("act/m", false));
    world.after(1_000);
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Undoing, 1));
    world.say(vote(&world, "bob", true));
    assert_eq!(world.order(), ["act/a", "act/a!undo/back"]);
}

#[test]
fn an_approval_that_was_given_in_time_is_not_used_too_late() {
    let step = call("a", "wipe").approval(&[], 1, Some(60_000));
    let mut world = World::new(recipe([step])).run_for(1_000);
    world.edit(|program| {
        Arc::make_mut(&mut program.facts).paused_tools.insert("t".into());
    });
    world.say(vote(&world, "bob", true));
    world.after(100_000);
    world.edit(|program| Arc::make_mut(&mut program.facts).paused_tools.clear());
    world.after(6_000);
    assert_eq!(world.calls.len(), 0, "it has expired meanwhile");
    world.say(vote(&world, "bob", true));
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Succeeded, 1));
}

#[test]
fn an_approval_is_for_one_version_of_the_tool() {
    let mut world = World::new(recipe([call("a", "wipe")])).run_for(1_000);
    world.edit(|program| {
        let newer = program.catalog.tools().cloned().map(|tool| types::ToolSpec {
            version: "2".into(),
            ..tool
        });
        program.catalog = Arc::new(types::Catalog::new(newer));
    });
    world.say(vote(&world, "bob", true));
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Waiting, 0));
    world.say(vote(&world, "bob", true));
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Succeeded, 1));
}

#[test]
fn policy_can_refuse() {
    let mut world = World::new(recipe([call("a", "native"), call("b", "native")]));
    world = world.facts(|facts| {
        facts.matrix.overrides.insert("t.native".into(), Rule::Deny);
    });
    let world = world.start(json!({}));
    assert_eq!((world.failure(), world.calls.len()), ("policy_denied", 0));
    let wrong = call("a", "read").with(json!("no object"));
    assert_eq!(
        World::new(recipe([wrong])).start(json!({})).failure(),
        "arguments_invalid"
    );
}

#[test]
fn a_write_of_unknown_outcome_that_may_not_be_repeated_is_for_a_person() {
    for denied in [true, false] {
        let rule = if denied {
            Rule::Deny
        } else {
            Rule::Ask(Need::default())
        };
        let mut world = World::new(recipe([call("a", "native")]))
            .script("act/a", [Reply::Hold])
            .start(json!({}));
        world.edit(|program| {
            let matrix = &mut Arc::make_mut(&mut program.facts).matrix;
            matrix.overrides.insert("t.native".into(), rule);
        });
        let flight = world.calls[0].clone();
        world.drop_flight("act/a");
        world.finish(&flight, Reply::Unknown);
        world.after(60_000);
        if !denied {
            assert_eq!(
                world.root().state.steps[&key("act/a")].status,
                StepStatus::Waiting
            );
            world.say(vote(&world, "bob", false));
        }
        assert_eq!(
            world.step_status("act/a"),
            StepStatus::Uncertain,
            "it may have happened"
        );
        world.say(resolve("act/a", happened()));
        assert_eq!((world.status(), world.calls.len()), (RunStatus::Succeeded, 1));
    }
}

#[test]
fn a_person_resolves_what_is_uncertain() {
    let start = || {
        let step = call("a", "unkeyed")
            .save("got", "/id")
            .until("got == 5", 1_000)
            .timeout(30_000);
        let mut world = World::new(recipe([step, call("b", "read").when("got is none")]))
            .script("act/a", [Reply::Unknown, Reply::Ok(json!({"id": 5}))])
            .start(json!({}));
        assert_eq!(world.step_status("act/a"), StepStatus::Uncertain);
        world.crash(world.root);
        world.after(3_600_000);
        assert_eq!(world.calls.len(), 1, "never started again by itself");
        world
    };
    let mut world = start();
    world.say(resolve("act/a", happened()));
    assert_eq!(
        (world.status(), world.order()),
        (RunStatus::Succeeded, vec!["act/a", "act/b"])
    );
    let mut world = start();
    world.say(resolve("act/a", Resolution::Redo));
    assert_eq!(
        (world.status(), world.calls_of("act/a").len()),
        (RunStatus::Succeeded, 2)
    );
    assert_eq!(world.calls[0].key, world.calls[1].key);
    let mut world = start();
    let failure = Failure::new("not_there", "it is not there");
    world.say(resolve("act/a", Resolution::Failed { failure }));
    assert_eq!(
        (world.status(), world.failure()),
        (RunStatus::Failed, "not_there")
    );
    assert!(!world.root().state.needs_attention());
    world.say(resolve("act/a", Resolution::Redo));
    assert_eq!(world.root().notes.len(), 1);
}

#[test]
fn a_word_on_an_older_attempt_does_not_decide_the_next_one() {
    let mut world = World::new(recipe([call("a", "unkeyed")]))
        .script("act/a", [Reply::Unknown, Reply::Unknown])
        .start(json!({}));
    let redo = || resolve("act/a", Resolution::Redo);
    world.say(redo());
    world.after(60_000);
    assert_eq!(world.step_status("act/a"), StepStatus::Uncertain);
    // Somebody else's page still shows the first attempt.
    world.say(redo());
    assert_eq!(world.root().notes, ["attempt 1 of act/a is not uncertain"]);
    assert_eq!(world.calls.len(), 2);
    world.say(resolve_attempt("act/a", 2, happened()));
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Succeeded, 2));
}

#[test]
fn every_decision_leaves_an_audit_leaf() {
    let mut world = World::new(recipe([call("a", "wipe"), call("b", "unkeyed"), manual("m")]))
        .script("act/b", [Reply::Unknown])
        .run_for(1_000);
    world.say(vote(&world, "bob", true));
    world.say(resolve("act/b", happened()));
    world.say(done("act/m"));
    let rows = engine::rows(&world.root().state, &world.root().journal, world.now, 0);
    let kinds: Vec<&str> = rows.leaves.iter().map(|leaf| leaf.kind.as_str()).collect();
    let expected = [
        "run_created",
        "policy_decided",
        "approval_decided",
        "policy_decided",
        "call_ended",
        "policy_decided",
        "call_ended",
        "uncertain_resolved",
        "call_ended",
        "task_done",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(rows.leaves[7].body["as"], "happened");
    let ids: std::collections::BTreeSet<_> = rows.leaves.iter().map(|leaf| leaf.id).collect();
    assert_eq!(ids.len(), expected.len());
}

#[test]
fn waiting_is_said_in_words() {
    let mut world = World::new(recipe([call("a", "wipe")])).run_for(1_000);
    let rows = engine::rows(&world.root().state, &world.root().journal[1..], world.now, 5_000);
    assert_eq!(
        (rows.run.waiting_for.as_str(), rows.approvals.len()),
        ("an approval", 1)
    );
    assert_eq!(rows.run.wake_at, rows.approvals[0].expires_at);
    let asked = world
        .root()
        .journal
        .iter()
        .any(|recorded| matches!(recorded.event, Event::ApprovalRequested { .. }));
    assert!(asked && matches!(world.step("act/a").stage, Stage::Approval { .. }));
    world.crash(world.root);
    assert_eq!(world.root().state.approvals.len(), 1, "not asked twice");
}
