//! Independent judges: our connectors' requests and the sandbox's answers against the vendors' own
//! schemas, and the vendors' own SDKs against the sandbox over TLS. README.md says how to add a vendor.

mod github;
mod google;
mod jira;
mod openapi;
mod pagerduty;
mod peers;
mod recorder;
mod servicenow;
mod slack;

#[path = "../connectors/rig.rs"]
#[expect(
    dead_code,
    reason = "the rig of the connectors' tests; judges need a part of it"
)]
mod rig;
