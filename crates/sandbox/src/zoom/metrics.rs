//! The dashboard's view of rooms: health, issues, peripherals, load.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{invalid, paging, rooms};
use crate::call::Call;
use crate::reply::{self, Handled};
use crate::state::{Room, RoomStatus};
use crate::world::World;

/// `GET /metrics/zoomrooms`.
pub(super) fn list(world: &World, call: &Call) -> Handled {
    let all = rooms::seen(world, |_| true)?;
    let mut body = paging::page(call, "zoom_rooms", &all, show)?;
    body["page_number"] = json!(1);
    Ok(reply::json(StatusCode::OK, &body))
}

/// `GET /metrics/zoomrooms/{id}?from=…&to=…`: the span is that of the past meetings.
pub(super) fn one(world: &World, call: &Call, id: &str) -> Handled {
    let day = |name: &'static str| {
        let sent = call
            .query
            .get(name)
            .filter(|text| text.parse::<jiff::civil::Date>().is_ok());
        sent.ok_or_else(|| invalid(&[(name, "The field is required, as yyyy-mm-dd.".to_owned())]))
    };
    let (from, to) = (day("from")?, day("to")?);
    let found = rooms::seen(world, |room| room.id == id)?;
    let room = found.first().ok_or_else(|| rooms::missing(id))?;
    let mut body = show(room);
    if let Some(fields) = body.as_object_mut() {
        fields.remove("location_id");
    }
    if room.status == RoomStatus::InMeeting {
        body["live_meeting"] = json!({"id": 97_301_122_334_u64, "topic": format!("In {}", room.name)});
    }
    body["past_meetings"] = json!({"from": from, "to": to, "page_size": 30, "next_page_token": "", "total_records": 0, "meetings": []});
    Ok(reply::json(StatusCode::OK, &body))
}

fn show(room: &Room) -> Value {
    json!({
        "id": room.id,
        "room_name": room.name,
        "calendar_name": room.email,
        "email": room.email,
        "account_type": "Work",
        "status": room.status.as_str(),
        "device_ip": room.device_ip,
        "camera": room.camera,
        "microphone": room.microphone,
        "speaker": room.speaker,
        "last_start_time": room.last_start_time,
        "location_id": room.location_id,
        "health": room.health,
        "issues": room.issues,
        "metrics": {
            "cpu_percent": room.metrics.cpu_percent,
            "packet_loss": room.metrics.packet_loss,
            "jitter_ms": room.metrics.jitter_ms,
            "last_reboot_hours": room.metrics.last_reboot_hours,
        },
    })
}
