//! Waits for an instant or a signal, and the time that steps and runs have.

use crate::support::*;
use recipe::program::Wait;
use serde_json::{Value, json};
use types::{RunStatus, StepStatus};

use Reply::*;

fn ok(value: Value) -> Reply {
    Ok(value)
}

#[test]
fn waits_end_by_span_instant_and_signal() {
    let until = |at: &str| {
        wait_for(
            "a",
            Wait::Until {
                at: template(json!(at)),
            },
        )
    };
    let took = |step| {
        let world = World::new(recipe([step])).start(json!({}));
        assert_eq!(world.status(), RunStatus::Succeeded);
        world.now.since(crate::support::world::START)
    };
    assert_eq!(took(wait_for("a", Wait::Span { millis: 90_000 })), 90_000);
    assert_eq!(took(until("10m")), 600_000);
    assert_eq!(took(until("2027-01-15T08:00:01Z")), 1_000);
    let world = World::new(recipe([until("soon")])).start(json!({}));
    assert_eq!(world.failure(), "wait_unreadable");
}

fn send(name: &str, payload: Value) -> engine::Message {
    engine::Message::Signal {
        name: name.into(),
        payload: types::Labeled::new(payload, types::Label::Untrusted),
        by: types::Actor::user("bob"),
    }
}

#[test]
fn a_signal_waits_until_it_is_asked_for_and_serves_once() {
    let mut world = World::new(recipe([signal("a", "go").save("got", ""), signal("b", "go")]));
    world.begin(json!({}));
    world.say(send("other", json!(0)));
    world.say(send("go", json!(1)));
    assert_eq!(
        (world.saved("got"), world.step_status("act/b")),
        (json!(1), StepStatus::Waiting)
    );
    world.say(send("go", json!(2)));
    assert_eq!(world.status(), RunStatus::Succeeded);
    // A signal that comes before anybody asks.
    let mut early = World::new(recipe([manual("m"), signal("a", "go").save("got", "")]));
    early.begin(json!({}));
    early.say(send("go", json!(7)));
    early.say(super::people::done("act/m"));
    assert_eq!(
        (early.status(), early.saved("got")),
        (RunStatus::Succeeded, json!(7))
    );
    // One signal serves one of two branches that wait for it.
    let both = parallel("p", [vec![signal("a", "go")], vec![signal("b", "go")]]);
    let mut world = World::new(recipe([both]));
    world.begin(json!({}));
    world.say(send("go", json!(1)));
    assert_eq!(world.step_status("act/p.1/b"), StepStatus::Waiting);
    // Two that come at once serve both.
    let both = parallel(
        "p",
        [
            vec![signal("a", "go").save("x", "")],
            vec![signal("b", "go").save("y", "")],
        ],
    );
    let mut world = World::new(recipe([manual("m"), both]));
    world.begin(json!({}));
    world.say(send("go", json!(1)));
    world.say(send("go", json!(2)));
    world.say(super::people::done("act/m"));
    assert_eq!((world.saved("x"), world.saved("y")), (json!(1), json!(2)));
    for _ in 0..101 {
        early = World::new(recipe([manual("m")]));
    }
    early.begin(json!({}));
    (0..101).for_each(|at| early.say(send("go", json!(at))));
    assert_eq!(
        (early.root().state.signals.len(), early.root().notes.len()),
        (100, 1),
        "they are bounded"
    );
}

#[test]
fn steps_and_run_have_their_time() {
    let world = World::new(recipe([call("a", "read").timeout(15_000).retry(50)]))
        .script("act/a", (0..50).map(|_| Refuse(true, None)))
        .start(json!({}));
    assert_eq!(world.status(), RunStatus::Failed);
    assert!(world.now.since(crate::support::world::START) <= 15_000);
    let mut slow = recipe([wait_for("a", Wait::Span { millis: 100_000 }), call("b", "read")]);
    slow.guardrails.timeout_ms = Some(30_000);
    let world = World::new(slow).start(json!({}));
    assert_eq!(
        (world.failure(), world.status()),
        ("run_timed_out", RunStatus::Failed)
    );
    assert_eq!(world.now.since(crate::support::world::START), 30_000);
    let mut hung = recipe([call("a", "native")]);
    hung.guardrails.timeout_ms = Some(5_000);
    let mut world = World::new(hung).script("act/a", [Hold]).start(json!({}));
    world.after(6_000);
    assert!(
        !world.root().state.is_finished(),
        "what is in flight comes to an end first"
    );
    world.answer("act/a", ok(json!({})));
    assert_eq!(world.failure(), "run_timed_out");
}
