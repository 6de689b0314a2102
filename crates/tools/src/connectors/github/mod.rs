//! GitHub's REST API, version 2022-11-28. Refusals are `{message, errors[{resource, field, code}]}`;
//! a limit is told as 403 or 429. Our markers: an HTML comment at the end of bodies, a trailer at the
//! end of commit messages; a branch is found by its name.

mod api;
mod branch;
mod file;
mod issue;
mod marker;
mod pull;

use async_trait::async_trait;
use serde_json::Value;
use types::ToolSpec;

use crate::connector::{no_look_up, unknown_action};
use crate::http::Request;
use crate::{Access, Answer, CallContext, CallError, Connector, Way, load};

/// The connector.
pub(crate) struct GitHub;

/// A token opens it, fine-grained or of an app. GitHub Enterprise sets `https://HOST/api/v3` as the
/// tool's base URL.
pub(crate) const ACCESS: Access = Access {
    base_url: Some("https://api.github.com"),
    ways: &[Way::Bearer("token")],
};

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

#[async_trait]
impl Connector for GitHub {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        match action {
            "create_issue" => issue::create(ctx, args).await,
            "comment_issue" => issue::comment(ctx, args).await,
            "close_issue" => issue::close(ctx, args).await,
            "get_issue" => issue::get(ctx, args).await,
            "list_issues" => issue::list(ctx, args).await,
            "create_branch" => branch::create(ctx, args).await,
            "put_file" => file::put(ctx, args).await,
            "get_file" => file::get(ctx, args).await,
            "create_pull_request" => pull::create(ctx, args).await,
            "get_pull_request" => pull::get(ctx, args).await,
            "get_diff" => pull::diff(ctx, args).await,
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
            "comment_issue" => issue::look_up_comment(ctx, args).await,
            "put_file" => file::look_up(ctx, args).await,
            "create_pull_request" => pull::look_up(ctx, args).await,
            other => Err(no_look_up(other)),
        }
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        let me = api::json(ctx, Request::get(&["user"])).await?;
        Ok(format!("signed in as {}", me["login"].as_str().unwrap_or("?")))
    }
}
