//! What the vendors know at first: a small company with one broken boardroom.
//!
//! Ids are fixed, so that recipes, tests and documents can name them.

mod rooms;

use std::collections::BTreeMap;

use serde_json::json;
use types::Timestamp;

use crate::github::{self, state::GitHub};
use crate::jira::state::{Issue, Jira};
use crate::lines::state::{Extron, QSys};
use crate::pagerduty::state::PagerDuty;
use crate::servicenow::{Stamp, insert};
use crate::state::{Channel, Devices, FORMAT, ServiceNow, Settings, Slack, State, Tool, User, Zoom, opaque};
use crate::tokens::Tokens;

/// How many reads a restarting Zoom room stays offline for, unless set otherwise.
const RESTART_READS: u32 = 2;

const CHANNELS: [(&str, &str, &str); 6] = [
    ("C0AVOPS001", "avops", "AV operations: changes, confirmations"),
    ("C0AVROOMS1", "av-rooms", "Room health"),
    ("C0AVEVENTS", "av-events", "Events and run-of-show"),
    ("C0AVSUPPRT", "av-support", "Requests for help"),
    ("C0ALERTS01", "alerts", "Alerts from monitors"),
    ("C0GENERAL1", "general", "Everything else"),
];

/// The first state, as of `now`.
pub(crate) fn state(now: Timestamp) -> State {
    let mut state = State {
        format: FORMAT,
        issued: 0,
        settings: Settings {
            zoom_restart_reads: RESTART_READS,
        },
        slack: slack(now),
        zoom: Zoom {
            tokens: Tokens::default(),
            users: users(),
            rooms: rooms::all(),
            sessions: BTreeMap::new(),
        },
        servicenow: ServiceNow {
            records: BTreeMap::new(),
            numbers: BTreeMap::new(),
            attachments: BTreeMap::new(),
        },
        devices: devices(),
        qsys: QSys::default(),
        extron: Extron::default(),
        github: github(now),
        jira: jira(now),
        pagerduty: PagerDuty::default(),
        google: Default::default(),
        mail: Default::default(),
    };
    for (table, id, fields) in records() {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        insert(&mut state, table, id, fields, &Stamp { at: now, by: "admin" });
    }
    state
}

/// One issue in the repository, whose files are made when it is first needed.
fn github(now: Timestamp) -> GitHub {
    let issue = github::state::Issue {
        id: 1_000,
        title: "Boardroom 4A: say how the display is reset".to_owned(),
        body: Some("The runbook leaves it out.".to_owned()),
        labels: vec!["documentation".to_owned()],
        assignees: Vec::new(),
        open: true,
        reason: None,
        created: now,
        updated: now,
        closed: None,
        comments: Vec::new(),
        pull: None,
    };
    GitHub {
        issues: BTreeMap::from([(1, issue)]),
        pushes: Vec::new(),
    }
}

/// One issue, so that there is something to read.
fn jira(now: Timestamp) -> Jira {
    let issue = Issue {
        key: "OPS-1".to_owned(),
        project: "OPS".to_owned(),
        summary: "Boardroom 4A: HDMI display is black".to_owned(),
        description: json!({"version": 1, "type": "doc", "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "The front display shows no picture."}]},
        ]}),
        issue_type: "Incident".to_owned(),
        priority: "High".to_owned(),
        labels: vec!["av".to_owned()],
        assignee: None,
        parent: None,
        status: "To Do".to_owned(),
        created: now,
        updated: now,
        properties: BTreeMap::new(),
        comments: Vec::new(),
    };
    Jira {
        issues: BTreeMap::from([(10_000, issue)]),
        numbers: BTreeMap::from([("OPS".to_owned(), 1)]),
    }
}

fn slack(now: Timestamp) -> Slack {
    let created_s = now.as_millis().div_euclid(1_000);
    let channel = |(id, name, topic): (&str, &str, &str)| Channel {
        id: id.to_owned(),
        name: name.to_owned(),
        topic: topic.to_owned(),
        created_s,
        messages: Vec::new(),
    };
    Slack {
        channels: CHANNELS.into_iter().map(channel).collect(),
        last_stamp_us: 0,
    }
}

