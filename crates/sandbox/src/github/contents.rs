//! Files: `/contents/…` read and written, and the commits that touch them.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::git::{Commit, File, MAIN, Object, Repository, Trouble};
use super::names::{is_branch, is_commit, is_path};
use super::show::{LOGIN, Show, node, seconds};
use super::{missing, not_found, problem, troubled, unprocessable};
use crate::call::Call;
use crate::reply::{self, Handled};
use crate::world::World;

/// How many characters a line of GitHub's Base64 has.
const BASE64_LINE: usize = 60;
/// The longest commit message, in characters.
const MAX_MESSAGE: usize = 10_000;

/// `GET /contents/{path}`.
pub(super) fn get(world: &World, call: &Call, path: &str) -> Handled {
    let held = world.git().map_err(troubled)?;
    let asked = call.query.get("ref").map_or(MAIN, String::as_str);
    let Some(commit) = resolve(&held.repository, asked).map_err(troubled)? else {
        return Ok(problem(
            StatusCode::NOT_FOUND,
            &format!("No commit found for the ref {asked}"),
        ));
    };
    if !path.is_empty() && !is_path(path) {
        return Ok(not_found());
    }
    let found = held.repository.objects(&commit, &[path]).map_err(troubled)?;
    let Some(object) = found.into_iter().next().flatten() else {
        return Ok(not_found());
    };
    let show = Show::new(world, call);
    if object.kind == "tree" {
        let entries = held.repository.tree(&object.sha).map_err(troubled)?;
        let list: Vec<Value> = entries
            .iter()
            .map(|(name, object)| {
                let path = format!("{path}/{name}");
                entry(&show, path.trim_start_matches('/'), object, asked)
            })
            .collect();
        return Ok(reply::json(StatusCode::OK, &Value::Array(list)));
    }
    let bytes = held.repository.blob(&object.sha).map_err(troubled)?;
    let mut shown = entry(&show, path, &object, asked);
    shown["encoding"] = "base64".into();
    shown["content"] = lines(&STANDARD.encode(bytes)).into();
    Ok(reply::json(StatusCode::OK, &shown))
}

/// `PUT /contents/{path}`.
pub(super) fn put(world: &World, call: &Call, path: &str) -> Handled {
    let body = call.json_object().unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let message = text("message").unwrap_or_default();
    if message.trim().is_empty() || message.chars().count() > MAX_MESSAGE {
        return Ok(unprocessable(&[missing("Commit", "message")]));
    }
    let encoded: String = text("content").unwrap_or_default().split_whitespace().collect();
    let Some(bytes) = body
        .contains_key("content")
        .then(|| STANDARD.decode(encoded).ok())
        .flatten()
    else {
        return Ok(problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "content is not valid Base64",
        ));
    };
    if !is_path(path) {
        return Ok(problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "path contains a malformed path component",
        ));
    }
    let branch = text("branch").unwrap_or(MAIN);
    let held = world.git().map_err(troubled)?;
    let head = match is_branch(branch) {
        true => held.repository.resolve(&format!("refs/heads/{branch}")),
        false => Ok(None),
    };
    let Some(head) = head.map_err(troubled)? else {
        return Ok(problem(
            StatusCode::NOT_FOUND,
            &format!("Branch {branch} not found"),
        ));
    };
    let old = match may_write(&held.repository, &head, path, text("sha")).map_err(troubled)? {
        Ok(old) => old,
        Err((status, message)) => return Ok(problem(status, &message)),
    };
    let now = world.now();
    let at = now.as_millis().div_euclid(1_000);
    let file = File { path, bytes: &bytes };
    let commit = held.repository.commit(branch, &head, message, at, file);
    let commit = commit.map_err(troubled)?;
    world.write(|state| {
        state.github.pushed(branch, &commit, now);
        Ok(())
    })?;
    let show = Show::new(world, call);
    let made = held.repository.log(&commit, None, 0, 1).map_err(troubled)?;
    let object = held.repository.objects(&commit, &[path]).map_err(troubled)?;
    let content = object.into_iter().flatten().next();
    let answer = json!({
        "content": content.map(|object| entry(&show, path, &object, branch)),
        "commit": made.first().map(|commit| git_commit(&show, commit)),
    });
    let status = match old {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    Ok(reply::json(status, &answer))
}

/// `GET /commits`: of a branch, perhaps only those that touch a path.
pub(super) fn commits(world: &World, call: &Call) -> Handled {
    let held = world.git().map_err(troubled)?;
    let asked = call.query.get("sha").map_or(MAIN, String::as_str);
    let Some(commit) = resolve(&held.repository, asked).map_err(troubled)? else {
        return Ok(not_found());
    };
    let path = call.query.get("path").filter(|path| !path.is_empty());
    if path.is_some_and(|path| !is_path(path)) {
        return Ok(reply::json(StatusCode::OK, &json!([])));
    }
    let since = call
        .query
        .get("since")
        .map(|since| since.parse::<jiff::Timestamp>());
    let since = match since {
        None => i64::MIN,
        Some(Ok(since)) => since.as_second(),
        Some(Err(_)) => return Ok(unprocessable(&[super::invalid("Commit", "since")])),
    };
    let (most, page) = (
        call.number("per_page", 30, 1, 100),
        call.number("page", 1, 1, 1_000),
    );
    let listed = held
        .repository
        .log(&commit, path.map(String::as_str), (page - 1) * most, most);
    let show = Show::new(world, call);
    let shown: Vec<Value> = listed
        .map_err(troubled)?
        .iter()
        .filter(|commit| commit.at >= since)
        .map(|commit| self::commit(&show, commit))
        .collect();
    Ok(reply::json(StatusCode::OK, &Value::Array(shown)))
}

