//! Table `tools`: configured tools.

use crate::sql::{Connection, Row, params};
use ports::ToolRecord;
use types::{TenantId, Timestamp};

use crate::convert::{at, json};
use crate::fault::{Fault, changed};

/// Makes or replaces a tool, if it is still as it was; `config` is its JSON.
pub(crate) fn put(
    connection: &Connection,
    tenant: TenantId,
    tool: &ToolRecord,
    config: &str,
    unchanged_since: Option<Timestamp>,
) -> Result<(), Fault> {
    if let Some(since) = unchanged_since {
        let mut same = connection
            .prepare_cached("SELECT 1 FROM tools WHERE tenant_id = ?1 AND name = ?2 AND updated_at = ?3")?;
        if !same.exists(params![tenant.as_bytes(), tool.name, since.as_millis()])? {
            return Err(changed("tool", &tool.name).into());
        }
    }
    let mut upsert = connection.prepare_cached(
        "INSERT INTO tools (tenant_id, name, kind, config, enabled, paused, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (tenant_id, name) DO UPDATE SET kind = excluded.kind, config = excluded.config,
            enabled = excluded.enabled, paused = excluded.paused, updated_at = excluded.updated_at",
    )?;
    upsert.execute(params![
        tenant.as_bytes(),
        tool.name,
        tool.kind,
        config,
        tool.enabled,
        tool.paused,
        tool.updated_at.as_millis(),
    ])?;
    Ok(())
}

/// Takes a tool away, if it is still as it was.
pub(crate) fn remove(
    connection: &Connection,
    tenant: TenantId,
    name: &str,
    unchanged_since: Timestamp,
) -> Result<(), Fault> {
    let mut delete = connection
        .prepare_cached("DELETE FROM tools WHERE tenant_id = ?1 AND name = ?2 AND updated_at = ?3")?;
    match delete.execute(params![tenant.as_bytes(), name, unchanged_since.as_millis()])? {
        0 => Err(changed("tool", name).into()),
        _ => Ok(()),
    }
}

/// All tools, by name.
pub(crate) fn list(connection: &Connection, tenant: TenantId) -> Result<Vec<ToolRecord>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT name, kind, config, enabled, paused, updated_at FROM tools WHERE tenant_id = ?1 ORDER BY name",
    )?;
    select.query_map(params![tenant.as_bytes()], read)
}

fn read(row: &Row<'_>) -> Result<ToolRecord, Fault> {
    Ok(ToolRecord {
        name: row.get(0)?,
        kind: row.get(1)?,
        config: json(row, 2)?,
        enabled: row.get(3)?,
        paused: row.get(4)?,
        updated_at: at(row, 5)?,
    })
}
