//! Runs from start to end through the use cases, over a real store and the real engine.

mod bounds;
mod repeated;

use serde_json::{Map, Value, json};
use types::{Actor, Failure, Label, Labeled, Mode, Outcome, RunId, RunStatus};

use super::*;
use crate::testing::{self, Bench, ann};

const TALK: &str = r#"
name: Talk
inputs:
  room: {type: string, required: true, description: "which room"}
  count: {type: integer, default: 2}
intake:
  - ask: "Which room?"
    as: room
  - ask: "Who asks?"
    as: who
plan:
  - id: find
    action: zoom.find_room
    with: {query: "{{ intake.room }}"}
    save: zoom_room
act:
  - id: tidy
    manual: "Tidy {{ intake.room }}"
  - id: knock
    wait: {signal: knock}
verify:
  - id: tidy_now
    confirm: "It is tidy"
outputs:
  room: "{{ intake.room }}"
"#;

const POST: &str = r##"
name: Post
intake: []
plan: []
act:
  - id: post
    action: slack.post_message
    with: {channel: "#avops", text: hello}
    on_uncertain: ask
verify: []
guardrails:
  rollback: [{notify: "slack:#avops undone"}]
"##;

fn good() -> Outcome {
    Outcome::Succeeded {
        output: Labeled::new(json!({"id": "r1"}), Label::System),
        artifacts: Vec::new(),
    }
}

fn unknown() -> Outcome {
    Outcome::Unknown {
        failure: Failure::new("call_timed_out", "no answer came"),
    }
}

