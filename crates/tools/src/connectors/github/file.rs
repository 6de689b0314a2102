//! Files: read, and written by a commit of one file whose message carries the call's trailer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use types::{Artifact, ArtifactKind, Failure};

use super::api::{self, Repository};
use super::{branch, marker};
use crate::arguments::{content, invalid, text};
use crate::http::Request;
use crate::{Answer, CallContext, CallError};

/// The largest file that is written: larger ones don't belong into a recipe.
const MOST_BYTES: usize = 1024 * 1024;

/// Creates or replaces a file.
pub(super) async fn put(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let repository = Repository::of(args)?;
    let path = path(args)?;
    let on = text(args, "branch").unwrap_or_default();
    branch::check(on)?;
    let bytes = content(args, MOST_BYTES)?;
    let mut body = Map::new();
    let message = marker::sign_commit(ctx, text(args, "message").unwrap_or_default());
    body.insert("message".to_owned(), message.into());
    body.insert("content".to_owned(), STANDARD.encode(&bytes).into());
    body.insert("branch".to_owned(), on.into());
    // The version that is replaced: GitHub refuses if it isn't the newest any more.
    if let Some(there) = there(ctx, &repository, &path, on).await? {
        body.insert("sha".to_owned(), there.into());
    }
    let request = Request::put(&repository.path(&contents(&path)))
        .json(Value::Object(body))
        .effect();
    let written = api::json(ctx, request).await?;
    answer(args, &written["commit"], written["content"]["sha"].as_str())
}

/// Looks for the commit with this call's trailer among all of the branch: a commit that left the file as
/// it was stands in no list of those that touch it.
pub(super) async fn look_up(ctx: &CallContext, args: &Value) -> Result<Option<Answer>, CallError> {
    let repository = Repository::of(args)?;
    let request = || {
        Request::get(&repository.path(&["commits"]))
            .query("sha", text(args, "branch").unwrap_or_default())
            .query("since", ctx.began_after().to_string())
    };
    let ours = |commit: &Value| {
        let message = commit["commit"]["message"].as_str().unwrap_or_default();
        marker::signed_commit(ctx, message).then(|| answer(args, commit, None))
    };
    api::search(ctx, request, ours).await?.transpose()
}

/// Reads a file as text.
pub(super) async fn get(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let repository = Repository::of(args)?;
    let path = path(args)?;
    let mut request = Request::get(&repository.path(&contents(&path)));
    if let Some(at) = text(args, "ref") {
        request = request.query("ref", at);
    }
    let file = api::json(ctx, request).await?;
    let readable = |message: String| CallError::refused(Failure::new("tool_refused", message));
    if file["type"] != "file" {
        let what = file["type"].as_str().unwrap_or("folder");
        return Err(readable(format!("{} is no file but a {what}", path.join("/"))));
    }
    if file["encoding"] != "base64" {
        return Err(readable(format!("{} is too large to be read", path.join("/"))));
    }
    // GitHub breaks the lines of its Base64.
    let encoded: String = file["content"]
        .as_str()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let bytes = STANDARD
        .decode(encoded)
        .map_err(|_| api::unreadable("github told a file that isn't Base64"))?;
    let content =
        String::from_utf8(bytes).map_err(|_| readable(format!("{} holds no text", path.join("/"))))?;
    Ok(Answer::new(json!({
        "path": file["path"],
        "sha": file["sha"],
        "size": file["size"],
        "url": file["html_url"],
        "content": content,
    })))
}

/// The blob's id of the file as it is on a branch; none if it isn't there.
async fn there(
    ctx: &CallContext,
    repository: &Repository<'_>,
    path: &[String],
    on: &str,
) -> Result<Option<String>, CallError> {
    let request = Request::get(&repository.path(&contents(path))).query("ref", on);
    let request = request
        .header("accept", "application/vnd.github+json")
        .header("x-github-api-version", "2022-11-28");
    let response = ctx.send(&request).await?;
    // Whether the branch or the file is missing, the write itself will tell.
    if response.status == 404 {
        return Ok(None);
    }
    let file = api::accept(ctx, response)?.json()?;
    match file["sha"].as_str() {
        Some(sha) if file["type"] == "file" => Ok(Some(sha.to_owned())),
        _ => Err(CallError::refused(Failure::new(
            "tool_refused",
            format!("{} is there and is no file", path.join("/")),
        ))),
    }
}

fn contents(path: &[String]) -> Vec<&str> {
    let mut below = vec!["contents"];
    below.extend(path.iter().map(String::as_str));
    below
}

/// The parts of a path inside the repository.
fn path(args: &Value) -> Result<Vec<String>, CallError> {
    let path = text(args, "path").unwrap_or_default();
    let part = |part: &str| {
        !matches!(part, "" | "." | "..")
            && !part.eq_ignore_ascii_case(".git")
            && !part.contains(char::is_control)
            && !part.contains('\\')
    };
    match path.split('/').all(part) {
        true => Ok(path.split('/').map(str::to_owned).collect()),
        false => Err(invalid(format!(
            "'{path}' can't be the path of a file: give it from the repository's root, without . or .."
        ))),
    }
}

fn answer(args: &Value, commit: &Value, blob: Option<&str>) -> Result<Answer, CallError> {
    let (Some(sha), Some(url)) = (commit["sha"].as_str(), commit["html_url"].as_str()) else {
        return Err(api::unreadable(
            "github answered a success without the commit and its address",
        ));
    };
    let output = json!({
        "path": args["path"],
        "branch": args["branch"],
        "commit": sha,
        "sha": blob,
        "url": url,
    });
    Ok(Answer::new(output).with(Artifact {
        kind: ArtifactKind::File,
        external_id: sha.to_owned(),
        url: Some(url.to_owned()),
        data: json!({ "path": args["path"], "branch": args["branch"] }),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_inside_the_repository() {
        for good in ["a.md", "docs/rooms/4a.md", "a b/ç.txt", "-x"] {
            assert!(path(&json!({ "path": good })).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            "../a",
            "a/../b",
            "./a",
            ".git/config",
            "a/.GIT/hooks",
            "a\\b",
            "a\nb",
        ] {
            assert!(path(&json!({ "path": bad })).is_err(), "{bad}");
        }
    }
}
