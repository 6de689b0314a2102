//! HTTP: whether the process is alive and whether it takes work. The rest of the API comes with the
//! platform issue.
//!
//! Boundary: [`serve`] takes a bound listener, [`Probes`] and a signal to stop; [`router`] is the
//! same without a socket. Deliberately absent: business rules, and any knowledge of stores or runs
//! beyond what the probes say.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;

/// What readiness is judged by.
#[async_trait]
pub trait Probes: Send + Sync + 'static {
    /// What isn't well now, in words; empty if all is. Asked for every request to
    /// `/readyz`, so it should answer within a second.
    async fn trouble(&self) -> Vec<Reason>;
}

/// One part that isn't well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The part, such as `store` or `workers`.
    pub part: &'static str,
    /// What is wrong with it.
    pub message: String,
    /// Whether the process takes no work because of it. If not, a person should look all the same.
    pub blocking: bool,
}

#[derive(Debug, Serialize)]
struct Alive {
    status: &'static str,
    version: &'static str,
}

#[derive(Debug, Serialize)]
struct Ready {
    ready: bool,
    reasons: Vec<Reason>,
}

/// The routes: `GET /healthz` (the process lives) and `GET /readyz` (it takes work; 503 with reasons
/// if not. Reasons that don't keep it from work are shown too).
pub fn router(probes: Arc<dyn Probes>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(probes)
}

/// Answers requests until `stop` is done, then ends those under way and returns.
///
/// # Errors
/// The listener can't accept connections any more.
pub async fn serve(
    listener: TcpListener,
    probes: Arc<dyn Probes>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(probes))
        .with_graceful_shutdown(stop)
        .await
}

async fn healthz() -> Json<Alive> {
    Json(Alive {
        status: "alive",
        version: env!("CARGO_PKG_VERSION"),
    })
}

async fn readyz(State(probes): State<Arc<dyn Probes>>) -> (StatusCode, Json<Ready>) {
    let reasons = probes.trouble().await;
    let ready = !reasons.iter().any(|reason| reason.blocking);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Ready { ready, reasons }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use serde_json::{Value, json};
    use tower::ServiceExt;

    struct Fixed(Vec<Reason>);

    #[async_trait]
    impl Probes for Fixed {
        async fn trouble(&self) -> Vec<Reason> {
            self.0.clone()
        }
    }

    async fn get(path: &str, reasons: Vec<Reason>) -> (StatusCode, Value) {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let Ok(answer) = router(Arc::new(Fixed(reasons))).oneshot(request).await;
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 10_000).await.expect("a body");
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    fn reason(blocking: bool) -> Reason {
        Reason {
            part: "store",
            message: "the disk is full".into(),
            blocking,
        }
    }

    #[tokio::test]
    async fn alive_is_not_the_same_as_ready() {
        assert_eq!(get("/healthz", vec![reason(true)]).await.0, StatusCode::OK);
        let (status, body) = get("/readyz", vec![reason(false), reason(true)]).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            body["reasons"][1],
            json!({"part": "store", "message": "the disk is full", "blocking": true})
        );
        assert_eq!(body["ready"], false);
        assert_eq!(
            get("/readyz", vec![]).await,
            (StatusCode::OK, json!({"ready": true, "reasons": []}))
        );
        assert_eq!(get("/metrics", vec![]).await.0, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn what_only_needs_a_look_is_shown_by_a_process_that_is_ready() {
        let (status, body) = get("/readyz", vec![reason(false)]).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(body["ready"], true);
        assert_eq!(body["reasons"][0]["blocking"], false);
    }
}
