//! Tickets as issues of one Jira project; the route is `jira:` and the project's key.

use serde_json::{Value, json};

use super::JIRA;
use crate::arguments::{invalid, text};
use crate::connector::unknown_action;
use crate::connectors::jira::{comment, issue, search, transition};
use crate::{Answer, CallContext, CallError};

/// The status that resolves an issue unless `code` names another.
const DONE: &str = "Done";
/// Jira's categories of status in our words.
const CATEGORIES: [(&str, &str); 3] = [
    ("new", "new"),
    ("indeterminate", "in_progress"),
    ("done", "resolved"),
];
/// The statuses that every new project begins with, in our words.
const STATUSES: [(&str, &str); 3] = [
    ("To Do", "new"),
    ("In Progress", "in_progress"),
    (DONE, "resolved"),
];

/// Performs an action in a project.
pub(super) async fn call(
    ctx: &CallContext,
    project: &str,
    action: &str,
    args: &Value,
) -> Result<Answer, CallError> {
    let key = text(args, "ticket").unwrap_or_default().to_uppercase();
    match action {
        "create_ticket" => Ok(made(issue::create(ctx, &new_issue(project, args)).await?)),
        "get_ticket" => {
            let read = issue::get(ctx, &json!({ "issue": key })).await?;
            Ok(Answer::new(shown(&read.output)))
        }
        "find_tickets" => {
            let wish = json!({"jql": query(project, args), "limit": args["limit"].as_u64().unwrap_or(10)});
            let found = search::call(ctx, &wish).await?;
            let issues = found.output["issues"].as_array().into_iter().flatten();
            let tickets: Vec<Value> = issues.map(shown).collect();
            Ok(Answer::new(json!({ "tickets": tickets })))
        }
        "comment_on_ticket" => {
            let said = comment::create(ctx, &json!({"issue": key, "text": args["comment"]})).await?;
            Ok(Answer {
                output: moved(&json!({"key": said.output["issue"], "url": said.output["url"]})),
                artifacts: said.artifacts,
            })
        }
        "update_ticket" => {
            let to = new_status(args)?;
            let done = transition::call(ctx, &json!({"issue": key, "to": to})).await?;
            Ok(Answer::new(moved(&done.output)))
        }
        "resolve_ticket" => {
            // Said once, however often the whole is repeated; then the status, which is only set.
            let words = json!({"issue": key, "text": args["resolution"]});
            if comment::look_up(ctx, &words).await?.is_none() {
                comment::create(ctx, &words).await?;
            }
            let to = text(args, "code").unwrap_or(DONE);
            let done = transition::call(ctx, &json!({"issue": key, "to": to})).await?;
            Ok(Answer::new(moved(&done.output)))
        }
        other => Err(unknown_action(other)),
    }
}

/// The issue that this call opened, if it did.
pub(super) async fn look_up(ctx: &CallContext, project: &str) -> Result<Option<Answer>, CallError> {
    let found = issue::look_up(ctx, &json!({ "project": project })).await?;
    Ok(found.map(made))
}

/// Reads one issue of the project, whichever.
pub(super) async fn health(ctx: &CallContext, project: &str) -> Result<String, CallError> {
    let wish = json!({"jql": query(project, &json!({"open_only": false})), "limit": 1});
    search::call(ctx, &wish).await?;
    Ok(format!("signed in to jira; issues of {project} can be read"))
}

fn new_issue(project: &str, args: &Value) -> Value {
    let mut wish = json!({"project": project, "summary": args["title"]});
    for (ours, theirs) in [("description", "description"), ("assignee", "assignee")] {
        if let Some(value) = args.get(ours) {
            wish[theirs] = value.clone();
        }
    }
    if let Some(urgency) = text(args, "urgency") {
        wish["priority"] = match urgency {
            "high" => "High",
            "low" => "Low",
            _ => "Medium",
        }
        .into();
    }
    // Labels hold no spaces.
    if let Some(category) = text(args, "category").filter(|category| !category.trim().is_empty()) {
        let words: Vec<&str> = category.split_whitespace().collect();
        wish["labels"] = json!([words.join("-")]);
    }
    wish
}

/// Jira's name for the status; nothing else of an issue is changed through here.
fn new_status(args: &Value) -> Result<&'static str, CallError> {
    let others = ["title", "description", "urgency", "category", "assignee"];
    if let Some(other) = others.iter().find(|name| args.get(**name).is_some()) {
        return Err(invalid(format!(
            "{other}: through jira only the status of a ticket can be updated"
        )));
    }
    match text(args, "status") {
        Some("new") => Ok("To Do"),
        Some("in_progress") => Ok("In Progress"),
        Some("resolved" | "closed") => Ok(DONE),
        _ => Err(invalid("status: jira takes new, in_progress, resolved or closed")),
    }
}

/// The query for a search; words are quoted, so that none of them is a condition.
fn query(project: &str, args: &Value) -> String {
    let mut query = format!("project = \"{project}\"");
    if args["open_only"].as_bool().unwrap_or(true) {
        query.push_str(" AND statusCategory != Done");
    }
    if let Some(words) = text(args, "text").filter(|words| !words.trim().is_empty()) {
        let safe = words.trim().replace('\\', "\\\\").replace('"', "\\\"");
        query.push_str(&format!(" AND text ~ \"{safe}\""));
    }
    query.push_str(" ORDER BY created DESC");
    query
}

fn word(told: &Value, known: &[(&str, &str)]) -> Value {
    let found = told
        .as_str()
        .and_then(|told| known.iter().find(|(name, _)| *name == told));
    found.map_or_else(|| told.clone(), |(_, word)| (*word).into())
}

/// A new issue: Jira tells its key, its id and where it is.
fn made(answer: Answer) -> Answer {
    let mut output = moved(&answer.output);
    output["id"] = answer.output["id"].clone();
    Answer {
        output,
        artifacts: answer.artifacts,
    }
}

/// What is known of an issue that was only changed.
fn moved(told: &Value) -> Value {
    json!({
        "number": told["key"],
        "id": null,
        "through": JIRA,
        "title": null,
        "description": null,
        "urgency": null,
        "category": null,
        "assignee": null,
        "status": word(&told["status"], &STATUSES),
        "resolution": null,
        "url": told["url"],
        "opened_at": null,
        "comments": null,
    })
}

/// An issue as a ticket.
fn shown(issue: &Value) -> Value {
    let urgency = match issue["priority"].as_str() {
        Some("Highest" | "High") => json!("high"),
        Some("Medium") => json!("medium"),
        Some("Low" | "Lowest") => json!("low"),
        _ => Value::Null,
    };
    json!({
        "number": issue["key"],
        "id": issue["id"],
        "through": JIRA,
        "title": issue["summary"],
        "description": issue["description"],
        "urgency": urgency,
        "category": issue["labels"][0],
        "assignee": issue["assignee"],
        "status": word(&issue["category"], &CATEGORIES),
        "resolution": null,
        "url": issue["url"],
        "opened_at": issue["created"],
        "comments": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words_inside_a_query() {
        let args = json!({"text": "x\" OR project = \"SECRET\\", "open_only": false});
        let expected = r#"project = "OPS" AND text ~ "x\" OR project = \"SECRET\\" ORDER BY created DESC"#;
        assert_eq!(query("OPS", &args), expected);
        assert_eq!(
            query("OPS", &json!({})),
            r#"project = "OPS" AND statusCategory != Done ORDER BY created DESC"#
        );
    }
}
