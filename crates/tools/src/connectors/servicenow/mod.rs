//! ServiceNow: the Table and Attachment APIs. Answers are `{"result":…}`, errors are
//! `{"error":{"message","detail"},"status":"failure"}`. Created records carry the call's marker in a
//! field (`correlation_id`, or `meta` of an article) by which they are found again.

mod article;
mod attachment;
pub(crate) mod incident;
mod table;
mod work;

use async_trait::async_trait;
use serde_json::Value;
use types::ToolSpec;

use crate::connector::{no_look_up, unknown_action};
use crate::{Access, Answer, CallContext, CallError, Connector, Way, load};

/// The connector.
pub(crate) struct ServiceNow;

/// Every instance has its own address.
pub(crate) const ACCESS: Access = Access {
    base_url: None,
    ways: &[
        Way::Bearer("token"),
        Way::Header {
            name: "x-sn-apikey",
            before: "",
            secret: "api_key",
        },
        Way::Basic("user", "password"),
    ],
};

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

#[async_trait]
impl Connector for ServiceNow {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        match action {
            "create_incident" => incident::create(ctx, args).await,
            "get_incident" => incident::get(ctx, args).await,
            "find_incidents" => incident::find(ctx, args).await,
            "update_incident" => incident::update(ctx, args).await,
            "add_work_note" => incident::add_work_note(ctx, args).await,
            "create_article" => article::create(ctx, args).await,
            "get_article" => article::get(ctx, args).await,
            "update_article" => article::update(ctx, args).await,
            "attach_file" => attachment::create(ctx, args).await,
            "create_story" => work::create_story(ctx, args).await,
            "create_subtask" => work::create_subtask(ctx, args).await,
            "create_task" => work::create_task(ctx, args).await,
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
            "create_incident" => incident::look_up(ctx).await,
            "create_article" => article::look_up(ctx).await,
            "attach_file" => attachment::look_up(ctx, args).await,
            "create_story" => work::look_up(ctx, work::STORY).await,
            "create_subtask" => work::look_up(ctx, work::SUBTASK).await,
            "create_task" => work::look_up(ctx, work::TASK).await,
            other => Err(no_look_up(other)),
        }
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        let found = table::list(ctx, "incident", "", 1).await?;
        Ok(format!(
            "signed in; incidents can be read ({} shown)",
            found.len()
        ))
    }
}
