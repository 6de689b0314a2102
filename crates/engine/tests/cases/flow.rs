//! Order: phases, `when`, `for_each`, `parallel`, waits, `on_error`, evidence and outputs.

use crate::support::*;
use recipe::program::Wait;
use serde_json::{Value, json};
use types::{RunStatus, StepStatus};

use Reply::*;

fn ok(value: Value) -> Reply {
    Ok(value)
}

#[test]
fn phases_and_steps_run_in_order_and_values_pass_on() {
    let mut recipe =
        recipe([call("b", "native").with(json!({"id": "{{ room.id }}", "n": "{{ steps.a.output.n }}"}))]);
    recipe.plan = vec![call("a", "read").save("room", "/room")];
    recipe.verify = vec![check("c", "steps.b.status == 'succeeded'")];
    recipe.outputs = vec![("room".into(), template(json!("{{ room.id }}")))];
    let world = World::new(recipe)
        .script("plan/a", [ok(json!({"room": {"id": "r1"}, "n": 3}))])
        .start(json!({}));
    assert_eq!(world.status(), RunStatus::Succeeded);
    assert_eq!(world.calls[1].args, json!({"id": "r1", "n": 3}));
    assert_eq!(world.root().state.outputs.value, json!({"room": "r1"}));
    let phases = world
        .kinds()
        .iter()
        .filter(|kind| *kind == "phase_entered")
        .count();
    assert_eq!(phases, 4);
}

#[test]
fn frozen_values_are_what_every_attempt_sends() {
    let first = call("a", "native").with(json!({"at": "{{ run.id }}-{{ s }}"}));
    let world = World::new(recipe([first]))
        .script("act/a", [Refuse(true, None), Crash])
        .start(json!({}));
    assert_eq!(world.calls.len(), 3);
    assert!(world.calls.iter().all(|call| call.args == world.calls[0].args));
}

#[test]
fn a_skipped_step_saves_none() {
    let skipped = call("a", "unkeyed").when("1 > 2").save("got", "/x");
    let world = World::new(recipe([skipped, call("b", "read").when("got is none")])).start(json!({}));
    assert_eq!(
        (world.status(), world.step_status("act/a")),
        (RunStatus::Succeeded, StepStatus::Skipped)
    );
    assert_eq!((world.saved("got"), world.order()), (json!(null), vec!["act/b"]));
}

#[test]
fn failing_expressions_name_the_step() {
    let world = World::new(recipe([call("a", "read").when("nothing_here > 1")])).start(json!({}));
    let failure = world.root().state.failure.clone().expect("it failed");
    assert_eq!(failure.code, "template_undefined");
    assert!(failure.message.starts_with("step act/a: "), "{failure}");
    let world = World::new(recipe([check("a", "1 == 2")])).start(json!({}));
    assert_eq!(world.failure(), "check_failed");
    let world = World::new(recipe([call("a", "dance")])).start(json!({}));
    assert_eq!(world.failure(), "action_unknown");
}

