//! Comments: written with an entity property as marker, which only requests can see.

use serde_json::{Value, json};
use types::{Artifact, ArtifactKind, Failure};

use super::{adf, api};
use crate::arguments::text;
use crate::http::Request;
use crate::{Answer, CallContext, CallError};

/// The property that holds the marker as `key`.
const PROPERTY: &str = "agentops";
/// How many comments a page has.
const PAGE: usize = 100;
/// The most pages that a look-up reads; what lies beyond leaves it in doubt.
const MOST_PAGES: usize = 10;

/// Adds a comment.
pub(crate) async fn create(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let issue = text(args, "issue").unwrap_or_default();
    let body = json!({
        "body": adf::document(text(args, "text").unwrap_or_default()),
        "properties": [{ "key": PROPERTY, "value": { "key": ctx.marker() } }],
    });
    let request = Request::post(&["rest", "api", "3", "issue", issue, "comment"])
        .json(body)
        .effect();
    let made = api::json(ctx, request).await?;
    let id = made["id"]
        .as_str()
        .ok_or_else(|| api::unreadable("jira answered a success without the comment's id"))?;
    Ok(answer(ctx, issue, id))
}

/// Looks for the issue's comment with this call's marker, newest first.
pub(crate) async fn look_up(ctx: &CallContext, args: &Value) -> Result<Option<Answer>, CallError> {
    let issue = text(args, "issue").unwrap_or_default();
    for page in 0..MOST_PAGES {
        let request = Request::get(&["rest", "api", "3", "issue", issue, "comment"])
            .query("orderBy", "-created")
            .query("startAt", (page * PAGE).to_string())
            .query("maxResults", PAGE.to_string());
        let listed = api::json(ctx, request).await?;
        let Some(comments) = listed["comments"].as_array() else {
            return Err(api::unreadable("jira answered without comments"));
        };
        let ids: Vec<&str> = comments
            .iter()
            .filter_map(|comment| comment["id"].as_str())
            .collect();
        if let Some(id) = marked(ctx, &ids).await? {
            return Ok(Some(answer(ctx, issue, &id)));
        }
        let seen = (page * PAGE + comments.len()) as u64;
        if comments.is_empty() || listed["total"].as_u64().is_some_and(|total| seen >= total) {
            return Ok(None);
        }
    }
    Err(unclear(&format!(
        "the issue has more than {} comments",
        PAGE * MOST_PAGES
    )))
}

/// The one of these comments that holds our marker. Properties are told only by this request.
async fn marked(ctx: &CallContext, ids: &[&str]) -> Result<Option<String>, CallError> {
    let numbers: Vec<u64> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    if numbers.is_empty() {
        return Ok(None);
    }
    let request = Request::post(&["rest", "api", "3", "comment", "list"])
        .query("expand", "properties")
        .json(json!({ "ids": numbers }));
    let listed = api::json(ctx, request).await?;
    let Some(comments) = listed["values"].as_array() else {
        return Err(api::unreadable("jira answered without the comments' properties"));
    };
    if comments.len() < numbers.len() || comments.iter().any(|comment| !comment["properties"].is_array()) {
        return Err(unclear("jira did not tell the properties of every comment"));
    }
    let marker = ctx.marker();
    let ours = |comment: &&Value| {
        comment["properties"].as_array().is_some_and(|properties| {
            properties
                .iter()
                .any(|property| property["key"] == PROPERTY && property["value"]["key"] == marker.as_str())
        })
    };
    Ok(comments
        .iter()
        .find(ours)
        .and_then(|comment| comment["id"].as_str())
        .map(str::to_owned))
}

fn unclear(message: &str) -> CallError {
    CallError::unknown(Failure::new("look_up_unclear", message))
}

fn answer(ctx: &CallContext, issue: &str, id: &str) -> Answer {
    let url = format!("{}?focusedCommentId={id}", api::browse(ctx, issue));
    Answer::new(json!({ "id": id, "issue": issue, "url": url })).with(Artifact {
        kind: ArtifactKind::Message,
        external_id: format!("{issue}/{id}"),
        url: Some(url),
        data: json!({ "issue": issue, "id": id }),
    })
}
