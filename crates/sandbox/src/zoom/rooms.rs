//! Zoom rooms: list, profile, settings, devices, and the controls that restart one.
//!
//! A restart takes reads, not time: a restarting room is offline for the next few requests that
//! show its status (2 unless set otherwise) and available after them, so tests need no clock.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{invalid, object, paging, refuse};
use crate::call::Call;
use crate::reply::{self, Fail, Handled};
use crate::state::{Room, RoomStatus, State};
use crate::world::World;

/// The longest text that a profile takes, in characters.
const MAX_TEXT: usize = 256;
const CONTROLS: [&str; 6] = [
    "zoomroom.restart",
    "zoomroom.mute",
    "zoomroom.unmute",
    "zoomroom.check_in",
    "zoomroom.check_out",
    "zoomroom.meeting_leave",
];

/// `GET /rooms`.
pub(super) fn list(world: &World, call: &Call) -> Handled {
    let status = call
        .query
        .get("status")
        .filter(|status| !status.is_empty())
        .cloned();
    let name = call
        .query
        .get("query_name")
        .map(|name| name.to_lowercase())
        .unwrap_or_default();
    let known = [
        RoomStatus::Offline,
        RoomStatus::Available,
        RoomStatus::InMeeting,
        RoomStatus::UnderConstruction,
    ];
    if status
        .as_ref()
        .is_some_and(|status| !known.iter().any(|known| known.as_str() == status))
    {
        return Err(invalid(&[("status", "Invalid status.".to_owned())]));
    }
    let mut chosen = seen(world, |room| room.name.to_lowercase().contains(&name))?;
    chosen.retain(|room| {
        status
            .as_ref()
            .is_none_or(|status| room.status.as_str() == status)
    });
    let mut body = paging::page(call, "rooms", &chosen, |room| {
        json!({
            "id": room.id,
            "room_id": room.room_id,
            "name": room.name,
            "location_id": room.location_id,
            "status": room.status.as_str(),
        })
    })?;
    // This list counts nothing, unlike the dashboards.
    if let Some(fields) = body.as_object_mut() {
        fields.remove("total_records");
    }
    Ok(reply::json(StatusCode::OK, &body))
}

/// `GET /rooms/{id}`.
pub(super) fn profile(world: &World, id: &str) -> Handled {
    with_room(world, id, |room| {
        json!({
            "basic": {
                "name": room.name,
                "email": room.email,
                "support_email": room.support_email,
                "support_phone": room.support_phone,
                "room_passcode": room.room_passcode,
                "required_code_to_ext": room.required_code_to_ext,
                "hide_room_in_contacts": false,
                "location_id": room.location_id,
                "zoom_room_type": "ZoomRoom",
            },
            "device": {"device_profile_id": ""},
            "setup": {"under_construction": room.status == RoomStatus::UnderConstruction},
        })
    })
}

/// `PATCH /rooms/{id}` with `{"basic": {…}}`.
pub(super) fn change_profile(world: &World, call: &Call, id: &str) -> Handled {
    let sent = object(call)?;
    let Some(basic) = sent.get("basic").and_then(Value::as_object) else {
        return Err(invalid(&[("basic", "The field is required.".to_owned())]));
    };
    let text = |name: &str| -> Result<Option<String>, Fail> {
        let wrong = || invalid(&[(name, "Invalid field.".to_owned())]);
        match basic.get(name) {
            None => Ok(None),
            Some(value) => {
                let text = value
                    .as_str()
                    .filter(|text| text.chars().count() <= MAX_TEXT)
                    .ok_or_else(wrong)?;
                Ok(Some(text.to_owned()))
            }
        }
    };
    let (name, email, support) = (text("name")?, text("email")?, text("support_email")?);
    let (phone, passcode) = (text("support_phone")?, text("room_passcode")?);
    let code_to_exit = basic.get("required_code_to_ext").and_then(Value::as_bool);
    world.write(|state| {
        let room = find_mut(state, id)?;
        let set = |place: &mut String, value: Option<String>| {
            if let Some(value) = value {
                *place = value;
            }
        };
        set(&mut room.name, name);
        set(&mut room.email, email);
        set(&mut room.support_email, support);
        set(&mut room.support_phone, phone);
        set(&mut room.room_passcode, passcode);
        room.required_code_to_ext = code_to_exit.unwrap_or(room.required_code_to_ext);
        Ok(reply::empty(StatusCode::NO_CONTENT))
    })
}