/// The commit of a branch or of an id.
fn resolve(repository: &Repository, asked: &str) -> Result<Option<String>, Trouble> {
    let named = asked.strip_prefix("refs/heads/").unwrap_or(asked);
    if is_branch(named)
        && let Some(commit) = repository.resolve(&format!("refs/heads/{named}"))?
    {
        return Ok(Some(commit));
    }
    match is_commit(asked) {
        true => repository.resolve(asked),
        false => Ok(None),
    }
}

/// Whether the file may be written: with the id of what is there, and never through another file. Says
/// whether there is a file already.
fn may_write(
    repository: &Repository,
    head: &str,
    path: &str,
    sha: Option<&str>,
) -> Result<Result<bool, (StatusCode, String)>, Trouble> {
    let above: Vec<&str> = path.match_indices('/').map(|(at, _)| &path[..at]).collect();
    let asked: Vec<&str> = above.iter().copied().chain([path]).collect();
    let mut found = repository.objects(head, &asked)?;
    let there = found.pop().flatten();
    let refuse = |status, message: String| Ok(Err((status, message)));
    if found.iter().flatten().any(|object| object.kind != "tree") {
        let message = format!("{path} lies below a file");
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, message);
    }
    match (there, sha) {
        (None, None) => Ok(Ok(false)),
        (Some(object), _) if object.kind != "blob" => {
            refuse(StatusCode::UNPROCESSABLE_ENTITY, format!("{path} is a directory"))
        }
        (Some(_), None) => refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Invalid request.\n\n\"sha\" wasn't supplied.".to_owned(),
        ),
        (Some(object), Some(sha)) if object.sha == sha => Ok(Ok(true)),
        (_, Some(sha)) => refuse(StatusCode::CONFLICT, format!("{path} does not match {sha}")),
    }
}

fn entry(show: &Show, path: &str, object: &Object, at: &str) -> Value {
    let url = format!("{}/contents/{path}?ref={at}", show.api);
    let git = format!("{}/git/{}s/{}", show.api, object.kind, object.sha);
    let html = format!("{}/blob/{at}/{path}", show.web);
    let file = object.kind == "blob";
    let raw = file.then(|| format!("{}/raw/{at}/{path}", show.web));
    json!({
        "name": path.rsplit('/').next(), "path": path, "sha": object.sha, "size": object.size,
        "type": if file { "file" } else { "dir" },
        "url": url, "git_url": git, "html_url": html, "download_url": raw,
        "_links": { "self": url, "git": git, "html": html },
    })
}

/// A commit as it stands in the list of commits.
fn commit(show: &Show, commit: &Commit) -> Value {
    let person = person(commit);
    let url = format!("{}/commits/{}", show.api, commit.sha);
    json!({
        "sha": commit.sha, "node_id": node("Commit", commit.at.unsigned_abs()), "url": url,
        "html_url": format!("{}/commit/{}", show.web, commit.sha), "comments_url": format!("{url}/comments"),
        "commit": {
            "url": format!("{}/git/commits/{}", show.api, commit.sha), "author": person, "committer": person,
            "message": commit.message, "comment_count": 0, "tree": tree(show, commit), "verification": unverified(),
        },
        "author": show.user(LOGIN), "committer": show.user(LOGIN), "parents": parents(show, commit, "commits"),
    })
}

/// A commit as it stands beside a file that was written.
fn git_commit(show: &Show, commit: &Commit) -> Value {
    let person = person(commit);
    json!({
        "sha": commit.sha, "node_id": node("Commit", commit.at.unsigned_abs()),
        "url": format!("{}/git/commits/{}", show.api, commit.sha),
        "html_url": format!("{}/commit/{}", show.web, commit.sha), "author": person, "committer": person,
        "message": commit.message, "tree": tree(show, commit), "parents": parents(show, commit, "git/commits"),
        "verification": unverified(),
    })
}

fn person(commit: &Commit) -> Value {
    json!({ "name": "AgentOps", "email": "agentops@avops.example", "date": seconds(commit.at) })
}

fn tree(show: &Show, commit: &Commit) -> Value {
    json!({ "sha": commit.tree, "url": format!("{}/git/trees/{}", show.api, commit.tree) })
}

fn parents(show: &Show, commit: &Commit, below: &str) -> Value {
    let parent = |sha: &String| {
        json!({
            "sha": sha, "url": format!("{}/{below}/{sha}", show.api), "html_url": format!("{}/commit/{sha}", show.web),
        })
    };
    commit.parents.iter().map(parent).collect()
}

fn unverified() -> Value {
    json!({ "verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null })
}

fn lines(encoded: &str) -> String {
    let mut out = String::new();
    let mut rest = encoded;
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(BASE64_LINE));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out
}
