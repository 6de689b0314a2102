//! Table `secrets`: sealed values; nothing here is in the clear but name, origin and hint.

use crate::sql::{Connection, Row, params};
use ports::{ByName, SecretRecord};
use types::TenantId;

use super::conditions::Conditions;
use crate::convert::at;
use crate::fault::{Fault, not_found};
use crate::seal::Sealed;

pub(crate) fn put(
    connection: &Connection,
    tenant: TenantId,
    secret: &SecretRecord,
    sealed: &Sealed,
) -> Result<(), Fault> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO secrets (tenant_id, name, origin, hint, updated_at, nonce, sealed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (tenant_id, name) DO UPDATE SET origin = excluded.origin, hint = excluded.hint,
            updated_at = excluded.updated_at, nonce = excluded.nonce, sealed = excluded.sealed",
    )?;
    upsert.execute(params![
        tenant.as_bytes(),
        secret.name,
        secret.origin,
        secret.hint,
        secret.updated_at.as_millis(),
        sealed.nonce,
        sealed.bytes,
    ])?;
    Ok(())
}

pub(crate) fn get(
    connection: &Connection,
    tenant: TenantId,
    name: &str,
) -> Result<Option<(SecretRecord, Sealed)>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT name, origin, hint, updated_at, nonce, sealed FROM secrets WHERE tenant_id = ?1 AND name = ?2",
    )?;
    select.query_opt(params![tenant.as_bytes(), name], |row| {
        let sealed = Sealed {
            nonce: row.get(4)?,
            bytes: row.get(5)?,
        };
        Ok((read(row)?, sealed))
    })
}

/// Secrets by name, without their values.
pub(crate) fn list(
    connection: &Connection,
    tenant: TenantId,
    page: &ByName,
) -> Result<Vec<SecretRecord>, Fault> {
    let mut wanted = Conditions::new(tenant);
    wanted.and("name > ?", page.after.clone());
    let columns = "name, origin, hint, updated_at";
    wanted.list(connection, (columns, "secrets", "name"), page.limit, read)
}

pub(crate) fn remove(connection: &Connection, tenant: TenantId, name: &str) -> Result<(), Fault> {
    let mut delete = connection.prepare_cached("DELETE FROM secrets WHERE tenant_id = ?1 AND name = ?2")?;
    match delete.execute(params![tenant.as_bytes(), name])? {
        0 => Err(not_found("secret", name).into()),
        _ => Ok(()),
    }
}

fn read(row: &Row<'_>) -> Result<SecretRecord, Fault> {
    Ok(SecretRecord {
        name: row.get(0)?,
        origin: row.get(1)?,
        hint: row.get(2)?,
        updated_at: at(row, 3)?,
    })
}
