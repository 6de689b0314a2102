//! Issues: create, read, and how they look.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::fixed::{ACCOUNT, ACCOUNTS, PRIORITIES, PROJECTS, TYPES};
use super::state::Issue;
use super::{fixed, is_document, no_issue, ok, properties, refuse, refuse_fields, transition};
use crate::call::Call;
use crate::reply::{self, Answer, Fail, Handled};
use crate::world::World;

/// The most issues kept.
const MAX_ISSUES: usize = 5_000;
/// The longest summary, in characters.
const MAX_SUMMARY: usize = 255;
/// The longest document, in bytes of JSON.
pub(super) const MAX_DOCUMENT: usize = 256 * 1024;

/// `POST /issue`.
pub(super) fn create(world: &World, call: &Call) -> Handled {
    let Some(body) = call.json_object() else {
        return Ok(refuse(StatusCode::BAD_REQUEST, "Invalid request payload."));
    };
    let fields = body.get("fields").cloned().unwrap_or_default();
    let properties = match properties(&body) {
        Ok(properties) => properties,
        Err(refusal) => return Ok(*refusal),
    };
    let now = world.now();
    let base = base(world);
    world.write(|state| {
        let parent_there = |key: &str| state.jira.find(key).is_some();
        let mut issue = draft(&fields, parent_there).map_err(|errors| Fail::from(refuse_fields(errors)))?;
        if state.jira.issues.len() >= MAX_ISSUES {
            let full = "The sandbox holds as many issues as it can; reset it.";
            return Err(refuse(StatusCode::BAD_REQUEST, full).into());
        }
        let id = 10_000 + state.next();
        let number = state.jira.numbers.entry(issue.project.clone()).or_default();
        *number += 1;
        issue.key = format!("{}-{number}", issue.project);
        (issue.created, issue.updated) = (now, now);
        issue.properties.extend(properties);
        let told = json!({ "id": id.to_string(), "key": issue.key, "self": format!("{base}/rest/api/3/issue/{id}") });
        state.jira.issues.insert(id, issue);
        Ok(reply::json(StatusCode::CREATED, &told))
    })
}

/// `GET /issue/{key}`.
pub(super) fn get(world: &World, call: &Call, key: &str) -> Answer {
    let wanted = wanted(call.query.get("fields").map(String::as_str), "*all");
    let expands = |what: &str| {
        call.query
            .get("expand")
            .is_some_and(|list| list.split(',').any(|word| word == what))
    };
    world.read(|state| {
        let Some((id, issue)) = state.jira.find(key) else {
            return no_issue();
        };
        let mut shown = show(world, id, issue, &wanted);
        if expands("transitions") {
            shown["transitions"] = transition::ways(&issue.status);
        }
        if let Some(names) = call.query.get("properties") {
            let named = |name: &str| names.split(',').any(|wanted| wanted == name || wanted == "*all");
            let properties = issue.properties.iter().filter(|(name, _)| named(name));
            shown["properties"] = properties
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
        }
        ok(&shown)
    })
}

/// The page behind an issue's link.
pub(super) fn page(world: &World, key: &str) -> Option<Answer> {
    world.read(|state| {
        let (_, issue) = state.jira.find(key)?;
        let comments: String = issue
            .comments
            .iter()
            .map(|comment| format!("\n{}\n{:#}\n", comment.created, comment.body))
            .collect();
        let text = format!(
            "{} {}\n{}, {}, {}\nlabels: {}\n\n{:#}\n{comments}",
            issue.key,
            issue.summary,
            issue.issue_type,
            issue.priority,
            issue.status,
            issue.labels.join(", "),
            issue.description,
        );
        Some(reply::text(StatusCode::OK, text))
    })
}

/// The fields that a request asks for; `*all` and `*navigable` mean every one.
pub(super) fn wanted(sent: Option<&str>, otherwise: &str) -> Vec<String> {
    let list = sent.filter(|list| !list.is_empty()).unwrap_or(otherwise);
    list.split(',').map(|name| name.trim().to_owned()).collect()
}

/// An issue as answers show it, with the wanted fields only.
pub(super) fn show(world: &World, id: u64, issue: &Issue, wanted: &[String]) -> Value {
    let all = wanted
        .iter()
        .any(|name| matches!(name.as_str(), "*all" | "*navigable"));
    let assignee = issue
        .assignee
        .as_deref()
        .map(|account| fixed::user(world, account));
    let project = PROJECTS.iter().find(|(_, key, _)| *key == issue.project);
    let named = |list: &[(&str, &str)], name: &str| {
        let id = list.iter().find(|(_, known)| *known == name).map(|(id, _)| *id);
        json!({ "id": id, "name": name })
    };
    let kind = TYPES.iter().find(|(_, name, _)| *name == issue.issue_type);
    let fields = json!({
        "summary": issue.summary,
        "description": issue.description,
        "status": fixed::status(&issue.status),
        "issuetype": { "id": kind.map(|(id, _, _)| id), "name": issue.issue_type, "subtask": kind.is_some_and(|(_, _, sub)| *sub) },
        "priority": named(&PRIORITIES, &issue.priority),
        "labels": issue.labels,
        "assignee": assignee,
        "reporter": fixed::user(world, ACCOUNT),
        "project": { "id": project.map(|(id, _, _)| id), "key": issue.project, "name": project.map(|(_, _, name)| name) },
        "parent": issue.parent.as_ref().map(|key| json!({ "key": key })),
        "created": stamp(issue.created),
        "updated": stamp(issue.updated),
    });
    let mut kept = fields.as_object().cloned().unwrap_or_default();
    kept.retain(|name, _| all || wanted.contains(name));
    json!({
        "expand": "",
        "id": id.to_string(),
        "self": format!("{}/rest/api/3/issue/{id}", base(world)),
        "key": issue.key,
        "fields": kept,
    })
}

