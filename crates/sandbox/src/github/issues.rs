//! Issues and their comments.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::show::{LOGINS, Show};
use super::state::{Comment, GitHub, Issue};
use super::{invalid, missing, not_found, paged, problem, unprocessable};
use crate::call::Call;
use crate::reply::{self, Answer, Fail, Handled};
use crate::world::World;

/// The most issues and pull requests kept.
const MAX_ISSUES: usize = 5_000;
/// The most comments of one.
const MAX_COMMENTS: usize = 1_000;
/// The longest title and the longest text, in characters.
const MAX_TITLE: usize = 256;
const MAX_BODY: usize = 65_536;

/// `POST /issues`.
pub(super) fn create(world: &World, call: &Call) -> Handled {
    let Some(body) = call.json_object() else {
        return Ok(problem(StatusCode::BAD_REQUEST, "Problems parsing JSON"));
    };
    let mut draft = match draft(&body, "Issue") {
        Ok(draft) => draft,
        Err(refusal) => return Ok(*refusal),
    };
    let show = Show::new(world, call);
    (draft.created, draft.updated) = (world.now(), world.now());
    world.write(|state| {
        draft.id = 1_000 + state.next();
        let number = add(&mut state.github, draft)?;
        let shown = show.issue(number, &state.github.issues[&number]);
        Ok(reply::json(StatusCode::CREATED, &shown))
    })
}

/// Keeps an issue or a pull request under the next number.
pub(super) fn add(github: &mut GitHub, issue: Issue) -> Result<u64, Fail> {
    if github.issues.len() >= MAX_ISSUES {
        return Err(unprocessable(&[
            json!({ "resource": "Issue", "code": "custom", "message": "The sandbox is full; reset it" }),
        ])
        .into());
    }
    let number = github.issues.last_key_value().map_or(1, |(last, _)| last + 1);
    github.issues.insert(number, issue);
    Ok(number)
}

/// `GET /issues`: pull requests among them, as in GitHub.
pub(super) fn list(world: &World, call: &Call) -> Answer {
    let asked = |name: &str| call.query.get(name).map(String::as_str);
    let wanted = asked("state").unwrap_or("open");
    let labels: Vec<&str> = asked("labels")
        .into_iter()
        .flat_map(|list| list.split(','))
        .filter(|label| !label.is_empty())
        .collect();
    let since = match asked("since").map(str::parse::<jiff::Timestamp>) {
        None => i64::MIN,
        Some(Ok(since)) => since.as_millisecond(),
        Some(Err(_)) => return unprocessable(&[invalid("Issue", "since")]),
    };
    let ascending = asked("direction") == Some("asc");
    let by_update = asked("sort") == Some("updated");
    let show = Show::new(world, call);
    world.read(|state| {
        let mut found: Vec<(&u64, &Issue)> = state
            .github
            .issues
            .iter()
            .filter(|(_, issue)| match wanted {
                "all" => true,
                "closed" => !issue.open,
                _ => issue.open,
            })
            .filter(|(_, issue)| issue.updated.as_millis() >= since)
            .filter(|(_, issue)| {
                labels
                    .iter()
                    .all(|label| issue.labels.iter().any(|known| known == label))
            })
            .collect();
        found.sort_by_key(|(number, issue)| {
            let at = if by_update { issue.updated } else { issue.created };
            (at, **number)
        });
        if !ascending {
            found.reverse();
        }
        let shown = found.iter().map(|(number, issue)| show.issue(**number, issue));
        paged(call, shown)
    })
}

/// `GET /issues/{number}`.
pub(super) fn get(world: &World, call: &Call, number: u64) -> Answer {
    let show = Show::new(world, call);
    world.read(|state| match state.github.issues.get(&number) {
        Some(issue) => reply::json(StatusCode::OK, &show.issue(number, issue)),
        None => not_found(),
    })
}

