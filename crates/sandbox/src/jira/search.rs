//! `/search/jql`: pages by an opaque token, the wanted fields only.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::issue::{show, wanted};
use super::{jql, ok, refuse};
use crate::call::Call;
use crate::reply::Answer;
use crate::world::World;

/// The most issues of a page.
const MAX_PAGE: usize = 100;
const TOKEN: &str = "after-";

/// Answers a search, sent as a query or as a body.
pub(super) fn run(world: &World, call: &Call) -> Answer {
    let sent: Map<String, Value> = if call.method == "GET" {
        let texts = call.query.iter();
        texts
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect()
    } else {
        match call.json_object() {
            Some(sent) => sent,
            None => return refuse(StatusCode::BAD_REQUEST, "Invalid request payload."),
        }
    };
    let text = |name: &str| sent.get(name).and_then(Value::as_str);
    let query = match jql::parse(text("jql").unwrap_or_default()) {
        Ok(query) => query,
        Err(message) => return refuse(StatusCode::BAD_REQUEST, &message),
    };
    let most = sent
        .get("maxResults")
        .and_then(|most| most.as_u64().or_else(|| most.as_str()?.parse().ok()))
        .and_then(|most| usize::try_from(most).ok())
        .unwrap_or(50)
        .clamp(1, MAX_PAGE);
    let skip = match text("nextPageToken") {
        None => 0,
        Some(token) => match token
            .strip_prefix(TOKEN)
            .and_then(|skip| skip.parse::<usize>().ok())
        {
            Some(skip) => skip,
            None => return refuse(StatusCode::BAD_REQUEST, "The nextPageToken is invalid."),
        },
    };
    let listed = match sent.get("fields") {
        Some(Value::Array(names)) => Some(
            names
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(","),
        ),
        Some(Value::String(names)) => Some(names.clone()),
        _ => None,
    };
    let wanted = wanted(listed.as_deref(), "id");
    world.read(|state| {
        let found = query.run(&state.jira);
        let page: Vec<Value> = found
            .iter()
            .skip(skip)
            .take(most)
            .map(|(id, issue)| show(world, *id, issue, &wanted))
            .collect();
        let next = skip + page.len();
        let mut answer = json!({ "issues": page, "isLast": next >= found.len() });
        if next < found.len() {
            answer["nextPageToken"] = format!("{TOKEN}{next}").into();
        }
        ok(&answer)
    })
}
