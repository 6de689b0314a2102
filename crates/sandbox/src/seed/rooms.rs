//! Six Zoom rooms: one broken, one in use, one off policy, one over its thresholds, one being
//! built, one in order.

use serde_json::{Value, json};

use crate::state::{Room, RoomDevice, RoomMetrics, RoomStatus};

/// All rooms, in the order of their ids.
pub(super) fn all() -> Vec<Room> {
    let mut boardroom = room("ZR-101", "Boardroom 4A", "boardroom-4a", "10.20.4.11");
    boardroom.status = RoomStatus::Offline;
    boardroom.health = "critical".to_owned();
    boardroom.issues = vec![
        "HDMI output is black".to_owned(),
        "Zoom room is offline".to_owned(),
    ];
    for device in &mut boardroom.devices {
        device.status = "Offline".to_owned();
    }

    let huddle = room("ZR-102", "Huddle 2B", "huddle-2b", "10.20.2.12");

    let mut training = room("ZR-201", "Training Room 1", "training-1", "10.20.1.21");
    training.health = "warning".to_owned();
    training.issues = vec![
        "High CPU usage is detected".to_owned(),
        "Packet loss is above 3 percent".to_owned(),
    ];
    training.metrics = RoomMetrics {
        cpu_percent: 93.0,
        packet_loss: 4.2,
        jitter_ms: 41.0,
        last_reboot_hours: 260.0,
    };

    let mut studio = room("ZR-202", "All Hands Studio", "studio", "10.20.1.22");
    studio.status = RoomStatus::InMeeting;

    let mut briefing = room("ZR-301", "Briefing Center", "briefing", "10.20.3.31");
    briefing.required_code_to_ext = false;
    briefing.room_passcode = String::new();
    briefing.settings = settings(false);

    let mut auditorium = room("ZR-302", "Auditorium West", "auditorium-west", "10.20.3.32");
    auditorium.status = RoomStatus::UnderConstruction;

    vec![boardroom, huddle, training, studio, briefing, auditorium]
}

/// A room in order.
fn room(id: &str, name: &str, mailbox: &str, device_ip: &str) -> Room {
    Room {
        id: id.to_owned(),
        room_id: format!("zr-{mailbox}"),
        name: name.to_owned(),
        location_id: "loc-hq".to_owned(),
        status: RoomStatus::Available,
        email: format!("{mailbox}@avops.example"),
        support_email: "av-support@avops.example".to_owned(),
        support_phone: "+1 555 0100".to_owned(),
        room_passcode: "482913".to_owned(),
        required_code_to_ext: true,
        health: "good".to_owned(),
        issues: Vec::new(),
        device_ip: device_ip.to_owned(),
        camera: "Logitech Rally Camera".to_owned(),
        microphone: "Shure MXA920".to_owned(),
        speaker: "Q-SYS AD-C6T".to_owned(),
        last_start_time: "2025-01-06T07:30:00Z".to_owned(),
        metrics: RoomMetrics {
            cpu_percent: 22.0,
            packet_loss: 0.2,
            jitter_ms: 8.0,
            last_reboot_hours: 36.0,
        },
        settings: settings(true),
        devices: vec![
            device(id, "Zoom Rooms Computer", "Windows 11"),
            device(id, "Controller", "iPadOS 18"),
            device(id, "Scheduling Display", "Android 14"),
        ],
        restart_reads_left: None,
        restarts: 0,
    }
}

fn device(room: &str, device_type: &str, system: &str) -> RoomDevice {
    RoomDevice {
        id: format!("{room}-{}", device_type.to_lowercase().replace(' ', "-")),
        device_type: device_type.to_owned(),
        app_version: "6.2.5 (4420)".to_owned(),
        device_system: system.to_owned(),
        status: "Online".to_owned(),
    }
}

/// Settings as a careful administrator leaves them, or not.
fn settings(careful: bool) -> Value {
    json!({
        "meeting_security": {
            "encryption_type": if careful { "enhanced_encryption" } else { "none" },
            "end_to_end_encrypted_meetings": careful,
            "meeting_password_required": careful,
        },
        "zoom_rooms": {
            "upcoming_meeting_alert": true,
            "weekly_system_restart": careful,
            "display_meeting_list": true,
            "display_top_banner": true,
            "auto_start_stop_scheduled_meetings": careful,
            "allow_multiple_content_sharing": true,
            "make_room_alternative_host": false,
            "hide_share_instruction": false,
            "secure_connection_channel": careful,
            "lock_speaker_volume_control": careful,
            "cmr_for_instant_meeting": !careful,
        },
    })
}
