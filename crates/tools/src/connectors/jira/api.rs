//! One request to Jira, and what its answers have in common.

use serde_json::Value;
use types::Failure;

use crate::http::{Request, Response};
use crate::{CallContext, CallError};

/// Sends; a refusal of an effect is known not to have happened.
pub(super) async fn send(ctx: &CallContext, request: Request) -> Result<Response, CallError> {
    let effect = request.is_effect();
    let request = request.header("accept", "application/json");
    let accepted = ctx.send(&request).await?.accept(ctx.now(), say);
    accepted.inspect_err(|error| {
        if effect && matches!(error, CallError::Failed { .. }) {
            ctx.refused();
        }
    })
}

/// Sends and reads a JSON answer.
pub(super) async fn json(ctx: &CallContext, request: Request) -> Result<Value, CallError> {
    send(ctx, request).await?.json()
}

/// An issue's address for people.
pub(super) fn browse(ctx: &CallContext, key: &str) -> String {
    let base = ctx
        .endpoint()
        .map(|endpoint| endpoint.base_url.trim_end_matches('/').to_owned())
        .unwrap_or_default();
    format!("{base}/browse/{key}")
}

pub(super) fn unreadable(message: &str) -> CallError {
    CallError::unknown(Failure::new("answer_unreadable", message))
}

fn say(body: &Value) -> Option<String> {
    let general = body["errorMessages"].as_array().into_iter().flatten();
    let mut words: Vec<String> = general.filter_map(Value::as_str).map(str::to_owned).collect();
    for (field, problem) in body["errors"].as_object().into_iter().flatten() {
        words.push(format!("{field}: {}", problem.as_str().unwrap_or_default()));
    }
    // Jira's front door says it in another way.
    words.extend(body["message"].as_str().map(str::to_owned));
    (!words.is_empty()).then(|| words.join("; "))
}
