//! What stands between a server and its calls: which generation it speaks, what it offers, and how
//! fresh that word is. The same for both ways to reach a server.

use std::sync::Arc;

use ports::{McpSeen, McpTool};
use serde_json::{Map, Value};
use types::{Failure, Millis, Timestamp};

use super::definition::{self, plain_line};
use super::wire::{self, Protocol, Reply};
use crate::{CallError, http};

/// The most pages of a list of tools.
pub(super) const MOST_PAGES: usize = 50;
/// The longest name of a server, in characters.
const MOST_NAME: usize = 100;
/// How long a list of tools is taken as it was.
const FRESH_MS: Millis = 60_000;

/// A server that has been opened.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// The generation that it speaks.
    pub(super) protocol: Protocol,
    /// Its own name and version.
    pub(super) server: String,
    /// Its name for this session over HTTP, if it has one.
    pub(super) id: Option<String>,
    /// What it offers, and since when that is known; none until it is asked, and after it said that
    /// something has changed.
    offers: Option<(Timestamp, Arc<McpSeen>)>,
}

impl Session {
    /// What it offers, if that was asked lately.
    pub(super) fn offers(&self, now: Timestamp) -> Option<&Arc<McpSeen>> {
        let (at, seen) = self.offers.as_ref()?;
        (now.since(*at) < FRESH_MS).then_some(seen)
    }

    /// Forgets what it offers.
    pub(super) fn stale(&mut self) {
        self.offers = None;
    }

    /// Takes in what it listed.
    pub(super) fn listed(&mut self, definitions: &[Value], now: Timestamp) -> Arc<McpSeen> {
        let (tools, left_out) = definition::read_all(definitions);
        let seen = McpSeen {
            protocol: self.protocol.name().to_owned(),
            server: self.server.clone(),
            at: now,
            tools,
            left_out,
        };
        let seen = Arc::new(seen);
        self.offers = Some((now, Arc::clone(&seen)));
        seen
    }
}

/// The session of a server that answered `server/discover`; none if it is an older one.
///
/// # Errors
/// `mcp_server_unusable` if it knows only revisions that aren't understood.
pub(super) fn discovered(reply: &Reply) -> Result<Option<Session>, CallError> {
    let Ok(result) = reply else { return Ok(None) };
    let versions = result["supportedVersions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if !versions.iter().any(|version| version == wire::NEWEST) {
        let older = versions
            .iter()
            .filter_map(Value::as_str)
            .any(|version| Protocol::session(version).is_some());
        if older {
            return Ok(None);
        }
        let known: Vec<&str> = versions.iter().filter_map(Value::as_str).take(5).collect();
        return Err(unusable(&format!(
            "it speaks the revisions {}, none of which is understood here",
            plain_line(&known.join(", "), MOST_NAME)
        )));
    }
    let info = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
    Ok(Some(Session {
        protocol: Protocol::Stateless,
        server: name_of(info),
        id: None,
        offers: None,
    }))
}

/// The session of a server that answered `initialize`.
///
/// # Errors
/// `mcp_server_unusable`.
pub(super) fn initialized(reply: Reply, id: Option<String>) -> Result<Session, CallError> {
    let result =
        reply.map_err(|error| unusable(&format!("it refused to begin: {}", http::clip(&error.message))))?;
    let revision = result["protocolVersion"].as_str().unwrap_or_default();
    let Some(protocol) = Protocol::session(revision) else {
        let shown = plain_line(revision, MOST_NAME);
        return Err(unusable(&format!(
            "it speaks the revision '{shown}', which isn't understood here"
        )));
    };
    if result["capabilities"].get("tools").is_none() {
        return Err(unusable("it offers no tools"));
    }
    Ok(Session {
        protocol,
        server: name_of(&result["serverInfo"]),
        id,
        offers: None,
    })
}

/// The parameters of the next page of the list of tools.
pub(super) fn page(cursor: Option<&str>) -> Map<String, Value> {
    cursor
        .map(|cursor| ("cursor".to_owned(), Value::from(cursor)))
        .into_iter()
        .collect()
}