/// An instant as Jira writes it: `2025-01-06T08:00:00.000+0000`.
pub(super) fn stamp(at: types::Timestamp) -> String {
    format!("{}+0000", at.to_string().trim_end_matches('Z'))
}

pub(super) fn base(world: &World) -> String {
    format!("{}/jira", world.public_url())
}

/// Reads and checks an issue; its key and times come later.
fn draft(fields: &Value, parent_there: impl Fn(&str) -> bool) -> Result<Issue, Map<String, Value>> {
    let mut errors = Map::new();
    let mut wrong = |field: &str, message: &str| errors.insert(field.to_owned(), message.into());
    let text = |field: &str, part: &str| fields[field][part].as_str().unwrap_or_default().to_owned();
    let project = PROJECTS
        .iter()
        .find(|(id, key, _)| *key == text("project", "key") || *id == text("project", "id"));
    if project.is_none() {
        wrong("project", "valid project is required");
    }
    let kind = TYPES
        .iter()
        .find(|(id, name, _)| *name == text("issuetype", "name") || *id == text("issuetype", "id"));
    if kind.is_none() {
        wrong("issuetype", "Specify a valid issue type");
    }
    let summary = fields["summary"].as_str().unwrap_or_default().trim().to_owned();
    if summary.is_empty() {
        wrong("summary", "You must specify a summary of the issue.");
    } else if summary.contains('\n') {
        wrong(
            "summary",
            "The summary is invalid because it contains newline characters.",
        );
    } else if summary.chars().count() > MAX_SUMMARY {
        wrong("summary", "Summary must be less than 255 characters.");
    }
    let description = fields["description"].clone();
    if !description.is_null() && !is_document(&description) {
        wrong("description", "Operation value must be an Atlassian Document");
    } else if description.to_string().len() > MAX_DOCUMENT {
        wrong("description", "CONTENT_LIMIT_EXCEEDED");
    }
    let priority = match fields["priority"].is_null() {
        true => "Medium".to_owned(),
        false => text("priority", "name"),
    };
    if !PRIORITIES.iter().any(|(_, name)| *name == priority) {
        wrong("priority", "The priority selected is invalid.");
    }
    let assignee = fields["assignee"]["accountId"].as_str().map(str::to_owned);
    if assignee
        .as_deref()
        .is_some_and(|account| !ACCOUNTS.iter().any(|(id, _)| *id == account))
    {
        wrong("assignee", "Specify a valid value for assignee");
    }
    let parent = fields["parent"]["key"].as_str().map(str::to_owned);
    let needs_parent = kind.is_some_and(|(_, _, sub)| *sub);
    if parent.as_deref().map_or(needs_parent, |key| !parent_there(key)) {
        wrong(
            "parent",
            "Given parent work item does not belong to appropriate hierarchy.",
        );
    }
    let labels = labels(&fields["labels"]);
    if labels.is_none() {
        wrong("labels", "The label contains spaces which is invalid.");
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Issue {
        key: String::new(),
        project: project.map_or("", |(_, key, _)| key).to_owned(),
        summary,
        description,
        issue_type: kind.map_or("", |(_, name, _)| name).to_owned(),
        priority,
        labels: labels.unwrap_or_default(),
        assignee,
        parent,
        status: "To Do".to_owned(),
        created: types::Timestamp::from_millis(0),
        updated: types::Timestamp::from_millis(0),
        properties: std::collections::BTreeMap::new(),
        comments: Vec::new(),
    })
}

/// Labels without spaces; none if one isn't like that.
fn labels(sent: &Value) -> Option<Vec<String>> {
    /// The most labels of an issue here.
    const MOST: usize = 50;
    let Some(list) = sent.as_array() else {
        return sent.is_null().then(Vec::new);
    };
    let fits = |label: &str| {
        !label.is_empty() && label.chars().count() <= 255 && !label.contains(char::is_whitespace)
    };
    let all: Option<Vec<String>> = list
        .iter()
        .map(|label| label.as_str().filter(|label| fits(label)).map(str::to_owned))
        .collect();
    all.filter(|all| all.len() <= MOST)
}
