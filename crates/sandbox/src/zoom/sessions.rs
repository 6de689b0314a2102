//! Meetings and webinars: create, list, get, delete. The two differ in names, type numbers and
//! in that a webinar needs a topic.

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{invalid, object, paging, refuse, unknown_path, users};
use crate::call::Call;
use crate::reply::{self, Fail, Handled};
use crate::state::{Session, SessionKind, Zoom, opaque};
use crate::world::World;

/// The most meetings and webinars kept.
const MAX_SESSIONS: usize = 5_000;
/// Zoom's limits: topic and agenda in characters, duration in minutes.
const MAX_TOPIC: usize = 200;
const MAX_AGENDA: usize = 2_000;
const MAX_DURATION: u64 = 1_440;
/// How much of an agenda lists show, in characters.
const LISTED_AGENDA: usize = 250;
const FIRST_NUMBER: u64 = 81_000_000_000;

/// `GET` and `POST /users/{userId}/meetings|webinars`.
pub(super) fn of_user(world: &World, call: &Call, user: &str, kind: SessionKind) -> Handled {
    match call.method {
        Method::GET => list(world, call, user, kind),
        Method::POST => create(world, call, user, kind),
        _ => Ok(unknown_path()),
    }
}

/// `GET` and `DELETE /meetings|webinars/{number}`.
pub(super) fn one(world: &World, call: &Call, number: &str, kind: SessionKind) -> Handled {
    let wanted = number.parse::<u64>().unwrap_or(0);
    let there = |zoom: &Zoom| {
        zoom.sessions
            .get(&wanted)
            .is_some_and(|session| session.kind == kind)
    };
    let missing = || -> Fail {
        refuse(
            StatusCode::NOT_FOUND,
            3001,
            &format!("{} does not exist: {number}.", noun(kind)),
        )
        .into()
    };
    match call.method {
        Method::GET => {
            let link = world.public_url();
            world.read(|state| {
                let session = state
                    .zoom
                    .sessions
                    .get(&wanted)
                    .filter(|session| session.kind == kind)
                    .ok_or_else(missing)?;
                Ok(reply::json(
                    StatusCode::OK,
                    &show(&state.zoom, wanted, session, link),
                ))
            })
        }
        Method::DELETE => world.write(|state| {
            if !there(&state.zoom) {
                return Err(missing());
            }
            state.zoom.sessions.remove(&wanted);
            Ok(reply::empty(StatusCode::NO_CONTENT))
        }),
        _ => Ok(unknown_path()),
    }
}

fn list(world: &World, call: &Call, user: &str, kind: SessionKind) -> Handled {
    let link = world.public_url();
    let body = world.read(|state| {
        let host = users::find(&state.zoom, user)?;
        let all: Vec<(u64, &Session)> = state
            .zoom
            .sessions
            .iter()
            .filter(|(_, session)| session.kind == kind && session.host_id == host.id)
            .map(|(number, session)| (*number, session))
            .collect();
        let show = |(number, session): &(u64, &Session)| summary(*number, session, link);
        match kind {
            SessionKind::Meeting => paging::page(call, "meetings", &all, show),
            SessionKind::Webinar => Ok(paging::numbered(call, "webinars", &all, show)),
        }
    })?;
    Ok(reply::json(StatusCode::OK, &body))
}

fn create(world: &World, call: &Call, user: &str, kind: SessionKind) -> Handled {
    let sent = object(call)?;
    world.read(|state| users::find(&state.zoom, user).map(drop))?;
    let draft = draft(&sent, kind)?;
    let link = world.public_url();
    let created_at = world.now();
    world.write(|state| {
        let host_id = users::find(&state.zoom, user)?.id.clone();
        if state.zoom.sessions.len() >= MAX_SESSIONS {
            return Err(refuse(
                StatusCode::BAD_REQUEST,
                3000,
                "The sandbox keeps no more sessions.",
            )
            .into());
        }
        let serial = state.next();
        // Spread over the eleven digits, so that nobody takes a number for a serial.
        let number = FIRST_NUMBER + (serial * 7_919_317) % 9_000_000_000;
        let uuid = opaque("zoom-session", serial)
            .chars()
            .take(22)
            .collect::<String>()
            + "==";
        let session = Session {
            uuid,
            host_id,
            created_at,
            ..draft
        };
        let shown = show(&state.zoom, number, &session, link);
        state.zoom.sessions.insert(number, session);
        Ok(reply::json(StatusCode::CREATED, &shown))
    })
}