fn inputs(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

async fn started(bench: &Bench, recipe: &str, given: Value) -> Result<RunId> {
    let wish = StartRun {
        inputs: inputs(given),
        ..StartRun::new(recipe, ann())
    };
    start(&bench.services, wish).await.map(|created| created.run)
}

async fn status(bench: &Bench, run: RunId) -> RunStatus {
    find(&bench.services, run).await.expect("there").status
}

fn code<T>(result: Result<T>) -> String {
    result.map_or_else(|failure| failure.code, |_| "ok".to_owned())
}

#[tokio::test]
async fn a_run_is_started_answered_and_ends() {
    let bench = testing::bench().await;
    bench.save(TALK).await;
    let services = &bench.services;
    let run = started(&bench, "talk", json!({"room": "4A"}))
        .await
        .expect("starts");
    let row = find(services, run).await.expect("there");
    assert_eq!(
        (row.status, row.mode, row.requester.as_str()),
        (RunStatus::Queued, Mode::Mock, "ann")
    );

    bench.work(&good()).await;
    let asks = view(services, run).await.expect("there").asks;
    assert!(
        matches!(asks.as_slice(), [Asked::Input { name, .. }] if name == "who"),
        "{asks:?}"
    );
    let failure = give_input(services, run, "whoo", json!("bob"), &ann())
        .await
        .expect_err("not asked");
    assert_eq!(
        (failure.code.as_str(), failure.hint.as_deref()),
        ("input_not_asked", Some("did you mean 'who'?"))
    );
    give_input(services, run, "who", json!("bob"), &ann())
        .await
        .expect("asked");

    bench.work(&good()).await;
    assert_eq!(
        code(task(services, run, "nothing", true, "", &ann()).await),
        "step_not_waiting"
    );
    task(services, run, "tidy", true, "done it", &ann())
        .await
        .expect("waits");
    bench.work(&good()).await;
    signal(services, run, "knock", json!({"n": 1}), None, &ann())
        .await
        .expect("open");
    bench.work(&good()).await;
    task(services, run, "verify/tidy_now", true, "", &ann())
        .await
        .expect("waits");
    bench.work(&good()).await;

    let seen = view(services, run).await.expect("there");
    let tidy = seen.steps.iter().find(|step| step.step.as_str() == "act/tidy");
    assert_eq!(
        tidy.expect("the task").title,
        "Tidy 4A",
        "the words, not their template"
    );
    assert_eq!(json!(seen.run)["wake_at"], Value::Null, "never");
    assert_eq!(
        (seen.run.status, &seen.run.outputs),
        (RunStatus::Succeeded, &json!({"room": "4A"}))
    );
    assert!(seen.asks.is_empty());
    assert_eq!(
        code(signal(services, run, "knock", json!(null), None, &ann()).await),
        "run_ended"
    );
    assert!(!journal(services, run, 0, 1).await.expect("there").is_empty());
}

#[tokio::test]
async fn bad_inputs_are_told_all_at_once() {
    let bench = testing::bench().await;
    bench.save(TALK).await;
    let failure = started(&bench, "talk", json!({"count": "two", "rom": "4A"}))
        .await
        .expect_err("wrong");
    assert_eq!(failure.code, "inputs_invalid");
    for part in ["'count'", "there is no input 'rom'; did you mean 'room'?"] {
        assert!(failure.message.contains(part), "{part} in {}", failure.message);
    }
    assert!(
        list(
            &bench.services,
            ports::RunFilter {
                limit: 10,
                ..Default::default()
            }
        )
        .await
        .expect("lists")
        .is_empty()
    );
}

#[tokio::test]
async fn a_missing_required_input_that_nothing_asks_for_stops_the_start() {
    let bench = testing::bench().await;
    let silent = "name: Silent\ninputs:\n  room: {type: string, required: true, description: which room}\n\
                  intake: []\nplan:\n  - action: zoom.find_room\n    with: {query: \"{{ inputs.room }}\"}\nact: []\nverify: []\n";
    bench.save(silent).await;
    let failure = started(&bench, "silent", json!({})).await.expect_err("missing");
    assert!(
        failure.message.contains("'room' is missing (which room)"),
        "{failure}"
    );
}

#[tokio::test]
async fn what_can_not_be_started() {
    let bench = testing::bench().await;
    bench.save(TALK).await;
    let services = &bench.services;
    let failure = started(&bench, "tallk", json!({})).await.expect_err("unknown");
    assert_eq!(
        (failure.code.as_str(), failure.hint.as_deref()),
        ("not_found", Some("did you mean 'talk'?"))
    );
    let draft = |text: &str| crate::recipes::SaveRecipe {
        text: text.to_owned(),
        slug: None,
        activate: false,
        seen: None,
        person: true,
        by: ann(),
        labels: Label::Author.into(),
    };
    crate::recipes::save(services, draft(&POST.replace("name: Post", "name: Draft")))
        .await
        .expect("saves");
    assert_eq!(
        code(started(&bench, "draft", json!({})).await),
        "recipe_not_active"
    );
    crate::recipes::save(services, draft("name: Broken\nintake: 5\n"))
        .await
        .expect("keeps drafts");
    let wish = StartRun {
        version: Some(1),
        ..StartRun::new("broken", ann())
    };
    assert_eq!(code(start(services, wish).await), "recipe_has_errors");
    let wish = StartRun {
        version: Some(9),
        ..StartRun::new("talk", ann())
    };
    assert_eq!(code(start(services, wish).await), "not_found");
    let tool =
        "name: Tool\nintake: []\nplan: []\nact:\n  - action: qsys.set_gain\n    with: {db: 3}\nverify: []\n";
    crate::recipes::save(services, draft(tool)).await.expect("saves");
    let wish = StartRun {
        version: Some(1),
        ..StartRun::new("tool", ann())
    };
    assert_eq!(code(start(services, wish).await), "tool_not_configured");
    let wish = StartRun {
        agent: Some("nobody".into()),
        inputs: inputs(json!({"room": "a"})),
        ..StartRun::new("talk", ann())
    };
    assert_eq!(code(start(services, wish).await), "not_found");
}

#[tokio::test]
async fn a_run_is_held_released_and_stopped() {
    let bench = testing::bench().await;
    bench.save(TALK).await;
    let services = &bench.services;
    let run = started(&bench, "Talk", json!({"room": "4A"}))
        .await
        .expect("starts");
    bench.work(&good()).await;
    assert_eq!(code(resume(services, run, &ann()).await), "run_in_that_state");
    pause(services, run, &ann()).await.expect("open");
    bench.work(&good()).await;
    assert_eq!(status(&bench, run).await, RunStatus::Paused);
    assert_eq!(code(pause(services, run, &ann()).await), "run_in_that_state");
    resume(services, run, &ann()).await.expect("paused");
    bench.work(&good()).await;
    cancel(services, run, &ann(), "enough").await.expect("open");
    bench.work(&good()).await;
    assert_eq!(status(&bench, run).await, RunStatus::Cancelled);
    let stops = view(services, run).await.expect("there").stops;
    assert!(
        matches!(stops.as_slice(), [Stop { killed: false, by, reason, .. }] if by == "ann" && reason == "enough"),
        "{stops:?}"
    );
    assert_eq!(code(kill(services, run, &ann(), "").await), "run_ended");
    assert_eq!(
        code(pause(services, RunId::from_bytes([7; 16]), &ann()).await),
        "not_found"
    );
}

#[tokio::test]
async fn a_person_says_what_an_uncertain_step_did() {
    let bench = testing::bench().await;
    bench.save(POST).await;
    let services = &bench.services;
    let run = started(&bench, "post", json!({})).await.expect("starts");
    bench.work(&unknown()).await;
    let seen = view(services, run).await.expect("there");
    assert!(seen.run.needs_attention);
    assert!(
        matches!(seen.asks.as_slice(), [Asked::Uncertain { action, .. }] if action == "slack.post_message")
    );
    let bob = Actor::user("bob");
    assert_eq!(
        code(resolve(services, run, "else", Answer::Redo, "", &bob).await),
        "step_not_waiting"
    );
    let odd = Answer::Happened(Some(json!({"ts": 5})));
    assert_eq!(
        code(resolve(services, run, "post", odd, "", &bob).await),
        "inputs_invalid",
        "later steps would take it for the tool's answer"
    );
    resolve(
        services,
        run,
        "post",
        Answer::Happened(Some(json!({"ts": "1"}))),
        "I saw it",
        &bob,
    )
    .await
    .expect("uncertain");
    bench.work(&good()).await;
    assert_eq!(status(&bench, run).await, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_restart_keeps_what_was_finished_before() {
    let bench = testing::bench().await;
    bench.save(TALK).await;
    let services = &bench.services;
    let run = started(&bench, "talk", json!({"room": "4A", "who": "bob"}))
        .await
        .expect("starts");
    assert_eq!(
        code(restart(services, run, "tidy", None, &ann()).await),
        "run_not_ended"
    );
    bench.work(&good()).await;
    task(services, run, "tidy", false, "no broom", &ann())
        .await
        .expect("waits");
    bench.work(&good()).await;
    assert_eq!(status(&bench, run).await, RunStatus::Failed);
    assert_eq!(
        code(restart(services, run, "tidyy", None, &ann()).await),
        "step_unknown"
    );

    let fork = restart(services, run, "tidy", None, &Actor::user("bob"))
        .await
        .expect("ended")
        .run;
    bench.work(&good()).await;
    let seen = view(services, fork).await.expect("there");
    assert_eq!(seen.run.requester, "bob");
    assert!(
        matches!(seen.asks.as_slice(), [Asked::Task { step, .. }] if step.as_str() == "act/tidy"),
        "{:?}",
        seen.asks
    );
    let found = seen
        .steps
        .iter()
        .find(|step| step.step.as_str() == "plan/find")
        .expect("kept");
    assert_eq!(found.status, types::StepStatus::Succeeded);
}

#[tokio::test]
async fn an_approval_is_decided_by_another_person() {
    let bench = testing::bench().await;
    let text = "name: Restart\nintake: []\nplan: []\nact:\n  - id: go\n    action: zoom.restart_room\n    with: {room_id: r1}\nverify: []\n";
    bench.save(text).await;
    let services = &bench.services;
    let run = started(&bench, "restart", json!({})).await.expect("starts");
    bench.work(&good()).await;
    let waiting = view(services, run).await.expect("there").approvals;
    let id = waiting.first().expect("one").id;
    assert_eq!(
        code(crate::approvals::decide(services, id, true, "", &ann()).await),
        "self_approval_off"
    );
    crate::approvals::decide(services, id, true, "fine", &Actor::user("bob"))
        .await
        .expect("pending");
    bench.work(&good()).await;
    assert_eq!(status(&bench, run).await, RunStatus::Succeeded);
    assert_eq!(
        code(crate::approvals::decide(services, id, true, "", &Actor::user("eve")).await),
        "approval_closed"
    );
}

#[tokio::test]
async fn a_snapshot_that_can_not_be_read_is_passed_over() {
    let bench = testing::bench().await;
    bench.save(TALK).await;
    let services = &bench.services;
    let run = started(&bench, "talk", json!({"room": "4A"}))
        .await
        .expect("starts");
    bench.work(&good()).await;
    let before = fold(services, run).await.expect("a state");
    let lease = held(services, run).await;
    let good = engine::snapshot::write(&before).expect("a text");
    let other_version = good.replacen("\"v\":1", "\"v\":2", 1);
    for text in [good, other_version, "{".to_owned()] {
        let append = ports::Append {
            snapshot: Some(Snapshot {
                seq: before.head,
                state: text.clone(),
            }),
            ..nothing(services, lease, &before)
        };
        services.store.append(append).await.expect("kept");
        let loaded = services.store.load(services.tenant, run).await.expect("loads");
        assert_eq!(loaded.snapshot.map(|snapshot| snapshot.state), Some(text));
        assert_eq!(fold(services, run).await.expect("a state"), before);
    }
}

#[tokio::test]
async fn a_run_whose_journal_can_not_be_read_is_shown_with_the_reason() {
    let bench = testing::bench().await;
    bench.save(TALK).await;
    let services = &bench.services;
    let run = started(&bench, "talk", json!({"room": "4A"}))
        .await
        .expect("starts");
    bench.work(&good()).await;
    let state = fold(services, run).await.expect("a state");
    let lease = held(services, run).await;
    let from_the_future = engine::Recorded {
        seq: state.head + 1,
        at: services.now(),
        v: engine::EVENT_VERSION + 1,
        event: engine::Event::RunPaused { by: ann() },
    };
    let append = ports::Append {
        events: vec![from_the_future],
        ..nothing(services, lease, &state)
    };
    services.store.append(append).await.expect("kept");
    let failure = view(services, run).await.expect_err("its row says nothing yet");
    assert_eq!(failure.code, "journal_unreadable");
    let named = format!("event {} of {run}", state.head + 1);
    assert!(failure.message.contains(&named), "{failure}");
    let aside = services
        .store
        .set_aside(lease, services.now(), Some(failure.clone()));
    aside.await.expect("set aside");
    let seen = view(services, run).await.expect("shown");
    assert_eq!((seen.run.failure, seen.asks), (Some(failure), Vec::new()));
}

/// Holds a run, as a worker does.
async fn held(services: &Services, run: RunId) -> ports::Lease {
    let message = Message::Pause { by: ann() };
    post(services, run, message).await.expect("wakes it");
    let claims = services.store.claim(services.now(), 60_000, 1).await;
    claims.expect("claimed")[0].lease
}

/// An append of nothing.
fn nothing(services: &Services, lease: ports::Lease, state: &State) -> ports::Append {
    ports::Append {
        lease,
        expected_head: state.head,
        events: Vec::new(),
        rows: engine::rows(state, &[], services.now(), 5_000),
        snapshot: None,
        consumed: Vec::new(),
        posts: Vec::new(),
        runs: Vec::new(),
        dead_letter: None,
        after: ports::After::Keep,
    }
}
