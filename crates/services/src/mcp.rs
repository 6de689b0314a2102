//! Servers of the Model Context Protocol: added by their address, looked at, and their actions
//! classified by people. What is said here of an action holds for the definition that was seen.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ports::{
    LibraryChange, McpClass, McpHints, McpLeftOut, McpRecord, McpSeen, McpStand, McpTool, ToolRecord,
};
use serde::Serialize;
use serde_json::json;
use types::{Actor, Effect, Failure, Timestamp};

use crate::changes::Changes;
use crate::names::{cut, not_found};
use crate::principal::Principal;
use crate::secrets::origin_of;
use crate::tools::{self, ToolView};
use crate::{Result, Services};

/// Kind of a row for a server of the Model Context Protocol; its `config` is an [`McpRecord`].
pub const MCP: &str = "mcp";
/// The longest name of a server, in bytes.
const LONGEST_NAME: usize = 40;
/// The longest description of what keeps a server from being worked with, in characters.
const LONGEST_TROUBLE: usize = 500;
/// The longest address, in bytes.
const LONGEST_URL: usize = 2_000;

/// What a person says of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// What it does to the world.
    pub effect: Effect,
    /// Whether calling it again with the same arguments gives the same world.
    pub idempotent: bool,
}

/// A server as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct McpView {
    /// Where it answers; none if the host's configuration starts it.
    pub url: Option<String>,
    /// Whether its own word about its actions counts.
    pub trusted: bool,
    /// Whether it may be called in mock mode.
    pub mock: bool,
    /// The revision of the protocol that it speaks; none if it was never looked at.
    pub protocol: Option<String>,
    /// Its own name and version.
    pub server: Option<String>,
    /// When its offer was last seen to change.
    pub seen_at: Option<Timestamp>,
    /// How it stood when it was last tried; none if nobody has tried it yet.
    pub stand: Option<McpStand>,
    /// Why each action counts as what it does, by the action's name.
    pub standing: BTreeMap<String, String>,
    /// What it offers and can't be used.
    pub left_out: Vec<McpLeftOut>,
}

/// The server that a row holds, if it holds one.
pub fn record_of(row: &ToolRecord) -> Option<McpRecord> {
    (row.kind == MCP).then(|| serde_json::from_value(row.config.clone()).unwrap_or_default())
}

/// A server as people see it.
pub(crate) fn view(record: McpRecord) -> McpView {
    let seen = record.seen.as_ref();
    let tools = seen.map(|seen| seen.tools.as_slice()).unwrap_or_default();
    let standing = tools
        .iter()
        .map(|tool| (tool.name.clone(), standing(&record, tool)))
        .collect();
    McpView {
        protocol: seen.map(|seen| seen.protocol.clone()),
        server: seen.map(|seen| seen.server.clone()),
        seen_at: seen.map(|seen| seen.at),
        // What an older binary has looked at answered then.
        stand: record.stand.clone().or_else(|| {
            seen.map(|seen| McpStand {
                since: seen.at,
                trouble: None,
            })
        }),
        standing,
        url: record.url,
        trusted: record.trusted,
        mock: record.mock,
        left_out: record.seen.map(|seen| seen.left_out).unwrap_or_default(),
    }
}

fn standing(record: &McpRecord, tool: &McpTool) -> String {
    match (record.class_of(tool), record.classified.get(&tool.name)) {
        (Some(class), _) => format!("classified so by {}", class.by),
        (None, Some(older)) => format!(
            "its definition has changed since {} classified it as {}, so that doesn't count any more",
            older.by,
            older.effect.as_str()
        ),
        (None, None) if record.trusted && tool.hints == McpHints::default() => {
            "its server, which is marked as trusted, doesn't say what it does, so it is taken as destructive"
                .to_owned()
        }
        (None, None) if record.trusted => {
            "taken from what its server says of it (annotations), because the server is marked as trusted"
                .to_owned()
        }
        (None, None) => "nobody has classified it, so it is taken as destructive".to_owned(),
    }
}

