//! `zoom.list_rooms`, `zoom.find_room`, `zoom.room_devices`, and the room behind a name.

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use types::Failure;

use super::api::{self, Api, MOST_PAGES, PAGE};
use crate::arguments::text;
use crate::http::Request;
use crate::{Answer, CallError};

/// The most rooms whose profile is read one by one for an e-mail address.
const MOST_PROFILES: usize = 100;
/// Profiles read at a time.
const AT_ONCE: usize = 4;
/// Names that a hint suggests.
const MOST_HINTS: usize = 3;

/// Lists rooms.
pub(super) async fn list(api: &Api<'_>, args: &Value) -> Result<Answer, CallError> {
    let limit = usize::try_from(args["limit"].as_u64().unwrap_or(100)).unwrap_or(100);
    let filters = ["status", "query_name"].map(|name| (name, text(args, name)));
    let mut rooms: Vec<Value> = all(api, &filters).await?.iter().map(listed).collect();
    let total = rooms.len();
    rooms.truncate(limit);
    Ok(Answer::new(json!({ "rooms": rooms, "total": total })))
}

/// Finds one room by id, display name or e-mail address.
pub(super) async fn find(api: &Api<'_>, args: &Value) -> Result<Answer, CallError> {
    let query = text(args, "query").unwrap_or_default();
    let room = resolve(api, query).await?;
    let id = room["id"].as_str().unwrap_or_default().to_owned();
    let mut found = listed(&room);
    // The list has no addresses; a room that was found is worth telling of without one.
    let profile = api
        .json(Request::get(&["v2", "rooms", &id]).side())
        .await
        .unwrap_or(Value::Null);
    found["email"] = profile["basic"]["email"].clone();
    Ok(Answer::new(found))
}

/// Lists a room's computers, controllers and displays.
pub(super) async fn devices(api: &Api<'_>, args: &Value) -> Result<Answer, CallError> {
    let id = id_of(api, text(args, "room_id").unwrap_or_default()).await?;
    let body = api.json(Request::get(&["v2", "rooms", &id, "devices"])).await?;
    let devices: Vec<Value> = body["devices"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|device| {
            json!({
                "id": device["id"],
                "device_type": device["device_type"],
                "app_version": device["app_version"],
                "device_system": device["device_system"],
                "status": device["status"],
            })
        })
        .collect();
    Ok(Answer::new(json!({ "room_id": id, "devices": devices })))
}

/// The id of a room given by id, or by a name or address (which have a space or an `@`).
pub(super) async fn id_of(api: &Api<'_>, room: &str) -> Result<String, CallError> {
    if !room.contains(['@', ' ']) {
        return Ok(room.to_owned());
    }
    let found = resolve(api, room).await?;
    Ok(found["id"].as_str().unwrap_or_default().to_owned())
}

/// The one room with this id, name or address, without regard to case.
async fn resolve(api: &Api<'_>, query: &str) -> Result<Value, CallError> {
    let wanted = query.trim().to_lowercase();
    let rooms = all(api, &[]).await?;
    let has = |room: &Value, field: &str| {
        room[field]
            .as_str()
            .is_some_and(|known| known.to_lowercase() == wanted)
    };
    // Ids before names: a room may be named like another one's id.
    for fields in [&["id", "room_id"][..], &["name"], &["email"]] {
        let mut matches = rooms
            .iter()
            .filter(|room| fields.iter().any(|field| has(room, field)));
        if let Some(room) = matches.next() {
            return match matches.next() {
                None => Ok(room.clone()),
                Some(_) => Err(ambiguous(query)),
            };
        }
    }
    if wanted.contains('@')
        && let Some(id) = id_by_address(api, &rooms, &wanted).await?
        && let Some(room) = rooms.iter().find(|room| room["id"].as_str() == Some(&id))
    {
        return Ok(room.clone());
    }
    Err(not_found(query, &rooms))
}

/// The dashboard lists addresses, but not every plan has it; then profiles are read one by one.
async fn id_by_address(api: &Api<'_>, rooms: &[Value], address: &str) -> Result<Option<String>, CallError> {
    let is = |value: &Value| {
        value
            .as_str()
            .is_some_and(|known| known.to_lowercase() == address)
    };
    match pages(api, &["v2", "metrics", "zoomrooms"], "zoom_rooms", &[]).await {
        Ok(dashboard) => {
            let found = dashboard
                .iter()
                .find(|room| is(&room["email"]) || is(&room["calendar_name"]));
            return Ok(found.and_then(|room| room["id"].as_str()).map(str::to_owned));
        }
        Err(CallError::Failed { retryable: false, .. }) => {}
        Err(error) => return Err(error),
    }
    let ids = rooms
        .iter()
        .filter_map(|room| room["id"].as_str())
        .take(MOST_PROFILES);
    let mut profiles = stream::iter(ids.map(str::to_owned).collect::<Vec<_>>())
        .map(|id| async move {
            let profile = api.json(Request::get(&["v2", "rooms", &id])).await;
            profile.map(|profile| (id, profile))
        })
        .buffer_unordered(AT_ONCE);
    while let Some(profile) = profiles.next().await {
        let (id, profile) = profile?;
        if is(&profile["basic"]["email"]) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Every room that fits the filters.
async fn all(api: &Api<'_>, filters: &[(&str, Option<&str>)]) -> Result<Vec<Value>, CallError> {
    pages(api, &["v2", "rooms"], "rooms", filters).await
}

async fn pages(
    api: &Api<'_>,
    path: &[&str],
    name: &str,
    filters: &[(&str, Option<&str>)],
) -> Result<Vec<Value>, CallError> {
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let mut request = Request::get(path).query("page_size", PAGE);
        for (name, value) in filters {
            if let Some(value) = value {
                request = request.query(name, *value);
            }
        }
        if let Some(token) = &token {
            request = request.query("next_page_token", token.as_str());
        }
        let body = api.json(request).await?;
        found.extend(body[name].as_array().into_iter().flatten().cloned());
        token = api::next_page(&body);
        if token.is_none() {
            break;
        }
    }
    Ok(found)
}

fn listed(room: &Value) -> Value {
    json!({
        "id": room["id"],
        "room_id": room["room_id"],
        "name": room["name"],
        "location_id": room["location_id"],
        "status": room["status"],
    })
}

fn ambiguous(query: &str) -> CallError {
    CallError::refused(
        Failure::new("room_ambiguous", format!("several rooms are called '{query}'"))
            .hint("name the room by its id, which zoom.list_rooms shows"),
    )
}

fn not_found(query: &str, rooms: &[Value]) -> CallError {
    let wanted = query.to_lowercase();
    let mut near: Vec<(f64, &str)> = rooms
        .iter()
        .filter_map(|room| room["name"].as_str())
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let names: Vec<&str> = near.iter().take(MOST_HINTS).map(|(_, name)| *name).collect();
    let failure = Failure::new(
        "room_not_found",
        format!("zoom has no room with the id, name or address '{query}'"),
    );
    CallError::refused(match names.as_slice() {
        [] => failure.hint("zoom.list_rooms shows the rooms there are"),
        names => failure.hint(format!("the nearest names are {}", names.join(", "))),
    })
}
