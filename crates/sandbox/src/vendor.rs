//! The vendors, and each one's way of saying the things faults make it say.

use std::fmt;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::reply::{Answer, Handled};
use crate::world::World;
use crate::{devices, servicenow, slack, zoom};

/// A vendor that the sandbox speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    /// Slack's Web API.
    Slack,
    /// Zoom's OAuth and REST API, version 2.
    Zoom,
    /// ServiceNow's Table and Attachment APIs.
    ServiceNow,
    /// Plain HTTP connectors with `GET /health` and `POST /action`.
    Devices,
}

/// The plain HTTP tools that the sandbox stands in for.
pub const DEVICE_TOOLS: &[&str] = &["qsys_control", "dante_ctrl", "network_api"];

impl Vendor {
    /// All of them.
    pub const ALL: [Vendor; 4] = [Vendor::Slack, Vendor::Zoom, Vendor::ServiceNow, Vendor::Devices];

    /// The path under which the vendor's own paths lie.
    pub const fn prefix(self) -> &'static str {
        match self {
            Vendor::Slack => "/slack",
            Vendor::Zoom => "/zoom",
            Vendor::ServiceNow => "/servicenow",
            Vendor::Devices => "/devices",
        }
    }

    /// The vendor whose prefix `path` has.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        Vendor::ALL.into_iter().find(|vendor| {
            path.strip_prefix(vendor.prefix())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Does what the call asks.
    pub(crate) fn handle(self, world: &World, call: &Call) -> Handled {
        match self {
            Vendor::Slack => slack::handle(world, call),
            Vendor::Zoom => zoom::handle(world, call),
            Vendor::ServiceNow => servicenow::handle(world, call),
            Vendor::Devices => devices::handle(world, call),
        }
    }

    /// Too many requests; come back in so many seconds.
    pub(crate) fn rate_limited(self, retry_after_s: u32) -> Answer {
        match self {
            Vendor::Slack => slack::rate_limited(retry_after_s),
            Vendor::Zoom => zoom::rate_limited(retry_after_s),
            Vendor::ServiceNow => servicenow::rate_limited(retry_after_s),
            Vendor::Devices => devices::rate_limited(retry_after_s),
        }
    }

    /// The credentials were good once.
    pub(crate) fn token_expired(self) -> Answer {
        match self {
            Vendor::Slack => slack::token_expired(),
            Vendor::Zoom => zoom::token_expired(),
            Vendor::ServiceNow => servicenow::not_authenticated(),
            Vendor::Devices => devices::refuse(StatusCode::UNAUTHORIZED, "the session has expired"),
        }
    }

    /// Something broke inside the vendor.
    pub(crate) fn server_error(self, status: StatusCode) -> Answer {
        match self {
            Vendor::Slack => slack::server_error(status),
            Vendor::Zoom => zoom::server_error(status),
            Vendor::ServiceNow => servicenow::server_error(status),
            Vendor::Devices => devices::refuse(status, "the device's gateway failed"),
        }
    }

    /// The body is larger than the sandbox takes.
    pub(crate) fn too_large(self) -> Answer {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        match self {
            Vendor::Slack => slack::refuse_with(status, "request_too_large"),
            Vendor::Zoom => zoom::refuse(status, 413, "Request entity too large."),
            Vendor::ServiceNow => servicenow::refuse(status, "Request entity too large", None),
            Vendor::Devices => devices::refuse(status, "the request is larger than 2 MB"),
        }
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix().trim_start_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tools_named_are_the_tools_that_are_there() {
        let state = crate::seed::state(types::Timestamp::from_millis(0));
        let mut named = DEVICE_TOOLS.to_vec();
        named.sort_unstable();
        assert!(state.devices.tools.keys().eq(named));
    }

    #[test]
    fn a_prefix_is_a_whole_part_of_the_path() {
        assert_eq!(Vendor::of_path("/slack/api/auth.test"), Some(Vendor::Slack));
        assert_eq!(Vendor::of_path("/zoom"), Some(Vendor::Zoom));
        assert_eq!(Vendor::of_path("/zoomer/v2"), None);
        assert_eq!(Vendor::of_path("/"), None);
    }
}
