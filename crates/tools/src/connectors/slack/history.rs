//! `slack.history`: the newest messages of a channel.

use serde_json::{Value, json};

use super::{api, channels};
use crate::arguments::text;
use crate::{Answer, CallContext, CallError};

/// Reads them.
pub(super) async fn call(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let channel = channels::id_of(ctx, text(args, "channel").unwrap_or_default()).await?;
    let mut fields = vec![
        ("channel", channel.clone()),
        ("limit", args["limit"].as_u64().unwrap_or(20).to_string()),
    ];
    for bound in ["oldest", "latest"] {
        if let Some(ts) = text(args, bound) {
            fields.push((bound, ts.to_owned()));
        }
    }
    let body = api::call(ctx, api::form("conversations.history", &fields)).await?;
    let messages: Vec<Value> = body["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|message| {
            let user = if message["user"].is_null() {
                &message["bot_id"]
            } else {
                &message["user"]
            };
            json!({
                "ts": message["ts"],
                "user": user,
                "text": message["text"],
                "thread_ts": message["thread_ts"],
            })
        })
        .collect();
    let has_more = body["has_more"].as_bool().unwrap_or(false) || api::next_cursor(&body).is_some();
    Ok(Answer::new(
        json!({ "channel": channel, "messages": messages, "has_more": has_more }),
    ))
}
