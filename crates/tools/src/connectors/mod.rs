//! The built-in connectors, one folder each.

use std::sync::Arc;

use ports::DeskStore;

use crate::{Access, Connector};

mod calendar;
mod email;
mod extron;
mod github;
pub(crate) mod google_drive;
pub(crate) mod jira;
pub(crate) mod local;
pub(crate) mod mcp;
mod page_fetch;
mod pagerduty;
pub(crate) mod plain;
mod qsys;
pub(crate) mod servicenow;
mod slack;
pub(crate) mod ticketing;
mod web_search;
pub(crate) mod zoom;

/// The connectors that every installation has.
pub(crate) fn built_in(
    sink: Arc<dyn local::LocalSink>,
    desk: &Arc<dyn DeskStore>,
) -> Vec<Arc<dyn Connector>> {
    vec![
        Arc::new(calendar::Calendar::new(Arc::clone(desk))),
        Arc::new(ticketing::Ticketing::new(Arc::clone(desk))),
        Arc::new(email::Email),
        Arc::new(google_drive::GoogleDrive::default()),
        Arc::new(local::Local::new(sink)),
        Arc::new(github::GitHub),
        Arc::new(jira::Jira),
        Arc::new(pagerduty::PagerDuty),
        Arc::new(extron::Extron),
        Arc::new(qsys::QSys),
        Arc::new(page_fetch::PageFetch),
        Arc::new(servicenow::ServiceNow),
        Arc::new(slack::Slack),
        Arc::new(web_search::WebSearch),
        Arc::new(zoom::Zoom::default()),
    ]
}

/// How a built-in tool is reached.
pub(crate) fn access(tool: &str) -> Option<Access> {
    Some(match tool {
        "github" => github::ACCESS,
        "jira" => jira::ACCESS,
        "pagerduty" => pagerduty::ACCESS,
        "extron" => extron::ACCESS,
        "qsys" => qsys::ACCESS,
        "email" => email::ACCESS,
        "google_drive" => google_drive::ACCESS,
        "page_fetch" => page_fetch::ACCESS,
        "servicenow" => servicenow::ACCESS,
        "slack" => slack::ACCESS,
        "web_search" => web_search::ACCESS,
        "zoom" => zoom::ACCESS,
        _ => return None,
    })
}

/// Their specifications.
#[cfg(test)]
pub(crate) fn specs() -> Vec<types::ToolSpec> {
    vec![
        calendar::spec(),
        extron::spec(),
        github::spec(),
        jira::spec(),
        local::spec(),
        pagerduty::spec(),
        qsys::spec(),
        servicenow::spec(),
        slack::spec(),
        ticketing::spec(),
        email::spec(),
        google_drive::spec(),
        page_fetch::spec(),
        web_search::spec(),
        zoom::spec(),
    ]
}
