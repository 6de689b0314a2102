//! Everything the vendors know, as plain data: what the state file holds.
//!
//! Maps are sorted so that two equal states have one spelling. Every collection has a bound,
//! kept by the code that adds to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{Digest, Timestamp};

use crate::google::state::Google;
use crate::mail::state::Mail;
use crate::tokens::Tokens;

/// The format of the state file that this code reads and writes.
pub(crate) const FORMAT: u32 = 1;

/// All vendors' state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub format: u32,
    /// Counts everything that gets an id, over all vendors.
    pub issued: u64,
    pub settings: Settings,
    pub slack: Slack,
    pub zoom: Zoom,
    pub servicenow: ServiceNow,
    pub devices: Devices,
    #[serde(default)]
    pub qsys: crate::lines::state::QSys,
    #[serde(default)]
    pub extron: crate::lines::state::Extron,
    #[serde(default)]
    pub github: crate::github::state::GitHub,
    #[serde(default)]
    pub jira: crate::jira::state::Jira,
    #[serde(default)]
    pub pagerduty: crate::pagerduty::state::PagerDuty,
    #[serde(default)]
    pub google: Google,
    #[serde(default)]
    pub mail: Mail,
}

/// What can be set from outside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// How many reads show a restarting Zoom room as offline.
    pub zoom_restart_reads: u32,
}

impl State {
    /// The next serial number, for ids.
    pub(crate) fn next(&mut self) -> u64 {
        self.issued += 1;
        self.issued
    }
}

/// Opaque hexadecimal text for the `n`-th thing of a kind; the same every time.
pub(crate) fn opaque(kind: &str, n: u64) -> String {
    Digest::of_bytes(format!("{kind}:{n}").as_bytes())
        .as_str()
        .to_owned()
}

// ---- Slack

/// A workspace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Slack {
    pub channels: Vec<Channel>,
    /// The newest message's stamp, in microseconds since the Unix epoch.
    pub last_stamp_us: i64,
}

/// A channel with its messages, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Channel {
    pub id: String,
    pub name: String,
    pub topic: String,
    pub created_s: i64,
    pub messages: Vec<Message>,
}

/// A message; its stamp is its name inside the channel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    pub stamp_us: i64,
    /// The stamp of the thread's first message, for a reply.
    pub thread_us: Option<i64>,
    pub text: String,
    pub blocks: Option<Value>,
    pub metadata: Option<Value>,
}

// ---- Zoom

/// An account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Zoom {
    pub tokens: Tokens,
    pub users: Vec<User>,
    pub rooms: Vec<Room>,
    /// Meetings and webinars by number.
    pub sessions: BTreeMap<u64, Session>,
}

/// A user of the account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub id: String,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
}

/// What a Zoom room is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RoomStatus {
    Offline,
    Available,
    InMeeting,
    UnderConstruction,
}

impl RoomStatus {
    /// As Zoom spells it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            RoomStatus::Offline => "Offline",
            RoomStatus::Available => "Available",
            RoomStatus::InMeeting => "InMeeting",
            RoomStatus::UnderConstruction => "UnderConstruction",
        }
    }
}

/// A Zoom room.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Room {
    pub id: String,
    pub room_id: String,
    pub name: String,
    pub location_id: String,
    pub status: RoomStatus,
    /// The room's own address, in the calendar.
    pub email: String,
    pub support_email: String,
    pub support_phone: String,
    pub room_passcode: String,
    pub required_code_to_ext: bool,
    pub health: String,
    pub issues: Vec<String>,
    pub device_ip: String,
    pub camera: String,
    pub microphone: String,
    pub speaker: String,
    pub last_start_time: String,
    pub metrics: RoomMetrics,
    /// The answer to the settings request of type `meeting`.
    pub settings: Value,
    pub devices: Vec<RoomDevice>,
    /// Reads left until a restart is over; `None` when no restart is under way.
    pub restart_reads_left: Option<u32>,
    /// Restarts so far.
    pub restarts: u32,
}

/// A room's load and line quality.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct RoomMetrics {
    pub cpu_percent: f64,
    /// Percent.
    pub packet_loss: f64,
    pub jitter_ms: f64,
    /// Hours since the last restart.
    pub last_reboot_hours: f64,
}

/// A computer, controller or display of a room.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RoomDevice {
    pub id: String,
    pub device_type: String,
    pub app_version: String,
    pub device_system: String,
    pub status: String,
}

/// Which of the two kinds of scheduled session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SessionKind {
    Meeting,
    Webinar,
}

/// A scheduled meeting or webinar.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub kind: SessionKind,
    pub uuid: String,
    pub host_id: String,
    pub topic: String,
    pub type_number: u64,
    pub start_time: Option<String>,
    /// Minutes.
    pub duration: u64,
    pub timezone: String,
    pub agenda: String,
    pub password: String,
    pub tracking_fields: Value,
    pub settings: Value,
    pub created_at: Timestamp,
}

// ---- ServiceNow

/// An instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServiceNow {
    /// Records by sys_id. A field is text, as in ServiceNow; the class is in `sys_class_name`.
    pub records: BTreeMap<String, Record>,
    /// The last number given, by table.
    pub numbers: BTreeMap<String, u32>,
    pub attachments: BTreeMap<String, Attachment>,
}

/// A record's fields.
pub(crate) type Record = BTreeMap<String, String>;

/// A file attached to a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attachment {
    pub file_name: String,
    pub table_name: String,
    pub table_sys_id: String,
    pub content_type: String,
    pub size_bytes: u64,
    pub created: Timestamp,
    /// Base64.
    pub content: String,
}

// ---- Plain HTTP connectors

/// Connectors by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Devices {
    pub tools: BTreeMap<String, Tool>,
    /// The newest actions, oldest first.
    pub log: Vec<Value>,
    /// The newest actions that came with a key, oldest first.
    pub keyed: Vec<Keyed>,
}

/// An action that came with an idempotency key: asked again, it is answered again, not done again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Keyed {
    pub tool: String,
    pub key: String,
    /// Of what was asked, to tell a repetition from a key used twice.
    pub digest: Digest,
    pub result: Value,
}

/// A connector with its devices' properties, by device id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tool {
    pub devices: BTreeMap<String, Value>,
}
