//! Message stamps, the shape of a message, and links to one.

use serde_json::{Value, json};

use super::{BOT_ID, TEAM_ID, USER_ID};
use crate::state::{Channel, Message};
use crate::world::World;

/// A stamp as Slack writes it: seconds, a dot, six digits.
pub(crate) fn stamp(us: i64) -> String {
    format!("{}.{:06}", us.div_euclid(1_000_000), us.rem_euclid(1_000_000))
}

/// Reads a stamp; the part after the dot may be shorter or missing.
pub(super) fn read_stamp(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 6 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    seconds
        .parse::<i64>()
        .ok()?
        .checked_mul(1_000_000)?
        .checked_add(fraction)
}

/// A link that shows the message.
pub(super) fn permalink(world: &World, channel: &Channel, message: &Message) -> String {
    let base = world.public_url();
    let link = format!(
        "{base}/slack/archives/{}/p{}",
        channel.id,
        stamp(message.stamp_us).replace('.', "")
    );
    match message.thread_us {
        Some(thread) => format!("{link}?thread_ts={}&cid={}", stamp(thread), channel.id),
        None => link,
    }
}

/// The message as lists show it.
pub(super) fn show(channel: &Channel, message: &Message, with_metadata: bool) -> Value {
    let mut shown = json!({
        "type": "message",
        "user": USER_ID,
        "bot_id": BOT_ID,
        "app_id": "A0AGENTOPS",
        "team": TEAM_ID,
        "text": message.text,
        "ts": stamp(message.stamp_us),
    });
    if let Some(blocks) = &message.blocks {
        shown["blocks"] = blocks.clone();
    }
    if let (true, Some(metadata)) = (with_metadata, &message.metadata) {
        shown["metadata"] = metadata.clone();
    }
    let replies = channel
        .messages
        .iter()
        .filter(|other| other.thread_us == Some(message.stamp_us));
    let stamps: Vec<i64> = replies.map(|reply| reply.stamp_us).collect();
    if let Some(thread) = message.thread_us {
        shown["thread_ts"] = json!(stamp(thread));
    } else if let Some(latest) = stamps.last() {
        shown["thread_ts"] = json!(stamp(message.stamp_us));
        shown["reply_count"] = json!(stamps.len());
        shown["latest_reply"] = json!(stamp(*latest));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_read_back() {
        assert_eq!(stamp(1_700_000_000_000_123), "1700000000.000123");
        assert_eq!(read_stamp("1700000000.000123"), Some(1_700_000_000_000_123));
        assert_eq!(read_stamp("1700000000"), Some(1_700_000_000_000_000));
        assert_eq!(read_stamp("1700000000.1"), Some(1_700_000_000_100_000));
        for wrong in ["", "x", "1.0000001", "1.+5", "99999999999999999999"] {
            assert_eq!(read_stamp(wrong), None, "{wrong}");
        }
    }
}
