//! A server that answers over streamable HTTP: each message is a POST to one address, whose answer is
//! JSON or a stream of events with the answer somewhere in it. Every request goes through the guarded
//! client, with the credentials of that address only.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use types::Failure;

use super::definition::plain_line;
use super::question::Desk;
use super::wire::{self, Message, Protocol, Reply};
use crate::http::{Incoming, MOST_BYTES, Ready, Request};
use crate::{CallContext, CallError};

/// The most messages that a server may send before it answers.
const MOST_MESSAGES: usize = 10_000;
/// The most questions and pings of the server that are answered while one request waits: every answer is
/// a request of ours. People are asked fewer things.
const MOST_ANSWERED: usize = 32;
/// The longest name of a session that is taken, in bytes.
const MOST_SESSION: usize = 1_024;
/// How long a word that nobody waits for may take.
const PARTING_MS: u64 = 2_000;

/// How one message goes out.
pub(super) struct Letter<'a> {
    /// The message.
    pub(super) body: &'a Value,
    /// The generation that was agreed on; none while that is being found out.
    pub(super) protocol: Option<&'a Protocol>,
    /// The session, if the server opened one.
    pub(super) session: Option<&'a str>,
    /// Arguments that go along as headers: the header's name and its value.
    pub(super) headers: BTreeMap<String, Value>,
    /// Whether it performs the action.
    pub(super) effect: bool,
}

impl<'a> Letter<'a> {
    /// A message that changes nothing.
    pub(super) fn new(body: &'a Value, protocol: Option<&'a Protocol>, session: Option<&'a str>) -> Self {
        Self {
            body,
            protocol,
            session,
            headers: BTreeMap::new(),
            effect: false,
        }
    }

    /// The letter as it can go out at any time from here on.
    pub(super) fn ready(&self, ctx: &CallContext) -> Result<Ready, CallError> {
        ctx.prepare(&self.request())
    }

    fn request(&self) -> Request {
        let mut request = Request::post(&[])
            .header("accept", "application/json, text/event-stream")
            .json(self.body.clone());
        if let Some(protocol) = self.protocol {
            request = request.header("mcp-protocol-version", protocol.name());
        }
        if let Some(session) = self.session {
            request = request.header("mcp-session-id", session);
        }
        if self.protocol == Some(&Protocol::Stateless) {
            let method = self.body["method"].as_str().unwrap_or_default();
            request = request.header("mcp-method", method);
            if let Some(name) = self.body.pointer("/params/name").and_then(Value::as_str) {
                request = request.header("mcp-name", header_value(name));
            }
            for (name, value) in &self.headers {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                request = request.header(format!("mcp-param-{name}"), header_value(&text));
            }
        }
        if self.effect { request.effect() } else { request }
    }
}

/// What came back: the reply, and the session that was opened with it.
pub(super) struct Returned {
    pub(super) reply: Reply,
    pub(super) session: Option<String>,
}

/// Sends a request and serves what the server asks until it answers.
pub(super) async fn ask(
    ctx: &CallContext,
    id: u64,
    letter: &Letter<'_>,
    desk: &mut Desk<'_>,
) -> Result<Returned, CallError> {
    let incoming = ctx.open(&letter.request()).await?;
    let session = incoming
        .header("mcp-session-id")
        .filter(|session| session.len() <= MOST_SESSION)
        .map(str::to_owned);
    let events = incoming
        .header("content-type")
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/event-stream"));
    let reply = if events && incoming.status() == 200 {
        follow(ctx, id, letter, incoming, desk).await?
    } else {
        whole(ctx, id, letter, incoming).await?
    };
    Ok(Returned { reply, session })
}

/// Sends a message that nothing is answered to.
pub(super) async fn tell(ctx: &CallContext, letter: &Letter<'_>) -> Result<(), CallError> {
    let response = ctx.open(&letter.request()).await?.rest().await?;
    response.accept(ctx.now(), say).map(drop)
}

/// Sends what is a courtesy, and waits only shortly for it to be taken in.
pub(super) async fn in_passing(ready: Ready) {
    // Whoever doesn't take it in is asked nothing more.
    let _ = ready.send(Some(PARTING_MS)).await;
}

/// An answer that is one document. Errors of the protocol may come with any status.
async fn whole(
    ctx: &CallContext,
    id: u64,
    letter: &Letter<'_>,
    incoming: Incoming,
) -> Result<Reply, CallError> {
    let response = incoming.rest().await?;
    let message = serde_json::from_slice::<Value>(&response.body).ok();
    let reply = match message.map(wire::of_value) {
        Some(Message::Answer { id: to, reply }) if to == id => Some(reply),
        _ => None,
    };
    match (response.status, reply) {
        (200..=299, Some(reply)) | (400, Some(reply @ Err(_))) => Ok(reply),
        // The session is gone, so nothing was done in it.
        (404, _) if letter.session.is_some() => {
            forget_effect(ctx, letter);
            Err(CallError::retryable(Failure::new(
                "mcp_session_lost",
                "the server has forgotten our session",
            )))
        }
        (401, _) => {
            forget_effect(ctx, letter);
            let failure = Failure::new(
                "credentials_refused",
                "the server wants other credentials than ours (401)",
            );
            Err(CallError::refused(failure.hint(
                "set its token with `agentops secret set NAME.token`; signing in with OAuth isn't supported",
            )))
        }
        (200..=299, None) => Err(CallError::unknown(Failure::new(
            "answer_unreadable",
            "the server answered with something that isn't the answer to our request",
        ))),
        _ => {
            let refused = response.accept(ctx.now(), say).map(drop).err();
            let error = refused.unwrap_or_else(|| {
                CallError::unknown(Failure::new(
                    "answer_unreadable",
                    "the server's answer can't be read",
                ))
            });
            if matches!(error, CallError::Failed { .. }) {
                forget_effect(ctx, letter);
            }
            Err(error)
        }
    }
}

