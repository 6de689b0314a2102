//! `Idempotency-Key` on any POST: the same request sent again gets the same answer, and is done once.

use std::panic::AssertUnwindSafe;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use ports::{Begun, KeptAnswer};
use serde_json::Value;
use services::principal::Principal;
use services::requests::{self, RepeatKey};
use sha2::{Digest as _, Sha256};
use types::Millis;

use super::problem::{Answer, Refusal, status_of};
use crate::Api;

/// The header.
pub(crate) const KEY: &str = "idempotency-key";
/// The largest answer, in bytes.
const LARGEST: usize = 256 * 1024 * 1024;
/// The largest answer that is kept, in bytes.
const LARGEST_KEPT: usize = 256 * 1024;
/// The headers that belong to an answer.
const HEADERS: [&str; 3] = ["content-type", "etag", "location"];

/// Put on an answer that must not be kept as it is: what to keep of its body instead.
#[derive(Clone)]
pub(crate) struct KeepInstead(pub(crate) Value);

/// The key that a handler may hand on, so that what it does is done once even across a crash.
#[derive(Clone)]
pub(crate) struct StartKey(pub(crate) RepeatKey);

/// Answers a repeated request, or does a new one and keeps its answer.
pub(crate) async fn once(State(api): State<Api>, request: Request, next: Next) -> Response {
    let sent = request.headers().get(KEY).cloned();
    let principal = request.extensions().get::<Principal>().cloned();
    let (Some(sent), Some(principal), true) = (sent, principal, request.method() == Method::POST) else {
        return next.run(request).await;
    };
    match one(&api, &sent, &principal, request, next).await {
        Ok(answer) => answer,
        Err(refusal) => refusal.into_response(),
    }
}

async fn one(
    api: &Api,
    sent: &HeaderValue,
    principal: &Principal,
    request: Request,
    next: Next,
) -> Answer<Response> {
    let text = sent.to_str().unwrap_or_default();
    let by = &principal.actor;
    let key = RepeatKey::of_request(by, text)?;
    let (mut request, digest) = digested(api, request).await?;
    match requests::begin(&api.services, by, text, &digest).await? {
        Begun::New => {}
        Begun::Done(kept) => return Ok(replay(kept)),
        // `begin` has refused what was asked otherwise.
        Begun::Other => return Err(under_way(None)),
        Begun::UnderWay { free_at } => {
            return Err(under_way(free_at.map(|at| at.since(api.services.clock.now()))));
        }
    }
    request.extensions_mut().insert(StartKey(key));
    let answer = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(answer) => answer,
        Err(panic) => {
            // This process lives on, so nobody else would take the key for free.
            requests::end(&api.services, by, text, None).await?;
            std::panic::resume_unwind(panic);
        }
    };
    let (answer, kept) = keep(answer).await;
    requests::end(&api.services, by, text, kept).await?;
    Ok(answer)
}

/// That a request is being answered; `left_ms` is given if nobody can see that its process lives, and says
/// after how many milliseconds it counts as dead.
fn under_way(left_ms: Option<Millis>) -> Refusal {
    let (seconds, message) = match left_ms {
        None => (1, "the same request is being answered".to_owned()),
        Some(left) => {
            let seconds = left / 1000 + 1;
            let message = format!(
                "the same request was begun by a process that can't be seen; without an answer it can be sent again in {seconds} s"
            );
            (seconds, message)
        }
    };
    Refusal {
        retry_after_s: Some(seconds),
        ..Refusal::new("request_under_way", message)
    }
}

/// The request, read, with the digest of what it asks.
async fn digested(api: &Api, request: Request) -> Answer<(Request, String)> {
    let (parts, body) = request.into_parts();
    let largest = api.largest_body(parts.extensions.get());
    let bytes = to_bytes(body, largest).await.map_err(|_| {
        let message = format!("a body has at most {largest} bytes");
        Refusal::new("payload_too_large", message)
    })?;
    let mut hash = Sha256::new();
    for part in [
        parts.method.as_str().as_bytes(),
        parts.uri.to_string().as_bytes(),
        &bytes,
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hex::encode(hash.finalize());
    Ok((Request::from_parts(parts, Body::from(bytes)), digest))
}

/// The answer, and what is kept of it. An answer that says "try again" is not kept; of one that is too
/// large it is kept that it was given.
async fn keep(answer: Response) -> (Response, Option<KeptAnswer>) {
    let status = answer.status();
    let passing = status.is_server_error()
        || [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
        ]
        .contains(&status);
    let (parts, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST).await else {
        let failed = Refusal::new("internal", "an answer could not be written");
        return (failed.into_response(), None);
    };
    let instead = parts
        .extensions
        .get::<KeepInstead>()
        .map(|KeepInstead(value)| value.to_string());
    let kept = if passing {
        None
    } else if instead.is_none() && bytes.len() > LARGEST_KEPT {
        given().await
    } else {
        Some(KeptAnswer {
            status: status.as_u16(),
            headers: headers(&parts.headers),
            body: instead.unwrap_or_else(|| String::from_utf8_lossy(&bytes).into_owned()),
        })
    };
    (Response::from_parts(parts, Body::from(bytes)), kept)
}

/// What is kept of an answer that is too large: that it was given once.
async fn given() -> Option<KeptAnswer> {
    let message = "this was answered before, and the answer was too large to be kept";
    let refusal = Refusal::new("answer_not_kept", message).hint("it was done; look at what there is now");
    let (parts, body) = refusal.into_response().into_parts();
    let bytes = to_bytes(body, LARGEST_KEPT).await.ok()?;
    Some(KeptAnswer {
        status: parts.status.as_u16(),
        headers: headers(&parts.headers),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    })
}

fn headers(all: &HeaderMap) -> Vec<(String, String)> {
    let found = HEADERS.iter().filter_map(|name| {
        let value = all.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    found.collect()
}

fn replay(kept: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(kept.status).unwrap_or_else(|_| status_of("internal"));
    let mut answer = (status, kept.body).into_response();
    answer.headers_mut().remove(axum::http::header::CONTENT_TYPE);
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            answer.headers_mut().insert(name, value);
        }
    }
    let replayed = HeaderName::from_static("idempotency-replayed");
    answer
        .headers_mut()
        .insert(replayed, HeaderValue::from_static("true"));
    answer
}
