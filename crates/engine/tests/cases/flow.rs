//! Order: phases, `when`, `for_each`, `on_error`, evidence and outputs.

use crate::support::*;
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
    assert_eq!(world.failure(), "unknown_action");
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
    let labels: Vec<String> = rows.artifacts.iter().map(|row| row.labels.to_string()).collect();
    assert_eq!(labels[..2], ["system", "system"]);
    let ids: std::collections::BTreeSet<_> = rows.artifacts.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_task_is_shown_with_its_words_and_not_with_their_template() {
    let words = "Tidy {{ inputs.room }}\nand knock";
    let titled = |id: &str, title: &str| {
        let text = template(json!(words));
        let mut step = step(id, recipe::program::Kind::Manual { text });
        step.title = title.into();
        step
    };
    let world = World::new(recipe([titled("own", "Tidy up"), titled("none", words)]));
    let mut world = world.start(json!({"room": "4A"}));
    world.say(engine::Message::Task {
        step: "act/own".into(),
        ok: true,
        note: String::new(),
        by: types::Actor::user("ann"),
    });
    let rows = engine::rows(&world.root().state, &world.root().journal, world.now, 0);
    let titles: Vec<&str> = rows.steps.iter().map(|row| row.title.as_str()).collect();
    assert_eq!(titles, ["Tidy 4A and knock", "Tidy up"]);
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
