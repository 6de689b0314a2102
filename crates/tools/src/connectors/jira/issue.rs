//! Issues: create with a label as marker, find by it, and read.

use serde_json::{Map, Value, json};
use types::{Artifact, ArtifactKind, Failure};

use super::{adf, api};
use crate::arguments::text;
use crate::http::Request;
use crate::{Answer, CallContext, CallError};

/// The fields that are read of an issue.
pub(super) const FIELDS: [&str; 10] = [
    "summary",
    "status",
    "issuetype",
    "priority",
    "assignee",
    "reporter",
    "labels",
    "description",
    "created",
    "updated",
];
/// A look-up that is answered with this many issues has not been filtered.
const LOOK_UP_LIMIT: u32 = 10;

/// Opens an issue.
pub(crate) async fn create(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let mut fields = Map::new();
    fields.insert("project".to_owned(), json!({ "key": args["project"] }));
    fields.insert("summary".to_owned(), args["summary"].clone());
    let kind = text(args, "issue_type").unwrap_or("Task");
    fields.insert("issuetype".to_owned(), json!({ "name": kind }));
    if let Some(description) = text(args, "description").filter(|words| !words.trim().is_empty()) {
        fields.insert("description".to_owned(), adf::document(description));
    }
    let mut labels: Vec<Value> = args["labels"].as_array().cloned().unwrap_or_default();
    labels.push(label(ctx).into());
    fields.insert("labels".to_owned(), labels.into());
    for (argument, field, part) in [
        ("priority", "priority", "name"),
        ("assignee", "assignee", "accountId"),
        ("parent", "parent", "key"),
    ] {
        if let Some(value) = text(args, argument) {
            fields.insert(field.to_owned(), json!({ part: value }));
        }
    }
    let request = Request::post(&["rest", "api", "3", "issue"])
        .json(json!({ "fields": fields }))
        .effect();
    let made = api::json(ctx, request).await?;
    match (made["key"].as_str(), made["id"].as_str()) {
        (Some(key), Some(id)) => Ok(answer(ctx, key, id)),
        _ => Err(api::unreadable(
            "jira answered a success without the issue's key and id",
        )),
    }
}

/// Looks for the issue with this call's label.
pub(crate) async fn look_up(ctx: &CallContext, args: &Value) -> Result<Option<Answer>, CallError> {
    let (project, label) = (text(args, "project").unwrap_or_default(), label(ctx));
    let jql = format!("project = \"{project}\" AND labels = \"{label}\"");
    let body = json!({ "jql": jql, "fields": ["labels"], "maxResults": LOOK_UP_LIMIT });
    let request = Request::post(&["rest", "api", "3", "search", "jql"]).json(body);
    let found = api::json(ctx, request).await?;
    let Some(issues) = found["issues"].as_array() else {
        return Err(api::unreadable("jira answered a search without issues"));
    };
    let holds = |issue: &&Value| {
        issue["fields"]["labels"]
            .as_array()
            .is_some_and(|labels| labels.iter().any(|known| known == label.as_str()))
    };
    match issues.iter().find(holds) {
        Some(issue) => match (issue["key"].as_str(), issue["id"].as_str()) {
            (Some(key), Some(id)) => Ok(Some(answer(ctx, key, id))),
            _ => Err(api::unreadable("jira told an issue without its key and id")),
        },
        None if issues.is_empty() => Ok(None),
        None => Err(CallError::unknown(Failure::new(
            "look_up_unclear",
            "jira did not filter issues by their label",
        ))),
    }
}

/// Reads one issue.
pub(crate) async fn get(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let issue = text(args, "issue").unwrap_or_default();
    let request = Request::get(&["rest", "api", "3", "issue", issue]).query("fields", FIELDS.join(","));
    let issue = api::json(ctx, request).await?;
    if !issue["key"].is_string() {
        return Err(api::unreadable("jira told an issue without its key"));
    }
    Ok(Answer::new(show(ctx, &issue)))
}

/// An issue as our outputs tell it.
pub(super) fn show(ctx: &CallContext, issue: &Value) -> Value {
    let fields = &issue["fields"];
    let key = issue["key"].as_str().unwrap_or_default();
    let own = |label: &&Value| !label.as_str().is_some_and(|label| label.starts_with(LABEL));
    let labels: Vec<&Value> = fields["labels"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(own)
        .collect();
    json!({
        "key": key,
        "id": issue["id"],
        "url": api::browse(ctx, key),
        "summary": fields["summary"],
        "status": fields["status"]["name"],
        "category": fields["status"]["statusCategory"]["key"],
        "issue_type": fields["issuetype"]["name"],
        "priority": fields["priority"]["name"],
        "assignee": fields["assignee"]["displayName"],
        "reporter": fields["reporter"]["displayName"],
        "labels": labels,
        "description": adf::text(&fields["description"]),
        "created": fields["created"],
        "updated": fields["updated"],
    })
}

/// What our labels begin with.
const LABEL: &str = "agentops-";

fn label(ctx: &CallContext) -> String {
    format!("{LABEL}{}", ctx.marker())
}

fn answer(ctx: &CallContext, key: &str, id: &str) -> Answer {
    let url = api::browse(ctx, key);
    Answer::new(json!({ "key": key, "id": id, "url": url })).with(Artifact {
        kind: ArtifactKind::Task,
        external_id: key.to_owned(),
        url: Some(url),
        data: json!({ "key": key, "id": id }),
    })
}
