//! What a request has begun is finished, though its client hangs up or its time is over: a change is
//! done in a task of its own as soon as its body is there.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use super::body::bytes_of;
use super::problem::{Answer, Refusal};
use crate::Api;

/// Changes done at a time, with and without a client that waits.
const AT_ONCE: u32 = 1024;
/// How long a change may take at most: after that the same request sent again takes it for dead.
const LONGEST: Duration = Duration::from_millis(services::requests::LONGEST_MS);
static TURNS: Semaphore = Semaphore::const_new(AT_ONCE as usize);

/// Answers a look at once, and a change by a task that nobody outside can end.
pub(crate) async fn finished(State(api): State<Api>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match change(&api, request, next).await {
        Ok(answer) => answer,
        Err(refusal) => refusal.into_response(),
    }
}

/// Waits until nothing that was begun is under way.
pub(crate) async fn idle() {
    // An error would say that the semaphore is closed, which nobody does.
    let _ = TURNS.acquire_many(AT_ONCE).await;
}

async fn change(api: &Api, request: Request, next: Next) -> Answer<Response> {
    let request = read(api, request).await?;
    let turn = TURNS.try_acquire().map_err(|_| Refusal {
        retry_after_s: Some(1),
        ..Refusal::new("server_busy", format!("{AT_ONCE} changes are being made"))
    })?;
    let work = async move {
        let _turn = turn;
        tokio::time::timeout(LONGEST, next.run(request)).await
    };
    match tokio::spawn(work.in_current_span()).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(Refusal::new("request_timed_out", "the change took too long")),
        Err(broken) => match broken.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Refusal::new("internal", "a request's handler was cancelled")),
        },
    }
}

/// The request with its body read: while it comes the client may still go, and nothing has begun.
async fn read(api: &Api, request: Request) -> Answer<Request> {
    let (parts, body) = request.into_parts();
    let mut sent = Request::from_parts(parts.clone(), body);
    DefaultBodyLimit::max(api.largest_body(parts.extensions.get())).apply(&mut sent);
    let bytes = bytes_of(sent, &()).await?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}
