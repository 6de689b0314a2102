//! ETags: the digest of a document's JSON. A read with `If-None-Match` answers 304; a write with
//! `If-Match` changes only what the writer has seen.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::{Answer, Refusal};

/// The changes that look at `If-Match`.
const HEEDED: [(Method, &str); 7] = [
    (Method::PUT, "/api/v1/agents/{agent}"),
    (Method::DELETE, "/api/v1/agents/{agent}"),
    (Method::PUT, "/api/v1/settings/{key}"),
    (Method::PATCH, "/api/v1/users/{user}"),
    (Method::POST, "/api/v1/bundle"),
    (Method::POST, "/api/v1/recipes"),
    (
        Method::POST,
        "/api/v1/recipes/{recipe}/versions/{version}/activate",
    ),
];

/// Refuses a change with an `If-Match` that nothing would look at: it counts on being refused if somebody
/// was faster.
pub(crate) async fn heeded(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let heeded = HEEDED
        .iter()
        .any(|(method, heeded)| method == request.method() && path == Some(heeded));
    if request.method().is_safe() || heeded || !request.headers().contains_key(header::IF_MATCH) {
        return next.run(request).await;
    }
    Refusal::new(
        "if_match_unheeded",
        "If-Match isn't looked at here, and nothing was done",
    )
    .hint("leave the header out")
    .into_response()
}

/// The ETag of a document.
pub(crate) fn of(document: &impl Serialize) -> String {
    let value = serde_json::to_value(document).unwrap_or_default();
    format!("\"{}\"", &types::digest(&value).as_str()[..32])
}

/// The document with its ETag, or 304 if the reader has it already.
pub(crate) fn answer(headers: &HeaderMap, status: StatusCode, document: &impl Serialize) -> Response {
    let tag = of(document);
    let mut answer = if listed(headers, header::IF_NONE_MATCH.as_str(), &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (status, axum::Json(document)).into_response()
    };
    if let Ok(value) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(header::ETAG, value);
    }
    answer
}

/// Checks that the writer has seen the document as it is now, if they say what they have seen.
///
/// # Errors
/// `etag_stale`.
pub(crate) fn check(headers: &HeaderMap, document: &impl Serialize) -> Answer<()> {
    let tag = of(document);
    if !headers.contains_key(header::IF_MATCH) || listed(headers, header::IF_MATCH.as_str(), &tag) {
        return Ok(());
    }
    Err(stale())
}

/// The document isn't what the writer has seen.
pub(crate) fn stale() -> Refusal {
    Refusal::new("etag_stale", "this was changed after it was read")
        .hint("read it again, and send the change with the new ETag")
}

/// Whether a header lists the tag, or `*`. Weak tags compare by what they hold.
pub(crate) fn listed(headers: &HeaderMap, name: &str, tag: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag || one == "*")
}
