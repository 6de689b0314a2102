//! Pause, cancel, kill, paused tools, and what still lands afterwards.

use crate::support::*;
use engine::Message;
use recipe::program::Wait;
use serde_json::json;
use std::sync::Arc;
use types::{Actor, RunStatus, StepStatus};

use super::people::{done, happened, resolve};

fn by() -> Actor {
    Actor::user("bob")
}

pub fn cancel() -> Message {
    Message::Cancel {
        by: by(),
        reason: "enough".into(),
    }
}

pub fn kill() -> Message {
    Message::Kill {
        by: by(),
        reason: "now".into(),
    }
}

fn undoable(id: &str, action: &str) -> recipe::program::Step {
    call(id, action).undo(vec![call("back", "native")])
}

#[test]
fn a_paused_run_begins_nothing_and_goes_on_when_resumed() {
    let mut world = World::new(recipe([call("a", "native"), call("b", "native")]))
        .script("act/a", [Reply::Hold])
        .start(json!({}));
    world.say(Message::Pause { by: by() });
    world.say(Message::Pause { by: by() });
    assert_eq!((world.status(), world.root().notes.len()), (RunStatus::Paused, 1));
    world.answer("act/a", Reply::Ok(json!({})));
    assert_eq!(
        (world.step_status("act/a"), world.calls.len()),
        (StepStatus::Succeeded, 1)
    );
    world.crash(world.root);
    assert_eq!(world.status(), RunStatus::Paused);
    world.say(Message::Resume { by: by() });
    world.say(Message::Resume { by: by() });
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Succeeded, 2));
}

#[test]
fn time_stands_still_while_a_person_holds_the_run() {
    let mut act = recipe([
        call("a", "read").timeout(30_000),
        wait_for("w", Wait::Span { millis: 5_000 }),
    ]);
    act.guardrails.timeout_ms = Some(20_000);
    let mut world = World::new(act)
        .script("act/a", [Reply::Refuse(true, Some(10_000))])
        .run_for(5_000);
    world.say(Message::Pause { by: by() });
    world.after(3_600_000);
    assert_eq!(world.status(), RunStatus::Paused);
    world.say(Message::Resume { by: by() });
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Succeeded, 2));
}

#[test]
fn a_paused_tool_is_waited_for() {
    let mut world = World::new(recipe([call("a", "read")])).facts(|facts| {
        facts.paused_tools.insert("t".into());
    });
    world.begin(json!({}));
    world.after(60_000);
    assert_eq!((world.calls.len(), world.root().state.is_finished()), (0, false));
    world.edit(|program| Arc::make_mut(&mut program.facts).paused_tools.clear());
    world.say(Message::Nudge);
    assert_eq!(world.status(), RunStatus::Succeeded);
}

#[test]
fn a_cancelled_run_awaits_what_is_in_flight_and_undoes() {
    let mut world = World::new(recipe([
        undoable("a", "native"),
        undoable("b", "native"),
        call("c", "native"),
    ]))
    .script("act/b", [Reply::Hold])
    .start(json!({}));
    world.say(cancel());
    assert!(!world.root().state.is_finished());
    world.say(cancel());
    assert_eq!(world.root().notes.len(), 1);
    world.answer("act/b", Reply::Ok(json!({})));
    assert_eq!(world.status(), RunStatus::Cancelled);
    assert_eq!(
        world.order(),
        ["act/a", "act/b", "act/b!undo/back", "act/a!undo/back"]
    );
    world.say(cancel());
    assert_eq!(world.root().notes.len(), 2, "it has ended");
}

#[test]
fn cancel_ends_waits_at_once_and_lets_a_paused_run_go() {
    let waits = [
        manual("m"),
        ask("m", "room"),
        call("m", "wipe"),
        signal("m", "go"),
        wait_for("m", Wait::Span { millis: 1 << 40 }),
    ];
    for step in waits {
        let mut world = World::new(recipe([undoable("a", "native"), step])).run_for(1_000);
        world.say(Message::Pause { by: by() });
        world.say(cancel());
        assert_eq!(
            (world.status(), world.step_status("act/a")),
            (RunStatus::Cancelled, StepStatus::Undone)
        );
        assert!(world.now.since(crate::support::world::START) < 60_000);
    }
}

#[test]
fn cancel_finds_out_unknown_outcomes_before_it_undoes() {
    use Reply::*;
    for (action, then, undone) in [
        ("native", Ok(json!({})), true),
        ("native", Refuse(true, None), true),
        ("marker", Ok(json!({})), false),
    ] {
        let mut world = World::new(recipe([undoable("a", action)]))
            .script("act/a", [Hold])
            .start(json!({}));
        world.say(cancel());
        let flight = world.calls[0].clone();
        world.drop_flight("act/a");
        let mut world = world.script("act/a", [then]);
        world.finish(&flight, Unknown);
        world.run();
        assert_eq!(world.status(), RunStatus::Cancelled);
        assert_eq!(
            world.step_status("act/a") == StepStatus::Undone,
            undone,
            "{action}"
        );
    }
    let mut world = World::new(recipe([undoable("a", "unkeyed")]))
        .script("act/a", [Unknown])
        .start(json!({}));
    world.say(cancel());
    assert_eq!(
        world.step_status("act/a"),
        StepStatus::Uncertain,
        "a person has to say first"
    );
    world.say(resolve("act/a", happened()));
    assert_eq!(
        (world.status(), world.step_status("act/a")),
        (RunStatus::Cancelled, StepStatus::Undone)
    );
    let mut world = World::new(recipe([undoable("a", "unkeyed")]))
        .script("act/a", [Unknown])
        .start(json!({}));
    world.say(cancel());
    world.say(resolve("act/a", engine::event::Resolution::Redo));
    assert_eq!(
        (world.status(), world.calls.len()),
        (RunStatus::Cancelled, 1),
        "it did not happen, so nothing is left"
    );
}

