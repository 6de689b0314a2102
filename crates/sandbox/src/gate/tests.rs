//! Waits, turned by hand: latency, time-out, closing, and the bounds, without a socket or a clock.

use std::sync::Mutex;
use std::time::Duration;

use axum::body::to_bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use futures::FutureExt as _;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::ServiceExt as _;
use types::{Clock, Timestamp};

use super::*;
use crate::call::MAX_BODY_BYTES;
use crate::{Fault, SLACK_TOKEN, control};

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000)
    }
}

/// A world whose waits are asked for in `asked` and end when `release` is told.
struct Bench {
    world: Arc<World>,
    asked: Arc<Mutex<Vec<Duration>>>,
    begun: Arc<Notify>,
    release: Arc<Notify>,
    /// How many requests may be under way.
    permits: usize,
}

impl Bench {
    fn new(rules: Vec<Fault>) -> Self {
        let (asked, begun, release) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(Notify::new()),
            Arc::new(Notify::new()),
        );
        let (asks, begins, releases) = (Arc::clone(&asked), Arc::clone(&begun), Arc::clone(&release));
        let pause: crate::world::Pause = Arc::new(move |span| {
            asks.lock().expect("a lock").push(span);
            begins.notify_one();
            let released = Arc::clone(&releases);
            Box::pin(async move { released.notified().await })
        });
        let world = World::open(None, Arc::new(Still), pause).expect("a world");
        world.faults().set(rules).expect("usable rules");
        Bench {
            permits: world.in_flight.available_permits(),
            world: Arc::new(world),
            asked,
            begun,
            release,
        }
    }

    fn send(&self, request: Request<Body>) -> impl Future<Output = Answer> + Send + use<> {
        let app = control::router(Arc::clone(&self.world));
        async move { app.oneshot(request).await.expect("a router never fails") }
    }

    fn messages(&self) -> usize {
        self.world.read(|state| {
            state
                .slack
                .channels
                .iter()
                .map(|channel| channel.messages.len())
                .sum()
        })
    }

    fn asked_ms(&self) -> Vec<u128> {
        self.asked
            .lock()
            .expect("a lock")
            .iter()
            .map(Duration::as_millis)
            .collect()
    }
}

fn post() -> Request<Body> {
    Request::post("/slack/api/chat.postMessage")
        .header(AUTHORIZATION, format!("Bearer {SLACK_TOKEN}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(
            json!({"channel": "#avops", "text": "hello"}).to_string(),
        ))
        .expect("a request")
}

async fn body(answer: Answer) -> Value {
    let bytes = to_bytes(answer.into_body(), MAX_BODY_BYTES)
        .await
        .expect("a body");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn is_dropped(answer: &Answer) -> bool {
    answer.extensions().get::<DropConnection>().is_some()
}

#[tokio::test]
async fn latency_answers_only_after_the_wait_and_adds_up() {
    let bench = Bench::new(vec![
        Fault::new(Vendor::Slack, FaultKind::Latency { ms: 700 }),
        Fault::new(Vendor::Slack, FaultKind::Latency { ms: 300 }),
    ]);
    let answer = tokio::spawn(bench.send(post()));
    bench.begun.notified().await;
    assert_eq!(bench.asked_ms(), [1_000]);
    assert_eq!(bench.messages(), 0, "nothing is done before the wait is over");
    assert!(!answer.is_finished());
    bench.release.notify_one();
    assert_eq!(body(answer.await.expect("a task")).await["ok"], true);
    assert_eq!(bench.messages(), 1);
}

#[tokio::test]
async fn a_slow_vendor_does_what_a_client_that_left_had_asked() {
    let bench = Bench::new(vec![Fault::new(Vendor::Slack, FaultKind::Latency { ms: 5_000 })]);
    let answer = tokio::spawn(bench.send(post()));
    bench.begun.notified().await;
    answer.abort();
    assert!(answer.await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(
        bench.world.in_flight.available_permits(),
        bench.permits - 1,
        "it still counts"
    );
    bench.release.notify_one();
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.messages(), 1);
}

#[tokio::test]
async fn latency_then_another_fault() {
    let bench = Bench::new(vec![
        Fault::new(Vendor::Slack, FaultKind::Latency { ms: 10 }),
        Fault::new(Vendor::Slack, FaultKind::ServerError { status: 503 }),
    ]);
    bench.release.notify_one();
    let answer = bench.send(post()).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(bench.messages(), 0);
}

#[tokio::test]
async fn a_time_out_never_answers_and_does_nothing() {
    let bench = Bench::new(vec![Fault::new(Vendor::Slack, FaultKind::Timeout)]);
    let answer = tokio::spawn(bench.send(post()));
    bench.begun.notified().await;
    assert_eq!(bench.asked_ms(), [120_000]);
    assert!(!answer.is_finished());
    bench.release.notify_one();
    assert!(is_dropped(&answer.await.expect("a task")));
    assert_eq!(bench.messages(), 0);
}

#[tokio::test]
async fn closing_ends_waits_without_effects() {
    for kind in [FaultKind::Timeout, FaultKind::Latency { ms: 60_000 }] {
        let bench = Bench::new(vec![Fault::new(Vendor::Slack, kind)]);
        let answer = tokio::spawn(bench.send(post()));
        bench.begun.notified().await;
        bench.world.close();
        assert!(is_dropped(&answer.await.expect("a task")), "{kind:?}");
        assert_eq!(bench.messages(), 0, "{kind:?}");
    }
}

#[tokio::test]
async fn a_body_over_the_bound_is_refused_in_the_vendors_shape() {
    let bench = Bench::new(Vec::new());
    let large = || Body::from(vec![b'x'; MAX_BODY_BYTES + 1]);
    let request = |path: &str| Request::post(path).body(large()).expect("a request");
    for path in [
        "/slack/api/auth.test",
        "/zoom/v2/rooms",
        "/servicenow/api/now/table/task",
        "/devices/x/action",
    ] {
        let answer = bench.send(request(path)).await;
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert!(body(answer).await.is_object(), "{path}");
    }
    let declared = Request::post("/zoom/v2/rooms").header(CONTENT_LENGTH, "9999999999");
    // Refused by its declaration, before a byte of the body is read.
    let never = Body::from_stream(futures::stream::pending::<Result<String, std::io::Error>>());
    let answer = bench
        .send(declared.body(never).expect("a request"))
        .now_or_never();
    assert_eq!(
        answer.map(|answer| answer.status()),
        Some(StatusCode::PAYLOAD_TOO_LARGE)
    );
    let answer = bench
        .send(Request::put("/_sandbox/faults").body(large()).expect("a request"))
        .await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn too_many_requests_at_a_time_are_turned_away() {
    let bench = Bench::new(Vec::new());
    let permits = u32::try_from(bench.permits).expect("a small number");
    let all = bench.world.in_flight.acquire_many(permits).await.expect("open");
    assert_eq!(bench.send(post()).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(all);
    assert_eq!(bench.send(post()).await.status(), StatusCode::OK);
}