/// Adds a server that answers at `url`, or changes what is said of it; nobody looks at it yet. What was
/// seen of it and said of its actions, rules that let them run included, stays while it answers at the same
/// origin: another server could offer the same definitions and do something else.
///
/// # Errors
/// `tool_name_taken`, also by a server that the host's configuration starts; `argument_invalid`, or the
/// store can't be written.
pub async fn add(
    services: &Services,
    name: &str,
    url: &str,
    trusted: bool,
    mock: bool,
    by: &Principal,
) -> Result<ToolView> {
    if trusted {
        by.must_be_present("says which servers are believed")?;
    }
    let by = &by.actor;
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let good = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(inside);
    if !good || name.len() > LONGEST_NAME {
        let message = format!("'{}' is no name for a tool", cut(name));
        return Err(Failure::new("argument_invalid", message)
            .hint("write up to 40 lower-case letters, digits, '_' and '-', beginning with a letter"));
    }
    // Credentials in an address would be shown wherever the address is.
    if origin_of(url).is_none() || url.len() > LONGEST_URL || url.contains(['@', '#', ' ']) {
        let message = format!("'{}' is not an address of a server", cut(url));
        return Err(Failure::new("argument_invalid", message).hint(
            "such as https://mcp.example.com/mcp; a server that this host starts stands in its configuration file only",
        ));
    }
    let row = row(services, name).await?;
    if row.as_ref().map_or_else(
        || services.tools.catalog().tool(name).is_some(),
        |row| row.kind != MCP,
    ) {
        let message = format!("there is another tool '{name}'");
        return Err(Failure::new("tool_name_taken", message).hint("give the server another name"));
    }
    let older = row.as_ref().and_then(record_of).unwrap_or_default();
    if row.as_ref().is_some_and(|row| is_started_here(services, row)) {
        let message = format!("the configuration of this host starts the server '{name}'");
        return Err(Failure::new("tool_name_taken", message)
            .hint("change it in the configuration file, or give this one another name"));
    }
    let moved = older.url.as_deref().and_then(origin_of) != origin_of(url);
    let known = if moved { McpRecord::default() } else { older };
    let record = McpRecord {
        url: Some(url.to_owned()),
        trusted,
        mock,
        ..known
    };
    let body = json!({"tool": name, "url": url, "trusted": trusted, "mock": mock});
    let mut changes = Changes::new(services, by);
    if moved {
        tools::drop_rules(&mut changes, name, |_, rule| rule == "run").await?;
    }
    let change = LibraryChange::Tool {
        tool: becomes(services, name, row.as_ref(), &record),
        unchanged_since: row.map(|row| row.updated_at),
    };
    changes.push(change, services.leaf("tool_added", by, body));
    changes.commit().await?;
    tools::show(services, name).await
}

/// Looks at a server anew, whether it was added or the host's configuration starts it, and works with
/// what it offers from here on.
///
/// # Errors
/// `not_found`, `argument_invalid` for a tool of another kind, or whatever keeps the server from being
/// reached or worked with.
pub async fn refresh(services: &Services, name: &str) -> Result<ToolView> {
    if row(services, name).await?.as_ref().and_then(record_of).is_none() {
        return Err(no_server(
            services,
            name,
            "`agentops tool health` asks other tools how they are",
        ));
    }
    let looked = services.tools.look(services.tenant, name).await;
    let trouble = looked.as_ref().err().map(ToString::to_string);
    stands(services, name, trouble.as_deref()).await?;
    looked?;
    tools::show(services, name).await
}

/// Keeps that a server answers, or what keeps it from being worked with. It is written only when that has
/// changed, and since when it is so stays otherwise.
///
/// # Errors
/// The store can't be read or written.
pub async fn stands(services: &Services, server: &str, trouble: Option<&str>) -> Result<()> {
    tools::again(|| note_stand(services, server, trouble)).await
}

async fn note_stand(services: &Services, server: &str, trouble: Option<&str>) -> Result<()> {
    let row = row(services, server).await?;
    let Some(mut record) = row.as_ref().and_then(record_of) else {
        return Ok(());
    };
    let trouble = trouble.map(|words| plain(words, LONGEST_TROUBLE));
    let before = record.stand.as_ref();
    if before.is_some_and(|before| before.trouble == trouble) {
        return Ok(());
    }
    let as_before = before.filter(|before| before.trouble.is_some() && trouble.is_some());
    let since = as_before.map_or_else(|| services.now(), |before| before.since);
    let body = json!({"tool": server, "answers": trouble.is_none()});
    record.stand = Some(McpStand { since, trouble });
    let by = Actor::system("mcp");
    put(services, server, row, &record, "tool_stands", &by, body).await
}

/// Keeps what the host's configuration says of a server that it starts.
///
/// # Errors
/// `tool_name_taken`, or the store can't be read or written.
pub async fn configured(services: &Services, name: &str, trusted: bool, mock: bool) -> Result<()> {
    let row = row(services, name).await?;
    if row.as_ref().map_or_else(
        || services.tools.catalog().tool(name).is_some(),
        |row| row.kind != MCP,
    ) {
        let message = format!(
            "the configuration calls a server of the Model Context Protocol '{name}', and there is another tool of that name"
        );
        return Err(
            Failure::new("tool_name_taken", message).hint("give the section [mcp.servers.…] another name")
        );
    }
    let older = row.as_ref().and_then(record_of);
    let record = McpRecord {
        url: None,
        trusted,
        mock,
        ..older.clone().unwrap_or_default()
    };
    if older.as_ref() == Some(&record) {
        return Ok(());
    }
    let body = json!({"tool": name, "trusted": trusted, "mock": mock});
    put(
        services,
        name,
        row,
        &record,
        "tool_configured",
        &Actor::system("configuration"),
        body,
    )
    .await
}