#[test]
fn kill_leaves_writes_uncertain_and_late_results_land() {
    let branches = [
        vec![undoable("w", "native")],
        vec![call("r", "read")],
        vec![manual("m")],
        vec![call("x", "wipe")],
    ];
    let mut world = World::new(recipe([parallel("p", branches)]))
        .script("act/p.0/w", [Reply::Hold])
        .script("act/p.1/r", [Reply::Hold])
        .run_for(1_000);
    let flight = world.calls[0].clone();
    world.say(kill());
    assert_eq!(
        (world.status(), world.failure()),
        (RunStatus::Cancelled, "run_killed")
    );
    assert_eq!(world.step_status("act/p.0/w"), StepStatus::Uncertain);
    assert_eq!(
        world.step_status("act/p.1/r"),
        StepStatus::Failed,
        "a read leaves nothing behind"
    );
    assert!(world.root().state.needs_attention());
    assert!(
        world
            .root()
            .state
            .approvals
            .values()
            .all(|approval| approval.votes.is_empty())
    );
    world.say(resolve("act/p.0/w", engine::event::Resolution::Redo));
    assert_eq!(world.root().notes.len(), 1, "an ended run does nothing again");
    world.finish(&flight, Reply::Ok(json!({"id": 1})));
    assert_eq!(world.step_status("act/p.0/w"), StepStatus::Succeeded);
    assert!(!world.root().state.needs_attention());
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Cancelled, 2));
}

#[test]
fn a_late_answer_to_a_killed_poll_does_not_poll_again() {
    let step = call("a", "native").save("got", "/n").until("got == 2", 1_000);
    let mut world = World::new(recipe([step]))
        .script("act/a", [Reply::Hold])
        .start(json!({}));
    let flight = world.calls[0].clone();
    world.say(kill());
    world.finish(&flight, Reply::Ok(json!({"n": 1})));
    assert_eq!(
        (world.step_status("act/a"), world.calls.len()),
        (StepStatus::Succeeded, 1)
    );
}

#[test]
fn kill_works_while_undoing_and_while_repeating_an_unknown_write() {
    let mut world = World::new(recipe([undoable("a", "native"), manual("m")]))
        .script("act/a!undo/back", [Reply::Hold])
        .start(json!({}));
    world.say(cancel());
    assert_eq!(world.status(), RunStatus::Undoing);
    world.say(cancel());
    world.say(kill());
    assert_eq!(world.step_status("act/a!undo/back"), StepStatus::Uncertain);
    assert_eq!(world.status(), RunStatus::Cancelled);
    let mut world = World::new(recipe([call("a", "native")])).script("act/a", [Reply::Unknown]);
    world.begin(json!({}));
    world.serve_one();
    assert!(world.step("act/a").repeats_unknown_write());
    world.say(kill());
    assert_eq!(world.step_status("act/a"), StepStatus::Uncertain);
}

#[test]
fn a_run_that_is_ended_from_outside_leaves_open_writes_uncertain() {
    let mut world = World::new(recipe([call("a", "native")]))
        .script("act/a", [Reply::Hold])
        .start(json!({}));
    let run = world.root();
    let ended = engine::Recorded {
        seq: run.state.head + 1,
        at: world.now,
        v: 1,
        event: engine::Event::RunFinished {
            status: RunStatus::Failed,
            failure: None,
            outputs: types::Labeled::null(),
            needs_attention: true,
        },
    };
    let state = engine::evolve(Some(run.state.clone()), &ended).expect("a state");
    assert_eq!(state.steps[&key("act/a")].status, StepStatus::Uncertain);
    world.answer("act/a", Reply::Ok(json!({})));
}

#[test]
fn in_flight_effects_are_bounded_even_to_none() {
    let mut world = World::new(recipe([call("a", "read")])).limit(|limits| limits.in_flight = 0);
    world.begin(json!({}));
    world.after(60_000);
    assert_eq!((world.calls.len(), world.status()), (0, RunStatus::Running));
    world.edit(|program| program.limits.in_flight = 1);
    world.say(Message::Nudge);
    assert_eq!(world.status(), RunStatus::Succeeded);
}

#[test]
fn messages_that_do_not_fit_leave_a_note_and_no_event() {
    let mut world = World::new(recipe([manual("m")])).start(json!({}));
    let journal = world.root().journal.len();
    let wrong = [
        done("act/other"),
        resolve("act/m", happened()),
        Message::Resume { by: by() },
        Message::ChildFinished {
            step: key("act/m"),
            child: world.root,
            status: RunStatus::Succeeded,
            outputs: types::Labeled::null(),
            failure: None,
        },
        Message::Vote {
            approval: types::ApprovalId::derive(world.now, &["no"]),
            approve: true,
            by: by(),
            note: String::new(),
            self_approval: false,
        },
        Message::Late {
            step: key("act/m"),
            attempt: 1,
            outcome: crate::support::world::outcome(Reply::Ok(json!({}))),
        },
    ];
    let count = wrong.len();
    wrong.into_iter().for_each(|message| world.say(message));
    assert_eq!(
        (world.root().journal.len(), world.root().notes.len()),
        (journal, count)
    );
    world.say(Message::Nudge);
    assert_eq!(world.root().notes.len(), count, "a nudge is never refused");
    let probed = engine::Input::Probed {
        step: key("act/m"),
        attempt: 1,
        result: types::ProbeResult::Absent,
    };
    world.round(world.root, Some(probed));
    assert_eq!(
        (world.root().journal.len(), world.root().notes.len()),
        (journal, count + 1)
    );
}
