//! Google Drive, version 3: files with a marker among their private properties, and links to share
//! them. An OAuth client's refresh token opens it.

mod api;
mod share;
mod token;
mod upload;

use async_trait::async_trait;
use serde_json::{Value, json};
use types::ToolSpec;

use crate::arguments::text;
use crate::connector::{no_look_up, unknown_action};
use crate::http::Request;
use crate::tokens::Tokens;
use crate::{Access, Answer, CallContext, CallError, Connector, Way, load};
use api::Api;

pub(crate) use token::token_url;

/// The connector with its tokens.
#[derive(Default)]
pub(crate) struct GoogleDrive {
    tokens: Tokens,
}

/// An OAuth client with a refresh token opens it; its secrets go to where tokens are fetched.
pub(crate) const ACCESS: Access = Access {
    base_url: Some("https://www.googleapis.com"),
    ways: &[Way::Parts(&["client_id", "client_secret", "refresh_token"])],
};

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

impl GoogleDrive {
    fn api<'a>(&'a self, ctx: &'a CallContext) -> Api<'a> {
        Api {
            ctx,
            tokens: &self.tokens,
        }
    }
}

#[async_trait]
impl Connector for GoogleDrive {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        let api = self.api(ctx);
        match action {
            "upload_file" => upload::call(&api, args).await,
            "share_file" => share::call(&api, args).await,
            "get_file" => get(&api, args).await,
            "list_files" => list(&api, args).await,
            other => Err(unknown_action(other)),
        }
    }

    async fn look_up(&self, ctx: &CallContext, action: &str, _: &Value) -> Result<Option<Answer>, CallError> {
        match action {
            "upload_file" => upload::look_up(&self.api(ctx)).await,
            other => Err(no_look_up(other)),
        }
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        let request =
            Request::get(&["drive", "v3", "about"]).query("fields", "user(displayName,emailAddress)");
        let body = self.api(ctx).json(request).await?;
        let user = body["user"]["emailAddress"].as_str().unwrap_or("?");
        Ok(format!("signed in as {user}"))
    }
}

async fn get(api: &Api<'_>, args: &Value) -> Result<Answer, CallError> {
    let id = text(args, "file_id").unwrap_or_default();
    let request = Request::get(&["drive", "v3", "files", id])
        .query("fields", api::FIELDS)
        .query("supportsAllDrives", "true");
    let file = api.json(request).await?;
    Ok(Answer::new(api::shown(&file)?))
}

async fn list(api: &Api<'_>, args: &Value) -> Result<Answer, CallError> {
    let mut conditions = vec!["trashed = false".to_owned()];
    if let Some(name) = text(args, "name") {
        conditions.push(format!("name = {}", api::quoted(name)));
    }
    if let Some(folder) = text(args, "folder_id") {
        conditions.push(format!("{} in parents", api::quoted(folder)));
    }
    let most = usize::try_from(args["limit"].as_u64().unwrap_or(100)).unwrap_or(100);
    let files = api.list(&conditions.join(" and "), most).await?;
    let files: Vec<Value> = files.iter().map(api::shown).collect::<Result<_, _>>()?;
    Ok(Answer::new(json!({ "files": files })))
}
