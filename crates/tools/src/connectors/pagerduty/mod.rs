//! PagerDuty's Events API, version 2: trigger, acknowledge and resolve an alert by its `dedup_key`.
//! The routing key stands in the body of each event, so it never goes into a header.

mod events;

use async_trait::async_trait;
use serde_json::Value;
use types::ToolSpec;

use crate::connector::unknown_action;
use crate::{Access, Answer, CallContext, CallError, Connector, Way, load};

/// The connector.
pub(crate) struct PagerDuty;

/// The routing key of a service's integration opens it. Accounts in the EU set
/// `https://events.eu.pagerduty.com` as the tool's base URL.
pub(crate) const ACCESS: Access = Access {
    base_url: Some("https://events.pagerduty.com"),
    ways: &[Way::Parts(&["routing_key"])],
};

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

#[async_trait]
impl Connector for PagerDuty {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        match action {
            "trigger" => events::trigger(ctx, args).await,
            "acknowledge" | "resolve" => events::follow_up(ctx, action, args).await,
            other => Err(unknown_action(other)),
        }
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        events::health(ctx).await
    }
}
