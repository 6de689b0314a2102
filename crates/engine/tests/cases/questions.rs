//! Questions that a tool asks in the midst of a call.

use crate::support::*;
use engine::event::Resolution;
use engine::rows::ApprovalStatus;
use engine::state::Stage;
use engine::{Event, Message};
use serde_json::{Value, json};
use types::{Actor, Answers, InputNeeded, Label, Labeled, Question, RunStatus, StepStatus};

use super::people::resolve;

fn needed(keys: &[&str], resume: Option<&str>, keep: bool) -> InputNeeded {
    let question = |key: &&str| Question {
        key: (*key).to_owned(),
        prompt: format!("what is {key}?"),
        schema: json!({"type": "object"}),
    };
    InputNeeded {
        questions: keys.iter().map(question).collect(),
        resume: resume.map(str::to_owned),
        keep,
    }
}

fn answer(name: &str, value: Value) -> Message {
    Message::Input {
        name: name.into(),
        value: Labeled::new(value, Label::User),
        by: Actor::user("bob"),
    }
}

fn given(world: &World, attempt: usize) -> (Option<String>, Vec<(String, Value)>) {
    let answers = world.calls[attempt].answers.clone().unwrap_or_default();
    let Answers { resume, given } = answers;
    (
        resume,
        given
            .into_iter()
            .map(|(key, answer)| (key, answer.value))
            .collect(),
    )
}

#[test]
fn answers_go_along_with_the_next_attempt_under_the_same_key() {
    for action in ["read", "natural", "unkeyed"] {
        let asks = Reply::Asks(needed(&["a", "b"], Some("s1"), false), false);
        let mut world = World::new(recipe([call("x", action).timeout(60_000)]))
            .script("act/x", [asks, Reply::Ok(json!({"done": 1}))])
            .start(json!({}));
        assert_eq!(
            (world.status(), world.calls.len()),
            (RunStatus::Waiting, 1),
            "{action}"
        );
        assert_eq!(
            world.step("act/x").waiting_for(),
            format!("an answer to what t.{action} asks")
        );
        world.crash(world.root);
        world.after(3_600_000);
        world.say(answer("act/x:a", json!({"n": 1})));
        assert_eq!(
            world.step("act/x").stage,
            Stage::Person,
            "another answer is missing"
        );
        world.say(answer("act/x:a", json!({"n": 2})));
        world.say(answer("x:b", json!(0)));
        assert_eq!(
            world.root().notes.len(),
            2,
            "answered already, and not asked for so"
        );
        world.say(answer("act/x:b", json!("decline")));
        assert_eq!(world.status(), RunStatus::Succeeded, "its time stood still");
        assert_eq!(world.calls[0].key, world.calls[1].key);
        assert_eq!(given(&world, 0), (None, vec![]));
        let both = vec![
            ("a".to_owned(), json!({"n": 1})),
            ("b".to_owned(), json!("decline")),
        ];
        assert_eq!(given(&world, 1), (Some("s1".to_owned()), both));
        assert!(
            world.root().state.intake.is_empty(),
            "they are no inputs of the run"
        );
    }
}

#[test]
fn a_later_round_keeps_earlier_answers_only_where_the_tool_begins_anew() {
    for keep in [true, false] {
        let mut world = World::new(recipe([call("x", "read")]))
            .script(
                "act/x",
                [
                    Reply::Asks(needed(&["a"], Some("s1"), keep), false),
                    Reply::Asks(needed(&["b"], Some("s2"), keep), false),
                ],
            )
            .start(json!({}));
        world.say(answer("act/x:a", json!(1)));
        world.say(answer("act/x:b", json!(2)));
        let (resume, given) = given(&world, 2);
        assert_eq!(resume.as_deref(), Some("s2"));
        let keys: Vec<&str> = given.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, if keep { vec!["a", "b"] } else { vec!["b"] });
        assert_eq!(world.status(), RunStatus::Succeeded);
    }
}

