//! Agents: named workers with a domain, instructions and tools.

use ports::{AgentRecord, ByName, LibraryChange};
use serde_json::{Value, json};
use types::{Actor, AgentId, Catalog, Failure};

use crate::changes::Changes;
use crate::names::not_found;
use crate::{ROWS, Result, Services, if_found};

/// An agent to be made.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAgent {
    /// The unique name (without regard to case).
    pub name: String,
    /// What it looks after, such as `support`.
    pub domain: String,
    /// How it should work.
    pub instructions: String,
    /// Tools it may use.
    pub tools: Vec<String>,
    /// Anything else about it, an object.
    #[serde(default)]
    pub config: Option<Value>,
    /// Recipes that are its own, by slug.
    #[serde(default)]
    pub recipes: Vec<String>,
}

/// A page of agents, by name.
///
/// # Errors
/// The store can't be read.
pub async fn page(services: &Services, page: ByName) -> Result<Vec<AgentRecord>> {
    Ok(services.store.agents(services.tenant, page).await?)
}

/// All agents, by name, page by page.
///
/// # Errors
/// The store can't be read.
pub(crate) async fn list(services: &Services) -> Result<Vec<AgentRecord>> {
    let mut all: Vec<AgentRecord> = Vec::new();
    loop {
        let after = all.last().map(|agent| agent.name.clone());
        let found = page(services, ByName { after, limit: ROWS }).await?;
        let last = found.len() < ROWS as usize;
        all.extend(found);
        if last {
            return Ok(all);
        }
    }
}

/// The agent with this name, without regard to case.
///
/// # Errors
/// `not_found` with the nearest name, or the store can't be read.
pub async fn show(services: &Services, name: &str) -> Result<AgentRecord> {
    if let Some(agent) = if_found(services.store.agent(services.tenant, name).await)? {
        return Ok(agent);
    }
    let known = list(services).await?;
    Err(not_found(
        "agent",
        name,
        known.iter().map(|agent| agent.name.as_str()),
        "agentops agent list",
    ))
}

/// Makes an agent.
///
/// # Errors
/// `agent_invalid` with every problem at once, `conflict` if the name is in use, or the store can't be
/// written.
pub async fn make(services: &Services, new: &NewAgent, by: &Actor) -> Result<AgentRecord> {
    let mut changes = Changes::new(services, by);
    let agent = made(&mut changes, new)?;
    changes.commit().await?;
    Ok(agent)
}

/// The same as a part of other changes.
///
/// # Errors
/// `agent_invalid` with every problem at once.
pub(crate) fn made(changes: &mut Changes<'_>, new: &NewAgent) -> Result<AgentRecord> {
    let services = changes.services;
    check(&changes.catalog(), new)?;
    let now = services.now();
    let agent = AgentRecord {
        id: AgentId::new(services.clock.as_ref(), services.entropy.as_ref()),
        name: new.name.clone(),
        domain: new.domain.clone(),
        instructions: new.instructions.clone(),
        tools: new.tools.clone(),
        config: config(new, json!({})),
        created_at: now,
        updated_at: now,
        archived_at: None,
    };
    let body = json!({"agent": agent.name, "tools": agent.tools});
    let leaf = services.leaf("agent_made", changes.by, body);
    let change = LibraryChange::Agent {
        agent: agent.clone(),
        unchanged_since: None,
    };
    changes.push(change, leaf);
    Ok(agent)
}

/// Makes an agent what `wish` says, if it is still as it was.
///
/// # Errors
/// `agent_invalid` with every problem at once, `conflict` if the name is in use or somebody changed the
/// agent meanwhile, or the store can't be written.
pub async fn change(
    services: &Services,
    before: AgentRecord,
    wish: &NewAgent,
    by: &Actor,
) -> Result<AgentRecord> {
    check(&services.tools.catalog(), wish)?;
    let since = before.updated_at;
    let agent = AgentRecord {
        name: wish.name.clone(),
        domain: wish.domain.clone(),
        instructions: wish.instructions.clone(),
        tools: wish.tools.clone(),
        config: config(wish, before.config),
        updated_at: services.now().max(since + 1),
        ..before
    };
    let body = json!({"agent": agent.name, "tools": agent.tools});
    let leaf = services.leaf("agent_changed", by, body);
    services
        .store
        .put_agent(services.tenant, agent.clone(), Some(since), leaf)
        .await?;
    Ok(agent)
}

/// Archives an agent, if it is still as it was: its runs stay, its name is free again.
///
/// # Errors
/// `conflict` if somebody changed it meanwhile, or the store can't be written.
pub async fn archive(services: &Services, before: AgentRecord, by: &Actor) -> Result<()> {
    let since = before.updated_at;
    let now = services.now().max(since + 1);
    let leaf = services.leaf("agent_archived", by, json!({"agent": before.name}));
    let agent = AgentRecord {
        updated_at: now,
        archived_at: Some(now),
        ..before
    };
    Ok(services
        .store
        .put_agent(services.tenant, agent, Some(since), leaf)
        .await?)
}

/// What an agent is configured with: what is asked for, else what it had; its recipes stand in it.
fn config(wish: &NewAgent, before: Value) -> Value {
    let mut config = wish.config.clone().unwrap_or(before);
    if let (Value::Object(map), false) = (&mut config, wish.recipes.is_empty()) {
        map.insert("recipes".to_owned(), json!(wish.recipes));
    }
    config
}

/// Every problem of a wish at once.
fn check(catalog: &Catalog, wish: &NewAgent) -> Result<()> {
    let mut problems = Vec::new();
    let name = wish.name.trim();
    if name.is_empty()
        || name != wish.name
        || name.chars().count() > 100
        || name.chars().any(char::is_control)
    {
        problems.push("the name has 1 to 100 characters, without spaces around it".to_owned());
    }
    if wish.domain.chars().count() > 100 {
        problems.push("the domain has at most 100 characters".to_owned());
    }
    if wish.instructions.len() > 20_000 {
        problems.push("the instructions have at most 20000 bytes".to_owned());
    }
    let config = wish.config.as_ref();
    if config.is_some_and(|config| !config.is_object() || config.to_string().len() > 64 * 1024) {
        problems.push("the configuration is an object of at most 64 KiB".to_owned());
    }
    if wish.tools.len() > 200 {
        problems.push("an agent has at most 200 tools".to_owned());
    }
    for tool in wish.tools.iter().take(200) {
        if catalog.tool(tool).is_none() {
            let known = catalog.tools().map(|spec| spec.name.as_str());
            let near = crate::names::nearest(tool, known);
            let hint = near
                .map(|near| format!("; did you mean '{near}'?"))
                .unwrap_or_default();
            problems.push(format!("there is no tool '{}'{hint}", crate::names::cut(tool)));
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::new("agent_invalid", problems.join("; ")))
}
