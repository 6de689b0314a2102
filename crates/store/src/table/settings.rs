//! Table `settings`: named JSON values.

use crate::sql::{Connection, params};
use serde_json::Value;
use types::TenantId;

use crate::convert::json;
use crate::fault::{Fault, changed};

pub(crate) fn put(
    connection: &Connection,
    tenant: TenantId,
    key: &str,
    value: &str,
    before: Option<&Value>,
) -> Result<(), Fault> {
    if let Some(before) = before
        && get(connection, tenant, key)?.unwrap_or(Value::Null) != *before
    {
        return Err(changed("setting", key).into());
    }
    let mut upsert = connection.prepare_cached(
        "INSERT INTO settings (tenant_id, key, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (tenant_id, key) DO UPDATE SET value = excluded.value",
    )?;
    upsert.execute(params![tenant.as_bytes(), key, value])?;
    Ok(())
}

pub(crate) fn get(connection: &Connection, tenant: TenantId, key: &str) -> Result<Option<Value>, Fault> {
    let mut select =
        connection.prepare_cached("SELECT value FROM settings WHERE tenant_id = ?1 AND key = ?2")?;
    select.query_opt(params![tenant.as_bytes(), key], |row| json(row, 0))
}

/// All settings, by key.
pub(crate) fn list(connection: &Connection, tenant: TenantId) -> Result<Vec<(String, Value)>, Fault> {
    let mut select =
        connection.prepare_cached("SELECT key, value FROM settings WHERE tenant_id = ?1 ORDER BY key")?;
    select.query_map(params![tenant.as_bytes()], |row| Ok((row.get(0)?, json(row, 1)?)))
}
