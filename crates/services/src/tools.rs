//! Tools: what there is, holding and releasing one, adding a plain HTTP tool, a rule for an action.

use engine::Message;
use ports::{LibraryChange, RunFilter, ToolRecord};
use serde::Serialize;
use serde_json::{Value, json};
use types::{Actor, Effect, Failure, Idempotency, Mode, Risk, RunStatus, Timestamp, ToolSpec};

use crate::changes::Changes;
use crate::mcp::{self, McpView};
use crate::names::not_found;
use crate::principal::Principal;
use crate::runs::post;
use crate::{Result, Services, facts, settings};

/// Kind of a row for a plain HTTP tool; its `config` holds `manifest`.
pub const HTTP: &str = "http";
/// Kind of a row for a connector that is built in.
pub const BUILT_IN: &str = "builtin";
/// The most runs woken when a tool is released; the others look again by themselves.
const WOKEN: u32 = 1_000;

/// How often a tool's row is read and written anew.
const TRIES: u32 = 5;

/// A tool as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolView {
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
    pub actions: Vec<ActionView>,
    /// More about a server of the Model Context Protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp: Option<McpView>,
}

/// An action as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActionView {
    /// `tool.action`.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Read, write or destructive.
    pub effect: Effect,
    /// What makes calling again safe.
    pub idempotency: Idempotency,
    /// How much harm a wrong call can do.
    pub risk: Risk,
    /// `run`, `ask` or `deny`, by the matrix in force.
    pub rule: &'static str,
    /// Why.
    pub reason: &'static str,
    /// JSON Schema of the arguments.
    pub input: Value,
}

/// Every tool, by name.
///
/// # Errors
/// The store can't be read.
pub async fn list(services: &Services) -> Result<Vec<ToolView>> {
    let catalog = services.tools.catalog();
    let rows = services.store.tools(services.tenant).await?;
    let facts = facts::facts(services.store.as_ref(), services.tenant).await?;
    let mut views: Vec<ToolView> = catalog
        .tools()
        .map(|spec| view(spec, rows.iter().find(|row| row.name == spec.name), &facts))
        .collect();
    // A row without a connector: switched off, or added a moment ago by another process.
    for row in rows.iter().filter(|row| catalog.tool(&row.name).is_none()) {
        views.push(ToolView {
            name: row.name.clone(),
            description: String::new(),
            kind: row.kind.clone(),
            version: String::new(),
            enabled: row.enabled,
            paused: row.paused,
            actions: Vec::new(),
            mcp: mcp::record_of(row).map(mcp::view),
        });
    }
    views.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(views)
}

/// One tool.
///
/// # Errors
/// `not_found` with the nearest name, or the store can't be read.
pub async fn show(services: &Services, name: &str) -> Result<ToolView> {
    let all = list(services).await?;
    match all.iter().find(|tool| tool.name == name) {
        Some(tool) => Ok(tool.clone()),
        None => Err(not_found(
            "tool",
            name,
            all.iter().map(|tool| tool.name.as_str()),
            "agentops tool list",
        )),
    }
}

/// Holds a tool: its calls wait until it is released.
///
/// # Errors
/// `not_found`, or the store can't be written.
pub async fn pause(services: &Services, name: &str, by: &Actor) -> Result<()> {
    set_paused(services, name, true, by).await
}

/// Releases a tool, and tells runs that may wait for it to look again.
///
/// # Errors
/// `not_found`, or the store can't be written.
pub async fn resume(services: &Services, name: &str, by: &Actor) -> Result<()> {
    set_paused(services, name, false, by).await?;
    let filter = RunFilter {
        statuses: vec![RunStatus::Running, RunStatus::Waiting, RunStatus::Undoing],
        limit: WOKEN,
        ..RunFilter::default()
    };
    for run in services.store.runs(services.tenant, filter).await? {
        post(services, run.run, Message::Nudge).await?;
    }
    Ok(())
}

/// Whether a plain HTTP tool can be kept under this name, beside these rows.
///
/// # Errors
/// `tool_name_taken` if a tool of another kind has it.
pub(crate) fn may_be_http(services: &Services, rows: &[ToolRecord], name: &str) -> Result<()> {
    let taken = match rows.iter().find(|row| row.name == name) {
        Some(row) => row.kind != HTTP,
        None => services.tools.catalog().tool(name).is_some(),
    };
    if taken {
        let message = format!("'{name}' is the name of another kind of tool");
        return Err(Failure::new("tool_name_taken", message).hint("give the manifest another name"));
    }
    Ok(())
}

/// Adds or replaces the plain HTTP tool that a manifest describes, works with it from here on, and answers
/// what the manifest says.
///
/// # Errors
/// `manifest_invalid` with everything that is wrong with it, `human_needed` for a token if one of its actions
/// would run unasked, `tool_name_taken` if a tool of another kind has that name, or the store can't be written.
pub async fn add_manifest(services: &Services, manifest: Value, by: &Principal) -> Result<ToolSpec> {
    let spec = services.tools.read_manifest(&manifest)?;
    may_add(&spec, by)?;
    let mut changes = Changes::new(services, &by.actor);
    add_http(&mut changes, &spec, manifest).await?;
    changes.commit().await?;
    Ok(spec)
}

