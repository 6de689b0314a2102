//! Zoom: server-to-server OAuth, Zoom Rooms (look-up, devices, health, restart, policy check), meetings
//! and webinars. Errors are `{code,message,errors[{field,message}]}`; lists page by `next_page_token`.

mod api;
mod health;
mod policy;
mod restart;
mod rooms;
mod sessions;
mod token;

use async_trait::async_trait;
use serde_json::Value;
use types::ToolSpec;

use crate::connector::{no_look_up, unknown_action};
use crate::http::Request;
use crate::tokens::Tokens;
use crate::{Access, Answer, CallContext, CallError, Connector, Way, load};
use sessions::Kind;

pub(crate) use token::token_url;

/// The connector with its tokens.
#[derive(Default)]
pub(crate) struct Zoom {
    tokens: Tokens,
}

/// A server-to-server app opens it; its secrets go to where tokens are fetched.
pub(crate) const ACCESS: Access = Access {
    base_url: Some("https://api.zoom.us"),
    ways: &[Way::Account],
};

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

#[async_trait]
impl Connector for Zoom {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        let api = api::Api {
            ctx,
            tokens: &self.tokens,
        };
        match action {
            "list_rooms" => rooms::list(&api, args).await,
            "find_room" => rooms::find(&api, args).await,
            "room_devices" => rooms::devices(&api, args).await,
            "room_health" => health::call(&api, args).await,
            "check_policy" => policy::call(&api, args).await,
            "restart_room" => restart::call(&api, args).await,
            "create_meeting" => sessions::create(&api, args, Kind::Meeting).await,
            "create_webinar" => sessions::create(&api, args, Kind::Webinar).await,
            other => Err(unknown_action(other)),
        }
    }

    async fn look_up(
        &self,
        ctx: &CallContext,
        action: &str,
        args: &Value,
    ) -> Result<Option<Answer>, CallError> {
        let api = api::Api {
            ctx,
            tokens: &self.tokens,
        };
        match action {
            "create_meeting" => sessions::look_up(&api, args, Kind::Meeting).await,
            "create_webinar" => sessions::look_up(&api, args, Kind::Webinar).await,
            other => Err(no_look_up(other)),
        }
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        let api = api::Api {
            ctx,
            tokens: &self.tokens,
        };
        let page = api
            .json(Request::get(&["v2", "rooms"]).query("page_size", "30"))
            .await?;
        let rooms = page["rooms"].as_array().map_or(0, Vec::len);
        let more = if api::next_page(&page).is_some() {
            " or more"
        } else {
            ""
        };
        Ok(format!("signed in; {rooms}{more} rooms"))
    }
}