#[test]
fn for_each_runs_in_order_and_saves_lists() {
    let each = call("a", "native")
        .with(json!({"n": "{{ item.n }}"}))
        .for_each(json!([{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]))
        .when("item.n != 2")
        .save("ids", "/id")
        .go_on();
    let world = World::new(recipe([each]))
        .script("act/a[0]", [ok(json!({"id": "x"}))])
        .script("act/a[2]", [Refuse(false, None)])
        .script("act/a[3]", [ok(json!({"id": "z"}))])
        .start(json!({}));
    assert_eq!(world.status(), RunStatus::Succeeded);
    assert_eq!(world.saved("ids"), json!(["x", null, null, "z"]));
    assert_eq!(world.order(), ["act/a[0]", "act/a[2]", "act/a[3]"]);
    assert_eq!(world.calls[2].args, json!({"n": 4}));
    assert_eq!(world.step_status("act/a[1]"), StepStatus::Skipped);
}

#[test]
fn an_empty_list_saves_empty_lists_and_a_wrong_one_follows_on_error() {
    let empty = call("a", "native").for_each(json!([])).save("ids", "/id");
    let world = World::new(recipe([empty])).start(json!({}));
    assert_eq!(
        (world.status(), world.saved("ids")),
        (RunStatus::Succeeded, json!([]))
    );
    let wrong = call("a", "native").for_each(json!("no list"));
    assert_eq!(
        World::new(recipe([wrong.clone()])).start(json!({})).failure(),
        "for_each_items"
    );
    let handled = recipe([
        wrong.clone().on_error(vec![call("mend", "read")]),
        call("b", "read"),
    ]);
    let world = World::new(handled).start(json!({}));
    assert_eq!(
        (world.status(), world.order()),
        (RunStatus::Succeeded, vec!["act/a!error/mend", "act/b"])
    );
    assert_eq!(
        World::new(recipe([wrong.go_on()])).start(json!({})).status(),
        RunStatus::Succeeded
    );
    let mut many = World::new(recipe([call("a", "read").for_each(json!([1, 2, 3]))]));
    many = many.limit(|limits| limits.items = 2).start(json!({}));
    assert_eq!(many.failure(), "for_each_items");
}

#[test]
fn a_failing_item_ends_its_loop() {
    let each = call("a", "native").for_each(json!([1, 2, 3]));
    let world = World::new(recipe([each]))
        .script("act/a[1]", [Refuse(false, None)])
        .start(json!({}));
    assert_eq!(
        (world.status(), world.order()),
        (RunStatus::Failed, vec!["act/a[0]", "act/a[1]"])
    );
}

#[test]
fn a_long_loop_is_walked_from_where_it_stands() {
    let items: Vec<u32> = (0..500).collect();
    let each = call("a", "read")
        .for_each(json!(items))
        .when("item == 499")
        .save("got", "");
    let world = World::new(recipe([each])).start(json!({}));
    assert_eq!(
        (world.status(), world.order()),
        (RunStatus::Succeeded, vec!["act/a[499]"])
    );
    assert_eq!(world.saved("got").as_array().map(Vec::len), Some(500));
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
fn on_error_goes_on_or_runs_steps() {
    let world = World::new(recipe([
        call("a", "read").go_on(),
        call("b", "read").when("steps.a.error is not none"),
    ]))
    .script("act/a", [Refuse(false, None)])
    .start(json!({}));
    assert_eq!(
        (world.status(), world.order()),
        (RunStatus::Succeeded, vec!["act/a", "act/b"])
    );
    let handled = || call("a", "read").on_error(vec![call("mend", "native"), call("more", "native")]);
    let world = World::new(recipe([handled(), call("b", "read")])).script("act/a", [Refuse(false, None)]);
    let world = world.start(json!({}));
    assert_eq!(
        world.order(),
        ["act/a", "act/a!error/mend", "act/a!error/more", "act/b"]
    );
    let world = World::new(recipe([handled()]))
        .script("act/a", [Refuse(false, None)])
        .script("act/a!error/mend", [Refuse(false, None)])
        .start(json!({}));
    assert_eq!((world.status(), world.order().len()), (RunStatus::Failed, 2));
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

#[test]
fn evidence_is_kept_with_the_labels_of_what_it_reads() {
    let mut act = vec![call("a", "read").save("noise", "")];
    act.push(
        call("b", "read")
            .evidence("all", None)
            .evidence("part", Some(json!("{{ noise.name }}"))),
    );
    act.push(call("c", "read").evidence("wrong", Some(json!("{{ nothing }}"))));
    let world = World::new(recipe(act))
        .script("act/a", [ok(json!({"name": "n"}))])
        .script("act/b", [ok(json!(5))]);
    let world = world.start(json!({}));
    assert_eq!(
        world.status(),
        RunStatus::Succeeded,
        "evidence never makes a step fail"
    );
    let rows = engine::rows(&world.root().state, &world.root().journal, world.now, 0);
    let kept: Vec<(&str, &Value)> = rows
        .artifacts
        .iter()
        .map(|row| (row.name.as_str(), &row.data))
        .collect();
    assert_eq!(kept[..2], [("all", &json!(5)), ("part", &json!("n"))]);
    assert_eq!(kept[2].1["code"], "template_undefined");
    let ids: std::collections::BTreeSet<_> = rows.artifacts.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn agent_steps_say_that_they_cannot_work_yet() {
    let kind = recipe::program::Kind::Agent {
        agent: "investigator".into(),
        goal: template(json!("find it")),
        tools: Vec::new(),
        output: json!({}),
        limits: json!({}),
    };
    let world = World::new(recipe([step("a", kind)])).start(json!({}));
    assert_eq!(world.failure(), "no_agent_runtime");
}

#[test]
fn outputs_that_cannot_be_computed_fail_the_run_for_a_person_to_see() {
    let mut recipe = recipe([call("a", "read")]);
    recipe.outputs = vec![("x".into(), template(json!("{{ nothing }}")))];
    let world = World::new(recipe).start(json!({}));
    assert_eq!(world.status(), RunStatus::Failed);
    assert!(world.root().state.needs_attention());
}