/// Checks that they may add this tool: a manifest says itself what its actions do, and a token says of nothing
/// that it needs no approval.
///
/// # Errors
/// `human_needed`.
pub(crate) fn may_add(spec: &ToolSpec, by: &Principal) -> Result<()> {
    let matrix = governance::Matrix::default();
    let unasked = |action| matches!(matrix.rule(action), (governance::Rule::Run, _));
    match spec.actions.iter().any(unasked) {
        true => by.must_be_present("says what needs no approval"),
        false => Ok(()),
    }
}

/// The same as a part of other changes, where `spec` is what the reader made of `manifest`.
///
/// # Errors
/// `tool_name_taken` if a tool of another kind has that name, or the store can't be written.
pub(crate) async fn add_http(changes: &mut Changes<'_>, spec: &ToolSpec, manifest: Value) -> Result<()> {
    let services = changes.services;
    let rows = services.store.tools(services.tenant).await?;
    may_be_http(services, &rows, &spec.name)?;
    let older = rows.iter().find(|row| row.name == spec.name);
    let record = ToolRecord {
        name: spec.name.clone(),
        kind: HTTP.to_owned(),
        config: json!({"manifest": manifest}),
        enabled: true,
        paused: older.is_some_and(|row| row.paused),
        updated_at: changed_after(services, older),
    };
    let unchanged_since = older.map(|row| row.updated_at);
    let actions: Vec<String> = spec.actions.iter().map(|action| action.name()).collect();
    let body = json!({"tool": record.name, "actions": actions, "manifest": types::digest(&record.config)});
    let leaf = services.leaf("tool_added", changes.by, body);
    let change = LibraryChange::Tool {
        tool: record,
        unchanged_since,
    };
    changes.push(change, leaf);
    if let Some(older) = older {
        // An action that isn't what it was when somebody let it run asks again.
        let was = services.tools.read_manifest(&older.config["manifest"]).ok();
        let same = |name: &str| {
            let of = |spec: &ToolSpec| spec.actions.iter().find(|action| action.action == name).cloned();
            was.as_ref().and_then(of) == of(spec)
        };
        drop_rules(changes, &spec.name, |action, rule| rule == "run" && !same(action)).await?;
    }
    changes.know(spec.clone());
    Ok(())
}

/// Takes a tool away that somebody added, with the rules for its actions: another one of its name has to be
/// judged anew. Its secrets stay, bound to where they may be sent. Steps of runs that need it fail.
///
/// # Errors
/// `not_found`, `tool_not_removable` for one that is built in or that the host's configuration starts,
/// `human_needed` for a token if a rule goes with it that asks or denies, or the store can't be written.
pub async fn remove(services: &Services, name: &str, by: &Principal) -> Result<()> {
    again(|| take_away(services, name, by)).await
}

async fn take_away(services: &Services, name: &str, by: &Principal) -> Result<()> {
    let tool = show(services, name).await?;
    let fixed = |message: String, hint: &str| Err(Failure::new("tool_not_removable", message).hint(hint));
    let rows = services.store.tools(services.tenant).await?;
    let row = rows.into_iter().find(|row| row.name == tool.name);
    let Some(row) = row.filter(|row| row.kind != BUILT_IN) else {
        let message = format!("'{}' is built in, so it can't be removed", tool.name);
        return fixed(
            message,
            "hold it instead: `agentops tool pause NAME`, or POST /api/v1/tools/NAME/pause",
        );
    };
    if mcp::is_started_here(services, &row) {
        let message = format!("the configuration of this host starts '{}'", row.name);
        return fixed(
            message,
            "take it out of the configuration file and start the server again",
        );
    }
    let mut changes = Changes::new(services, &by.actor);
    let gone = drop_rules(&mut changes, &row.name, |_, _| true).await?;
    if gone.iter().any(|rule| rule != "run") {
        by.must_be_present("says what needs no approval")?;
    }
    let body = json!({"tool": row.name, "kind": row.kind, "was": types::digest(&row.config)});
    let leaf = services.leaf("tool_removed", &by.actor, body);
    let change = LibraryChange::RemoveTool {
        name: row.name,
        unchanged_since: row.updated_at,
    };
    changes.push(change, leaf);
    changes.commit().await.map(drop)
}

/// Takes those rules for a tool's actions away that `goes` says, by the action's short name, and answers
/// them. What was said of one tool doesn't hold for what has taken its place.
pub(crate) async fn drop_rules(
    changes: &mut Changes<'_>,
    tool: &str,
    goes: impl Fn(&str, &Value) -> bool,
) -> Result<Vec<Value>> {
    let rules: serde_json::Map<String, Value> = changes.setting(settings::RULES).await?;
    let (gone, kept): (serde_json::Map<_, _>, serde_json::Map<_, _>) =
        rules.into_iter().partition(|(action, rule)| {
            let of = action.split_once('.');
            of.is_some_and(|(owner, action)| owner == tool && goes(action, rule))
        });
    if !gone.is_empty() {
        changes.set(settings::RULES, Value::Object(kept)).await?;
    }
    Ok(gone.into_iter().map(|(_, rule)| rule).collect())
}

