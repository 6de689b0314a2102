//! One call of Slack's Web API: the envelope, its refusals, and pages by cursor.

use serde_json::Value;
use types::Failure;

use crate::http::{Body, Request, clip};
use crate::{CallContext, CallError};

/// What one page asks for at most; Slack recommends no more than 200.
pub(super) const PAGE: u32 = 200;

/// Errors after which some of the work may have been done, in Slack's own description.
const DOUBTFUL: &[&str] = &[
    "fatal_error",
    "internal_error",
    "service_unavailable",
    "request_timeout",
];
const CREDENTIALS: &[&str] = &[
    "not_authed",
    "invalid_auth",
    "account_inactive",
    "token_expired",
    "token_revoked",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
];

/// Sends and opens the envelope.
pub(super) async fn call(ctx: &CallContext, request: Request) -> Result<Value, CallError> {
    let effect = request.is_effect();
    let response = ctx.send(&request).await?.accept(ctx.now(), say);
    let opened = response.and_then(|response| {
        let body = response.json()?;
        match body["ok"].as_bool() {
            Some(true) => Ok(body),
            Some(false) => Err(refusal(&body, response.retry_after_ms(ctx.now()))),
            None => Err(CallError::unknown(Failure::new(
                "answer_unreadable",
                "slack answered without saying whether it is ok",
            ))),
        }
    });
    opened.inspect_err(|error| {
        if effect && matches!(error, CallError::Failed { .. }) {
            ctx.refused();
        }
    })
}

/// A form-encoded POST of `method`.
pub(super) fn form(method: &str, fields: &[(&str, String)]) -> Request {
    let fields = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    Request::post(&["api", method]).body(Body::Form(fields))
}

/// The cursor of the next page, if there is one.
pub(super) fn next_cursor(body: &Value) -> Option<String> {
    body["response_metadata"]["next_cursor"]
        .as_str()
        .filter(|cursor| !cursor.is_empty())
        .map(str::to_owned)
}

fn refusal(body: &Value, retry_after_ms: Option<u64>) -> CallError {
    let error = body["error"].as_str().unwrap_or("no reason given");
    let failure = |code: &str| Failure::new(code, format!("slack refused: {}", clip(error)));
    if DOUBTFUL.contains(&error) {
        return CallError::unknown(failure("tool_failed"));
    }
    if error == "ratelimited" || error == "rate_limited" {
        return CallError::Failed {
            failure: failure("tool_rate_limited"),
            retryable: true,
            retry_after_ms,
        };
    }
    let failure = if CREDENTIALS.contains(&error) {
        failure("credentials_refused").hint("check the bot's token and its scopes")
    } else if matches!(error, "channel_not_found" | "not_in_channel" | "is_archived") {
        failure("tool_refused").hint("check the channel's name and invite the bot to the channel")
    } else {
        failure("tool_refused")
    };
    CallError::refused(failure)
}

fn say(body: &Value) -> Option<String> {
    body["error"].as_str().map(str::to_owned)
}
