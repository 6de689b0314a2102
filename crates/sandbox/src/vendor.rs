//! The vendors, and each one's way of saying the things faults make it say.

use std::fmt;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::reply::{Answer, Handled};
use crate::world::World;
use crate::{devices, github, google, jira, lines, mail, pagerduty, search, servicenow, slack, web, zoom};

/// The scheme of the listener that most vendors share.
const HTTP: &str = "http";

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
    /// GitHub's REST API over a real git repository.
    GitHub,
    /// Jira Cloud's REST API, version 3.
    Jira,
    /// PagerDuty's Events API, version 2.
    PagerDuty,
    /// Google's token endpoint and Drive API, version 3.
    Google,
    /// A mail server: its messages come over SMTP, its pages show them.
    Mail,
    /// SearXNG's and Brave's search.
    Search,
    /// Pages of a small web.
    Web,
    /// Plain HTTP connectors with `GET /health` and `POST /action`.
    Devices,
    /// A Q-SYS core, over TCP.
    QSys,
    /// An Extron matrix switcher, over TCP.
    Extron,
}

/// What each vendor's folder offers: how its requests are answered, in its own words. A new vendor is
/// a folder with a `Desk`, a line in [`Vendor`] and one in `Vendor::desk`.
pub(crate) trait Desk: Sync {
    /// The tools that it stands in for, each with the path below the vendor's prefix.
    fn tools(&self) -> &'static [(&'static str, &'static str)];

    /// The secrets that it accepts, by the names that the connector gives them. They are public.
    fn secrets(&self) -> &'static [(&'static str, &'static str)];

    /// How it is spoken to: by `http` below its prefix, or on a listener of its own, by the scheme of
    /// that listener's address, such as `tcp`.
    fn scheme(&self) -> &'static str {
        HTTP
    }

    /// Whether its answers take a while even when nothing is kept on a disk.
    fn blocks(&self) -> bool {
        false
    }

    /// Does what the call asks.
    fn handle(&self, world: &World, call: &Call) -> Handled;

    /// Too many requests; come back in so many seconds.
    fn rate_limited(&self, retry_after_s: u32) -> Answer;

    /// The credentials were good once.
    fn token_expired(&self) -> Answer;

    /// Something broke inside the vendor.
    fn server_error(&self, status: StatusCode) -> Answer;

    /// The body is larger than the sandbox takes.
    fn too_large(&self) -> Answer;
}

impl Vendor {
    /// All of them.
    pub const ALL: [Vendor; 13] = [
        Vendor::Slack,
        Vendor::Zoom,
        Vendor::ServiceNow,
        Vendor::GitHub,
        Vendor::Jira,
        Vendor::PagerDuty,
        Vendor::Google,
        Vendor::Mail,
        Vendor::Search,
        Vendor::Web,
        Vendor::Devices,
        Vendor::QSys,
        Vendor::Extron,
    ];

    /// The path under which the vendor's own paths lie.
    pub const fn prefix(self) -> &'static str {
        match self {
            Vendor::Slack => "/slack",
            Vendor::Zoom => "/zoom",
            Vendor::ServiceNow => "/servicenow",
            Vendor::GitHub => "/github",
            Vendor::Jira => "/jira",
            Vendor::PagerDuty => "/pagerduty",
            Vendor::Google => "/google",
            Vendor::Mail => "/mail",
            Vendor::Search => "/search",
            Vendor::Web => "/web",
            Vendor::Devices => "/devices",
            Vendor::QSys => "/qsys",
            Vendor::Extron => "/extron",
        }
    }

    /// Who answers for it.
    pub(crate) fn desk(self) -> &'static dyn Desk {
        match self {
            Vendor::Slack => &slack::Desk,
            Vendor::Zoom => &zoom::Desk,
            Vendor::ServiceNow => &servicenow::Desk,
            Vendor::GitHub => &github::Desk,
            Vendor::Jira => &jira::Desk,
            Vendor::PagerDuty => &pagerduty::Desk,
            Vendor::Google => &google::Desk,
            Vendor::Mail => &mail::Desk,
            Vendor::Search => &search::Desk,
            Vendor::Web => &web::Desk,
            Vendor::Devices => &devices::Desk,
            Vendor::QSys => &lines::Desk(Vendor::QSys),
            Vendor::Extron => &lines::Desk(Vendor::Extron),
        }
    }

    /// The vendor that stands in for a tool, and the path under which it takes the tool's requests.
    pub fn of_tool(tool: &str) -> Option<(Self, String)> {
        Vendor::ALL.into_iter().find_map(|vendor| {
            let (_, below) = vendor.desk().tools().iter().find(|(name, _)| *name == tool)?;
            Some((vendor, format!("{}{below}", vendor.prefix())))
        })
    }

    /// The secrets that it accepts, by the names that the connector gives them. They are fixed, so
    /// they hold for another process's sandbox too.
    pub fn secrets(self) -> &'static [(&'static str, &'static str)] {
        self.desk().secrets()
    }

    /// The scheme of its own listener's address; none if it is spoken to by HTTP below its prefix.
    pub fn own_scheme(self) -> Option<&'static str> {
        Some(self.desk().scheme()).filter(|scheme| *scheme != HTTP)
    }

    /// The vendor whose prefix `path` has.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        Vendor::ALL.into_iter().find(|vendor| {
            path.strip_prefix(vendor.prefix())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
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
        let mut named: Vec<_> = Vendor::Devices
            .desk()
            .tools()
            .iter()
            .map(|(name, _)| *name)
            .collect();
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
