//! Problem documents (RFC 9457): every refusal of the API is one, with the stable code of its failure.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use types::Failure;
use utoipa::ToSchema;

use super::busy;

/// What a server that has too much to do answers, perhaps thousands of times a second.
const BUSY: &str = "server_busy";

/// A refusal, as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The page of the code, which this server answers: `/errors/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, where and why.
    pub detail: String,
    /// The stable code: match on this.
    pub code: String,
    /// What to do now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Every fault of a body or a query, with its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Fault>,
}

/// One fault of a body or a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// JSON Pointer to the place; in queries `?` and the parameter; in files `FILE:LINE:COLUMN`.
    pub at: String,
    /// What is wrong there.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            message: message.into(),
        }
    }
}

/// A failure on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) failure: Failure,
    pub(crate) problems: Vec<Fault>,
    /// Seconds after which asking again makes sense.
    pub(crate) retry_after_s: Option<u64>,
}

/// What handlers return.
pub(crate) type Answer<T> = Result<T, Refusal>;

impl Refusal {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Failure::new(code, message).into()
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.failure = self.failure.hint(hint);
        self
    }

    /// The same with its faults.
    pub(crate) fn with(mut self, problems: Vec<Fault>) -> Self {
        self.problems = problems;
        self
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            problems: Vec::new(),
            retry_after_s: None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = status_of(&self.failure.code);
        let mut failure = self.failure;
        let whole = failure.clone();
        if failure.code == BUSY {
            busy::say(&failure);
        } else if status.is_server_error() {
            tracing::error!(code = failure.code, message = failure.message, "a request failed");
        }
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            // What went wrong inside is for the log; it may name paths and statements.
            failure.message = "something failed inside; the server's log says what".to_owned();
        }
        let problem = Problem {
            kind: format!("/errors/{}", failure.code),
            title: status.canonical_reason().unwrap_or("error").to_owned(),
            status: status.as_u16(),
            detail: failure.message,
            code: failure.code,
            hint: failure.hint,
            problems: self.problems,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut answer = (status, body).into_response();
        // For a command that asks in this process; nothing of it goes over the wire.
        answer.extensions_mut().insert(whole);
        let headers = answer.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

/// The status that goes with a code. What isn't listed is a request that was understood and can't be
/// done as it stands.
pub(crate) fn status_of(code: &str) -> StatusCode {
    match code {
        "signed_out" | "sign_in_failed" | "token_refused" | "sign_in_needed" => StatusCode::UNAUTHORIZED,
        "role_missing" | "scope_missing" | "human_needed" | "csrf_missing" | "approval_not_yours"
        | "self_approval_off" => StatusCode::FORBIDDEN,
        "not_found" | "unknown_action" | "setting_unknown" | "route_unknown" | "sandbox_pull_unknown" => {
            StatusCode::NOT_FOUND
        }
        "method_unknown" => StatusCode::METHOD_NOT_ALLOWED,
        "conflict" | "approval_closed" | "approval_voted" | "run_ended" | "run_not_ended"
        | "run_in_that_state" | "step_not_waiting" | "input_not_asked" | "last_admin"
        | "request_under_way" | "tool_name_taken" | "tool_not_removable" | "answer_not_kept" => {
            StatusCode::CONFLICT
        }
        "link_invalid" => StatusCode::GONE,
        "etag_stale" => StatusCode::PRECONDITION_FAILED,
        "payload_too_large" | "recipe_too_large" => StatusCode::PAYLOAD_TOO_LARGE,
        "body_type_unknown" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "body_unreadable" | "cursor_invalid" | "query_invalid" => StatusCode::BAD_REQUEST,
        "request_timed_out" => StatusCode::REQUEST_TIMEOUT,
        "rate_limited" => StatusCode::TOO_MANY_REQUESTS,
        "disk_full" => StatusCode::INSUFFICIENT_STORAGE,
        "database_unreachable" | "server_busy" | "sandbox_off" => StatusCode::SERVICE_UNAVAILABLE,
        "internal" | "store_failed" | "database_damaged" | "journal_unreadable" | "secret_key_wrong" => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
