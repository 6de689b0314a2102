//! What is the same on every sandbox site: people, projects, types, priorities, statuses.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::reply::{self, Answer};
use crate::world::World;

/// The account that requests act as.
pub(super) const ACCOUNT: &str = "5b10a2844c20165700ede21f";
/// Accounts: id and name.
pub(super) const ACCOUNTS: [(&str, &str); 2] =
    [(ACCOUNT, "AgentOps"), ("5b10ac8d82e05b22cc7d4ef5", "Dana Reyes")];
/// Projects: id, key, name.
pub(super) const PROJECTS: [(&str, &str, &str); 2] =
    [("10000", "OPS", "Operations"), ("10001", "AV", "AV systems")];
/// Types: id, name, whether it needs a parent.
pub(super) const TYPES: [(&str, &str, bool); 5] = [
    ("10001", "Task", false),
    ("10002", "Bug", false),
    ("10003", "Story", false),
    ("10004", "Incident", false),
    ("10005", "Sub-task", true),
];
pub(super) const PRIORITIES: [(&str, &str); 5] = [
    ("1", "Highest"),
    ("2", "High"),
    ("3", "Medium"),
    ("4", "Low"),
    ("5", "Lowest"),
];
/// Statuses: id, name, key and name of their category.
pub(super) const STATUSES: [(&str, &str, &str, &str); 3] = [
    ("10000", "To Do", "new", "To Do"),
    ("10001", "In Progress", "indeterminate", "In Progress"),
    ("10002", "Done", "done", "Done"),
];

/// `GET /serverInfo`.
pub(super) fn server_info(world: &World) -> Answer {
    let body = json!({
        "baseUrl": format!("{}/jira", world.public_url()),
        "version": "1001.0.0-SNAPSHOT",
        "versionNumbers": [1001, 0, 0],
        "deploymentType": "Cloud",
        "buildNumber": 100_000,
        "serverTime": world.now().to_string(),
        "serverTitle": "AgentOps sandbox",
    });
    reply::json(StatusCode::OK, &body)
}

/// A user.
pub(super) fn user(world: &World, account: &str) -> Value {
    let known = ACCOUNTS.iter().find(|(id, _)| *id == account);
    json!({
        "self": format!("{}/jira/rest/api/3/user?accountId={account}", world.public_url()),
        "accountId": account,
        "accountType": "atlassian",
        "displayName": known.map_or("Former user", |(_, name)| name),
        "active": known.is_some(),
        "timeZone": "Etc/UTC",
    })
}

/// A status.
pub(super) fn status(name: &str) -> Value {
    let known = STATUSES.iter().find(|(_, known, _, _)| *known == name);
    let (id, _, key, category) = known.unwrap_or(&STATUSES[0]);
    json!({ "id": id, "name": name, "statusCategory": { "key": key, "name": category } })
}

/// `GET /field`: the fields that issues have.
pub(super) fn fields() -> Value {
    let names = [
        ("summary", "Summary"),
        ("status", "Status"),
        ("issuetype", "Issue Type"),
        ("priority", "Priority"),
        ("assignee", "Assignee"),
        ("reporter", "Reporter"),
        ("labels", "Labels"),
        ("description", "Description"),
        ("created", "Created"),
        ("updated", "Updated"),
        ("project", "Project"),
        ("parent", "Parent"),
    ];
    let field = |(id, name): (&str, &str)| {
        json!({
            "id": id, "key": id, "name": name, "custom": false, "orderable": true, "navigable": true,
            "searchable": true, "clauseNames": [id],
        })
    };
    names.into_iter().map(field).collect()
}
