//! What stands around all routes: bounds on time, size and number, headers, and the listener itself.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use tower_http::catch_panic::CatchPanicLayer;

use crate::connections::{Connections, Door};
use crate::http::body::Largest;
use crate::http::problem::Refusal;
use crate::http::{begun, etag, gate, query, repeat};
use crate::{Api, heads, pages};

/// How long requests under way may take when the server stops.
const GRACE: Duration = Duration::from_secs(5);
/// Where it is asked whether the process lives.
const HEALTH: &str = "/healthz";
/// How long looking at a tool may take at least: connectors give up after a minute.
const LOOKING: Duration = Duration::from_secs(75);
/// How long any request may take, whatever is configured: a later one with the same key takes it for dead.
const LONGEST: Duration = Duration::from_millis(services::requests::LONGEST_MS);
const _: () = assert!(LOOKING.as_millis() < LONGEST.as_millis());

/// Puts everything around the routes.
pub(crate) fn finish(routes: Router<Api>, api: Api, timeout: Duration) -> Router {
    let largest_body = api.largest_body(None);
    routes
        .route_layer(middleware::from_fn_with_state(api.clone(), repeat::once))
        // Inside of whatever reads bodies: one that comes slowly takes nobody's place.
        .route_layer(middleware::from_fn_with_state(api.clone(), in_turn))
        .route_layer(middleware::from_fn_with_state(api.clone(), begun::finished))
        .route_layer(middleware::from_fn_with_state(api.clone(), etag::heeded))
        .route_layer(middleware::from_fn_with_state(api.clone(), query::fits))
        .route_layer(middleware::from_fn_with_state(api.clone(), gate::gate))
        .route_layer(middleware::from_fn_with_state(api.clone(), declared))
        .with_state(api)
        .merge(pages::router())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(largest_body))
        .layer(middleware::from_fn(move |request, next| {
            in_time(timeout, request, next)
        }))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(headers))
}

/// Answers requests until `stop` is done, then ends those under way and returns. Only HTTP/1.1 is spoken:
/// telling protocols apart would wait for a client's first bytes without a bound.
///
/// # Errors
/// The listener can't accept connections any more.
pub async fn serve(
    listener: std::net::TcpListener,
    router: Router,
    bounds: Connections,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let handle = Handle::<SocketAddr>::new();
    let mut server = axum_server::from_tcp(listener)?
        .handle(handle.clone())
        .acceptor(Door::new(bounds))
        .http1_only();
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .max_buf_size(heads::LARGEST)
        .header_read_timeout(bounds.head_timeout);
    let watch = tokio::spawn(async move {
        stop.await;
        handle.graceful_shutdown(Some(GRACE));
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = server.serve(service).await;
    watch.abort();
    // What clients began and didn't wait for.
    let _ = tokio::time::timeout(GRACE, begun::idle()).await;
    served
}

async fn unknown(request: Request) -> Refusal {
    let path: String = request.uri().path().chars().take(200).collect();
    Refusal::new("route_unknown", format!("there is nothing at {path}"))
        .hint("/reference lists what there is")
}

async fn wrong_method(request: Request) -> Refusal {
    let message = format!("{} is not allowed here", request.method());
    Refusal::new("method_unknown", message).hint("/reference lists what there is")
}

/// A body that says beforehand that it is too large isn't read at all.
async fn declared(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let largest = Largest(api.largest_body(request.extensions().get()));
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > largest.0 as u64) {
        return largest.exceeded().into_response();
    }
    request.extensions_mut().insert(largest);
    next.run(request).await
}

/// A request, its body included, has a bounded time. Looking at a tool may mean to start it first, so it
/// has more.
async fn in_time(timeout: Duration, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let looks =
        path.starts_with("/api/v1/tools/") && (path.ends_with("/refresh") || path.ends_with("/health"));
    let timeout = if looks { timeout.max(LOOKING) } else { timeout };
    let timeout = timeout.min(LONGEST);
    match tokio::time::timeout(timeout, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => {
            let message =
                "the request, its body included, took too long; what it began is finished all the same";
            Refusal::new("request_timed_out", message).into_response()
        }
    }
}

/// A bounded number of requests at a time; the others are told to come back. Whether the process lives is
/// answered in any case.
async fn in_turn(State(api): State<Api>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    if path.is_some_and(|path| path.as_str() == HEALTH) {
        return next.run(request).await;
    }
    match api.turn() {
        Ok(_turn) => next.run(request).await,
        Err(busy) => busy.into_response(),
    }
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request's handler panicked");
    Refusal::new("internal", "a request's handler panicked").into_response()
}

/// Headers of every answer. What may load scripts and styles says so itself (`pages`).
async fn headers(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
        ("cache-control", "no-store"),
    ] {
        headers
            .entry(HeaderName::from_static(name))
            .or_insert(HeaderValue::from_static(value));
    }
    answer
}
