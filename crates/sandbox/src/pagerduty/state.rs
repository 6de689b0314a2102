//! What PagerDuty knows: the alerts of one service, oldest first.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use types::Timestamp;

/// One service.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct PagerDuty {
    pub alerts: Vec<Alert>,
}

/// An alert with the incident that it opened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Alert {
    /// The incident's id.
    pub id: String,
    /// The incident's number.
    pub number: u64,
    pub dedup_key: String,
    pub status: Status,
    pub summary: String,
    pub source: String,
    pub severity: String,
    /// Everything else that the payload said.
    pub details: Map<String, Value>,
    /// How many events raised it or added to it.
    pub events: u32,
    pub created: Timestamp,
    pub changed: Timestamp,
}

/// How far an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Triggered,
    Acknowledged,
    Resolved,
}

impl Status {
    /// As PagerDuty spells it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Status::Triggered => "triggered",
            Status::Acknowledged => "acknowledged",
            Status::Resolved => "resolved",
        }
    }
}
