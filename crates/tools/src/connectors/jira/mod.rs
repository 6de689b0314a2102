//! Jira Cloud, REST API version 3. Errors are `{errorMessages, errors}`; rich text is the Atlassian
//! Document Format. Our markers: a label on a created issue, an entity property on a comment, an issue
//! property that a transition sets along with the new status.

mod adf;
mod api;
pub(crate) mod comment;
pub(crate) mod issue;
pub(crate) mod search;
pub(crate) mod transition;

use async_trait::async_trait;
use serde_json::Value;
use types::ToolSpec;

use crate::connector::{no_look_up, unknown_action};
use crate::http::Request;
use crate::{Access, Answer, CallContext, CallError, Connector, Way, load};

/// The connector.
pub(crate) struct Jira;

/// Every site has its own address; an account's e-mail and API token open it.
pub(crate) const ACCESS: Access = Access {
    base_url: None,
    ways: &[Way::Basic("email", "token")],
};

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

#[async_trait]
impl Connector for Jira {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        match action {
            "create_issue" => issue::create(ctx, args).await,
            "get_issue" => issue::get(ctx, args).await,
            "search" => search::call(ctx, args).await,
            "comment" => comment::create(ctx, args).await,
            "transition" => transition::call(ctx, args).await,
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
            "create_issue" => issue::look_up(ctx, args).await,
            "comment" => comment::look_up(ctx, args).await,
            "transition" => transition::look_up(ctx, args).await,
            other => Err(no_look_up(other)),
        }
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        let me = api::json(ctx, Request::get(&["rest", "api", "3", "myself"])).await?;
        Ok(format!(
            "signed in as {}",
            me["displayName"].as_str().unwrap_or("?")
        ))
    }
}
