//! Pull requests: opened between two branches of the repository, listed, read, and their difference.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::git::{Repository, Size, Trouble};
use super::names::is_branch;
use super::show::{LOGIN, OWNER, Show, merged, node, stamp, state};
use super::state::{Issue, Pull};
use super::{invalid, issues, not_found, paged, problem, troubled, unprocessable};
use crate::call::Call;
use crate::reply::{self, Answer, Fail, Handled};
use crate::world::World;

/// The two ends of a pull request, as commits. A branch that has gone has none.
struct Ends {
    head: String,
    base: String,
}

/// `POST /pulls`.
pub(super) fn create(world: &World, call: &Call) -> Handled {
    let Some(body) = call.json_object() else {
        return Ok(problem(StatusCode::BAD_REQUEST, "Problems parsing JSON"));
    };
    let mut draft = match issues::draft(&body, "PullRequest") {
        Ok(draft) => draft,
        Err(refusal) => return Ok(*refusal),
    };
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let own = format!("{OWNER}:");
    let head = text("head").strip_prefix(&own).unwrap_or(text("head")).to_owned();
    let base = text("base").to_owned();
    let held = world.git().map_err(troubled)?;
    let branch = |name: &str| match is_branch(name) {
        true => held.repository.resolve(&format!("refs/heads/{name}")),
        false => Ok(None),
    };
    let ends = [("head", &head), ("base", &base)];
    for (field, name) in ends {
        if branch(name).map_err(troubled)?.is_none() {
            return Ok(unprocessable(&[invalid("PullRequest", field)]));
        }
    }
    let custom = |message: String| {
        Fail::from(unprocessable(&[
            json!({ "resource": "PullRequest", "code": "custom", "message": message }),
        ]))
    };
    let pull = Pull {
        head: head.clone(),
        base: base.clone(),
        draft: body.get("draft").and_then(Value::as_bool).unwrap_or(false),
    };
    let (commits, size) = measured(&held.repository, &pull)
        .map_err(troubled)?
        .unwrap_or_default();
    if commits == 0 {
        return Err(custom(format!("No commits between {base} and {head}")));
    }
    (draft.created, draft.updated) = (world.now(), world.now());
    let (repository, show) = (&held.repository, Show::new(world, call));
    let ends = ends_of(repository, &pull).map_err(troubled)?;
    draft.pull = Some(pull);
    world.write(|state| {
        let open = state.github.issues.values().any(|issue| {
            let same = |pull: &Pull| pull.head == head && pull.base == base;
            issue.open && issue.pull.as_ref().is_some_and(same)
        });
        if open {
            return Err(custom(format!(
                "A pull request already exists for {OWNER}:{head}."
            )));
        }
        draft.id = 1_000 + state.next();
        let number = issues::add(&mut state.github, draft)?;
        let issue = &state.github.issues[&number];
        let whole = merged(
            simple(&show, number, issue, ends.as_ref()),
            counted(issue, commits, size),
        );
        Ok(reply::json(StatusCode::CREATED, &whole))
    })
}

/// `GET /pulls`.
pub(super) fn list(world: &World, call: &Call) -> Handled {
    let asked = |name: &str| call.query.get(name).map(String::as_str);
    let wanted = asked("state").unwrap_or("open");
    let found: Vec<(u64, Issue)> = world.read(|state| {
        let pulls = state.github.issues.iter().filter(|(_, issue)| {
            let fits = |pull: &Pull| {
                asked("head").is_none_or(|head| head == format!("{OWNER}:{}", pull.head))
                    && asked("base").is_none_or(|base| base == pull.base)
            };
            (wanted == "all" || wanted == self::state(issue)) && issue.pull.as_ref().is_some_and(fits)
        });
        pulls.map(|(number, issue)| (*number, issue.clone())).collect()
    });
    let held = world.git().map_err(troubled)?;
    let show = Show::new(world, call);
    let mut shown = Vec::new();
    for (number, issue) in &found {
        let pull = issue.pull.as_ref().ok_or_else(|| Fail::from(not_found()))?;
        let ends = ends_of(&held.repository, pull).map_err(troubled)?;
        shown.push(simple(&show, *number, issue, ends.as_ref()));
    }
    if asked("direction") != Some("asc") {
        shown.reverse();
    }
    Ok(paged(call, shown.into_iter()))
}

/// `GET /pulls/{number}`: as JSON, or as a difference if that is what the client accepts.
pub(super) fn get(world: &World, call: &Call, number: u64) -> Handled {
    let Some(issue) = world.read(|state| state.github.issues.get(&number).cloned()) else {
        return Ok(not_found());
    };
    let Some(pull) = &issue.pull else {
        return Ok(not_found());
    };
    let held = world.git().map_err(troubled)?;
    let ends = ends_of(&held.repository, pull).map_err(troubled)?;
    if call
        .header("accept")
        .is_some_and(|accept| accept.contains("diff"))
    {
        let Some(ends) = ends else {
            return Ok(not_found());
        };
        let diff = held.repository.diff(&ends.base, &ends.head).map_err(troubled)?;
        return Ok(reply::with_body(
            StatusCode::OK,
            "application/vnd.github.diff; charset=utf-8",
            diff,
        ));
    }
    let (commits, size) = measured(&held.repository, pull)
        .map_err(troubled)?
        .unwrap_or_default();
    let show = Show::new(world, call);
    let whole = merged(
        simple(&show, number, &issue, ends.as_ref()),
        counted(&issue, commits, size),
    );
    Ok(reply::json(StatusCode::OK, &whole))
}

