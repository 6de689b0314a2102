//! Building answers, and the one failure type of the handlers.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Response, StatusCode};
use serde_json::Value;

/// What a handler sends back.
pub(crate) type Answer = Response<Body>;

/// Why a handler didn't do what it was asked.
pub(crate) enum Fail {
    /// The vendor refuses, in its own words. Boxed because an answer is large.
    Refused(Box<Answer>),
    /// The change couldn't be made durable, so it didn't happen.
    Unsaved,
}

/// What a handler returns.
pub(crate) type Handled = Result<Answer, Fail>;

impl From<Answer> for Fail {
    fn from(answer: Answer) -> Self {
        Fail::Refused(Box::new(answer))
    }
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &Value) -> Answer {
    with_body(status, "application/json; charset=utf-8", body.to_string())
}

/// A plain-text answer. Never HTML: what it shows may come from anybody.
pub(crate) fn text(status: StatusCode, body: impl Into<Body>) -> Answer {
    let answer = with_body(status, "text/plain; charset=utf-8", body);
    with_header(answer, "x-content-type-options", "nosniff")
}

/// An answer with a content type of its own.
pub(crate) fn with_body(status: StatusCode, content_type: &str, body: impl Into<Body>) -> Answer {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    if let Ok(value) = HeaderValue::from_str(content_type) {
        answer.headers_mut().insert(CONTENT_TYPE, value);
    }
    answer
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

/// The same answer with one more header; a value that can't be a header is left out.
pub(crate) fn with_header(mut answer: Answer, name: &'static str, value: &str) -> Answer {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(HeaderName::from_static(name), value);
    }
    answer
}
