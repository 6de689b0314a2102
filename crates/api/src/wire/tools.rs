//! Tools, their actions and their health.

use std::collections::BTreeMap;

use ports::Health;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use services::mcp::McpView;
use services::tools::{ActionView, ToolView};
use types::{Effect, Idempotency, Mode, Risk, Timestamp};
use utoipa::ToSchema;

use super::forms;

/// An action as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Action {
    /// `tool.action`.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// `read`, `write` or `destructive`.
    #[schema(value_type = String)]
    pub effect: Effect,
    /// What makes calling again safe.
    #[schema(value_type = Object)]
    pub idempotency: Idempotency,
    /// `low`, `medium` or `high`.
    #[schema(value_type = String)]
    pub risk: Risk,
    /// `run`, `ask` or `deny`, by the rules in force.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// JSON Schema of the arguments.
    pub input: Value,
}

impl From<ActionView> for Action {
    fn from(view: ActionView) -> Self {
        Self {
            name: view.name,
            description: view.description,
            aliases: view.aliases,
            effect: view.effect,
            idempotency: view.idempotency,
            risk: view.risk,
            rule: view.rule.to_owned(),
            reason: view.reason.to_owned(),
            input: view.input,
        }
    }
}

/// What a server of the Model Context Protocol offers and can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// Why.
    pub why: String,
}

/// A server of the Model Context Protocol as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct McpServer {
    /// Where it answers; missing if the host's configuration starts it.
    pub url: Option<String>,
    /// Whether its own word about its actions counts.
    pub trusted: bool,
    /// Whether it may be called in mock mode.
    pub mock: bool,
    /// The revision of the protocol that it speaks; missing if it was never looked at.
    pub protocol: Option<String>,
    /// Its own name and version.
    pub server: Option<String>,
    /// When its offer was last seen to change.
    #[schema(value_type = Option<i64>)]
    pub seen_at: Option<Timestamp>,
    /// `unseen` if nobody has looked at it yet, `answers`, or `unreachable`, as it was when it was last tried.
    pub state: String,
    /// Since when it is known to stand so.
    #[schema(value_type = Option<i64>)]
    pub since: Option<Timestamp>,
    /// What keeps it from being worked with.
    pub trouble: Option<String>,
    /// Why each action counts as what it does, by the action's name.
    pub standing: BTreeMap<String, String>,
    /// What it offers and can't be used.
    pub left_out: Vec<LeftOut>,
}

impl From<McpView> for McpServer {
    fn from(view: McpView) -> Self {
        let left_out = view.left_out.into_iter().map(|left| LeftOut {
            name: left.name,
            why: left.why,
        });
        let state = match &view.stand {
            None => "unseen",
            Some(stand) if stand.trouble.is_some() => "unreachable",
            Some(_) => "answers",
        };
        Self {
            state: state.to_owned(),
            since: view.stand.as_ref().map(|stand| stand.since),
            trouble: view.stand.and_then(|stand| stand.trouble),
            url: view.url,
            trusted: view.trusted,
            mock: view.mock,
            protocol: view.protocol,
            server: view.server,
            seen_at: view.seen_at,
            standing: view.standing,
            left_out: left_out.collect(),
        }
    }
}

/// A tool as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// `builtin`, `http` or `mcp`.
    pub kind: String,
    /// Version of the connector.
    pub version: String,
    /// Whether it may be called.
    pub enabled: bool,
    /// Whether a person holds it.
    pub paused: bool,
    /// Its actions.
    pub actions: Vec<Action>,
    /// The server behind it, if it speaks the Model Context Protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp: Option<McpServer>,
}

impl From<ToolView> for Tool {
    fn from(view: ToolView) -> Self {
        Self {
            name: view.name,
            description: view.description,
            kind: view.kind,
            version: view.version,
            enabled: view.enabled,
            paused: view.paused,
            actions: view.actions.into_iter().map(Action::from).collect(),
            mcp: view.mcp.map(McpServer::from),
        }
    }
}

/// How a tool is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToolHealth {
    /// The tool.
    pub tool: String,
    /// Whether it answers and lets us in.
    pub ok: bool,
    /// What was seen.
    pub detail: String,
    /// `mock` or `real`.
    #[schema(schema_with = forms::mode, required = true)]
    pub mode: Mode,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
}

impl From<Health> for ToolHealth {
    fn from(health: Health) -> Self {
        Self {
            tool: health.tool,
            ok: health.ok,
            detail: health.detail,
            mode: health.mode,
            latency_ms: health.latency_ms,
        }
    }
}

/// One call by hand: a run of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallAction {
    /// The arguments.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub args: Map<String, Value>,
    /// `mock` or `real`; the setting `runs.mode` if not said.
    #[serde(default)]
    #[schema(schema_with = forms::mode_or_none, required = false)]
    pub mode: Option<Mode>,
}

/// A plain HTTP tool to be added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddTool {
    /// What describes it: its name, where it lives, its actions.
    pub manifest: Value,
}

/// A plain HTTP tool that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddedTool {
    /// Its name.
    pub tool: String,
    /// Its actions, `tool.action`.
    pub actions: Vec<String>,
}

/// This installation's rule for an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutRule {
    /// `"run"`, `"ask"`, `"deny"` or `{"ask": {"groups": […], "quorum": …}}`; null takes it back.
    pub rule: Value,
}

/// A server of the Model Context Protocol that answers over HTTP. One that this host starts stands in
/// its configuration file only: no request can name a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutMcpServer {
    /// Where it answers.
    pub url: String,
    /// Let what it says of its own actions count.
    #[serde(default)]
    pub trusted: bool,
    /// Let it be called in mock mode, which has no stand-in for it.
    #[serde(default)]
    pub mock: bool,
}

/// What an action of a server of the Model Context Protocol does, for the definition that was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutClass {
    /// `read`, `write` or `destructive`; null takes back what was said.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(value_type = Option<String>, required = true)]
    pub effect: Option<Effect>,
    /// Whether calling it again with the same arguments gives the same world.
    #[serde(default)]
    pub idempotent: bool,
}
