//! Tickets wherever an installation keeps them: at the built-in desk or at a vendor. A vendor is called
//! through its own connector's functions, at its own endpoint, under the same permit and guard.

mod built_in;
mod jira;
mod servicenow;

use std::sync::Arc;

use async_trait::async_trait;
use ports::DeskStore;
use serde_json::Value;
use types::{Failure, ToolSpec};

use crate::connector::no_look_up;
use crate::{Answer, CallContext, CallError, Connector, load};

/// Tickets are kept here.
pub(crate) const BUILT_IN: &str = "built_in";
/// Tickets are kept there.
const SERVICENOW: &str = "servicenow";
/// Tickets are kept there, in the project that follows a colon.
const JIRA: &str = "jira";

/// The connector.
pub(crate) struct Ticketing {
    desk: Arc<dyn DeskStore>,
}

impl Ticketing {
    /// Ticketing whose built-in tickets lie in `desk`.
    pub(crate) fn new(desk: Arc<dyn DeskStore>) -> Self {
        Self { desk }
    }
}

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

#[async_trait]
impl Connector for Ticketing {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    fn routes(&self) -> &'static [&'static str] {
        &[BUILT_IN, SERVICENOW, JIRA]
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        match route(ctx) {
            (BUILT_IN, _) => built_in::call(self.desk.as_ref(), ctx, action, args).await,
            (SERVICENOW, _) => servicenow::call(ctx, action, args).await,
            (JIRA, project) if !project.is_empty() => jira::call(ctx, project, action, args).await,
            _ => Err(unknown_route(ctx.through())),
        }
    }

    async fn look_up(
        &self,
        ctx: &CallContext,
        action: &str,
        _args: &Value,
    ) -> Result<Option<Answer>, CallError> {
        if action != "create_ticket" {
            return Err(no_look_up(action));
        }
        match route(ctx) {
            (BUILT_IN, _) => built_in::look_up(self.desk.as_ref(), ctx).await,
            (SERVICENOW, _) => servicenow::look_up(ctx).await,
            (JIRA, project) if !project.is_empty() => jira::look_up(ctx, project).await,
            _ => Err(unknown_route(ctx.through())),
        }
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        match route(ctx) {
            (BUILT_IN, _) => built_in::health(self.desk.as_ref(), ctx).await,
            (SERVICENOW, _) => servicenow::health(ctx).await,
            (JIRA, project) if !project.is_empty() => jira::health(ctx, project).await,
            _ => Err(unknown_route(ctx.through())),
        }
    }
}

/// The keeper, and what stands behind the colon.
fn route(ctx: &CallContext) -> (&str, &str) {
    ctx.through().split_once(':').unwrap_or((ctx.through(), ""))
}

fn unknown_route(through: &str) -> CallError {
    CallError::refused(Failure::new(
        "tool_misconfigured",
        format!("tickets can't be kept by {through}"),
    ))
}
