//! Servers of the Model Context Protocol as tools: each server is a tool, each of its tools an action.
//! Servers are strangers: their words are shown and never followed, what they say of themselves counts
//! only if an admin trusts them, and a tool that is described otherwise than when people looked at it
//! isn't called.

mod by_http;
mod by_stdio;
mod definition;
mod http;
mod line;
mod question;
mod result;
mod schema;
mod session;
mod stdio;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use ports::{McpRecord, McpSeen, McpTool};
use serde_json::{Value, json};
use types::{FOREIGN_VERSION, Failure, Millis, Mode, TenantId, ToolSpec};

use self::by_http::ByHttp;
use self::by_stdio::ByStdio;
use crate::{Answer, CallContext, CallError, Connector};

pub use stdio::McpCommand;

/// The longest one call may take, in milliseconds.
const CALL_MS: Millis = 60_000;
/// Codes of failures that say that a server can't be worked with at all.
const OUT_OF_REACH: [&str; 2] = ["tool_unreachable", "mcp_server_unusable"];
/// How long a look at a server may take: it may have to be started.
const LOOK_MS: Millis = 60_000;

/// What a list of a server's tools was found to be, if it was asked for.
pub(super) type Looked = Option<Arc<McpSeen>>;

/// A server of the Model Context Protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct McpServer {
    /// The tool's name.
    pub name: String,
    /// What is known of it.
    pub record: McpRecord,
    /// How it is started; none for a server that answers over HTTP.
    pub command: Option<McpCommand>,
}

/// Keeps what servers are seen to offer.
#[async_trait]
pub trait McpNotes: Send + Sync + 'static {
    /// A server offers something else than was known of it.
    async fn offers(&self, tenant: TenantId, server: &str, seen: &McpSeen);

    /// A call has shown that a server answers again, or what keeps it from being reached.
    async fn stands(&self, tenant: TenantId, server: &str, trouble: Option<&Failure>) {
        let _ = (tenant, server, trouble);
    }
}

/// The lines to servers, kept while the tools around them are replaced, and who is told of changes.
#[derive(Default)]
pub(crate) struct Links {
    lines: Mutex<Lines>,
    pub(crate) notes: OnceLock<Arc<dyn McpNotes>>,
}

/// Lines by the names of servers, each with how its server is started.
type Lines = BTreeMap<String, (Option<McpCommand>, Arc<Link>)>;

enum Link {
    Stdio(ByStdio),
    Http(ByHttp),
}

impl Links {
    /// The connectors of these servers. Lines to servers that are no longer there are closed when the
    /// last call over them has ended.
    pub(crate) fn connectors(self: &Arc<Self>, servers: Vec<McpServer>) -> Vec<Arc<dyn Connector>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|name, (command, _)| {
            servers
                .iter()
                .any(|server| server.name == *name && server.command == *command)
        });
        let connector = |server: McpServer| {
            let (_, link) = lines.entry(server.name.clone()).or_insert_with(|| {
                let link = match &server.command {
                    Some(command) => Link::Stdio(ByStdio::new(command.clone())),
                    None => Link::Http(ByHttp::default()),
                };
                (server.command.clone(), Arc::new(link))
            });
            let connector = Mcp {
                spec: spec(&server),
                link: Arc::clone(link),
                links: Arc::clone(self),
                server,
            };
            Arc::new(connector) as Arc<dyn Connector>
        };
        servers.into_iter().map(connector).collect()
    }
}

/// One server.
struct Mcp {
    server: McpServer,
    spec: ToolSpec,
    link: Arc<Link>,
    links: Arc<Links>,
}

impl Mcp {
    /// The sandbox has no stand-in for a stranger.
    fn may_be_called(&self, ctx: &CallContext) -> Result<(), CallError> {
        if ctx.mode == Mode::Real || self.server.record.mock {
            return Ok(());
        }
        let name = &self.server.name;
        let message = format!("the sandbox has no stand-in for {name}, so it can't be called in mock mode");
        Err(CallError::refused(Failure::new("tool_not_configured", message).hint(
            "call it in real mode: --mode real; or say `mock = true` of a server that may be called in rehearsals",
        )))
    }

    async fn note(&self, ctx: &CallContext, seen: Option<&McpSeen>) {
        let (Some(seen), Some(notes)) = (seen, self.links.notes.get()) else {
            return;
        };
        let same = |known: &McpSeen| {
            McpSeen {
                at: seen.at,
                ..known.clone()
            } == *seen
        };
        if !self.server.record.seen.as_ref().is_some_and(same) {
            notes.offers(ctx.tenant, &self.server.name, seen).await;
        }
    }
}

