//! Over standard input and output, against `fixture.py`.

use std::path::PathBuf;

use ports::{McpClass, McpStand, Tools};
use serde_json::{Value, json};
use tools::McpCommand;
use types::{Effect, Idempotency, InputNeeded, Labels, Outcome, Timestamp};

use super::super::support::{World, spec, told};
use super::{Rig, answers, text};

/// A server of a generation, and its folder.
async fn fixture(generation: &str) -> (Rig, PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/connectors/mcp/fixture.py");
    let work = folder.path().join("srv");
    let command = McpCommand {
        command: "python3".into(),
        args: vec![script.into(), generation.into()],
        env: [("GREETING".to_owned(), "hello".to_owned())].into(),
        folder: work.clone(),
    };
    (Rig::of(World::new().await, Some(command)).await, work, folder)
}

fn log(folder: &std::path::Path) -> String {
    std::fs::read_to_string(folder.join("log.txt")).unwrap_or_default()
}

fn count(folder: &std::path::Path, line: &str) -> usize {
    log(folder).lines().filter(|found| *found == line).count()
}

fn asked(outcome: &Outcome) -> &InputNeeded {
    match outcome {
        Outcome::NeedsInput { needed, .. } => needed,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn both_generations_are_looked_at_and_called() {
    for (generation, protocol) in [("newest", "2026-07-28"), ("older", "2025-11-25")] {
        let (rig, folder, _keep) = fixture(generation).await;
        let seen = rig.record().seen.expect("it was looked at");
        assert_eq!(
            (seen.protocol.as_str(), seen.server.as_str()),
            (protocol, "fixture 1")
        );
        let left: Vec<&str> = seen.left_out.iter().map(|left| left.name.as_str()).collect();
        assert_eq!(
            (seen.tools.len(), left),
            (23, vec!["remote_schema", "dotted.name"])
        );
        assert_eq!(text(&rig.perform("echo", json!({"text": "a\nb"})).await), "a\nb");
        let Outcome::Succeeded { output, .. } = rig.perform("count", json!({})).await else {
            panic!("it succeeds")
        };
        assert_eq!(output.value["structured"], json!({"n": 1}));
        assert_eq!(output.labels.at("/structured/n"), Labels::UNTRUSTED);
        assert_eq!(
            told(&rig.perform("echo", json!({"txet": "a"})).await),
            "failed arguments_invalid"
        );
        assert_eq!(
            (count(&folder, "start"), count(&folder, "list")),
            (1, 2),
            "two pages, once"
        );
        let health = rig.world.registry_health("srv").await;
        assert_eq!(
            health.detail,
            format!("fixture 1, revision {protocol}, 23 tools, 2 left out")
        );
    }
}

#[tokio::test]
async fn what_a_call_came_to_is_known_or_not() {
    for generation in ["newest", "older"] {
        let (rig, folder, _keep) = fixture(generation).await;
        for (action, expected) in [
            ("fails", "failed tool_refused"),
            ("refuses", "failed tool_refused"),
            ("breaks", "unknown tool_failed"),
            ("lies", "unknown answer_unreadable"),
            ("lies_reading", "unknown answer_unreadable"),
            ("dies", "unknown tool_failed"),
            ("chats", "ok"),
            ("echo", "ok"),
            ("floods", "unknown tool_flooded"),
            ("shouts", "unknown tool_flooded"),
        ] {
            let args = if action == "echo" {
                json!({"text": "x"})
            } else {
                json!({})
            };
            let outcome = rig.perform(action, args).await;
            assert_eq!(told(&outcome), expected, "{generation} {action}");
            if action == "dies" {
                let Outcome::Unknown { failure } = outcome else {
                    panic!("unknown")
                };
                let words = "the server has ended (exit status: 3); its last words: out of [2J memory";
                assert_eq!(failure.message, words);
            }
            rig.world.clock.advance(120_000);
        }
        assert_eq!(
            count(&folder, "start"),
            3,
            "started anew after it died and after each flood"
        );
    }
}

#[tokio::test]
async fn a_server_that_keeps_dying_is_started_more_and_more_slowly() {
    let (rig, folder, _keep) = fixture("older").await;
    for _ in 0..2 {
        assert_eq!(told(&rig.perform("dies", json!({})).await), "unknown tool_failed");
    }
    let waits = rig.perform("dies", json!({})).await;
    assert_eq!(told(&waits), "retry tool_unreachable after 2000", "{waits:?}");
    assert_eq!(count(&folder, "call dies"), 2);
    rig.world.clock.advance(2_000);
    assert_eq!(told(&rig.perform("dies", json!({})).await), "unknown tool_failed");
    let (rig, _folder, _keep) = fixture("dead").await;
    let health = rig.world.registry_health("srv").await;
    assert!(
        !health.ok && health.detail.contains("no licence"),
        "{}",
        health.detail
    );
    let (rig, _folder, _keep) = fixture("ancient").await;
    let health = rig.world.registry_health("srv").await;
    assert!(health.detail.contains("mcp_server_unusable"), "{}", health.detail);
}

#[tokio::test]
async fn a_call_tells_when_its_server_is_gone_and_when_it_is_back() {
    let (rig, _folder, _keep) = fixture("older").await;
    let noted = || rig.notes.1.lock().expect("notes").clone();
    let echo = async || told(&rig.perform("echo", json!({"text": "a"})).await);
    assert_eq!(echo().await, "ok");
    assert_eq!(
        told(&rig.perform("refuses", json!({})).await),
        "failed tool_refused"
    );
    assert_eq!(noted(), [], "it is as it was");
    for _ in 0..2 {
        rig.perform("dies", json!({})).await;
    }
    assert!(echo().await.starts_with("retry tool_unreachable"));
    assert_eq!(noted(), [Some("tool_unreachable".to_owned())]);
    rig.change(|record| {
        record.stand = Some(McpStand {
            since: Timestamp::default(),
            trouble: Some("it is gone".to_owned()),
        });
    });
    assert!(echo().await.starts_with("retry tool_unreachable"));
    assert_eq!(noted().len(), 1, "what is known isn't told again");
    rig.world.clock.advance(60_000);
    assert_eq!(echo().await, "ok");
    assert_eq!(noted()[1..], [None]);
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_cancelled_and_unknown() {
    let (rig, folder, _keep) = fixture("older").await;
    let args = json!({});
    let permit = rig.permit("sleeps", &args);
    let outcome = rig
        .world
        .registry
        .perform(permit, rig.world.call_within(args.clone(), 500))
        .await;
    assert_eq!(told(&outcome), "unknown call_timed_out");
    // The next one waits for the line, and goes out before the server has an ear for it.
    let permit = rig.permit("echo", &json!({"text": "x"}));
    let call = rig.world.call_within(json!({"text": "x"}), 500);
    rig.world.registry.perform(permit, call).await;
    assert!(
        log(&folder).contains("notifications/cancelled"),
        "{}",
        log(&folder)
    );
}

#[tokio::test]
async fn a_question_of_the_newest_revision_comes_back_with_its_state() {
    let (rig, folder, _keep) = fixture("newest").await;
    let outcome = rig.perform("asks", json!({})).await;
    let needed = asked(&outcome);
    assert!(!needed.keep);
    let kept = needed.resume.clone();
    let kept = kept.as_deref();
    assert_eq!(needed.questions[0].key, "who");
    let again = rig
        .with(
            "asks",
            json!({}),
            answers(kept, &[("who", json!({"name": "ann"}))]),
        )
        .await;
    assert_eq!(text(&again), "hello ann");
    let declined = rig
        .with("asks", json!({}), answers(kept, &[("who", json!("decline"))]))
        .await;
    assert_eq!(text(&declined), "no name: decline");
    // The state is lost with the process that gave it; the same question has the same answer.
    assert_eq!(told(&rig.perform("dies", json!({})).await), "unknown tool_failed");
    let restarted = rig
        .with(
            "asks",
            json!({}),
            answers(kept, &[("who", json!({"name": "bea"}))]),
        )
        .await;
    assert_eq!(text(&restarted), "hello bea");
    assert_eq!(text(&rig.perform("again", json!({})).await), "now");
    assert_eq!(
        told(&rig.perform("for_ever", json!({})).await),
        "failed tool_refused"
    );
    assert_eq!(count(&folder, "call for_ever"), 5);
    assert_eq!(
        told(&rig.perform("samples", json!({})).await),
        "failed question_unusable"
    );
}

#[tokio::test]
async fn a_question_of_an_older_revision_is_answered_by_the_next_attempt() {
    let (rig, _folder, _keep) = fixture("older").await;
    for (action, doubtful) in [("asks", true), ("asks_reading", true), ("asks_and_fails", false)] {
        let outcome = rig.perform(action, json!({})).await;
        let Outcome::NeedsInput { needed, doubt } = &outcome else {
            panic!("{action}: {outcome:?}")
        };
        assert_eq!(doubt.is_some(), doubtful, "{action}");
        assert!(needed.keep && needed.resume.is_none());
        let key = needed.questions[0].key.clone();
        let again = rig
            .with(
                action,
                json!({}),
                answers(None, &[(&key, json!({"name": "ann"}))]),
            )
            .await;
        assert_eq!(text(&again), "hello ann", "{action}");
    }
    let twice = rig.perform("asks_twice", json!({})).await;
    let keys: Vec<String> = asked(&twice)
        .questions
        .iter()
        .map(|question| question.key.clone())
        .collect();
    assert_eq!(keys.len(), 2, "both are asked at once");
    let given = [
        (keys[0].as_str(), json!({"name": "ann"})),
        (&keys[1], json!({"name": "lee"})),
    ];
    let done = rig.with("asks_twice", json!({}), answers(None, &given)).await;
    assert_eq!(text(&done), "ann lee");
    assert_eq!(
        told(&rig.perform("asks_badly", json!({})).await),
        "unknown question_unusable"
    );
    assert_eq!(
        text(&rig.perform("samples", json!({})).await),
        "-32601",
        "not offered"
    );
}

#[tokio::test]
async fn a_tool_that_is_described_otherwise_is_not_called() {
    let (rig, folder, _keep) = fixture("older").await;
    let echo = || rig.perform("echo", json!({"text": "secret"}));
    let before = rig
        .world
        .registry
        .catalog()
        .tool("srv")
        .expect("there")
        .version
        .clone();
    let digest = rig.record().seen.expect("seen").tools[0].digest.clone();
    let class = McpClass {
        effect: Effect::Write,
        idempotent: true,
        definition: digest,
        by: "ann".into(),
        at: Timestamp::default(),
    };
    rig.change(|record| drop(record.classified.insert("echo".into(), class)));
    let effect = || {
        let spec = spec(&rig.world.registry.catalog(), "srv.echo");
        (spec.effect, spec.idempotency)
    };
    assert_eq!(effect(), (Effect::Write, Idempotency::Natural));
    assert_eq!(told(&echo().await), "ok");
    assert_eq!(text(&rig.perform("pulls_rug", json!({})).await), "pulled");
    assert_eq!(told(&echo().await), "failed tool_changed");
    assert_eq!(count(&folder, "call echo"), 1);
    rig.take_up();
    rig.change(|record| record.trusted = false);
    assert_eq!(effect(), (Effect::Destructive, Idempotency::Unkeyed), "void");
    let after = rig
        .world
        .registry
        .catalog()
        .tool("srv")
        .expect("there")
        .version
        .clone();
    assert_ne!(before, after, "approvals of the older one don't count");
    assert_eq!(told(&echo().await), "ok");
}

#[tokio::test]
async fn a_server_sees_nothing_of_this_process() {
    let (rig, folder, _keep) = fixture("older").await;
    let outcome = rig.perform("environment", json!({})).await;
    let seen: Value = serde_json::from_str(text(&outcome)).expect("JSON");
    let folder = folder.canonicalize().expect("it is there");
    assert_eq!(seen["cwd"], folder.to_string_lossy().as_ref());
    let names: Vec<&String> = seen["env"].as_object().expect("names").keys().collect();
    for name in names {
        let ours = ["GREETING", "HOME", "PATH", "TMPDIR"].contains(&name.as_str());
        // Python sets this by itself where no locale is.
        assert!(ours || name == "LC_CTYPE", "{name}");
    }
    assert_eq!(
        (&seen["env"]["GREETING"], &seen["env"]["HOME"]),
        (&json!("hello"), &seen["cwd"])
    );
}

#[tokio::test]
async fn nothing_is_trusted_unless_somebody_said_so() {
    let (rig, _folder, _keep) = fixture("newest").await;
    let effect = |action: &str| spec(&rig.world.registry.catalog(), &format!("srv.{action}")).effect;
    assert_eq!(
        [effect("echo"), effect("fails"), effect("bare")],
        [Effect::Read, Effect::Write, Effect::Destructive]
    );
    rig.change(|record| record.trusted = false);
    assert_eq!([effect("echo"), effect("bare")], [Effect::Destructive; 2]);
    rig.change(|record| record.mock = false);
    let outcome = rig.perform("echo", json!({"text": "x"})).await;
    assert_eq!(
        told(&outcome),
        "failed tool_not_configured",
        "no stand-in in the sandbox"
    );
}
