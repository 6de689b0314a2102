//! Table `agents`: named workers.

use crate::sql::{Connection, Row, params};
use ports::{AgentRecord, ByName};
use types::{AgentId, TenantId, Timestamp};

use super::conditions::Conditions;
use crate::convert::{at, id, json, opt_at};
use crate::fault::{Fault, changed, conflict, not_found};

/// An agent, ready to be written.
#[derive(Debug)]
pub(crate) struct PreparedAgent {
    agent: AgentRecord,
    tools: String,
    config: String,
}

const COLUMNS: &str =
    "agent_id, name, domain, instructions, tools, config, created_at, updated_at, archived_at";

impl PreparedAgent {
    pub(crate) fn new(agent: AgentRecord) -> Result<Self, Fault> {
        let tools = serde_json::to_string(&agent.tools)?;
        let config = serde_json::to_string(&agent.config)?;
        Ok(Self { agent, tools, config })
    }

    /// Makes or replaces the agent, unless another one that isn't archived has the name.
    pub(crate) fn put(
        &self,
        connection: &Connection,
        tenant: TenantId,
        unchanged_since: Option<Timestamp>,
    ) -> Result<(), Fault> {
        let agent = &self.agent;
        let key = agent.name.to_lowercase();
        let mut taken = connection.prepare_cached(
            "SELECT 1 FROM agents
             WHERE tenant_id = ?1 AND name_key = ?2 AND archived_at IS NULL AND agent_id <> ?3",
        )?;
        let bound = params![tenant.as_bytes(), key, agent.id.as_bytes()];
        if agent.archived_at.is_none() && taken.exists(bound)? {
            return Err(conflict(format!("there is another agent named '{}'", agent.name)).into());
        }
        if let Some(since) = unchanged_since {
            let mut same = connection.prepare_cached(
                "SELECT 1 FROM agents WHERE tenant_id = ?1 AND agent_id = ?2 AND updated_at = ?3",
            )?;
            if !same.exists(params![tenant.as_bytes(), agent.id.as_bytes(), since.as_millis()])? {
                return Err(changed("agent", &agent.name).into());
            }
        }
        let mut upsert = connection.prepare_cached(
            "INSERT INTO agents (tenant_id, agent_id, name, name_key, domain, instructions, tools, config,
                created_at, updated_at, archived_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (tenant_id, agent_id) DO UPDATE SET name = excluded.name,
                name_key = excluded.name_key, domain = excluded.domain, instructions = excluded.instructions,
                tools = excluded.tools, config = excluded.config, updated_at = excluded.updated_at,
                archived_at = excluded.archived_at",
        )?;
        upsert.execute(params![
            tenant.as_bytes(),
            agent.id.as_bytes(),
            agent.name,
            key,
            agent.domain,
            agent.instructions,
            self.tools,
            self.config,
            agent.created_at.as_millis(),
            agent.updated_at.as_millis(),
            agent.archived_at.map(Timestamp::as_millis),
        ])?;
        Ok(())
    }
}

/// Agents that aren't archived, by name.
pub(crate) fn list(
    connection: &Connection,
    tenant: TenantId,
    page: &ByName,
) -> Result<Vec<AgentRecord>, Fault> {
    let mut wanted = Conditions::new(tenant);
    wanted.and_if(true, "archived_at IS NULL");
    wanted.and(
        "name_key > ?",
        page.after.as_ref().map(|name| name.to_lowercase()),
    );
    wanted.list(connection, (COLUMNS, "agents", "name_key"), page.limit, read)
}

/// The agent with this name: the one that isn't archived, or else the one archived last.
pub(crate) fn get(connection: &Connection, tenant: TenantId, name: &str) -> Result<AgentRecord, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM agents WHERE tenant_id = ?1 AND name_key = ?2
         ORDER BY archived_at IS NOT NULL, archived_at DESC LIMIT 1"
    ))?;
    let found = select.query_opt(params![tenant.as_bytes(), name.to_lowercase()], read)?;
    found.ok_or_else(|| not_found("agent", name).into())
}

fn read(row: &Row<'_>) -> Result<AgentRecord, Fault> {
    Ok(AgentRecord {
        id: id(row, 0, AgentId::from_bytes)?,
        name: row.get(1)?,
        domain: row.get(2)?,
        instructions: row.get(3)?,
        tools: json(row, 4)?,
        config: json(row, 5)?,
        created_at: at(row, 6)?,
        updated_at: at(row, 7)?,
        archived_at: opt_at(row, 8)?,
    })
}