/// Sets this installation's rule for an action: `run`, `ask`, `deny` or `{"ask": {…}}`; JSON null
/// takes it back.
///
/// # Errors
/// `human_needed` for a token, unless the rule is `deny`; `unknown_action`, `setting_invalid`, or the store
/// can't be written.
pub async fn set_rule(services: &Services, action: &str, rule: Value, by: &Principal) -> Result<()> {
    if rule != "deny" {
        by.must_be_present("says what needs no approval")?;
    }
    let spec = crate::call::find_action(services, action)?;
    let mut changes = Changes::new(services, &by.actor);
    let mut rules: serde_json::Map<String, Value> = changes.setting(settings::RULES).await?;
    if rule.is_null() {
        rules.remove(&spec.name());
    } else {
        rules.insert(spec.name(), rule);
    }
    changes.set(settings::RULES, Value::Object(rules)).await?;
    changes.commit().await.map(drop)
}

/// Asks a tool how it is.
///
/// # Errors
/// `not_found`, or the store can't be read.
pub async fn health(services: &Services, name: &str, mode: Mode) -> Result<ports::Health> {
    let tool = show(services, name).await?;
    let health = services.tools.health(services.tenant, &tool.name, mode).await;
    if tool.mcp.is_some_and(|server| mode == Mode::Real || server.mock) {
        let trouble = (!health.ok).then_some(health.detail.as_str());
        mcp::stands(services, name, trouble).await?;
    }
    Ok(health)
}

async fn set_paused(services: &Services, name: &str, paused: bool, by: &Actor) -> Result<()> {
    let tool = show(services, name).await?;
    again(|| put_paused(services, &tool.name, paused, by)).await?;
    services.runs.forget_facts();
    Ok(())
}

async fn put_paused(services: &Services, name: &str, paused: bool, by: &Actor) -> Result<()> {
    let rows = services.store.tools(services.tenant).await?;
    let older = rows.into_iter().find(|row| row.name == name);
    let unchanged_since = older.as_ref().map(|row| row.updated_at);
    let updated_at = changed_after(services, older.as_ref());
    let row = older.unwrap_or(ToolRecord {
        name: name.to_owned(),
        kind: BUILT_IN.to_owned(),
        config: Value::Null,
        enabled: true,
        paused: false,
        updated_at,
    });
    let row = ToolRecord {
        paused,
        updated_at,
        ..row
    };
    let kind = if paused { "tool_paused" } else { "tool_resumed" };
    let leaf = services.leaf(kind, by, json!({"tool": name}));
    let put = services
        .store
        .put_tool(services.tenant, row, unchanged_since, leaf);
    Ok(put.await?)
}

/// When a tool's row is changed that is written next: later than it was before, so that nobody takes the one
/// for the other.
pub(crate) fn changed_after(services: &Services, older: Option<&ToolRecord>) -> Timestamp {
    let now = services.now();
    older.map_or(now, |row| now.max(row.updated_at + 1))
}

/// Reads and writes a tool's row anew where somebody else's change of it came in between.
///
/// # Errors
/// `conflict` if that happens again and again, or what `attempt` fails with.
pub(crate) async fn again<F: Future<Output = Result<()>>>(attempt: impl Fn() -> F) -> Result<()> {
    for _ in 1..TRIES {
        match attempt().await {
            Err(failure) if failure.code == "conflict" => {}
            done => return done,
        }
    }
    attempt().await
}

fn view(spec: &ToolSpec, row: Option<&ToolRecord>, facts: &governance::Facts) -> ToolView {
    let actions = spec.actions.iter().map(|action| {
        let (rule, reason) = facts.matrix.rule(action);
        ActionView {
            name: action.name(),
            description: action.description.clone(),
            aliases: action.aliases.clone(),
            effect: action.effect,
            idempotency: action.idempotency,
            risk: action.risk,
            rule: match rule {
                governance::Rule::Run => "run",
                governance::Rule::Ask(_) => "ask",
                governance::Rule::Deny => "deny",
            },
            reason,
            input: action.input.clone(),
        }
    });
    ToolView {
        name: spec.name.clone(),
        description: spec.description.clone(),
        kind: row.map_or(BUILT_IN, |row| row.kind.as_str()).to_owned(),
        version: spec.version.clone(),
        enabled: row.is_none_or(|row| row.enabled),
        paused: row.is_some_and(|row| row.paused),
        actions: actions.collect(),
        mcp: row.and_then(mcp::record_of).map(mcp::view),
    }
}

#[cfg(test)]
mod tests;