/// `PATCH /issues/{number}`: title, body, state and its reason, labels, assignees.
pub(super) fn change(world: &World, call: &Call, number: u64) -> Handled {
    let Some(body) = call.json_object() else {
        return Ok(problem(StatusCode::BAD_REQUEST, "Problems parsing JSON"));
    };
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let (wanted, reason) = (text("state"), text("state_reason"));
    if wanted.is_some_and(|state| !matches!(state, "open" | "closed")) {
        return Ok(unprocessable(&[invalid("Issue", "state")]));
    }
    let reasons = ["completed", "not_planned", "duplicate", "reopened"];
    if reason.is_some_and(|reason| !reasons.contains(&reason)) {
        return Ok(unprocessable(&[invalid("Issue", "state_reason")]));
    }
    let now = world.now();
    let show = Show::new(world, call);
    world.write(|state| {
        let issue = state.github.issues.get_mut(&number);
        let issue = issue.ok_or_else(|| Fail::from(not_found()))?;
        if let Some(title) = text("title") {
            issue.title = title.to_owned();
        }
        if let Some(words) = text("body") {
            issue.body = Some(words.to_owned());
        }
        match wanted {
            Some("closed") => {
                issue.closed = issue.closed.or(Some(now));
                issue.reason = Some(reason.unwrap_or("completed").to_owned());
                issue.open = false;
            }
            Some(_) => {
                (issue.open, issue.closed) = (true, None);
                issue.reason = reason.map(str::to_owned);
            }
            None => {}
        }
        issue.updated = now;
        Ok(reply::json(StatusCode::OK, &show.issue(number, issue)))
    })
}

/// `POST /issues/{number}/comments`.
pub(super) fn comment(world: &World, call: &Call, number: u64) -> Handled {
    let body = call.json_object().unwrap_or_default();
    let words = body.get("body").and_then(Value::as_str).unwrap_or_default();
    if words.trim().is_empty() {
        return Ok(unprocessable(&[missing("IssueComment", "body")]));
    }
    if words.chars().count() > MAX_BODY {
        return Ok(unprocessable(&[invalid("IssueComment", "body")]));
    }
    let now = world.now();
    let show = Show::new(world, call);
    world.write(|state| {
        if !state.github.issues.contains_key(&number) {
            return Err(not_found().into());
        }
        let comment = Comment {
            id: 1_000 + state.next(),
            body: words.to_owned(),
            created: now,
        };
        let issue = state.github.issues.get_mut(&number);
        let issue = issue.ok_or_else(|| Fail::from(not_found()))?;
        if issue.comments.len() >= MAX_COMMENTS {
            let full = "Commenting is disabled on issues with more than 1000 comments";
            return Err(problem(StatusCode::FORBIDDEN, full).into());
        }
        let shown = show.comment(number, &comment);
        issue.comments.push(comment);
        issue.updated = now;
        Ok(reply::json(StatusCode::CREATED, &shown))
    })
}

/// `GET /issues/{number}/comments`.
pub(super) fn comments(world: &World, call: &Call, number: u64) -> Answer {
    let since = call
        .query
        .get("since")
        .map(|since| since.parse::<jiff::Timestamp>());
    let since = match since {
        None => i64::MIN,
        Some(Ok(since)) => since.as_millisecond(),
        Some(Err(_)) => return unprocessable(&[invalid("IssueComment", "since")]),
    };
    let show = Show::new(world, call);
    world.read(|state| match state.github.issues.get(&number) {
        None => not_found(),
        Some(issue) => {
            let recent = issue.comments.iter();
            let recent = recent.filter(|comment| comment.created.as_millis() >= since);
            paged(call, recent.map(|comment| show.comment(number, comment)))
        }
    })
}

/// Reads and checks what issues and pull requests share.
pub(super) fn draft(body: &Map<String, Value>, resource: &str) -> Result<Issue, Box<Answer>> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let title = text("title").unwrap_or_default().trim();
    if title.is_empty() {
        return Err(Box::new(unprocessable(&[missing(resource, "title")])));
    }
    if title.chars().count() > MAX_TITLE {
        return Err(Box::new(unprocessable(&[json!({
            "resource": resource, "code": "custom", "field": "title",
            "message": "title is too long (maximum is 256 characters)",
        })])));
    }
    let words = text("body");
    if words.is_some_and(|words| words.chars().count() > MAX_BODY) {
        return Err(Box::new(unprocessable(&[json!({
            "resource": resource, "code": "custom", "field": "body",
            "message": "body is too long (maximum is 65536 characters)",
        })])));
    }
    let names = |name: &str| -> Vec<String> {
        let list = body.get(name).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let assignees = names("assignees");
    if assignees.iter().any(|login| !LOGINS.contains(&login.as_str())) {
        return Err(Box::new(unprocessable(&[invalid(resource, "assignees")])));
    }
    Ok(Issue {
        id: 0,
        title: title.to_owned(),
        body: words.map(str::to_owned),
        labels: names("labels"),
        assignees,
        open: true,
        reason: None,
        created: types::Timestamp::from_millis(0),
        updated: types::Timestamp::from_millis(0),
        closed: None,
        comments: Vec::new(),
        pull: None,
    })
}