/// The page behind a pull request's or an issue's link: its words, and what it changes.
pub(super) fn page(world: &World, number: u64) -> Result<Option<Answer>, Fail> {
    let Some(issue) = world.read(|state| state.github.issues.get(&number).cloned()) else {
        return Ok(None);
    };
    let mut text = format!(
        "#{number} {}\n{}\n\n{}\n",
        issue.title,
        state(&issue),
        issue.body.as_deref().unwrap_or("")
    );
    for comment in &issue.comments {
        text.push_str(&format!("\n{}\n{}\n", stamp(comment.created), comment.body));
    }
    if let Some(pull) = &issue.pull {
        text.push_str(&format!("\n{} into {}\n\n", pull.head, pull.base));
        let held = world.git().map_err(troubled)?;
        if let Some(ends) = ends_of(&held.repository, pull).map_err(troubled)? {
            let diff = held.repository.diff(&ends.base, &ends.head).map_err(troubled)?;
            text.push_str(&String::from_utf8_lossy(&diff));
        }
    }
    Ok(Some(reply::text(StatusCode::OK, text)))
}

/// The difference of a pull request; none if one of its branches has gone.
pub(crate) fn diff(repository: &Repository, pull: &Pull) -> Result<Option<Vec<u8>>, Trouble> {
    match ends_of(repository, pull)? {
        Some(ends) => repository.diff(&ends.base, &ends.head).map(Some),
        None => Ok(None),
    }
}

fn ends_of(repository: &Repository, pull: &Pull) -> Result<Option<Ends>, Trouble> {
    let head = repository.resolve(&format!("refs/heads/{}", pull.head))?;
    let base = repository.resolve(&format!("refs/heads/{}", pull.base))?;
    Ok(head.zip(base).map(|(head, base)| Ends { head, base }))
}

/// How many commits, and how much they change.
fn measured(repository: &Repository, pull: &Pull) -> Result<Option<(u64, Size)>, Trouble> {
    let Some(ends) = ends_of(repository, pull)? else {
        return Ok(None);
    };
    let commits = repository.ahead(&ends.base, &ends.head)?;
    let size = match commits {
        0 => Size::default(),
        _ => repository.size(&ends.base, &ends.head)?,
    };
    Ok(Some((commits, size)))
}

/// A pull request as lists show it.
fn simple(show: &Show, number: u64, issue: &Issue, ends: Option<&Ends>) -> Value {
    let Some(pull) = &issue.pull else {
        return Value::Null;
    };
    let api = format!("{}/pulls/{number}", show.api);
    let web = format!("{}/pull/{number}", show.web);
    let as_issue = format!("{}/issues/{number}", show.api);
    let head = ends.map_or("", |ends| ends.head.as_str());
    let statuses = format!("{}/statuses/{head}", show.api);
    let end = |branch: &str, commit: &str| {
        json!({
            "label": format!("{OWNER}:{branch}"), "ref": branch, "sha": commit, "user": show.user(OWNER),
            "repo": show.repository(issue.created, 0),
        })
    };
    let link = |href: &str| json!({ "href": href });
    json!({
        "id": issue.id, "node_id": node("PullRequest", issue.id), "number": number, "url": api, "html_url": web,
        "diff_url": format!("{web}.diff"), "patch_url": format!("{web}.patch"), "issue_url": as_issue,
        "commits_url": format!("{api}/commits"), "review_comments_url": format!("{api}/comments"),
        "review_comment_url": format!("{}/pulls/comments{{/number}}", show.api),
        "comments_url": format!("{as_issue}/comments"), "statuses_url": statuses, "state": state(issue),
        "locked": false, "title": issue.title, "user": show.user(LOGIN), "body": issue.body,
        "labels": show.labels(issue), "milestone": null, "created_at": stamp(issue.created),
        "updated_at": stamp(issue.updated), "closed_at": issue.closed.map(stamp), "merged_at": null,
        "merge_commit_sha": null, "assignee": issue.assignees.first().map(|login| show.user(login)),
        "assignees": show.people(issue), "requested_reviewers": [], "requested_teams": [],
        "head": end(&pull.head, head), "base": end(&pull.base, ends.map_or("", |ends| ends.base.as_str())),
        "_links": {
            "self": link(&api), "html": link(&web), "issue": link(&as_issue),
            "comments": link(&format!("{as_issue}/comments")),
            "review_comments": link(&format!("{api}/comments")),
            "review_comment": link(&format!("{}/pulls/comments{{/number}}", show.api)),
            "commits": link(&format!("{api}/commits")), "statuses": link(&statuses),
        },
        "author_association": "MEMBER", "auto_merge": null, "draft": pull.draft,
    })
}

/// What only the whole pull request shows.
fn counted(issue: &Issue, commits: u64, size: Size) -> Value {
    json!({
        "merged": false, "mergeable": null, "rebaseable": null, "mergeable_state": "unknown", "merged_by": null,
        "comments": issue.comments.len(), "review_comments": 0, "maintainer_can_modify": false,
        "commits": commits, "additions": size.additions, "deletions": size.deletions,
        "changed_files": size.files,
    })
}