/// Says what an action does, for the definition that was last seen; none takes it back. The tool as it
/// stands then.
///
/// # Errors
/// `human_needed` for a token, `not_found`, `argument_invalid` for an action of a tool of another kind,
/// `conflict` if the tool was changed meanwhile, or the store can't be written.
pub async fn classify(
    services: &Services,
    action: &str,
    class: Option<Class>,
    by: &Principal,
) -> Result<ToolView> {
    by.must_be_present("says what an action of somebody else's server does")?;
    let by = &by.actor;
    let (server, name) = action.split_once('.').unwrap_or((action, ""));
    let row = row(services, server).await?;
    let Some(mut record) = row.as_ref().and_then(record_of) else {
        let hint = "other tools say themselves what their actions do; `agentops tool rule` says what asks";
        return Err(no_server(services, server, hint));
    };
    let tools = record
        .seen
        .as_ref()
        .map(|seen| seen.tools.as_slice())
        .unwrap_or_default();
    let Some(tool) = tools.iter().find(|tool| tool.name == name) else {
        let known = tools.iter().map(|tool| tool.name.as_str());
        return Err(not_found(
            "action",
            name,
            known,
            &format!("agentops tool show {server}"),
        ));
    };
    let definition = tool.digest.clone();
    let body = json!({"action": action, "effect": class.map(|class| class.effect),
                      "idempotent": class.map(|class| class.idempotent), "definition": definition});
    match class {
        None => drop(record.classified.remove(name)),
        Some(Class { effect, idempotent }) => {
            let class = McpClass {
                effect,
                idempotent,
                definition,
                by: by.name.clone(),
                at: services.now(),
            };
            record.classified.insert(name.to_owned(), class);
        }
    }
    put(services, server, row, &record, "tool_classified", by, body).await?;
    services.tools.take_up().await?;
    tools::show(services, server).await
}

/// Keeps what a server was seen to offer. Classifications of definitions that have changed don't count
/// from here on; they stay to be shown.
///
/// # Errors
/// The store can't be read or written.
pub async fn offers(services: &Services, server: &str, seen: &McpSeen) -> Result<()> {
    tools::again(|| note_offer(services, server, seen)).await
}

async fn note_offer(services: &Services, server: &str, seen: &McpSeen) -> Result<()> {
    let row = row(services, server).await?;
    let mut record = row.as_ref().and_then(record_of).unwrap_or_default();
    let before = record.seen.replace(seen.clone());
    let older = |name: &str| {
        let tools = before.iter().flat_map(|seen| &seen.tools);
        tools
            .into_iter()
            .find(|tool| tool.name == name)
            .map(|tool| &tool.digest)
    };
    let changed = seen
        .tools
        .iter()
        .filter(|tool| older(&tool.name) != Some(&tool.digest));
    let changed: Vec<&str> = changed.map(|tool| tool.name.as_str()).collect();
    let body = json!({"tool": server, "protocol": seen.protocol, "server": seen.server,
                      "changed": changed, "left_out": seen.left_out.len()});
    let by = Actor::system("mcp");
    put(services, server, row, &record, "tool_offers", &by, body).await
}

/// Words as one line that isn't too long.
fn plain(words: &str, most: usize) -> String {
    let line = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(most).collect()
}

/// That there is no such server, or that it is a tool of another kind.
fn no_server(services: &Services, name: &str, hint: &str) -> Failure {
    let catalog = services.tools.catalog();
    if catalog.tool(name).is_some() {
        let message = format!("'{}' is no server of the Model Context Protocol", cut(name));
        return Failure::new("argument_invalid", message).hint(hint);
    }
    let known = catalog.tools().map(|tool| tool.name.as_str());
    not_found("tool", name, known, "agentops tool list")
}

async fn row(services: &Services, name: &str) -> Result<Option<ToolRecord>> {
    let rows = services.store.tools(services.tenant).await?;
    Ok(rows.into_iter().find(|row| row.name == name))
}

async fn put(
    services: &Services,
    name: &str,
    older: Option<ToolRecord>,
    record: &McpRecord,
    kind: &str,
    by: &Actor,
    body: serde_json::Value,
) -> Result<()> {
    let row = becomes(services, name, older.as_ref(), record);
    let leaf = services.leaf(kind, by, body);
    let since = older.map(|row| row.updated_at);
    Ok(services.store.put_tool(services.tenant, row, since, leaf).await?)
}

/// Whether this is a server that the host's configuration starts.
pub(crate) fn is_started_here(services: &Services, row: &ToolRecord) -> bool {
    record_of(row).is_some_and(|record| record.url.is_none())
        && services.tools.catalog().tool(&row.name).is_some()
}

/// A server's row with this record.
fn becomes(services: &Services, name: &str, older: Option<&ToolRecord>, record: &McpRecord) -> ToolRecord {
    ToolRecord {
        name: name.to_owned(),
        kind: MCP.to_owned(),
        config: json!(record),
        enabled: older.is_none_or(|row| row.enabled),
        paused: older.is_some_and(|row| row.paused),
        updated_at: tools::changed_after(services, older),
    }
}
