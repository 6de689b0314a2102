//! Events: one POST each, answered 202 `{status, message, dedup_key}` or 400 `{status, message, errors}`.

use serde_json::{Map, Value, json};
use types::{Artifact, ArtifactKind, Failure};

use crate::arguments::text;
use crate::http::{Request, Response, clip};
use crate::{Answer, CallContext, CallError, Credentials};

/// The fields of a payload that are arguments of the same name.
const PAYLOAD: [&str; 4] = ["component", "group", "class", "custom_details"];

/// Raises an alert, or adds to the open one with the same `dedup_key`.
pub(super) async fn trigger(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let mut payload = Map::new();
    payload.insert("summary".to_owned(), args["summary"].clone());
    for (name, otherwise) in [("source", "agentops"), ("severity", "error")] {
        let value = text(args, name).unwrap_or(otherwise);
        payload.insert(name.to_owned(), value.into());
    }
    for name in PAYLOAD {
        if let Some(value) = args.get(name).filter(|value| !value.is_null()) {
            payload.insert(name.to_owned(), value.clone());
        }
    }
    // A key of our own makes a repeated call an addition to the same alert, not a second alert.
    let key = text(args, "dedup_key").map_or_else(|| ctx.marker(), str::to_owned);
    let mut event = json!({"dedup_key": key, "payload": payload, "client": "AgentOps"});
    if let Some(url) = text(args, "url") {
        event["links"] = json!([{ "href": url, "text": args["summary"] }]);
    }
    let output = enqueue(ctx, "trigger", event).await?;
    let artifact = Artifact {
        kind: ArtifactKind::Incident,
        external_id: key.clone(),
        url: None,
        data: json!({ "dedup_key": key }),
    };
    Ok(Answer::new(output).with(artifact))
}

/// Acknowledges or resolves an alert. PagerDuty accepts it for an alert that it doesn't know, too.
pub(super) async fn follow_up(ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
    let event = json!({ "dedup_key": args["dedup_key"] });
    Ok(Answer::new(enqueue(ctx, action, event).await?))
}

/// Sends an event that says nothing: PagerDuty refuses it, after a look at the routing key's form.
pub(super) async fn health(ctx: &CallContext) -> Result<String, CallError> {
    let request = Request::post(&["v2", "enqueue"]).json(json!({ "routing_key": routing_key(ctx)? }));
    let response = ctx.send(&request).await?;
    if response.status == 400 {
        let body = response.json()?;
        let key_is_refused = about_the_key(&body);
        if body["status"].is_string() && !key_is_refused {
            return Ok("reachable; PagerDuty judges the routing key only by an event".to_owned());
        }
    }
    accepted(ctx, response)?;
    Err(unreadable("pagerduty accepted an event without a word in it"))
}

async fn enqueue(ctx: &CallContext, action: &str, mut event: Value) -> Result<Value, CallError> {
    event["routing_key"] = routing_key(ctx)?.into();
    event["event_action"] = action.into();
    let key = event["dedup_key"].as_str().unwrap_or_default().to_owned();
    let request = Request::post(&["v2", "enqueue"]).json(event).effect();
    let response = accepted(ctx, ctx.send(&request).await?).inspect_err(|error| {
        if matches!(error, CallError::Failed { .. }) {
            ctx.refused();
        }
    })?;
    let body = response.json()?;
    match (body["status"].as_str(), body["dedup_key"].as_str()) {
        (Some("success"), Some(told)) if told == key => {
            Ok(json!({ "dedup_key": key, "status": "success", "message": body["message"] }))
        }
        _ => Err(unreadable(
            "pagerduty answered a success without the event's dedup_key",
        )),
    }
}

/// A refused routing key is a 400 like any other, so its words tell it apart.
fn accepted(ctx: &CallContext, response: Response) -> Result<Response, CallError> {
    if response.status == 400
        && let Ok(body) = response.json()
        && about_the_key(&body)
    {
        let failure = Failure::new(
            "credentials_refused",
            format!(
                "pagerduty doesn't accept the routing key (400): {}",
                clip(&say(&body).unwrap_or_default())
            ),
        );
        return Err(CallError::refused(failure.hint(
            "set pagerduty.routing_key to the integration key of an Events API v2 integration",
        )));
    }
    response.accept(ctx.now(), say)
}

fn about_the_key(body: &Value) -> bool {
    say(body).is_some_and(|words| {
        let words = words.to_lowercase();
        words.contains("routing_key") || words.contains("routing key")
    })
}

fn routing_key(ctx: &CallContext) -> Result<String, CallError> {
    match &ctx.endpoint()?.credentials {
        Credentials::Parts(parts) if parts.contains_key("routing_key") => {
            Ok(parts["routing_key"].reveal().to_owned())
        }
        _ => Err(CallError::refused(
            Failure::new("tool_misconfigured", "pagerduty has no routing key")
                .hint("set the secret pagerduty.routing_key"),
        )),
    }
}

fn unreadable(message: &str) -> CallError {
    CallError::unknown(Failure::new("answer_unreadable", message))
}

fn say(body: &Value) -> Option<String> {
    let message = body["message"].as_str()?;
    let errors: Vec<&str> = body["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    Some(match errors.is_empty() {
        true => message.to_owned(),
        false => format!("{message} ({})", errors.join("; ")),
    })
}
