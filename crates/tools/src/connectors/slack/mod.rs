//! Slack's Web API. Bearer token; refusals are 200 with `{"ok":false,"error":…}`; a message carries
//! the call's marker in its `metadata`, by which it is found again in the channel's history.

mod api;
mod channels;
mod history;
mod post_message;

use async_trait::async_trait;
use serde_json::{Value, json};
use types::ToolSpec;

use crate::connector::{no_look_up, unknown_action};
use crate::{Access, Answer, CallContext, CallError, Connector, Way, load};

/// The connector.
pub(crate) struct Slack;

/// A bot's token opens it.
pub(crate) const ACCESS: Access = Access {
    base_url: Some("https://slack.com"),
    ways: &[Way::Bearer("token")],
};

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

#[async_trait]
impl Connector for Slack {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        match action {
            "post_message" => post_message::call(ctx, args).await,
            "history" => history::call(ctx, args).await,
            "list_channels" => channels::call(ctx, args).await,
            "auth_test" => auth_test(ctx).await,
            other => Err(unknown_action(other)),
        }
    }

    async fn look_up(
        &self,
        ctx: &CallContext,
        action: &str,
        args: &Value,
    ) -> Result<Option<Answer>, CallError> {
        match action {
            "post_message" => post_message::look_up(ctx, args).await,
            other => Err(no_look_up(other)),
        }
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        let who = auth_test(ctx).await?.output;
        let name = |key: &str| who[key].as_str().unwrap_or("?").to_owned();
        Ok(format!("signed in as {} in {}", name("user"), name("team")))
    }
}

async fn auth_test(ctx: &CallContext) -> Result<Answer, CallError> {
    let body = api::call(ctx, api::form("auth.test", &[])).await?;
    Ok(Answer::new(json!({
        "team": body["team"],
        "team_id": body["team_id"],
        "user": body["user"],
        "user_id": body["user_id"],
        "url": body["url"],
    })))
}
