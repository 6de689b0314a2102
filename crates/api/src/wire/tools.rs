//! Tools, their actions and their health.

use ports::Health;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use services::tools::{ActionView, ToolView};
use types::{Effect, Idempotency, Mode, Risk};
use utoipa::ToSchema;

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
    #[schema(value_type = String)]
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
    #[schema(value_type = Option<String>)]
    pub mode: Option<Mode>,
}

/// This installation's rule for an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutRule {
    /// `"run"`, `"ask"`, `"deny"` or `{"ask": {"groups": […], "quorum": …}}`; null takes it back.
    pub rule: Value,
}