/// Takes a page of the list of tools in; the cursor of the next one, if there is one.
///
/// # Errors
/// `mcp_server_unusable`.
pub(super) fn take_page(reply: Reply, tools: &mut Vec<Value>) -> Result<Option<String>, CallError> {
    let mut result = reply.map_err(|error| {
        unusable(&format!(
            "it doesn't list its tools: {}",
            http::clip(&error.message)
        ))
    })?;
    let Some(Value::Array(page)) = result.get_mut("tools").map(Value::take) else {
        return Err(unusable("its list of tools is no list"));
    };
    let room = (definition::MOST_TOOLS * 3).saturating_sub(tools.len());
    tools.extend(page.into_iter().take(room));
    let next = result["nextCursor"]
        .as_str()
        .filter(|next| !next.is_empty() && next.len() <= 4_096);
    Ok(next.filter(|_| room > 0).map(str::to_owned))
}

/// The parameters of a call, with what people answered.
pub(super) fn call(
    protocol: &Protocol,
    tool: &McpTool,
    args: &Value,
    answers: Option<&types::Answers>,
    state: Option<&str>,
) -> Map<String, Value> {
    let mut params = Map::from_iter([
        ("name".to_owned(), Value::from(tool.name.as_str())),
        ("arguments".to_owned(), args.clone()),
    ]);
    if *protocol == Protocol::Stateless {
        if let Some(answers) = answers.filter(|answers| !answers.given.is_empty()) {
            params.insert("inputResponses".to_owned(), super::question::responses(answers));
        }
        let state = state
            .map(str::to_owned)
            .or_else(|| answers.and_then(super::question::state_of));
        if let Some(state) = state {
            params.insert("requestState".to_owned(), Value::from(state));
        }
    }
    params
}

/// A server that can't be worked with.
pub(super) fn unusable(why: &str) -> CallError {
    CallError::refused(
        Failure::new(
            "mcp_server_unusable",
            format!("the server can't be worked with: {why}"),
        )
        .hint(
            "look whether it is a server of the Model Context Protocol, and of a revision from 2024-11-05 on",
        ),
    )
}

fn name_of(info: &Value) -> String {
    let text = |key: &str| info[key].as_str().unwrap_or_default();
    let name = plain_line(&format!("{} {}", text("name"), text("version")), MOST_NAME);
    if name.is_empty() {
        "a server without a name".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::connectors::mcp::wire::RpcError;

    fn error() -> Reply {
        Err(RpcError {
            code: -32601,
            message: "no".into(),
            data: Value::Null,
        })
    }

    #[test]
    fn the_generation_is_found_out() {
        let newest =
            discovered(&Ok(json!({"supportedVersions": ["2026-07-28", "2025-11-25"]}))).expect("fits");
        assert_eq!(newest.map(|session| session.protocol), Some(Protocol::Stateless));
        assert!(discovered(&error()).expect("older").is_none());
        assert!(
            discovered(&Ok(json!({"supportedVersions": ["2025-11-25"]})))
                .expect("older")
                .is_none()
        );
        assert!(discovered(&Ok(json!({"supportedVersions": ["2099-01-01"]}))).is_err());
        let opened = |revision: &str| {
            initialized(
                Ok(
                    json!({"protocolVersion": revision, "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}),
                ),
                None,
            )
        };
        assert_eq!(opened("2025-06-18").expect("known").server, "s 1");
        assert!(opened("2099-01-01").is_err());
        assert!(initialized(error(), None).is_err());
        assert!(
            initialized(
                Ok(json!({"protocolVersion": "2025-11-25", "capabilities": {}})),
                None
            )
            .is_err()
        );
    }

    #[test]
    fn a_list_without_end_is_cut() {
        let mut tools = Vec::new();
        let page = || Ok(json!({"tools": vec![json!({"name": "a"}); 400], "nextCursor": "again"}));
        assert_eq!(
            take_page(page(), &mut tools).expect("a page").as_deref(),
            Some("again")
        );
        assert_eq!(
            take_page(page(), &mut tools).expect("a page").as_deref(),
            Some("again")
        );
        assert_eq!(take_page(page(), &mut tools).expect("a page"), None);
        assert_eq!(tools.len(), 600);
        for bad in [json!({}), json!({"tools": {}})] {
            assert!(take_page(Ok(bad), &mut tools).is_err());
        }
    }
}
