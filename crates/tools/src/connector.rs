//! What every connector offers to the registry.

use async_trait::async_trait;
use serde_json::Value;
use types::{Failure, Millis, ToolSpec};

use crate::{Answer, CallContext, CallError};

/// One tool: its actions and how they are called. A connector never decides whether a call may run;
/// it sends through its [`CallContext`], which asks the guard before each request.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// The tool as the catalogue shows it, with all names that resolve to its actions.
    fn spec(&self) -> ToolSpec;

    /// Whether the tool lives somewhere else and so needs an [`crate::Endpoint`].
    fn remote(&self) -> bool {
        true
    }

    /// Where the tool's calls can go, if an installation chooses: names of tools, whose endpoints are then
    /// used, or `built-in`. What was chosen is `ctx.through()`.
    fn routes(&self) -> &'static [&'static str] {
        &[]
    }

    /// How long a health check may take, in milliseconds.
    fn health_ms(&self) -> Millis {
        10_000
    }

    /// The origin that a call with these arguments goes to, if that isn't the endpoint's: what happens
    /// there then says nothing of the tool's other calls.
    fn origin(&self, args: &Value) -> Option<String> {
        let _ = args;
        None
    }

    /// Performs one action, whose arguments fit the action's schema.
    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError>;

    /// Looks for the effect of an earlier call with the same key: its answer, or `None` if it is
    /// certain that there is none. Any doubt is an error.
    async fn look_up(
        &self,
        ctx: &CallContext,
        action: &str,
        args: &Value,
    ) -> Result<Option<Answer>, CallError> {
        let _ = (ctx, args);
        Err(no_look_up(action))
    }

    /// Asks the tool how it is, with a cheap read; the text says what was seen.
    async fn health(&self, ctx: &CallContext) -> Result<String, CallError>;
}

/// The answer for actions whose effect can't be found again.
pub(crate) fn no_look_up(action: &str) -> CallError {
    CallError::refused(Failure::new(
        "look_up_impossible",
        format!("{action} leaves no marker, so nobody can look up whether it happened"),
    ))
}

/// The answer for an action that the specification names and the connector doesn't know: a defect.
pub(crate) fn unknown_action(action: &str) -> CallError {
    CallError::refused(Failure::new(
        "unknown_action",
        format!("the connector has no action {action}"),
    ))
}
