//! Independent judges: our connectors' requests and the sandbox's answers against the vendors' own
//! schemas and types, our requests beside those of their SDKs, the SDKs against the sandbox over TLS, and
//! their checks of webhooks beside the gateway's. README.md says how to add a vendor.

mod github;
mod google;
mod jira;
mod openapi;
mod pagerduty;
mod peers;
mod recorder;
mod same;
mod same_tests;
mod servicenow;
mod slack;
mod vendor_types;
mod web_search;
mod webhooks;
mod zoom;

#[path = "../connectors/rig.rs"]
#[expect(
    dead_code,
    reason = "the rig of the connectors' tests; judges need a part of it"
)]
mod rig;
