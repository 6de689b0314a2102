//! Messages of the protocol: JSON-RPC 2.0, and what its two generations put around it.
//!
//! Format: Model Context Protocol, revisions 2025-11-25 (a session that begins with `initialize`) and
//! 2026-07-28 (no session; each request says who asks and what it can).

use serde_json::{Map, Value, json};

/// The newest revision: every request stands alone.
pub(super) const NEWEST: &str = "2026-07-28";
/// The revision that is offered where a session must be opened.
pub(super) const OFFERED: &str = "2025-11-25";
/// Revisions with sessions that are understood.
const SESSIONS: [&str; 4] = [OFFERED, "2025-06-18", "2025-03-26", "2024-11-05"];

/// A request's method is not known.
pub(super) const METHOD_NOT_FOUND: i64 = -32601;
/// Arguments, or a state that was given back, are not taken.
pub(super) const INVALID_PARAMS: i64 = -32602;
/// The caller must let a person visit a URL first (2025-11-25).
pub(super) const URL_NEEDED: i64 = -32042;

/// Whether only a client asks for this.
pub(super) fn is_ours(method: &str) -> bool {
    matches!(
        method,
        "server/discover" | "initialize" | "tools/list" | "tools/call"
    )
}

/// Which generation a server speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Protocol {
    /// [`NEWEST`].
    Stateless,
    /// A session of this revision.
    Session(String),
}

impl Protocol {
    /// The revision's name.
    pub(super) fn name(&self) -> &str {
        match self {
            Protocol::Stateless => NEWEST,
            Protocol::Session(revision) => revision,
        }
    }

    /// The session that a server answered `initialize` with, if it is one that is understood.
    pub(super) fn session(revision: &str) -> Option<Self> {
        SESSIONS
            .contains(&revision)
            .then(|| Protocol::Session(revision.to_owned()))
    }
}

/// What this client can do: ask people. Sampling and roots are not offered.
fn capabilities() -> Value {
    json!({"elicitation": {"form": {}, "url": {}}})
}

fn client() -> Value {
    json!({"name": "agentops", "version": env!("CARGO_PKG_VERSION")})
}

/// A request of a generation.
pub(super) fn request(id: u64, protocol: &Protocol, method: &str, mut params: Map<String, Value>) -> Value {
    if *protocol == Protocol::Stateless {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": NEWEST,
            "io.modelcontextprotocol/clientInfo": client(),
            "io.modelcontextprotocol/clientCapabilities": capabilities(),
        });
        params.insert("_meta".to_owned(), meta);
    }
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// What a session begins with.
pub(super) fn initialize(id: u64) -> Value {
    let params = json!({"protocolVersion": OFFERED, "capabilities": capabilities(), "clientInfo": client()});
    json!({"jsonrpc": "2.0", "id": id, "method": "initialize", "params": params})
}

/// The message that a session is open.
pub(super) fn initialized() -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/initialized"})
}

/// The message that nobody waits for a request any more.
pub(super) fn cancelled(id: u64) -> Value {
    let params = json!({"requestId": id, "reason": "the call's time is up"});
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})
}

/// The answer to a request of the server's.
pub(super) fn answer(id: &Value, result: Result<Value, RpcError>) -> Value {
    match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(error) => {
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": error.code, "message": error.message}})
        }
    }
}

/// An error that one side answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RpcError {
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) data: Value,
}

impl RpcError {
    /// The answer to what isn't offered.
    pub(super) fn not_offered(method: &str) -> Self {
        Self {
            code: METHOD_NOT_FOUND,
            message: format!("{} is not offered", super::definition::plain_line(method, 100)),
            data: Value::Null,
        }
    }
}

/// What a server answers to a request.
pub(super) type Reply = Result<Value, RpcError>;

/// A message from a server.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Message {
    /// The answer to a request of ours.
    Answer {
        /// Which.
        id: u64,
        /// What.
        reply: Reply,
    },
    /// Something it asks.
    Request {
        /// Its own id.
        id: Value,
        /// What.
        method: String,
        /// With what.
        params: Value,
    },
    /// Something it tells.
    Notification(String),
    /// Anything else, such as a log line on the wrong channel.
    Noise,
}

/// Reads a message.
pub(super) fn read(text: &[u8]) -> Message {
    serde_json::from_slice(text).map_or(Message::Noise, of_value)
}

/// The same of a value.
pub(super) fn of_value(mut value: Value) -> Message {
    let method = value["method"].as_str().map(str::to_owned);
    let id = value
        .get("id")
        .cloned()
        .filter(|id| id.is_number() || id.is_string());
    match (method, id) {
        (Some(method), Some(id)) => Message::Request {
            id,
            method,
            params: value.get_mut("params").map_or(Value::Null, Value::take),
        },
        (Some(method), None) => Message::Notification(method),
        (None, id) => {
            let reply = if let Some(error) = value.get_mut("error") {
                Err(RpcError {
                    code: error["code"].as_i64().unwrap_or(0),
                    message: error["message"].as_str().unwrap_or("no reason given").to_owned(),
                    data: error.get_mut("data").map_or(Value::Null, Value::take),
                })
            } else if let Some(result) = value.get_mut("result") {
                Ok(result.take())
            } else {
                return Message::Noise;
            };
            match (id.as_ref().and_then(Value::as_u64), &reply) {
                (Some(id), _) => Message::Answer { id, reply },
                _ => Message::Noise,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        let read = |value: Value| super::read(value.to_string().as_bytes());
        assert_eq!(
            read(json!({"id": 3, "result": {"a": 1}})),
            Message::Answer {
                id: 3,
                reply: Ok(json!({"a": 1}))
            }
        );
        assert!(matches!(
            read(json!({"id": 3, "error": {"code": -32601, "message": "no"}})),
            Message::Answer {
                reply: Err(RpcError {
                    code: METHOD_NOT_FOUND,
                    ..
                }),
                ..
            }
        ));
        assert!(matches!(
            read(json!({"id": "x", "method": "ping"})),
            Message::Request { .. }
        ));
        assert_eq!(read(json!({"method": "n"})), Message::Notification("n".into()));
        for noise in [
            json!({"id": "x", "result": 1}),
            json!({}),
            json!([1]),
            json!("hello"),
            json!({"id": 1}),
        ] {
            assert_eq!(read(noise), Message::Noise);
        }
        assert_eq!(super::read(b"Server starting...\n"), Message::Noise);
    }

    #[test]
    fn only_the_newest_revision_says_in_each_request_who_asks() {
        let newest = request(1, &Protocol::Stateless, "tools/list", Map::new());
        assert_eq!(
            newest["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"],
            NEWEST
        );
        let older = Protocol::session("2025-06-18").expect("known");
        assert_eq!(request(1, &older, "tools/list", Map::new())["params"], json!({}));
        assert_eq!(Protocol::session("1999-01-01"), None);
    }
}
