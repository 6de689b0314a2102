//! `POST /v2/enqueue`: what an event must hold, and what it does to the alert with its key.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::state::{Alert, Status};
use super::{refuse, with_status};
use crate::call::Call;
use crate::credentials::PAGERDUTY_ROUTING_KEY;
use crate::reply::{self, Fail, Handled};
use crate::state::opaque;
use crate::world::World;

/// The most alerts kept; the oldest go.
const MAX_ALERTS: usize = 2_000;
/// The longest summary, in characters.
const MAX_SUMMARY: usize = 1_024;
/// The longest key, in characters.
const MAX_KEY: usize = 255;

/// Takes an event.
pub(super) fn enqueue(world: &World, call: &Call) -> Handled {
    let Some(event) = call.json_object() else {
        return Ok(refuse(&["Event body is not a JSON object".to_owned()]));
    };
    let problems = problems(&event);
    if !problems.is_empty() {
        return Ok(refuse(&problems));
    }
    if event["routing_key"] != PAGERDUTY_ROUTING_KEY {
        return Ok(with_status(StatusCode::BAD_REQUEST, "Invalid routing key"));
    }
    let key = match event.get("dedup_key").and_then(Value::as_str) {
        Some(key) if !key.is_empty() => Some(key.to_owned()),
        _ => None,
    };
    let now = world.now();
    let key = world.write(|state| {
        let key = key.unwrap_or_else(|| opaque("dedup", state.next())[..32].to_owned());
        let open = state
            .pagerduty
            .alerts
            .iter()
            .rposition(|alert| alert.dedup_key == key && alert.status != Status::Resolved);
        match (event["event_action"].as_str(), open) {
            (Some("trigger"), None) => {
                let serial = state.next();
                let mut alert = raise(&event["payload"], serial);
                (alert.dedup_key, alert.created, alert.changed) = (key.clone(), now, now);
                state.pagerduty.alerts.push(alert);
                if state.pagerduty.alerts.len() > MAX_ALERTS {
                    state.pagerduty.alerts.remove(0);
                }
            }
            (Some("trigger"), Some(open)) => {
                let alert = &mut state.pagerduty.alerts[open];
                (alert.events, alert.changed) = (alert.events.saturating_add(1), now);
            }
            (Some(action), Some(open)) => {
                let alert = &mut state.pagerduty.alerts[open];
                alert.changed = now;
                alert.status = match action {
                    "resolve" => Status::Resolved,
                    _ => Status::Acknowledged,
                };
            }
            // An alert that nobody knows is acknowledged and resolved all the same.
            (_, None) | (None, _) => {}
        }
        Ok::<_, Fail>(key)
    })?;
    let answer = json!({ "status": "success", "message": "Event processed", "dedup_key": key });
    Ok(reply::json(StatusCode::ACCEPTED, &answer))
}

/// Everything that is wrong with an event, in PagerDuty's words.
fn problems(event: &Map<String, Value>) -> Vec<String> {
    let mut problems = Vec::new();
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let action = text("event_action").unwrap_or_default();
    match text("routing_key") {
        None | Some("") => problems.push("'routing_key' is missing or blank".to_owned()),
        Some(key) if key.len() != 32 => {
            problems.push("Length of 'routing_key' is incorrect (should be 32 characters)".to_owned());
        }
        Some(_) => {}
    }
    if !matches!(action, "trigger" | "acknowledge" | "resolve") {
        problems.push("'event_action' must be one of trigger, acknowledge, resolve".to_owned());
    }
    match text("dedup_key") {
        None | Some("") if matches!(action, "acknowledge" | "resolve") => {
            problems.push("'dedup_key' is missing or blank".to_owned());
        }
        Some(key) if key.chars().count() > MAX_KEY => {
            problems.push("'dedup_key' is too long (maximum is 255 characters)".to_owned());
        }
        _ => {}
    }
    if action == "trigger" {
        payload_problems(event.get("payload").unwrap_or(&Value::Null), &mut problems);
    }
    problems
}

fn payload_problems(payload: &Value, problems: &mut Vec<String>) {
    for name in ["summary", "source", "severity"] {
        if payload[name].as_str().is_none_or(str::is_empty) {
            problems.push(format!("'payload.{name}' is missing or blank"));
        }
    }
    if payload["summary"]
        .as_str()
        .is_some_and(|summary| summary.chars().count() > MAX_SUMMARY)
    {
        problems.push("'payload.summary' is too long (maximum is 1024 characters)".to_owned());
    }
    let severity = payload["severity"].as_str().unwrap_or("error");
    if !matches!(severity, "critical" | "error" | "warning" | "info") {
        problems.push(
            "'payload.severity' is invalid (must be one of: critical, error, warning, info)".to_owned(),
        );
    }
}

fn raise(payload: &Value, serial: u64) -> Alert {
    let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
    let mut details = payload.as_object().cloned().unwrap_or_default();
    for told in ["summary", "source", "severity"] {
        details.remove(told);
    }
    Alert {
        id: format!("Q{}", opaque("incident", serial)[..13].to_uppercase()),
        number: serial,
        dedup_key: String::new(),
        status: Status::Triggered,
        summary: text("summary"),
        source: text("source"),
        severity: text("severity"),
        details,
        events: 1,
        created: types::Timestamp::from_millis(0),
        changed: types::Timestamp::from_millis(0),
    }
}