fn users() -> Vec<User> {
    let user = |id: &str, email: &str, first: &str, last: &str| User {
        id: id.to_owned(),
        email: email.to_owned(),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
    };
    vec![
        user("KdYKjnimT4KPd8KKdQt9FQ", "agentops@avops.example", "Agent", "Ops"),
        user("9vQm3LbTQ2uX0kJc7e5N1w", "events@avops.example", "Event", "Desk"),
    ]
}

type Seed = (&'static str, String, Vec<(&'static str, String)>);

fn records() -> Vec<Seed> {
    let seed = |table: &'static str, key: &str, fields: &[(&'static str, &str)]| -> Seed {
        (
            table,
            seed_id(key),
            fields
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
        )
    };
    let mut all = vec![
        seed(
            "sys_user_group",
            "group:av",
            &[
                ("name", "AV Operations"),
                ("email", "av-operations@avops.example"),
            ],
        ),
        seed(
            "sys_user_group",
            "group:events",
            &[("name", "Event Services"), ("email", "events@avops.example")],
        ),
        seed(
            "sys_user",
            "user:agentops",
            &[
                ("name", "AgentOps"),
                ("user_name", "agentops"),
                ("email", "agentops@avops.example"),
            ],
        ),
        seed(
            "sys_user",
            "user:dana",
            &[
                ("name", "Dana Reyes"),
                ("user_name", "dana.reyes"),
                ("email", "dana.reyes@avops.example"),
            ],
        ),
        seed(
            "kb_knowledge_base",
            "base:av",
            &[
                ("title", "AV Operations"),
                ("description", "How rooms and events are run"),
            ],
        ),
        seed(
            "kb_category",
            "category:rooms",
            &[("label", "Zoom Rooms"), ("value", "zoom_rooms")],
        ),
    ];
    let (group, caller, base) = (seed_id("group:av"), seed_id("user:dana"), seed_id("base:av"));
    all.push(seed(
        "incident",
        "incident:hdmi",
        &[
            ("short_description", "Boardroom 4A: HDMI display is black"),
            (
                "description",
                "The front display in Boardroom 4A shows no picture; the Zoom room is offline.",
            ),
            ("category", "hardware"),
            ("urgency", "2"),
            ("impact", "2"),
            ("assignment_group", &group),
            ("caller_id", &caller),
            ("opened_by", &caller),
        ],
    ));
    all.push(seed(
        "kb_knowledge",
        "article:hdmi",
        &[
            ("short_description", "Display is black over HDMI"),
            (
                "text",
                "<h2>Check</h2><p>Power, input, cable. Restart the room if it is offline.</p>",
            ),
            ("kb_knowledge_base", &base),
            ("workflow_state", "published"),
            ("author", &caller),
        ],
    ));
    all
}

fn seed_id(key: &str) -> String {
    let mut id = opaque(key, 0);
    id.truncate(32);
    id
}

fn devices() -> Devices {
    let tool = |id: &str, properties: serde_json::Value| Tool {
        devices: BTreeMap::from([(id.to_owned(), properties)]),
    };
    let tools = [
        (
            "qsys_control",
            tool(
                "core-4a",
                json!({
                    "device_id": "core-4a", "name": "Boardroom 4A core", "state": "Operational",
                    "gains": {"main": -12.0, "program": -18.0}, "snapshot": "Default",
                    "snapshots": ["Default", "Meeting", "Presentation", "FactoryReset"],
                }),
            ),
        ),
        (
            "dante_ctrl",
            tool(
                "dante-4a",
                json!({"device_id": "dante-4a", "name": "Boardroom 4A audio", "routes": {"amp-1": "core-4a-out-1"}}),
            ),
        ),
        (
            "network_api",
            tool(
                "sw-4",
                json!({
                    "device_id": "sw-4", "name": "Floor 4 switch", "qos": {"12": "av-default"},
                    "ports": {"12": {"packet_loss": 0.1, "jitter_ms": 4.0, "latency_ms": 6.0, "up": true}},
                }),
            ),
        ),
    ];
    Devices {
        tools: tools
            .into_iter()
            .map(|(name, tool)| (name.to_owned(), tool))
            .collect(),
        log: Vec::new(),
        keyed: Vec::new(),
    }
}
