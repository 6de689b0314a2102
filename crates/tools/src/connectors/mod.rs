//! The built-in connectors, one folder each.

use std::sync::Arc;

use crate::{Access, Connector};

mod jira;
pub(crate) mod local;
mod pagerduty;
pub(crate) mod plain;
mod servicenow;
mod slack;
pub(crate) mod zoom;

/// The connectors that every installation has.
pub(crate) fn built_in(sink: Arc<dyn local::LocalSink>) -> Vec<Arc<dyn Connector>> {
    vec![
        Arc::new(local::Local::new(sink)),
        Arc::new(jira::Jira),
        Arc::new(pagerduty::PagerDuty),
        Arc::new(servicenow::ServiceNow),
        Arc::new(slack::Slack),
        Arc::new(zoom::Zoom::default()),
    ]
}

/// How a built-in tool is reached.
pub(crate) fn access(tool: &str) -> Option<Access> {
    Some(match tool {
        "jira" => jira::ACCESS,
        "pagerduty" => pagerduty::ACCESS,
        "servicenow" => servicenow::ACCESS,
        "slack" => slack::ACCESS,
        "zoom" => zoom::ACCESS,
        _ => return None,
    })
}

/// Their specifications.
#[cfg(test)]
pub(crate) fn specs() -> Vec<types::ToolSpec> {
    vec![
        jira::spec(),
        local::spec(),
        pagerduty::spec(),
        servicenow::spec(),
        slack::spec(),
        zoom::spec(),
    ]
}