/// Reads and checks what was sent; who hosts and when it was made come later.
fn draft(sent: &Map<String, Value>, kind: SessionKind) -> Result<Session, Fail> {
    let mut wrong: Vec<(&str, String)> = Vec::new();
    let topic = text(sent, "topic", MAX_TOPIC, &mut wrong);
    let agenda = text(sent, "agenda", MAX_AGENDA, &mut wrong);
    let timezone = text(sent, "timezone", MAX_TOPIC, &mut wrong);
    let password = text(sent, "password", 10, &mut wrong);
    if kind == SessionKind::Webinar && topic.as_ref().is_none_or(|topic| topic.trim().is_empty()) {
        wrong.push(("topic", "The field is required.".to_owned()));
    }
    let (default_type, types): (u64, &[u64]) = if kind == SessionKind::Meeting {
        (2, &[1, 2, 3, 8, 10])
    } else {
        (5, &[5, 6, 9])
    };
    let type_number = number(sent, "type", default_type, &mut wrong);
    if !types.contains(&type_number) {
        wrong.push(("type", "Invalid field.".to_owned()));
    }
    let duration = number(sent, "duration", 60, &mut wrong);
    if duration == 0 || duration > MAX_DURATION {
        wrong.push(("duration", "Invalid field.".to_owned()));
    }
    let start_time = text(sent, "start_time", 40, &mut wrong);
    if start_time.as_ref().is_some_and(|start| !is_instant(start)) {
        wrong.push(("start_time", "Invalid field.".to_owned()));
    }
    let tracking_fields = sent.get("tracking_fields").cloned().unwrap_or_else(|| json!([]));
    if !tracking_fields
        .as_array()
        .is_some_and(|list| list.iter().all(Value::is_object))
    {
        wrong.push(("tracking_fields", "Invalid field.".to_owned()));
    }
    let settings = sent.get("settings").cloned().unwrap_or_else(|| json!({}));
    if !settings.is_object() {
        wrong.push(("settings", "Invalid field.".to_owned()));
    }
    if !wrong.is_empty() {
        return Err(invalid(&wrong));
    }
    Ok(Session {
        kind,
        uuid: String::new(),
        host_id: String::new(),
        topic: topic.unwrap_or_else(|| "Zoom Meeting".to_owned()),
        type_number,
        start_time,
        duration,
        timezone: timezone.unwrap_or_else(|| "UTC".to_owned()),
        agenda: agenda.unwrap_or_default(),
        password: password.unwrap_or_else(|| "sandbox1".to_owned()),
        tracking_fields,
        settings,
        created_at: types::Timestamp::default(),
    })
}

fn text(
    sent: &Map<String, Value>,
    name: &'static str,
    most: usize,
    wrong: &mut Vec<(&str, String)>,
) -> Option<String> {
    match sent.get(name)? {
        Value::Null => None,
        Value::String(text) if text.chars().count() <= most => Some(text.clone()),
        Value::String(_) => {
            wrong.push((name, format!("The maximum length is {most}.")));
            None
        }
        _ => {
            wrong.push((name, "Invalid field.".to_owned()));
            None
        }
    }
}

fn number(
    sent: &Map<String, Value>,
    name: &'static str,
    default: u64,
    wrong: &mut Vec<(&str, String)>,
) -> u64 {
    match sent.get(name) {
        None | Some(Value::Null) => default,
        Some(value) => value.as_u64().unwrap_or_else(|| {
            wrong.push((name, "Invalid field.".to_owned()));
            default
        }),
    }
}

/// `2025-10-21T17:00:00Z`, or local time for use with `timezone`.
fn is_instant(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::DateTime>().is_ok()
}

/// A session in full. Zoom shows `tracking_fields` here only, not in lists.
fn show(zoom: &Zoom, number: u64, session: &Session, link: &str) -> Value {
    let mut shown = summary(number, session, link);
    let host = zoom.users.iter().find(|user| user.id == session.host_id);
    shown["agenda"] = json!(session.agenda);
    shown["host_email"] = json!(host.map_or("", |user| user.email.as_str()));
    shown["start_url"] = json!(format!("{link}/zoom/s/{number}?zak=sandbox"));
    shown["password"] = json!(session.password);
    shown["tracking_fields"] = session.tracking_fields.clone();
    shown["settings"] = session.settings.clone();
    if session.kind == SessionKind::Meeting {
        shown["status"] = json!("waiting");
    }
    shown
}

/// A session as lists show it.
fn summary(number: u64, session: &Session, link: &str) -> Value {
    let page = if session.kind == SessionKind::Meeting {
        "j"
    } else {
        "w"
    };
    let mut shown = json!({
        "uuid": session.uuid,
        "id": number,
        "host_id": session.host_id,
        "topic": session.topic,
        "type": session.type_number,
        "duration": session.duration,
        "timezone": session.timezone,
        "agenda": session.agenda.chars().take(LISTED_AGENDA).collect::<String>(),
        "created_at": format!("{:.0}", jiff_of(session)),
        "join_url": format!("{link}/zoom/{page}/{number}"),
    });
    if let Some(start) = &session.start_time {
        shown["start_time"] = json!(start);
    }
    shown
}

fn jiff_of(session: &Session) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(session.created_at.as_millis()).unwrap_or_default()
}

fn noun(kind: SessionKind) -> &'static str {
    if kind == SessionKind::Meeting {
        "Meeting"
    } else {
        "Webinar"
    }
}
