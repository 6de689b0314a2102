//! `slack.list_channels`, and the id behind a channel's name.

use serde_json::{Value, json};
use types::Failure;

use super::api::{self, PAGE};
use crate::{Answer, CallContext, CallError};

/// The most pages of channels that are read.
const MOST_PAGES: usize = 25;

/// Lists channels.
pub(super) async fn call(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let limit = usize::try_from(args["limit"].as_u64().unwrap_or(200)).unwrap_or(200);
    let prefix = args["prefix"]
        .as_str()
        .unwrap_or("")
        .trim_start_matches('#')
        .to_lowercase();
    let mut channels = Vec::new();
    let mut cursor = None;
    for _ in 0..MOST_PAGES {
        let body = page(ctx, cursor.as_deref()).await?;
        let fits = |channel: &&Value| {
            channel["name"]
                .as_str()
                .unwrap_or("")
                .to_lowercase()
                .starts_with(&prefix)
        };
        channels.extend(listed(&body).filter(fits).map(|channel| {
            json!({
                "id": channel["id"],
                "name": channel["name"],
                "is_private": channel["is_private"].as_bool().unwrap_or(false),
            })
        }));
        cursor = api::next_cursor(&body);
        if channels.len() >= limit || cursor.is_none() {
            break;
        }
    }
    channels.truncate(limit);
    Ok(Answer::new(json!({ "channels": channels })))
}

/// The id of a channel given by id or by name.
pub(super) async fn id_of(ctx: &CallContext, channel: &str) -> Result<String, CallError> {
    if is_id(channel) {
        return Ok(channel.to_owned());
    }
    let name = channel.trim_start_matches('#').to_lowercase();
    let mut cursor = None;
    for _ in 0..MOST_PAGES {
        let body = page(ctx, cursor.as_deref()).await?;
        let found = listed(&body).find(|channel| {
            channel["name"]
                .as_str()
                .is_some_and(|known| known.to_lowercase() == name)
        });
        if let Some(id) = found.and_then(|channel| channel["id"].as_str()) {
            return Ok(id.to_owned());
        }
        cursor = api::next_cursor(&body);
        if cursor.is_none() {
            break;
        }
    }
    Err(CallError::refused(
        Failure::new("tool_refused", format!("slack shows the bot no channel #{name}"))
            .hint("check the channel's name and invite the bot to the channel"),
    ))
}

fn is_id(channel: &str) -> bool {
    channel.len() >= 9
        && channel.starts_with(['C', 'G', 'D'])
        && channel
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn listed(body: &Value) -> impl Iterator<Item = &Value> {
    body["channels"].as_array().into_iter().flatten()
}

async fn page(ctx: &CallContext, cursor: Option<&str>) -> Result<Value, CallError> {
    let mut fields = vec![
        ("types", "public_channel,private_channel".to_owned()),
        ("exclude_archived", "true".to_owned()),
        ("limit", PAGE.to_string()),
    ];
    if let Some(cursor) = cursor {
        fields.push(("cursor", cursor.to_owned()));
    }
    api::call(ctx, api::form("conversations.list", &fields)).await
}
