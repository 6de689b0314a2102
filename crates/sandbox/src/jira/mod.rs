//! Jira Cloud's REST API, version 3, under `/jira/rest/api/3/`: issues, comments, transitions, search.

mod comment;
mod fixed;
mod issue;
mod jql;
mod search;
pub(crate) mod state;
mod transition;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::credentials::{JIRA_EMAIL, JIRA_TOKEN};
use crate::reply::{self, Answer, Handled};
use crate::vendor;
use crate::world::World;

/// Answers for it.
pub(crate) struct Desk;

impl vendor::Desk for Desk {
    fn tools(&self) -> &'static [(&'static str, &'static str)] {
        &[("jira", "")]
    }

    fn secrets(&self) -> &'static [(&'static str, &'static str)] {
        &[("email", JIRA_EMAIL), ("token", JIRA_TOKEN)]
    }

    fn handle(&self, world: &World, call: &Call) -> Handled {
        handle(world, call)
    }

    fn rate_limited(&self, retry_after_s: u32) -> Answer {
        let answer = refuse(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded.");
        let answer = reply::with_header(answer, "ratelimit-reason", "jira-burst-based");
        reply::with_header(answer, "retry-after", &retry_after_s.to_string())
    }

    fn token_expired(&self) -> Answer {
        not_authenticated()
    }

    fn server_error(&self, status: StatusCode) -> Answer {
        refuse(status, "Internal server error")
    }

    fn too_large(&self) -> Answer {
        refuse(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.")
    }
}

fn handle(world: &World, call: &Call) -> Handled {
    let route = call.route();
    if let ("GET", ["browse", key]) = (call.method.as_str(), route.as_slice()) {
        return Ok(issue::page(world, key).unwrap_or_else(no_issue));
    }
    let ["rest", "api", "3", rest @ ..] = route.as_slice() else {
        return Ok(refuse(
            StatusCode::NOT_FOUND,
            "The requested resource does not exist.",
        ));
    };
    let signed_in = call
        .basic()
        .is_some_and(|(email, token)| email == JIRA_EMAIL && token == JIRA_TOKEN);
    if !signed_in {
        return Ok(not_authenticated());
    }
    match (call.method.as_str(), rest) {
        ("GET", ["serverInfo"]) => Ok(fixed::server_info(world)),
        ("GET", ["myself"]) => Ok(ok(&fixed::user(world, fixed::ACCOUNT))),
        ("GET", ["field"]) => Ok(ok(&fixed::fields())),
        ("POST", ["issue"]) => issue::create(world, call),
        ("GET", ["issue", key]) => Ok(issue::get(world, call, key)),
        ("GET", ["issue", key, "comment"]) => Ok(comment::list(world, call, key)),
        ("POST", ["issue", key, "comment"]) => comment::create(world, call, key),
        ("POST", ["comment", "list"]) => Ok(comment::by_ids(world, call)),
        ("GET", ["issue", key, "transitions"]) => Ok(transition::list(world, key)),
        ("POST", ["issue", key, "transitions"]) => transition::perform(world, call, key),
        ("GET" | "POST", ["search", "jql"]) => Ok(search::run(world, call)),
        _ => Ok(refuse(
            StatusCode::NOT_FOUND,
            "The requested resource does not exist.",
        )),
    }
}

fn ok(body: &Value) -> Answer {
    reply::json(StatusCode::OK, body)
}

/// The error envelope with one general message.
fn refuse(status: StatusCode, message: &str) -> Answer {
    reply::json(status, &json!({ "errorMessages": [message], "errors": {} }))
}

/// The error envelope with messages by field.
fn refuse_fields(errors: Map<String, Value>) -> Answer {
    let body = json!({ "errorMessages": [], "errors": errors });
    reply::json(StatusCode::BAD_REQUEST, &body)
}

fn no_issue() -> Answer {
    refuse(
        StatusCode::NOT_FOUND,
        "Issue does not exist or you do not have permission to see it.",
    )
}

fn not_authenticated() -> Answer {
    let say = "Client must be authenticated to access this resource.";
    let answer = reply::json(
        StatusCode::UNAUTHORIZED,
        &json!({ "message": say, "status-code": 401 }),
    );
    reply::with_header(answer, "www-authenticate", "OAuth realm=\"sandbox\"")
}

/// True for a document as the editor would take it.
fn is_document(value: &Value) -> bool {
    value["type"] == "doc" && value["version"] == 1 && value["content"].is_array()
}

/// Entity properties as requests give them: `[{key, value}]`.
fn properties(body: &Map<String, Value>) -> Result<Vec<(String, Value)>, Box<Answer>> {
    /// The most properties of one request.
    const MOST: usize = 20;
    let Some(sent) = body.get("properties").filter(|sent| !sent.is_null()) else {
        return Ok(Vec::new());
    };
    let read = |property: &Value| {
        Some((
            property["key"].as_str()?.to_owned(),
            property.get("value")?.clone(),
        ))
    };
    let all: Option<Vec<_>> = sent
        .as_array()
        .map(|list| list.iter().map(read).collect())
        .unwrap_or(None);
    all.filter(|all| all.len() <= MOST && all.iter().all(|(key, _)| (1..=255).contains(&key.len())))
        .ok_or_else(|| Box::new(refuse(StatusCode::BAD_REQUEST, "The properties are not valid.")))
}
