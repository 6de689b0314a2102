//! ETags: the digest of a document's JSON. A read with `If-None-Match` answers 304; a write with
//! `If-Match` changes only what the writer has seen.

use std::collections::HashSet;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use super::problem::{Answer, Refusal};
use crate::Api;

/// The changes that look at `If-Match`, by method and path as the router names it.
#[derive(Debug, Default)]
pub(crate) struct Heeding(HashSet<(Method, String)>);

impl Heeding {
    /// Those of which the OpenAPI document says so.
    pub(crate) fn read(document: &Value) -> Self {
        let paths = document["paths"].as_object().into_iter().flatten();
        let operations = paths.flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.map(move |(method, operation)| (method, path, operation))
        });
        let heeding = operations.filter_map(|(method, path, operation)| {
            let mut parameters = operation["parameters"].as_array().into_iter().flatten();
            parameters.find(|one| one["in"] == "header" && one["name"] == "If-Match")?;
            Some((method.to_uppercase().parse().ok()?, path.clone()))
        });
        Self(heeding.collect())
    }
}

/// Refuses a change with an `If-Match` that nothing would look at: it counts on being refused if somebody
/// was faster.
pub(crate) async fn heeded(State(api): State<Api>, request: Request, next: Next) -> Response {
    if request.method().is_safe() || !request.headers().contains_key(header::IF_MATCH) {
        return next.run(request).await;
    }
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let change = (request.method().clone(), path.unwrap_or_default().to_owned());
    if api.heeding.0.contains(&change) {
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
    let mut answer = if is_known(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (status, axum::Json(document)).into_response()
    };
    if let Ok(value) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(header::ETAG, value);
    }
    answer
}

/// Checks that the writer has seen the document as it is now, if they say what they have seen. A weak tag
/// doesn't say that (RFC 9110, section 13.1.1).
///
/// # Errors
/// `etag_stale`.
pub(crate) fn check(headers: &HeaderMap, document: &impl Serialize) -> Answer<()> {
    let tag = of(document);
    if !headers.contains_key(header::IF_MATCH)
        || listed(headers, &header::IF_MATCH).any(|one| one == tag || one == "*")
    {
        return Ok(());
    }
    Err(stale())
}

/// The document isn't what the writer has seen.
pub(crate) fn stale() -> Refusal {
    Refusal::new("etag_stale", "this was changed after it was read")
        .hint("read it again, and send the change with the new ETag")
}

/// Whether the reader has what has this tag. Weak tags compare by what they hold.
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    listed(headers, &header::IF_NONE_MATCH).any(|one| one.trim_start_matches("W/") == tag || one == "*")
}

/// The tags that a header lists.
fn listed<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_tag_is_enough_to_read_and_not_to_change() {
        let tag = of(&7);
        for (sent, read, changed) in [
            (tag.clone(), true, true),
            ("*".to_owned(), true, true),
            (format!("\"other\", {tag}"), true, true),
            (format!("W/{tag}"), true, false),
            ("\"other\"".to_owned(), false, false),
        ] {
            let value = HeaderValue::from_str(&sent).expect("a value");
            let with = |name: HeaderName| HeaderMap::from_iter([(name, value.clone())]);
            let answered = answer(&with(header::IF_NONE_MATCH), StatusCode::OK, &7).status();
            assert_eq!(answered == StatusCode::NOT_MODIFIED, read, "{sent}");
            let checked = check(&with(header::IF_MATCH), &7);
            assert_eq!(checked.is_ok(), changed, "{sent}");
        }
        assert!(check(&HeaderMap::new(), &7).is_ok());
    }
}
