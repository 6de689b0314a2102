//! Issues and their comments.

use serde_json::{Map, Value, json};
use types::{Artifact, ArtifactKind};

use super::api::{self, PAGE, Repository};
use super::marker;
use crate::arguments::text;
use crate::http::Request;
use crate::{Answer, CallContext, CallError};

/// The most pages of a list that are read: issues and pull requests come mixed.
const MOST_PAGES: usize = 5;

/// Opens an issue.
pub(super) async fn create(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let repository = Repository::of(args)?;
    let mut body = Map::new();
    body.insert("title".to_owned(), args["title"].clone());
    let words = marker::sign(ctx, text(args, "body").unwrap_or_default());
    body.insert("body".to_owned(), words.into());
    for name in ["labels", "assignees"] {
        if let Some(list) = args.get(name).filter(|list| list.is_array()) {
            body.insert(name.to_owned(), list.clone());
        }
    }
    let request = Request::post(&repository.path(&["issues"]))
        .json(Value::Object(body))
        .effect();
    answer(&api::json(ctx, request).await?)
}

/// Looks for the issue with this call's marker among those touched since the run began.
pub(super) async fn look_up(ctx: &CallContext, args: &Value) -> Result<Option<Answer>, CallError> {
    let repository = Repository::of(args)?;
    let request = || {
        Request::get(&repository.path(&["issues"]))
            .query("state", "all")
            .query("sort", "created")
            .query("direction", "desc")
            .query("since", ctx.began_after().to_string())
    };
    let ours = |issue: &Value| {
        let signed = marker::signed(ctx, issue["body"].as_str().unwrap_or_default());
        (signed && issue["pull_request"].is_null()).then(|| answer(issue))
    };
    api::search(ctx, request, ours).await?.transpose()
}

/// Adds a comment to an issue or a pull request.
pub(super) async fn comment(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let repository = Repository::of(args)?;
    let number = number(args);
    let body = marker::sign(ctx, text(args, "body").unwrap_or_default());
    let request = Request::post(&repository.path(&["issues", &number, "comments"]))
        .json(json!({ "body": body }))
        .effect();
    comment_answer(args, &api::json(ctx, request).await?)
}

/// Looks for the comment with this call's marker.
pub(super) async fn look_up_comment(ctx: &CallContext, args: &Value) -> Result<Option<Answer>, CallError> {
    let repository = Repository::of(args)?;
    let number = number(args);
    let request = || {
        Request::get(&repository.path(&["issues", &number, "comments"]))
            .query("since", ctx.began_after().to_string())
    };
    let ours = |comment: &Value| {
        let signed = marker::signed(ctx, comment["body"].as_str().unwrap_or_default());
        signed.then(|| comment_answer(args, comment))
    };
    api::search(ctx, request, ours).await?.transpose()
}

/// Closes an issue.
pub(super) async fn close(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let repository = Repository::of(args)?;
    let reason = text(args, "reason").unwrap_or("completed");
    let request = Request::patch(&repository.path(&["issues", &number(args)]))
        .json(json!({ "state": "closed", "state_reason": reason }))
        .effect();
    let closed = api::json(ctx, request).await?;
    match closed["state"].as_str() {
        Some("closed") => answer(&closed),
        _ => Err(api::unreadable(
            "github answered a success, but the issue isn't closed",
        )),
    }
}

/// Reads one issue.
pub(super) async fn get(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let repository = Repository::of(args)?;
    let request = Request::get(&repository.path(&["issues", &number(args)]));
    let issue = api::json(ctx, request).await?;
    if !issue["number"].is_u64() {
        return Err(api::unreadable("github told an issue without its number"));
    }
    Ok(Answer::new(show(&issue)))
}

/// Lists issues, newest first; pull requests are left out.
pub(super) async fn list(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let repository = Repository::of(args)?;
    let limit = usize::try_from(args["limit"].as_u64().unwrap_or(20)).unwrap_or(20);
    let mut issues = Vec::new();
    let mut has_more = false;
    for page in 1..=MOST_PAGES {
        let mut request = Request::get(&repository.path(&["issues"]))
            .query("state", text(args, "state").unwrap_or("open"))
            .query("per_page", PAGE.to_string())
            .query("page", page.to_string());
        if let Some(labels) = args["labels"].as_array().filter(|labels| !labels.is_empty()) {
            let labels: Vec<&str> = labels.iter().filter_map(Value::as_str).collect();
            request = request.query("labels", labels.join(","));
        }
        let Value::Array(found) = api::json(ctx, request).await? else {
            return Err(api::unreadable("github answered without a list"));
        };
        let plain = found.iter().filter(|issue| issue["pull_request"].is_null());
        issues.extend(plain.map(show));
        has_more = found.len() == PAGE;
        if issues.len() >= limit || !has_more {
            break;
        }
    }
    has_more |= issues.len() > limit;
    issues.truncate(limit);
    Ok(Answer::new(json!({ "issues": issues, "has_more": has_more })))
}

/// The number argument as a path segment.
pub(super) fn number(args: &Value) -> String {
    args["number"].as_u64().unwrap_or_default().to_string()
}

fn show(issue: &Value) -> Value {
    let names = |list: &Value, field: &str| -> Vec<Value> {
        let all = list.as_array().into_iter().flatten();
        all.map(|one| match one.is_string() {
            true => one.clone(),
            false => one[field].clone(),
        })
        .collect()
    };
    json!({
        "number": issue["number"],
        "url": issue["html_url"],
        "title": issue["title"],
        "body": issue["body"].as_str().map(marker::readable),
        "state": issue["state"],
        "state_reason": issue["state_reason"],
        "labels": names(&issue["labels"], "name"),
        "assignees": names(&issue["assignees"], "login"),
        "author": issue["user"]["login"],
        "comments": issue["comments"],
        "created_at": issue["created_at"],
        "updated_at": issue["updated_at"],
    })
}

fn answer(issue: &Value) -> Result<Answer, CallError> {
    let (Some(number), Some(url)) = (issue["number"].as_u64(), issue["html_url"].as_str()) else {
        return Err(api::unreadable(
            "github answered a success without the issue's number and address",
        ));
    };
    let output = json!({ "number": number, "url": url, "state": issue["state"] });
    Ok(Answer::new(output).with(Artifact {
        kind: ArtifactKind::Task,
        external_id: number.to_string(),
        url: Some(url.to_owned()),
        data: json!({ "number": number }),
    }))
}

fn comment_answer(args: &Value, comment: &Value) -> Result<Answer, CallError> {
    let (Some(id), Some(url)) = (comment["id"].as_u64(), comment["html_url"].as_str()) else {
        return Err(api::unreadable(
            "github answered a success without the comment's id and address",
        ));
    };
    let output = json!({ "id": id, "url": url, "number": args["number"] });
    Ok(Answer::new(output).with(Artifact {
        kind: ArtifactKind::Message,
        external_id: id.to_string(),
        url: Some(url.to_owned()),
        data: json!({ "number": args["number"], "id": id }),
    }))
}
