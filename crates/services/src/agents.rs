//! Agents: named workers with a domain, instructions and tools.

use ports::AgentRecord;
use serde_json::json;
use types::{Actor, AgentId};

use crate::names::not_found;
use crate::{Result, Services, if_found};

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
    /// Recipes that are its own, by slug.
    #[serde(default)]
    pub recipes: Vec<String>,
}

/// Agents, by name.
///
/// # Errors
/// The store can't be read.
pub async fn list(services: &Services) -> Result<Vec<AgentRecord>> {
    Ok(services.store.agents(services.tenant).await?)
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
/// `conflict` if the name is in use, or the store can't be written.
pub async fn make(services: &Services, new: &NewAgent, by: &Actor) -> Result<AgentRecord> {
    let now = services.now();
    let agent = AgentRecord {
        id: AgentId::new(services.clock.as_ref(), services.entropy.as_ref()),
        name: new.name.clone(),
        domain: new.domain.clone(),
        instructions: new.instructions.clone(),
        tools: new.tools.clone(),
        config: json!({"recipes": new.recipes}),
        created_at: now,
        updated_at: now,
        archived_at: None,
    };
    let leaf = services.leaf(
        "agent_made",
        by,
        json!({"agent": agent.name, "tools": agent.tools}),
    );
    services
        .store
        .put_agent(services.tenant, agent.clone(), None, leaf)
        .await?;
    Ok(agent)
}
