//! The vendor sandbox of mock mode: servers that speak the vendors' wire formats, most of them HTTP,
//! keep state, and misbehave on demand.
//!
//! Boundary: [`start`] opens the listeners (plain HTTP, and TLS if asked) and returns a cheap
//! [`Handle`]. Each vendor lives under its own prefix (`/slack`, `/jira`,
//! `/devices/<tool>`, …), and below it the paths are the vendor's own. `/_sandbox/...` is the control
//! interface: faults, a snapshot of the state, settings and reset.
//!
//! Deliberately absent: connectors (they live in `tools` and can't tell the sandbox from a
//! vendor), any outbound call, and anything production needs. The credentials are fixed and public.

mod call;
mod control;
mod credentials;
mod devices;
mod error;
mod fault;
mod gate;
mod github;
mod google;
mod jira;
mod lines;
mod mail;
mod pagerduty;
mod pages;
mod persist;
mod reply;
mod search;
mod seed;
mod server;
mod servicenow;
mod slack;
mod state;
mod tls;
mod tokens;
mod vendor;
mod view;
mod web;
mod world;
mod zoom;

pub use credentials::{
    BRAVE_API_KEY, EXTRON_PASSWORD, GITHUB_TOKEN, GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET,
    GOOGLE_REFRESH_TOKEN, GOOGLE_USER, JIRA_EMAIL, JIRA_TOKEN, MAIL_PASSWORD, MAIL_USER, PAGERDUTY_API_TOKEN,
    PAGERDUTY_ROUTING_KEY, QSYS_PIN, QSYS_USER, SERVICENOW_API_KEY, SERVICENOW_PASSWORD, SERVICENOW_TOKEN,
    SERVICENOW_USER, SLACK_TOKEN, ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID, ZOOM_CLIENT_SECRET,
};
pub use error::Error;
pub use fault::{Fault, FaultKind, FaultStatus};
pub use github::{PullDiff, pull_diff};
pub use server::{Handle, Options, start};
pub use vendor::Vendor;
pub use view::vendors;
