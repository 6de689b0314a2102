//! The server: one route for each operation, look-ups, and the whole record.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use runtime::system::SystemClock;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use types::Clock;

use super::{Behaviour, Book, Found, Operation, Order, Received, Script};
use crate::Error;

/// How long a request that is never answered holds its connection.
const SILENCE: Duration = Duration::from_secs(20);
/// What a rate-limited caller is asked to wait, in milliseconds.
const RETRY_AFTER_MS: u64 = 60;

#[derive(Clone)]
struct Ledger {
    script: Script,
    book: Arc<Book>,
}

/// Serves on a free port of the loopback address until the task that holds the future ends.
///
/// # Errors
/// No port is to be had.
pub async fn serve(
    script: Script,
    book: Arc<Book>,
) -> Result<(SocketAddr, impl Future<Output = ()> + Send + 'static), Error> {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .map_err(Error::io("listen on the loopback address"))?;
    let address = listener
        .local_addr()
        .map_err(Error::io("listen on the loopback address"))?;
    let routes = Router::new()
        .route("/do/{operation}", post(perform))
        .route("/find", post(find))
        .route("/record", get(record))
        .with_state(Ledger { script, book });
    let serving = async move {
        // It ends only with the task.
        let _ = axum::serve(listener, routes).await;
    };
    Ok((address, serving))
}

async fn perform(
    State(ledger): State<Ledger>,
    Path(operation): Path<String>,
    Json(order): Json<Order>,
) -> Response {
    let Some(operation) = Operation::named(&operation) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // The client may go away at any time; what was begun comes to its end all the same.
    match tokio::spawn(carry_out(ledger, operation, order)).await {
        Ok(response) => response,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn carry_out(ledger: Ledger, operation: Operation, order: Order) -> Response {
    let nth = ledger.book.count(&order.token);
    let behaviour = ledger.script.behaviour(operation, &order.token, nth);
    let value = ledger.script.value(&order.token);
    let answer = json!({"token": order.token, "value": value, "seen": nth + 1});
    let number = ledger.book.receive(operation, order, behaviour, now());
    let takes_place = matches!(
        behaviour,
        Behaviour::Normal
            | Behaviour::SlowToCommit(_)
            | Behaviour::LateCommit(_)
            | Behaviour::AnswerLost
            | Behaviour::SilentWithEffect
            | Behaviour::ErrorWithEffect
    ) && ledger.book.reserve(number);
    let delay = match behaviour {
        Behaviour::SlowToCommit(delay) | Behaviour::LateCommit(delay) => delay,
        _ => 0,
    };
    let commit = {
        let book = Arc::clone(&ledger.book);
        async move {
            if delay > 0 {
                tokio::time::sleep(Duration::from_millis(delay)).await;
            }
            if takes_place {
                book.take_effect(number, now());
            }
            book.settle(number);
        }
    };
    if let Behaviour::LateCommit(_) = behaviour {
        tokio::spawn(commit);
        return lost();
    }
    commit.await;
    match behaviour {
        Behaviour::AnswerLost | Behaviour::RequestLost | Behaviour::LateCommit(_) => lost(),
        Behaviour::SilentWithEffect | Behaviour::SilentWithoutEffect => {
            tokio::time::sleep(SILENCE).await;
            lost()
        }
        Behaviour::RateLimited => {
            let body = json!({"error": "too many requests", "retry_after_ms": RETRY_AFTER_MS});
            (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response()
        }
        Behaviour::Refused => {
            let body = json!({"error": "this is refused"});
            (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
        }
        Behaviour::ErrorWithEffect | Behaviour::ErrorWithoutEffect => {
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Behaviour::Normal | Behaviour::SlowToCommit(_) => Json(answer).into_response(),
    }
}

/// A response that breaks off: the connection is closed before the promised bytes have come.
fn lost() -> Response {
    let broken = futures::stream::once(async {
        Err::<Vec<u8>, _>(std::io::Error::other("the ledger loses this answer on purpose"))
    });
    let mut response = Response::new(Body::from_stream(broken));
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, header::HeaderValue::from_static("64"));
    response
}

async fn find(State(ledger): State<Ledger>, Json(wanted): Json<Value>) -> Json<Found> {
    let key = wanted.get("key").and_then(Value::as_str).unwrap_or_default();
    Json(ledger.book.find(key))
}

async fn record(State(ledger): State<Ledger>) -> Json<Vec<Received>> {
    Json(ledger.book.received())
}

fn now() -> i64 {
    SystemClock.now().as_millis()
}
