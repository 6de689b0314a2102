//! `conversations.list`, `conversations.history` and `conversations.replies`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::message::{read_stamp, show};
use super::{Arguments, USER_ID, ok, refuse};
use crate::reply::Answer;
use crate::state::{Channel, Message};
use crate::world::World;

/// Messages on a page, unless asked otherwise, and at most.
const PAGE: usize = 100;
const MAX_PAGE: usize = 999;

/// Lists channels.
pub(super) fn list(world: &World, arguments: &Arguments) -> Answer {
    let limit = match arguments.count("limit", PAGE, MAX_PAGE) {
        Ok(limit) => limit,
        Err(code) => return refuse(code),
    };
    world.read(|state| {
        let channels = &state.slack.channels;
        let start = match read_cursor(arguments, "channel") {
            Ok(cursor) => cursor.and_then(|at| usize::try_from(at).ok()).unwrap_or(0),
            Err(code) => return refuse(code),
        };
        let page: Vec<Value> = channels
            .iter()
            .skip(start)
            .take(limit)
            .map(show_channel)
            .collect();
        let end = start.saturating_add(page.len());
        let next = if end < channels.len() {
            cursor("channel", &end.to_string())
        } else {
            String::new()
        };
        ok(json!({"channels": page, "response_metadata": {"next_cursor": next}}))
    })
}

/// A channel's messages, newest first; replies are only in their threads.
pub(super) fn history(world: &World, arguments: &Arguments) -> Answer {
    let pins = json!({"pin_count": 0});
    page(world, arguments, pins, |channel| {
        Ok(channel
            .messages
            .iter()
            .rev()
            .filter(|message| message.thread_us.is_none())
            .collect())
    })
}

/// A thread's messages, oldest first, the first one included.
pub(super) fn replies(world: &World, arguments: &Arguments) -> Answer {
    let thread = arguments.text("ts").and_then(read_stamp);
    page(world, arguments, json!({}), |channel| {
        let thread =
            thread.filter(|thread| channel.messages.iter().any(|message| message.stamp_us == *thread));
        let thread = thread.ok_or("thread_not_found")?;
        let inside = |message: &&Message| message.stamp_us == thread || message.thread_us == Some(thread);
        Ok(channel.messages.iter().filter(inside).collect())
    })
}

/// A page of the chosen messages; `body` has what stands beside them.
fn page(
    world: &World,
    arguments: &Arguments,
    mut body: Value,
    choose: impl for<'c> Fn(&'c Channel) -> Result<Vec<&'c Message>, &'static str>,
) -> Answer {
    let window = match Window::read(arguments) {
        Ok(window) => window,
        Err(code) => return refuse(code),
    };
    let wanted = arguments.text("channel").unwrap_or("");
    world.read(|state| {
        let Some(channel) = state.slack.channels.iter().find(|channel| channel.id == wanted) else {
            return refuse("channel_not_found");
        };
        let chosen = match choose(channel) {
            Ok(chosen) => chosen,
            Err(code) => return refuse(code),
        };
        let inside: Vec<&Message> = chosen
            .into_iter()
            .filter(|message| window.holds(message.stamp_us))
            .collect();
        // The cursor names the next message, so new ones don't shift the pages.
        let start = window.start.map_or(0, |next| {
            inside
                .iter()
                .position(|message| message.stamp_us == next)
                .unwrap_or(inside.len())
        });
        let rest = inside.get(start..).unwrap_or_default();
        let shown: Vec<Value> = rest
            .iter()
            .take(window.limit)
            .map(|message| show(channel, message, window.metadata))
            .collect();
        let next = rest.get(window.limit);
        body["messages"] = shown.into();
        body["has_more"] = next.is_some().into();
        if let Some(next) = next {
            body["response_metadata"] = json!({"next_cursor": cursor("next_ts", &next.stamp_us.to_string())});
        }
        ok(body)
    })
}

/// Which messages, and how many at a time.
struct Window {
    oldest: i64,
    latest: i64,
    inclusive: bool,
    limit: usize,
    start: Option<i64>,
    metadata: bool,
}

impl Window {
    fn read(arguments: &Arguments) -> Result<Self, &'static str> {
        let edge = |name: &str, code: &'static str, default: i64| match arguments.text(name) {
            None | Some("") => Ok(default),
            Some(text) => read_stamp(text).ok_or(code),
        };
        Ok(Window {
            oldest: edge("oldest", "invalid_ts_oldest", i64::MIN)?,
            latest: edge("latest", "invalid_ts_latest", i64::MAX)?,
            inclusive: arguments.flag("inclusive"),
            limit: arguments.count("limit", PAGE, MAX_PAGE)?,
            start: read_cursor(arguments, "next_ts")?,
            metadata: arguments.flag("include_all_metadata"),
        })
    }

    fn holds(&self, stamp_us: i64) -> bool {
        let on_edge = stamp_us == self.oldest || stamp_us == self.latest;
        (self.oldest < stamp_us && stamp_us < self.latest) || (self.inclusive && on_edge)
    }
}

fn cursor(kind: &str, value: &str) -> String {
    STANDARD.encode(format!("{kind}:{value}"))
}

fn read_cursor(arguments: &Arguments, kind: &str) -> Result<Option<i64>, &'static str> {
    let Some(sent) = arguments.text("cursor").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let text = STANDARD
        .decode(sent)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let value = text
        .as_deref()
        .and_then(|text| text.strip_prefix(kind)?.strip_prefix(':')?.parse().ok());
    value.map(Some).ok_or("invalid_cursor")
}

fn show_channel(channel: &Channel) -> Value {
    json!({
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": true,
        "is_group": false,
        "is_im": false,
        "is_private": false,
        "is_archived": false,
        "is_general": channel.name == "general",
        "is_member": true,
        "created": channel.created_s,
        "creator": USER_ID,
        "topic": {"value": channel.topic, "creator": USER_ID, "last_set": channel.created_s},
        "purpose": {"value": channel.topic, "creator": USER_ID, "last_set": channel.created_s},
        "num_members": 12,
    })
}
