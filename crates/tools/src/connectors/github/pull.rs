//! Pull requests: opened with the marker in their body, read, and their difference as text.

use serde_json::{Value, json};
use types::{Artifact, ArtifactKind, Failure};

use super::api::{self, Repository};
use super::{branch, issue, marker};
use crate::arguments::text;
use crate::http::Request;
use crate::{Answer, CallContext, CallError};

/// The longest difference that is given back, in characters.
const MOST_DIFF: usize = 200_000;

/// Opens a pull request.
pub(super) async fn create(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let repository = Repository::of(args)?;
    branch::check(text(args, "head").unwrap_or_default())?;
    let base = match text(args, "base") {
        Some(base) => base.to_owned(),
        None => api::default_branch(ctx, &repository).await?,
    };
    branch::check(&base)?;
    let body = json!({
        "title": args["title"],
        "head": args["head"],
        "base": base,
        "body": marker::sign(ctx, text(args, "body").unwrap_or_default()),
        "draft": args["draft"].as_bool().unwrap_or(false),
    });
    let request = Request::post(&repository.path(&["pulls"])).json(body).effect();
    answer(&api::json(ctx, request).await?)
}

/// Looks for the pull request of this branch with this call's marker.
pub(super) async fn look_up(ctx: &CallContext, args: &Value) -> Result<Option<Answer>, CallError> {
    let repository = Repository::of(args)?;
    let head = format!("{}:{}", repository.owner, text(args, "head").unwrap_or_default());
    let request = || {
        Request::get(&repository.path(&["pulls"]))
            .query("state", "all")
            .query("head", head.as_str())
            .query("sort", "created")
            .query("direction", "desc")
    };
    let ours = |pull: &Value| {
        let body = pull["body"].as_str().unwrap_or_default();
        marker::signed(ctx, body).then(|| answer(pull))
    };
    api::search(ctx, request, ours).await?.transpose()
}

/// Reads one pull request.
pub(super) async fn get(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let repository = Repository::of(args)?;
    let request = Request::get(&repository.path(&["pulls", &issue::number(args)]));
    let pull = api::json(ctx, request).await?;
    if !pull["number"].is_u64() {
        return Err(api::unreadable("github told a pull request without its number"));
    }
    Ok(Answer::new(json!({
        "number": pull["number"],
        "url": pull["html_url"],
        "title": pull["title"],
        "body": pull["body"].as_str().map(marker::readable),
        "state": pull["state"],
        "draft": pull["draft"],
        "merged": pull["merged"],
        "head": pull["head"]["ref"],
        "head_commit": pull["head"]["sha"],
        "base": pull["base"]["ref"],
        "author": pull["user"]["login"],
        "additions": pull["additions"],
        "deletions": pull["deletions"],
        "changed_files": pull["changed_files"],
    })))
}

/// Reads what a pull request changes.
pub(super) async fn diff(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let repository = Repository::of(args)?;
    let request = Request::get(&repository.path(&["pulls", &issue::number(args)]));
    let response = api::send(ctx, request, "application/vnd.github.diff").await?;
    let whole = String::from_utf8(response.body)
        .map_err(|_| CallError::refused(Failure::new("tool_refused", "the difference holds no text")))?;
    let cut: String = whole.chars().take(MOST_DIFF).collect();
    let truncated = cut.len() < whole.len();
    Ok(Answer::new(
        json!({ "number": args["number"], "diff": cut, "truncated": truncated }),
    ))
}

fn answer(pull: &Value) -> Result<Answer, CallError> {
    let (Some(number), Some(url)) = (pull["number"].as_u64(), pull["html_url"].as_str()) else {
        return Err(api::unreadable(
            "github answered a success without the pull request's number and address",
        ));
    };
    let output = json!({ "number": number, "url": url, "state": pull["state"] });
    Ok(Answer::new(output).with(Artifact {
        kind: ArtifactKind::Task,
        external_id: number.to_string(),
        url: Some(url.to_owned()),
        data: json!({ "number": number, "head": pull["head"]["ref"], "base": pull["base"]["ref"] }),
    }))
}
