//! PagerDuty: where the routing key stands, which key an alert gets, and how refusals are told apart.

use serde_json::{Value, json};
use types::{ArtifactKind, Label, Outcome};

use crate::support::{KEY, World, answer, body, header, told};

const ENQUEUE: &str = "/v2/enqueue";

fn accepted(key: &str) -> Value {
    json!({"status": "success", "message": "Event processed", "dedup_key": key})
}

fn refused(errors: &Value) -> Value {
    json!({"status": "invalid event", "message": "Event object is invalid", "errors": errors})
}

#[tokio::test]
async fn an_alert_carries_the_calls_key_and_the_routing_key_in_its_body() {
    let world = World::new().await;
    world
        .answers("POST", ENQUEUE, answer(202, accepted(KEY)), 0)
        .await;
    let args = json!({"summary": "Boardroom 4A is down", "url": "https://avops.example/r/1", "custom_details": {"room": "4A"}});
    let Outcome::Succeeded { output, artifacts } = world.perform("pagerduty.trigger", args).await else {
        panic!("not triggered")
    };
    assert_eq!(output.value["dedup_key"], KEY);
    assert_eq!(output.labels.at("/dedup_key"), Label::System.into());
    assert_eq!(
        (artifacts[0].kind, artifacts[0].external_id.as_str()),
        (ArtifactKind::Incident, KEY)
    );
    let sent = &world.seen("POST", ENQUEUE).await[0];
    assert_eq!(
        header(sent, "authorization"),
        "",
        "the key stands in the body alone"
    );
    assert_eq!(
        body(sent),
        json!({
            "routing_key": "routing-key", "event_action": "trigger", "dedup_key": KEY, "client": "AgentOps",
            "payload": {"summary": "Boardroom 4A is down", "source": "agentops", "severity": "error", "custom_details": {"room": "4A"}},
            "links": [{"href": "https://avops.example/r/1", "text": "Boardroom 4A is down"}],
        })
    );
}

#[tokio::test]
async fn the_key_that_is_given_is_used() {
    for action in ["trigger", "acknowledge", "resolve"] {
        let world = World::new().await;
        world
            .answers("POST", ENQUEUE, answer(202, accepted("room-4a")), 0)
            .await;
        let mut args = json!({"dedup_key": "room-4a"});
        if action == "trigger" {
            args["summary"] = "x".into();
        }
        world.output(&format!("pagerduty.{action}"), args).await;
        let sent = body(&world.seen("POST", ENQUEUE).await[0]);
        assert_eq!(
            (&sent["event_action"], &sent["dedup_key"]),
            (&json!(action), &json!("room-4a"))
        );
    }
}

#[tokio::test]
async fn a_refused_routing_key_is_told_from_a_refused_event() {
    let length = json!(["Length of 'routing_key' is incorrect (should be 32 characters)"]);
    let blank = json!(["'payload.summary' is missing or blank"]);
    let short = json!({"status": "Bad Request", "message": "Invalid routing key"});
    for (template, expected) in [
        (answer(400, refused(&length)), "failed credentials_refused"),
        (answer(400, short), "failed credentials_refused"),
        (answer(400, refused(&blank)), "failed tool_refused"),
        (answer(202, accepted("another")), "unknown answer_unreadable"),
        (answer(429, json!({})), "retry tool_rate_limited"),
    ] {
        let world = World::new().await;
        world.answers("POST", ENQUEUE, template, 0).await;
        let outcome = world.perform("pagerduty.trigger", json!({"summary": "x"})).await;
        assert_eq!(told(&outcome), expected, "{outcome:?}");
    }
}

#[tokio::test]
async fn health_sends_no_event() {
    for (errors, ok) in [
        (json!(["'event_action' is missing or blank"]), true),
        (
            json!(["Length of 'routing_key' is incorrect (should be 32 characters)"]),
            false,
        ),
    ] {
        let world = World::new().await;
        world
            .answers("POST", ENQUEUE, answer(400, refused(&errors)), 0)
            .await;
        let health = world.registry_health("pagerduty").await;
        assert_eq!(health.ok, ok, "{health:?}");
        let sent = body(&world.seen("POST", ENQUEUE).await[0]);
        assert_eq!(sent, json!({"routing_key": "routing-key"}));
    }
}
