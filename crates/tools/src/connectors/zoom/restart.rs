//! `zoom.restart_room`: asks a room's computer to restart.

use serde_json::{Value, json};

use super::{api::Api, rooms};
use crate::arguments::text;
use crate::http::Request;
use crate::{Answer, CallError};

/// Zoom accepts the request and restarts the room later; its status tells when it is back.
pub(super) async fn call(api: &Api<'_>, args: &Value) -> Result<Answer, CallError> {
    let id = rooms::id_of(api, text(args, "room_id").unwrap_or_default()).await?;
    let request =
        Request::patch(&["v2", "rooms", &id, "events"]).json(json!({ "method": "zoomroom.restart" }));
    api.send(request.effect()).await?;
    Ok(Answer::new(json!({ "room_id": id, "accepted": true })))
}
