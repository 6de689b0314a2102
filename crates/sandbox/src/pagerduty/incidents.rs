//! The REST API's reads of incidents, for people and SDKs that look at what events have done.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::state::{Alert, Status};
use crate::call::Call;
use crate::reply::{self, Answer};
use crate::world::World;

const SERVICE_ID: &str = "PSANDBOX";

/// `GET /incidents`: newest first, in pages by offset.
pub(super) fn list(world: &World, call: &Call) -> Answer {
    let limit = call.number("limit", 25, 1, 100);
    let offset = call.number("offset", 0, 0, 10_000);
    let base = base(world);
    world.read(|state| {
        let alerts = &state.pagerduty.alerts;
        let page: Vec<Value> = alerts
            .iter()
            .rev()
            .skip(offset)
            .take(limit)
            .map(|alert| show(alert, &base))
            .collect();
        let more = alerts.len() > offset + page.len();
        let answer =
            json!({ "incidents": page, "limit": limit, "offset": offset, "more": more, "total": null });
        reply::json(StatusCode::OK, &answer)
    })
}

/// `GET /incidents/{id}`.
pub(super) fn get(world: &World, id: &str) -> Option<Answer> {
    let base = base(world);
    world.read(|state| {
        let alert = state.pagerduty.alerts.iter().find(|alert| alert.id == id)?;
        Some(reply::json(
            StatusCode::OK,
            &json!({ "incident": show(alert, &base) }),
        ))
    })
}

/// The page behind an incident's link.
pub(super) fn page(world: &World, id: &str) -> Option<Answer> {
    world.read(|state| {
        let alert = state.pagerduty.alerts.iter().find(|alert| alert.id == id)?;
        let details = Value::Object(alert.details.clone());
        let text = format!(
            "#{} {}\n{}, {}, from {}\nkey {}, {} events\n\n{details:#}\n",
            alert.number,
            alert.summary,
            alert.status.as_str(),
            alert.severity,
            alert.source,
            alert.dedup_key,
            alert.events,
        );
        Some(reply::text(StatusCode::OK, text))
    })
}

fn base(world: &World) -> String {
    format!("{}/pagerduty", world.public_url())
}

fn show(alert: &Alert, base: &str) -> Value {
    let (urgency, changed) = match alert.severity.as_str() {
        "critical" | "error" => ("high", alert.changed),
        _ => ("low", alert.changed),
    };
    let resolved = alert.status == Status::Resolved;
    let mut shown = json!({
        "id": alert.id,
        "type": "incident",
        "summary": format!("[#{}] {}", alert.number, alert.summary),
        "self": format!("{base}/incidents/{}", alert.id),
        "html_url": format!("{base}/pages/incidents/{}", alert.id),
        "incident_number": alert.number,
        "title": alert.summary,
        "created_at": alert.created.to_string(),
        "updated_at": changed.to_string(),
        "status": alert.status.as_str(),
        "incident_key": alert.dedup_key,
        "urgency": urgency,
        "service": reference("service", SERVICE_ID, "AV Operations", base),
        "escalation_policy": reference("escalation_policy", "PESCALAT", "AV on call", base),
        "assignments": [],
        "assigned_via": "escalation_policy",
        "acknowledgements": [],
        "pending_actions": [],
        "teams": [],
        "alert_counts": { "all": 1, "triggered": u8::from(!resolved), "resolved": u8::from(resolved) },
        "last_status_change_at": changed.to_string(),
        "last_status_change_by": reference("service", SERVICE_ID, "AV Operations", base),
        "is_mergeable": true,
    });
    if resolved {
        shown["resolved_at"] = changed.to_string().into();
    }
    shown
}

fn reference(kind: &str, id: &str, summary: &str, base: &str) -> Value {
    json!({
        "id": id,
        "type": format!("{kind}_reference"),
        "summary": summary,
        "self": format!("{base}/{kind}s/{id}"),
        "html_url": null,
    })
}
