//! Limits, circuits and `Retry-After` in front of every call, seen from the registry.

use ports::Tools as _;
use serde_json::{Value, json};
use types::{CallLimit, CallLimits, Mode, ProbeResult};
use wiremock::ResponseTemplate;

use crate::support::{World, answer, told};

const POST: &str = "/api/chat.postMessage";

fn message() -> Value {
    json!({"channel": "#a", "text": "x"})
}

async fn post(world: &World) -> String {
    told(&world.perform("slack.post_message", message()).await)
}

fn held(world: &World) -> Vec<String> {
    let held = world.registry.held_back(world.tenant, Mode::Mock);
    held.into_keys().collect()
}

fn limit(world: &World, limit: CallLimit) {
    world
        .registry
        .set_limits(CallLimits::from([("slack".to_owned(), limit)]));
}

#[tokio::test]
async fn a_wish_to_slow_down_is_heard_by_everybody() {
    for status in [429, 503] {
        let world = World::new().await;
        let slow = ResponseTemplate::new(status).insert_header("retry-after", "20");
        world.answers("POST", POST, slow, 1).await;
        let ok = json!({"ok": true, "channel": "C0AVOPS01", "ts": "1.2"});
        world.answers("POST", POST, answer(200, ok), 0).await;
        let first = post(&world).await;
        assert!(
            first.contains("tool_rate_limited") || first == "unknown tool_failed",
            "{first}"
        );
        world.clock.advance(5_000);
        assert_eq!(post(&world).await, "held back tool_closed for 15000");
        assert_eq!(held(&world), ["slack"]);
        let found = world.look_up("slack.post_message", message()).await;
        assert!(
            matches!(&found, ProbeResult::Unclear { failure } if failure.code == "tool_closed"),
            "{found:?}"
        );
        assert_eq!(
            world.seen("POST", POST).await.len(),
            1,
            "nothing was sent meanwhile"
        );
        world.clock.advance(15_000);
        assert_eq!((held(&world), post(&world).await), (vec![], "ok".to_owned()));
    }
}

#[tokio::test]
async fn a_tool_that_fails_is_let_alone_and_tried_again() {
    let world = World::new().await;
    limit(
        &world,
        CallLimit {
            failures: Some(2),
            open_s: Some(10),
            ..CallLimit::default()
        },
    );
    world.answers("POST", POST, ResponseTemplate::new(500), 2).await;
    let ok = json!({"ok": true, "channel": "C0AVOPS01", "ts": "1.2"});
    world.answers("POST", POST, answer(200, ok), 0).await;
    for _ in 0..2 {
        assert_eq!(post(&world).await, "unknown tool_failed");
    }
    assert_eq!(post(&world).await, "held back circuit_open for 10000");
    assert_eq!(world.seen("POST", POST).await.len(), 2);
    world.clock.advance(10_000);
    assert_eq!(post(&world).await, "ok");
    assert_eq!(post(&world).await, "ok");
}

#[tokio::test]
async fn health_shows_the_circuit_and_a_good_answer_closes_it() {
    let world = World::new().await;
    limit(
        &world,
        CallLimit {
            failures: Some(1),
            ..CallLimit::default()
        },
    );
    let auth = "/api/auth.test";
    world.answers("POST", auth, ResponseTemplate::new(502), 2).await;
    world
        .tells("POST", auth, json!({"ok": true, "team": "AV", "user": "bot"}))
        .await;

    // A look that fails keeps nobody's calls back.
    let health = world.registry_health("slack").await;
    assert!(!health.ok && !health.detail.contains("circuit"), "{health:?}");
    assert!(held(&world).is_empty());

    // A call that fails does, and the next look says so.
    world.answers("POST", POST, ResponseTemplate::new(500), 1).await;
    assert_eq!(post(&world).await, "unknown tool_failed");
    assert_eq!(held(&world), ["slack"]);
    let health = world.registry_health("slack").await;
    assert!(
        !health.ok && health.detail.contains("the circuit is open for 30 s more"),
        "{health:?}"
    );

    let health = world.registry_health("slack").await;
    assert!(health.ok, "{health:?}");
    assert!(held(&world).is_empty());
}

#[tokio::test]
async fn calls_beyond_the_limit_are_not_sent() {
    let world = World::new().await;
    limit(
        &world,
        CallLimit {
            per_minute: Some(2),
            ..CallLimit::default()
        },
    );
    let ok = json!({"ok": true, "channel": "C0AVOPS01", "ts": "1.2"});
    world.answers("POST", POST, answer(200, ok), 0).await;
    assert_eq!(
        (post(&world).await, post(&world).await),
        ("ok".into(), "ok".into())
    );
    assert_eq!(post(&world).await, "held back call_limit_reached for 60000");
    assert_eq!(world.seen("POST", POST).await.len(), 2);
    // What is refused before it reaches the tool costs nothing, and the local actions have no limit.
    let bad = world.perform("slack.post_message", json!({})).await;
    assert_eq!(told(&bad), "failed arguments_invalid");
    for _ in 0..700 {
        world.output("local.noop", json!({})).await;
    }
}

#[tokio::test]
async fn calls_under_way_are_counted_until_they_end() {
    let world = World::new().await;
    limit(
        &world,
        CallLimit {
            at_once: Some(1),
            ..CallLimit::default()
        },
    );
    let ok = json!({"ok": true, "channel": "C0AVOPS01", "ts": "1.2"});
    let slow = answer(200, ok).set_delay(std::time::Duration::from_millis(300));
    world.answers("POST", POST, slow, 0).await;
    let (first, second) = tokio::join!(post(&world), post(&world));
    assert_eq!(
        (first.as_str(), second.as_str()),
        ("ok", "held back tool_busy for 200")
    );
    // A call that nobody waits for any longer is under way no longer.
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(50), post(&world)).await;
    assert!(given_up.is_err());
    assert_eq!(post(&world).await, "ok");
}