#[test]
fn a_write_that_went_on_without_the_answer_is_uncertain_before_anybody_is_asked() {
    let asks = || Reply::Asks(needed(&["a"], None, true), true);
    let start = |action: &str| {
        World::new(recipe([call("x", action)]))
            .script("act/x", [asks()])
            .start(json!({}))
    };
    for safe in ["read", "natural"] {
        assert_eq!(
            start(safe).step("act/x").stage,
            Stage::Person,
            "{safe} is called again"
        );
    }
    let mut redone = start("unkeyed");
    assert_eq!(redone.step_status("act/x"), StepStatus::Uncertain);
    redone.say(answer("act/x:a", json!(1)));
    assert_eq!(redone.root().notes.len(), 1, "that is not asked yet");
    redone.say(resolve("act/x", Resolution::Redo));
    assert_eq!(
        (redone.step("act/x").stage.clone(), redone.calls.len()),
        (Stage::Person, 1)
    );
    redone.say(answer("act/x:a", json!(1)));
    assert_eq!((redone.status(), redone.calls.len()), (RunStatus::Succeeded, 2));
    assert_eq!(given(&redone, 1).1.len(), 1);
    let mut done = start("unkeyed");
    done.say(resolve("act/x", super::people::happened()));
    assert_eq!((done.status(), done.calls.len()), (RunStatus::Succeeded, 1));
}

#[test]
fn an_approval_given_before_the_answers_does_not_cover_them() {
    let approve = |world: &World| {
        let mut open = world.root().state.approvals.iter();
        let found = open.find(|(_, approval)| approval.status == ApprovalStatus::Pending);
        let (id, approval) = found.expect("an approval is asked");
        let vote = Message::Vote {
            approval: *id,
            approve: true,
            by: Actor::user("carol"),
            note: String::new(),
            self_approval: false,
        };
        (vote, approval.reason.clone())
    };
    let mut world = World::new(recipe([call("x", "wipe")]))
        .script("act/x", [Reply::Asks(needed(&["disk"], None, false), false)])
        .start(json!({}));
    let (vote, reason) = approve(&world);
    assert!(!reason.contains("answers"), "{reason}");
    world.say(vote);
    world.say(answer("act/x:disk", json!({"disk": "sda"})));
    assert_eq!(world.calls.len(), 1, "the answer has to be approved too");
    let (vote, reason) = approve(&world);
    assert!(reason.contains(r#"{"disk":{"disk":"sda"}}"#), "{reason}");
    world.say(vote);
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Succeeded, 2));
}

#[test]
fn a_tool_that_asks_what_it_knows_fails_and_one_that_asks_for_ever_is_given_up() {
    let again = || Reply::Asks(needed(&["a"], None, true), false);
    let mut world = World::new(recipe([call("x", "read")]))
        .script("act/x", [again(), again()])
        .start(json!({}));
    world.say(answer("act/x:a", json!(1)));
    assert_eq!(
        (world.status(), world.failure()),
        (RunStatus::Failed, "question_repeated")
    );
    let ever = (0..5).map(|_| Reply::Asks(needed(&["a"], None, false), false));
    let mut world = World::new(recipe([call("x", "read")]))
        .limit(|limits| limits.attempts = 3)
        .script("act/x", ever)
        .start(json!({}));
    for _ in 0..3 {
        world.say(answer("act/x:a", json!(1)));
    }
    assert_eq!((world.failure(), world.calls.len()), ("attempts_exhausted", 3));
}

#[test]
fn a_question_that_comes_late_is_still_asked_unless_the_run_is_over() {
    let asks = || Reply::Asks(needed(&["a"], None, false), false);
    let lost = || {
        let mut world = World::new(recipe([call("x", "unkeyed")]))
            .script("act/x", [Reply::Hold])
            .start(json!({}));
        let flight = world.calls[0].clone();
        world.crash(world.root);
        world.drop_held("act/x");
        assert_eq!(world.step_status("act/x"), StepStatus::Uncertain);
        (world, flight)
    };
    let (mut world, flight) = lost();
    world.finish(&flight, asks());
    world.run();
    assert_eq!(world.step("act/x").stage, Stage::Person);
    world.say(answer("act/x:a", json!(1)));
    assert_eq!(world.status(), RunStatus::Succeeded);
    let (mut world, flight) = lost();
    world.say(Message::Kill {
        by: Actor::user("bob"),
        reason: String::new(),
    });
    world.finish(&flight, asks());
    assert_eq!(world.step_status("act/x"), StepStatus::Failed);
    let resolved = world.root().journal.iter().any(|recorded| {
        matches!(
            &recorded.event,
            Event::UncertainResolved {
                resolution: Resolution::Failed { .. },
                ..
            }
        )
    });
    assert!(resolved);
}

#[test]
fn a_run_that_is_cancelled_asks_no_more() {
    let mut world = World::new(recipe([call("x", "unkeyed")]))
        .script("act/x", [Reply::Asks(needed(&["a"], None, false), false)])
        .start(json!({}));
    world.say(Message::Cancel {
        by: Actor::user("bob"),
        reason: String::new(),
    });
    assert_eq!((world.status(), world.calls.len()), (RunStatus::Cancelled, 1));
}
