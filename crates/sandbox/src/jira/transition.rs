//! The workflow: which transitions an issue has, and performing one.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{fixed, no_issue, ok, properties, refuse};
use crate::call::Call;
use crate::reply::{self, Answer, Fail, Handled};
use crate::world::World;

/// Transitions: id, name, from, to. One without a status to come from is there for all of them.
const WORKFLOW: [(u64, &str, &str, &str); 6] = [
    (11, "Start work", "To Do", "In Progress"),
    (21, "Stop work", "In Progress", "To Do"),
    (31, "Done", "To Do", "Done"),
    (32, "Done", "In Progress", "Done"),
    (41, "Reopen", "Done", "To Do"),
    (51, "Escalate", "", "In Progress"),
];

/// `GET /issue/{key}/transitions`.
pub(super) fn list(world: &World, key: &str) -> Answer {
    world.read(|state| match state.jira.find(key) {
        Some((_, issue)) => ok(&json!({ "expand": "transitions", "transitions": ways(&issue.status) })),
        None => no_issue(),
    })
}

/// `POST /issue/{key}/transitions`.
pub(super) fn perform(world: &World, call: &Call, key: &str) -> Handled {
    let Some(body) = call.json_object() else {
        return Ok(refuse(StatusCode::BAD_REQUEST, "Invalid request payload."));
    };
    let properties = match properties(&body) {
        Ok(properties) => properties,
        Err(refusal) => return Ok(*refusal),
    };
    // The id is a string or a whole number; both are taken.
    let sent = body
        .get("transition")
        .map_or(&Value::Null, |transition| &transition["id"]);
    let id = sent
        .as_u64()
        .or_else(|| sent.as_str().and_then(|text| text.parse().ok()));
    let Some(id) = id else {
        return Ok(refuse(StatusCode::BAD_REQUEST, "Missing 'transition' identifier"));
    };
    let now = world.now();
    world.write(|state| {
        let issue = state.jira.find_mut(key).ok_or_else(|| Fail::from(no_issue()))?;
        let way = WORKFLOW
            .iter()
            .find(|(known, _, from, _)| *known == id && comes_from(from, &issue.status));
        let Some((_, _, _, to)) = way else {
            let say = format!(
                "It seems that you have tried to perform a workflow operation ({id}) that is not valid for the current state of this issue ({key}).",
            );
            return Err(refuse(StatusCode::BAD_REQUEST, &say).into());
        };
        issue.status = (*to).to_owned();
        issue.updated = now;
        issue.properties.extend(properties);
        Ok(reply::empty(StatusCode::NO_CONTENT))
    })
}

/// The transitions of an issue with this status.
pub(super) fn ways(status: &str) -> Value {
    WORKFLOW
        .iter()
        .filter(|(_, _, from, _)| comes_from(from, status))
        .map(|(id, name, from, to)| {
            json!({
                "id": id.to_string(),
                "name": name,
                "to": fixed::status(to),
                "hasScreen": false,
                "isGlobal": from.is_empty(),
                "isInitial": false,
                "isAvailable": true,
                "isConditional": false,
            })
        })
        .collect()
}

fn comes_from(from: &str, status: &str) -> bool {
    from.is_empty() || from == status
}