/// An answer that comes in a stream of events.
async fn follow(
    ctx: &CallContext,
    id: u64,
    letter: &Letter<'_>,
    mut incoming: Incoming,
    desk: &mut Desk<'_>,
) -> Result<Reply, CallError> {
    let mut events = Events::default();
    let (mut count, mut answered) = (0, 0);
    while let Some(chunk) = piece(&mut incoming).await? {
        for data in events.feed(&chunk) {
            count += 1;
            if count > MOST_MESSAGES {
                return Err(flooded(&format!("sent {MOST_MESSAGES} messages")));
            }
            match wire::read(&data) {
                Message::Answer { id: to, reply } if to == id => return Ok(reply),
                Message::Request { .. } if answered == MOST_ANSWERED => {
                    return Err(flooded(&format!("asked more than {MOST_ANSWERED} things")));
                }
                Message::Request { id, method, params } => {
                    answered += 1;
                    let answer = wire::answer(&id, desk.asked(&method, &params));
                    let told = tell(ctx, &Letter::new(&answer, letter.protocol, letter.session)).await;
                    told.map_err(|error| midway(error, letter))?;
                }
                Message::Notification(method) => desk.told(&method),
                Message::Answer { .. } | Message::Noise => {}
            }
        }
    }
    Err(CallError::unknown(Failure::new(
        "tool_failed",
        "the server's answer ended before it was complete",
    )))
}

/// The next piece of a stream.
async fn piece(incoming: &mut Incoming) -> Result<Option<Vec<u8>>, CallError> {
    let piece = incoming.chunk().await;
    piece.map_err(|error| {
        if incoming.is_too_long() {
            flooded(&format!("sent more than {MOST_BYTES} bytes"))
        } else {
            error
        }
    })
}

fn flooded(what: &str) -> CallError {
    let message = format!("the server {what} instead of an answer");
    CallError::unknown(Failure::new("tool_flooded", message))
}

/// What is refused in the midst of a call is our answer, not the call: that one is under way.
fn midway(error: CallError, letter: &Letter<'_>) -> CallError {
    match error {
        CallError::Failed { failure, .. } if letter.effect => CallError::unknown(failure),
        error => error,
    }
}

fn forget_effect(ctx: &CallContext, letter: &Letter<'_>) {
    if letter.effect {
        ctx.refused();
    }
}

/// Texts that a header can't carry as they are go in Base64, marked as such.
fn header_value(text: &str) -> String {
    let edge = text.starts_with([' ', '\t']) || text.ends_with([' ', '\t']);
    let plain = text.chars().all(|c| (' '..='~').contains(&c));
    let marked = text.starts_with("=?base64?") && text.ends_with("?=");
    if plain && !edge && !marked {
        text.to_owned()
    } else {
        format!("=?base64?{}?=", STANDARD.encode(text))
    }
}

fn say(body: &Value) -> Option<String> {
    let error = &body["error"];
    let words = error["message"]
        .as_str()
        .or(error.as_str())
        .or(body["message"].as_str())?;
    Some(plain_line(words, 300))
}

/// Takes the data out of a stream of server-sent events (WHATWG HTML, server-sent events). The stream
/// as a whole is bounded by the client.
#[derive(Default)]
struct Events {
    rest: Vec<u8>,
    data: Vec<u8>,
}

impl Events {
    /// The events that are complete with this piece.
    fn feed(&mut self, chunk: &[u8]) -> Vec<Vec<u8>> {
        // What is left over has no end of a line, and isn't looked through again.
        let mut unseen = self.rest.len();
        self.rest.extend_from_slice(chunk);
        let mut complete = Vec::new();
        let mut from = 0;
        while let Some(at) = self.rest[unseen..].iter().position(|byte| *byte == b'\n') {
            let end = unseen + at;
            let line = &self.rest[from..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Some(data) = line.strip_prefix(b"data:") {
                if !self.data.is_empty() {
                    self.data.push(b'\n');
                }
                self.data
                    .extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
            } else if line.is_empty() && !self.data.is_empty() {
                complete.push(std::mem::take(&mut self.data));
            }
            from = end + 1;
            unseen = from;
        }
        self.rest.drain(..from);
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_put_together_however_they_are_cut() {
        let stream = b"event: message\r\nid: 1\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\n: keep alive\n\ndata:x\n\ndata: cut";
        for size in 1..stream.len() {
            let mut events = Events::default();
            let found: Vec<Vec<u8>> = stream.chunks(size).flat_map(|chunk| events.feed(chunk)).collect();
            assert_eq!(found, [b"{\"a\":\n1}".to_vec(), b"x".to_vec()], "{size}");
        }
    }

    #[test]
    fn what_no_header_carries_goes_in_base64() {
        for (text, header) in [
            ("plain text", "plain text"),
            (" edge", "=?base64?IGVkZ2U=?="),
            ("é", "=?base64?w6k=?="),
            ("a\nb", "=?base64?YQpi?="),
            ("=?base64?x?=", "=?base64?PT9iYXNlNjQ/eD89?="),
        ] {
            assert_eq!(header_value(text), header);
        }
    }
}