/// `GET /rooms/{id}/settings?setting_type=meeting|alert`.
pub(super) fn settings(world: &World, call: &Call, id: &str) -> Handled {
    let kind = call.query.get("setting_type").map_or("meeting", String::as_str);
    if !matches!(kind, "meeting" | "alert") {
        return Err(invalid(&[("setting_type", "Invalid setting type.".to_owned())]));
    }
    with_room(world, id, |room| match kind {
        "meeting" => room.settings.clone(),
        _ => json!({
            "client_alert": {"detect_microphone_error_alert": true, "detect_speaker_error_alert": true},
            "notification": {"controller_disconnected": true, "mini_offline": true, "high_cpu_usage_detected": true},
        }),
    })
}

/// `GET /rooms/{id}/devices`.
pub(super) fn devices(world: &World, id: &str) -> Handled {
    with_room(world, id, |room| {
        let devices: Vec<Value> = room
            .devices
            .iter()
            .map(|device| {
                json!({
                    "id": device.id,
                    "room_name": room.name,
                    "device_type": device.device_type,
                    "app_version": device.app_version,
                    "device_system": device.device_system,
                    "status": device.status,
                })
            })
            .collect();
        json!({"devices": devices})
    })
}

/// `PATCH /rooms/{id}/events`: 202, and a restart begins.
pub(super) fn control(world: &World, call: &Call, id: &str) -> Handled {
    let sent = object(call)?;
    let method = sent.get("method").and_then(Value::as_str).unwrap_or("");
    if !CONTROLS.contains(&method) {
        return Err(invalid(&[("method", "Invalid method.".to_owned())]));
    }
    world.write(|state| {
        let reads = state.settings.zoom_restart_reads;
        let room = find_mut(state, id)?;
        match method {
            "zoomroom.restart" => restart(room, reads),
            "zoomroom.meeting_leave" if room.status == RoomStatus::InMeeting => {
                room.status = RoomStatus::Available
            }
            _ => {}
        }
        Ok(reply::empty(StatusCode::ACCEPTED))
    })
}

/// The rooms that `choose` takes, after this look at their status has been counted. `choose` must
/// not ask for the status: a poll for available rooms has to count for a room that isn't yet.
pub(super) fn seen(world: &World, choose: impl Fn(&Room) -> bool) -> Result<Vec<Room>, Fail> {
    let chosen = |state: &State| {
        state
            .zoom
            .rooms
            .iter()
            .filter(|room| choose(room))
            .cloned()
            .collect()
    };
    let due = |room: &Room| choose(room) && room.restart_reads_left.is_some();
    // Nothing restarts most of the time, and then a read must not cost a write.
    if !world.read(|state| state.zoom.rooms.iter().any(due)) {
        return Ok(world.read(chosen));
    }
    world.write(|state| {
        for room in state.zoom.rooms.iter_mut().filter(|room| choose(room)) {
            count_read(room);
        }
        Ok(chosen(state))
    })
}

/// 404 for a room that isn't there.
pub(super) fn missing(id: &str) -> Fail {
    refuse(
        StatusCode::NOT_FOUND,
        300,
        &format!("Zoom Room does not exist: {id}."),
    )
    .into()
}

fn restart(room: &mut Room, reads: u32) {
    room.restarts = room.restarts.saturating_add(1);
    // Construction is a decision of people; a restart doesn't undo it.
    if room.status == RoomStatus::UnderConstruction {
        return;
    }
    room.status = RoomStatus::Offline;
    room.restart_reads_left = Some(reads);
    if reads == 0 {
        come_back(room);
    }
}

fn count_read(room: &mut Room) {
    match room.restart_reads_left {
        Some(0) => come_back(room),
        Some(left) => room.restart_reads_left = Some(left - 1),
        None => {}
    }
}

fn come_back(room: &mut Room) {
    room.restart_reads_left = None;
    room.status = RoomStatus::Available;
    room.health = "good".to_owned();
    room.issues.clear();
    room.metrics.cpu_percent = room.metrics.cpu_percent.min(24.0);
    room.metrics.packet_loss = room.metrics.packet_loss.min(0.3);
    room.metrics.jitter_ms = room.metrics.jitter_ms.min(9.0);
    room.metrics.last_reboot_hours = 0.0;
    for device in &mut room.devices {
        device.status = "Online".to_owned();
    }
}

fn with_room(world: &World, id: &str, show: impl FnOnce(&Room) -> Value) -> Handled {
    world.read(|state| {
        let room = state
            .zoom
            .rooms
            .iter()
            .find(|room| room.id == id)
            .ok_or_else(|| missing(id))?;
        Ok(reply::json(StatusCode::OK, &show(room)))
    })
}

fn find_mut<'a>(state: &'a mut State, id: &str) -> Result<&'a mut Room, Fail> {
    state
        .zoom
        .rooms
        .iter_mut()
        .find(|room| room.id == id)
        .ok_or_else(|| missing(id))
}
