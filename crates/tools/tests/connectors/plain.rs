//! Plain HTTP tools: the envelope both ways, and their place in the catalogue.

use ports::Tools as _;
use serde_json::json;
use types::{Lookup, Outcome, ProbeResult};
use wiremock::ResponseTemplate;

use crate::support::{KEY, World, answer, body, header, told};

const MANIFEST: &str = r#"{
  "name": "lamps",
  "description": "Lamps of a stage.",
  "actions": {
    "set_level": {
      "description": "Sets a lamp's level.",
      "parameters": {"lamp": "string", "level": {"type": "number", "minimum": 0, "maximum": 1}},
      "effect": "write", "idempotency": "native_key",
      "trust": {"/level": "system"}
    },
    "blackout": {"description": "Turns everything off."}
  }
}"#;

async fn lamps() -> World {
    let tool = tools::http_tool(MANIFEST).expect("a tool");
    World::with(vec![tool], Vec::new()).await
}

#[tokio::test]
async fn an_action_is_posted_with_the_key() {
    let world = lamps().await;
    world
        .tells(
            "POST",
            "/action",
            json!({"ok": true, "result": {"level": 0.5, "note": "dim"}}),
        )
        .await;
    let outcome = world
        .perform("lamps.set_level", json!({"lamp": "l1", "level": 0.5}))
        .await;
    let Outcome::Succeeded { output, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(output.value, json!({"level": 0.5, "note": "dim"}));
    assert_eq!(output.labels.at("/level"), types::Label::System.into());
    assert!(output.labels.at("/note").contains(types::Label::Untrusted));
    let sent = &world.seen("POST", "/action").await[0];
    assert_eq!(
        body(sent),
        json!({"tool": "lamps", "action": "set_level", "args": {"lamp": "l1", "level": 0.5}})
    );
    assert_eq!(header(sent, "idempotency-key"), KEY);
}

#[tokio::test]
async fn answers_are_told_apart() {
    for (template, expected) in [
        (
            answer(200, json!({"ok": false, "error": "no such lamp"})),
            "failed tool_refused",
        ),
        (
            answer(400, json!({"ok": false, "error": "bad level"})),
            "failed tool_refused",
        ),
        (
            answer(429, json!({})).insert_header("Retry-After", "1"),
            "retry tool_rate_limited after 1000",
        ),
        (ResponseTemplate::new(500), "unknown tool_failed"),
        (answer(200, json!({"done": true})), "unknown answer_unreadable"),
        (
            ResponseTemplate::new(200).set_body_string("done"),
            "unknown answer_unreadable",
        ),
    ] {
        let world = lamps().await;
        world.answers("POST", "/action", template, 0).await;
        assert_eq!(told(&world.perform("lamps.blackout", json!({})).await), expected);
    }
}

#[tokio::test]
async fn arguments_are_checked_against_the_manifest() {
    let world = lamps().await;
    let outcome = world
        .perform("lamps.set_level", json!({"lamp": "l1", "level": 2}))
        .await;
    assert_eq!(told(&outcome), "failed arguments_invalid");
    assert!(world.seen("POST", "/action").await.is_empty());
}

#[tokio::test]
async fn health_is_what_the_tool_says() {
    for (template, ok) in [
        (answer(200, json!({"ok": true})), true),
        (answer(200, json!({"status": "ok"})), true),
        (answer(200, json!({"ok": false, "error": "no power"})), false),
        (answer(200, json!({})), false),
        (ResponseTemplate::new(500), false),
    ] {
        let world = lamps().await;
        world.answers("GET", "/health", template, 0).await;
        assert_eq!(world.registry_health("lamps").await.ok, ok);
    }
}

#[tokio::test]
async fn nothing_can_be_looked_up() {
    let world = lamps().await;
    let found = world.look_up("lamps.blackout", json!({})).await;
    assert!(matches!(found, ProbeResult::Unclear { .. }), "{found:?}");
}

#[tokio::test]
async fn tools_come_and_go_but_never_in_the_place_of_a_built_in_one() {
    let world = lamps().await;
    let sly = MANIFEST
        .replace("\"lamps\"", "\"slack\"")
        .replace("blackout", "post_message");
    world
        .registry
        .replace_http_tools(vec![tools::http_tool(&sly).expect("a tool")]);
    let catalog = world.registry.catalog();
    assert_eq!(catalog.find("lamps.blackout"), Lookup::MissingTool);
    assert!(
        catalog.tool("slack").is_some_and(|tool| tool.actions.len() == 4),
        "Slack is still Slack"
    );
    let near = MANIFEST.replace("blackout", "post_message");
    world
        .registry
        .replace_http_tools(vec![tools::http_tool(&near).expect("a tool")]);
    let catalog = world.registry.catalog();
    assert!(matches!(catalog.find("post_message"), Lookup::Found(spec) if spec.tool == "slack"));
}
