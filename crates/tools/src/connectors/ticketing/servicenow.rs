//! Tickets as incidents of a ServiceNow instance.

use serde_json::{Map, Value, json};

use super::SERVICENOW;
use crate::connector::unknown_action;
use crate::connectors::servicenow::incident;
use crate::{Answer, CallContext, CallError};

/// Performs an action.
pub(super) async fn call(ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
    let args = arguments(args);
    let answer = match action {
        "create_ticket" => incident::create(ctx, &args).await,
        "update_ticket" => incident::update(ctx, &args).await,
        "comment_on_ticket" => incident::add_work_note(ctx, &args).await,
        "resolve_ticket" => {
            let mut args = args;
            args["state"] = "resolved".into();
            incident::update(ctx, &args).await
        }
        "get_ticket" => incident::get(ctx, &args).await,
        "find_tickets" => {
            let found = incident::find(ctx, &args).await?;
            let records = found.output["incidents"].as_array().into_iter().flatten();
            let tickets: Vec<Value> = records.map(output).collect();
            return Ok(Answer::new(json!({ "tickets": tickets })));
        }
        other => Err(unknown_action(other)),
    };
    answer.map(told)
}

/// The incident that this call opened, if it did.
pub(super) async fn look_up(ctx: &CallContext) -> Result<Option<Answer>, CallError> {
    Ok(incident::look_up(ctx).await?.map(told))
}

/// Reads one incident, whichever.
pub(super) async fn health(ctx: &CallContext) -> Result<String, CallError> {
    incident::find(ctx, &json!({"limit": 1})).await?;
    Ok("signed in to servicenow; incidents can be read".to_owned())
}

/// The arguments by ServiceNow's names.
fn arguments(args: &Value) -> Value {
    let mut named = Map::new();
    for (name, value) in args.as_object().into_iter().flatten() {
        let name = match name.as_str() {
            "ticket" => "incident",
            "title" => "short_description",
            "assignee" => "assigned_to",
            "status" => "state",
            "comment" => "note",
            "resolution" => "close_notes",
            "code" => "close_code",
            same => same,
        };
        named.insert(name.to_owned(), value.clone());
    }
    Value::Object(named)
}

fn told(answer: Answer) -> Answer {
    Answer {
        output: output(&answer.output),
        artifacts: answer.artifacts,
    }
}

/// An incident as a ticket. What the instance calls by a number of its own keeps that number.
fn output(record: &Value) -> Value {
    json!({
        "number": record["number"],
        "id": record["sys_id"],
        "through": SERVICENOW,
        "title": record["short_description"],
        "description": record["description"],
        "urgency": incident::word(&record["urgency"], incident::LEVELS),
        "category": null,
        "assignee": null,
        "status": incident::word(&record["state"], incident::STATES),
        "resolution": null,
        "url": record["url"],
        "opened_at": record["opened_at"],
        "comments": null,
    })
}
