//! `chat.postMessage` and `chat.getPermalink`.

use serde_json::{Value, json};

use super::message::{permalink, read_stamp, show, stamp};
use super::{Arguments, ok, refuse};
use crate::reply::{Answer, Handled};
use crate::state::{Channel, Message};
use crate::world::World;

/// The most messages kept in a channel; older ones go.
const MAX_MESSAGES: usize = 5_000;
/// The longest text, in characters.
const MAX_TEXT: usize = 40_000;
/// The most blocks in a message.
const MAX_BLOCKS: usize = 50;

/// Posts a message and tells its stamp.
pub(super) fn post_message(world: &World, arguments: &Arguments) -> Handled {
    let draft = match draft(arguments) {
        Ok(draft) => draft,
        Err(code) => return Ok(refuse(code)),
    };
    let wanted = arguments.text("channel").unwrap_or("");
    let now_us = world.now().as_millis().saturating_mul(1_000);
    world.write(|state| {
        let slack = &mut state.slack;
        let Some(channel) = slack
            .channels
            .iter_mut()
            .find(|channel| is_called(channel, wanted))
        else {
            return Err(refuse("channel_not_found").into());
        };
        let thread = draft.thread_us;
        if thread.is_some_and(|thread| !channel.messages.iter().any(|message| message.stamp_us == thread)) {
            return Err(refuse("thread_not_found").into());
        }
        // Strictly increasing even when the clock stands still: the stamp is the message's name.
        let stamp_us = now_us.max(slack.last_stamp_us + 1);
        slack.last_stamp_us = stamp_us;
        let message = Message { stamp_us, ..draft };
        channel.messages.push(message.clone());
        if channel.messages.len() > MAX_MESSAGES {
            channel.messages.remove(0);
        }
        Ok(ok(json!({
            "channel": channel.id,
            "ts": stamp(stamp_us),
            "message": show(channel, &message, true),
        })))
    })
}

/// A link to a message.
pub(super) fn get_permalink(world: &World, arguments: &Arguments) -> Answer {
    let wanted = arguments.text("channel").unwrap_or("");
    let stamp_us = arguments.text("message_ts").and_then(read_stamp);
    world.read(|state| {
        let Some(channel) = state.slack.channels.iter().find(|channel| channel.id == wanted) else {
            return refuse("channel_not_found");
        };
        match channel
            .messages
            .iter()
            .find(|message| Some(message.stamp_us) == stamp_us)
        {
            Some(message) => {
                ok(json!({"channel": channel.id, "permalink": permalink(world, channel, message)}))
            }
            None => refuse("message_not_found"),
        }
    })
}

/// Reads and checks a message; its stamp comes later.
fn draft(arguments: &Arguments) -> Result<Message, &'static str> {
    let text = arguments.text("text").unwrap_or("");
    let blocks = arguments
        .structure("blocks")
        .map_err(|()| "invalid_blocks_format")?;
    if blocks
        .as_ref()
        .is_some_and(|blocks| blocks.as_array().is_none_or(|list| list.len() > MAX_BLOCKS))
    {
        return Err("invalid_blocks");
    }
    if text.is_empty() && blocks.is_none() {
        return Err("no_text");
    }
    if text.chars().count() > MAX_TEXT {
        return Err("msg_too_long");
    }
    let metadata = arguments
        .structure("metadata")
        .map_err(|()| "invalid_metadata_format")?;
    if metadata.as_ref().is_some_and(|metadata| {
        metadata.get("event_type").is_none_or(|kind| !kind.is_string())
            || metadata
                .get("event_payload")
                .is_none_or(|payload| !payload.is_object())
    }) {
        return Err("invalid_metadata_format");
    }
    let thread_us = match arguments.text("thread_ts").filter(|text| !text.is_empty()) {
        Some(text) => Some(read_stamp(text).ok_or("invalid_thread_ts")?),
        None => None,
    };
    Ok(Message {
        stamp_us: 0,
        thread_us,
        text: text.to_owned(),
        blocks: some(blocks),
        metadata,
    })
}

fn some(blocks: Option<Value>) -> Option<Value> {
    blocks.filter(|blocks| blocks.as_array().is_some_and(|list| !list.is_empty()))
}

/// Posting takes an id or a name, with or without `#`.
fn is_called(channel: &Channel, wanted: &str) -> bool {
    channel.id == wanted || channel.name == wanted.strip_prefix('#').unwrap_or(wanted)
}