impl Mcp {
    /// Tells when a call has shown that the server stands otherwise than is known.
    async fn note_stand(&self, ctx: &CallContext, answer: &Result<Answer, CallError>) {
        let trouble = match answer {
            Ok(_) => None,
            Err(error) if OUT_OF_REACH.contains(&error.failure().code.as_str()) => Some(error.failure()),
            // Whoever refuses a call is there; what became of others says nothing about their server.
            Err(_) => return,
        };
        let known = self.server.record.stand.as_ref();
        let known = known.map(|stand| stand.trouble.is_some());
        if let Some(notes) = self.links.notes.get()
            && known.unwrap_or(false) != trouble.is_some()
        {
            notes.stands(ctx.tenant, &self.server.name, trouble).await;
        }
    }
}

#[async_trait]
impl Connector for Mcp {
    fn spec(&self) -> ToolSpec {
        self.spec.clone()
    }

    fn remote(&self) -> bool {
        self.server.command.is_none()
    }

    fn health_ms(&self) -> Millis {
        LOOK_MS
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        self.may_be_called(ctx)?;
        let tools = self.server.record.seen.iter().flat_map(|seen| &seen.tools);
        let Some(tool) = tools.into_iter().find(|tool| tool.name == action) else {
            return Err(crate::connector::unknown_action(action));
        };
        let mut looked = None;
        let answer = match &*self.link {
            Link::Stdio(line) => line.call(ctx, tool, args, &mut looked).await,
            Link::Http(line) => line.call(ctx, tool, args, &mut looked).await,
        };
        self.note(ctx, looked.as_deref()).await;
        self.note_stand(ctx, &answer).await;
        answer
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        self.may_be_called(ctx)?;
        let seen = match &*self.link {
            Link::Stdio(line) => line.look(ctx).await?,
            Link::Http(line) => line.look(ctx).await?,
        };
        self.note(ctx, Some(&seen)).await;
        let mut text = format!(
            "{}, revision {}, {} tools",
            seen.server,
            seen.protocol,
            seen.tools.len()
        );
        if !seen.left_out.is_empty() {
            text.push_str(&format!(", {} left out", seen.left_out.len()));
        }
        Ok(text)
    }
}

/// The tool as the catalogue shows it.
fn spec(server: &McpServer) -> ToolSpec {
    let record = &server.record;
    let seen = record.seen.as_ref();
    let tools = seen.map(|seen| seen.tools.as_slice()).unwrap_or_default();
    // What was stored is judged again: a later binary may be stricter.
    let usable = tools.iter().filter(|tool| {
        schema::usable(&tool.input).is_ok()
            && tool
                .output
                .as_ref()
                .is_none_or(|output| schema::usable(output).is_ok())
    });
    let actions = usable
        .map(|tool| definition::action(&server.name, record.trusted, record.class_of(tool), tool, CALL_MS))
        .collect();
    let digests: BTreeMap<&str, &str> = tools
        .iter()
        .map(|tool| (tool.name.as_str(), tool.digest.as_str()))
        .collect();
    let version = types::digest(&json!(digests));
    let description = match seen {
        Some(seen) => format!(
            "Server of the Model Context Protocol: {}, revision {}.",
            seen.server, seen.protocol
        ),
        None => format!(
            "Server of the Model Context Protocol; what it offers is not known yet (`agentops tool refresh {}`).",
            server.name
        ),
    };
    ToolSpec {
        name: server.name.clone(),
        description,
        version: format!("{FOREIGN_VERSION}{}", &version.as_str()[..16]),
        actions,
    }
}

/// Whether a server still offers a tool as it is known.
///
/// # Errors
/// `tool_changed`: nothing may be sent.
fn check(seen: Option<&McpSeen>, tool: &McpTool) -> Result<(), CallError> {
    let offered = seen.and_then(|seen| seen.tools.iter().find(|offered| offered.name == tool.name));
    let what = match offered {
        Some(offered) if offered.digest == tool.digest => return Ok(()),
        Some(_) => "describes it otherwise than when it was last looked at",
        None => "doesn't offer it any more",
    };
    let message = format!("the server {what}: {}; nothing was sent", tool.name);
    Err(CallError::refused(Failure::new("tool_changed", message).hint(
        "look at it with `agentops tool show`, classify it anew if it shall not ask each time, and start the step again",
    )))
}
