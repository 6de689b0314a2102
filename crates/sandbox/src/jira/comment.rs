//! Comments: of an issue in pages, or by their ids with their properties.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::fixed::{self, ACCOUNT};
use super::issue::{MAX_DOCUMENT, base, stamp};
use super::state::Comment;
use super::{is_document, no_issue, ok, properties, refuse, refuse_fields};
use crate::call::Call;
use crate::reply::{self, Answer, Fail, Handled};
use crate::world::World;

/// The most comments of an issue.
const MAX_COMMENTS: usize = 1_000;
/// The most ids of one request, as Jira's.
const MAX_IDS: usize = 1_000;

/// `POST /issue/{key}/comment`.
pub(super) fn create(world: &World, call: &Call, key: &str) -> Handled {
    let Some(body) = call.json_object() else {
        return Ok(refuse(StatusCode::BAD_REQUEST, "Invalid request payload."));
    };
    let words = body.get("body").cloned().unwrap_or_default();
    if !is_document(&words) || words.to_string().len() > MAX_DOCUMENT {
        let errors = [(
            "comment".to_owned(),
            Value::from("Comment body is not valid! It must be an Atlassian Document."),
        )];
        return Ok(refuse_fields(errors.into_iter().collect()));
    }
    let properties = match properties(&body) {
        Ok(properties) => properties,
        Err(refusal) => return Ok(*refusal),
    };
    let now = world.now();
    world.write(|state| {
        if state.jira.find(key).is_none() {
            return Err(no_issue().into());
        }
        let id = 20_000 + state.next();
        let issue = state.jira.find_mut(key).ok_or_else(|| Fail::from(no_issue()))?;
        if issue.comments.len() >= MAX_COMMENTS {
            return Err(refuse(StatusCode::BAD_REQUEST, "The issue has too many comments.").into());
        }
        let comment = Comment {
            id,
            body: words,
            created: now,
            properties: properties.into_iter().collect(),
        };
        let shown = show(world, &comment, key, false);
        issue.comments.push(comment);
        issue.updated = now;
        Ok(reply::json(StatusCode::CREATED, &shown))
    })
}

/// `GET /issue/{key}/comment`: without properties, as in Jira.
pub(super) fn list(world: &World, call: &Call, key: &str) -> Answer {
    let start = call.number("startAt", 0, 0, MAX_COMMENTS);
    let most = call.number("maxResults", 50, 1, 100);
    let newest_first = call.query.get("orderBy").is_some_and(|order| order == "-created");
    world.read(|state| {
        let Some((_, issue)) = state.jira.find(key) else {
            return no_issue();
        };
        let mut comments: Vec<&Comment> = issue.comments.iter().collect();
        if newest_first {
            comments.reverse();
        }
        let page: Vec<Value> = comments
            .into_iter()
            .skip(start)
            .take(most)
            .map(|comment| show(world, comment, key, false))
            .collect();
        ok(&json!({ "startAt": start, "maxResults": most, "total": issue.comments.len(), "comments": page }))
    })
}

/// `POST /comment/list`.
pub(super) fn by_ids(world: &World, call: &Call) -> Answer {
    let body = call.json_object().unwrap_or_default();
    let ids: Vec<u64> = body
        .get("ids")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64)
        .collect();
    if ids.is_empty() || ids.len() > MAX_IDS {
        return refuse(StatusCode::BAD_REQUEST, "Provide between 1 and 1000 comment ids.");
    }
    let with_properties = call
        .query
        .get("expand")
        .is_some_and(|list| list.split(',').any(|word| word == "properties"));
    world.read(|state| {
        let found: Vec<Value> = state
            .jira
            .issues
            .values()
            .flat_map(|issue| issue.comments.iter().map(|comment| (comment, issue.key.as_str())))
            .filter(|(comment, _)| ids.contains(&comment.id))
            .map(|(comment, key)| show(world, comment, key, with_properties))
            .collect();
        let answer = json!({ "startAt": 0, "maxResults": ids.len(), "total": found.len(), "isLast": true, "values": found });
        ok(&answer)
    })
}

fn show(world: &World, comment: &Comment, issue: &str, with_properties: bool) -> Value {
    let mut shown = json!({
        "self": format!("{}/rest/api/3/issue/{issue}/comment/{}", base(world), comment.id),
        "id": comment.id.to_string(),
        "author": fixed::user(world, ACCOUNT),
        "updateAuthor": fixed::user(world, ACCOUNT),
        "body": comment.body,
        "created": stamp(comment.created),
        "updated": stamp(comment.created),
        "jsdPublic": true,
    });
    if with_properties {
        let pair = |(key, value): (&String, &Value)| json!({ "key": key, "value": value });
        shown["properties"] = comment.properties.iter().map(pair).collect();
    }
    shown
}
