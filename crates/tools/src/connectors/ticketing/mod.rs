//! Tickets wherever an installation keeps them: at the built-in desk or at a vendor. A vendor is called
//! through its own connector's functions, at its own endpoint, under the same permit and guard.

mod built_in;
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
        &[BUILT_IN, SERVICENOW]
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        match ctx.through() {
            BUILT_IN => built_in::call(self.desk.as_ref(), ctx, action, args).await,
            SERVICENOW => servicenow::call(ctx, action, args).await,
            other => Err(unknown_route(other)),
        }
    }

    async fn look_up(
        &self,
        ctx: &CallContext,
        action: &str,
        _args: &Value,
    ) -> Result<Option<Answer>, CallError> {
        match (action, ctx.through()) {
            ("create_ticket", BUILT_IN) => built_in::look_up(self.desk.as_ref(), ctx).await,
            ("create_ticket", SERVICENOW) => servicenow::look_up(ctx).await,
            ("create_ticket", other) => Err(unknown_route(other)),
            (other, _) => Err(no_look_up(other)),
        }
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        match ctx.through() {
            BUILT_IN => built_in::health(self.desk.as_ref(), ctx).await,
            SERVICENOW => servicenow::health(ctx).await,
            other => Err(unknown_route(other)),
        }
    }
}

fn unknown_route(through: &str) -> CallError {
    CallError::refused(Failure::new(
        "tool_misconfigured",
        format!("tickets can't be kept by {through}"),
    ))
}
