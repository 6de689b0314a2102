//! Table `tokens`: API tokens.

use ports::{TokenRecord, UserRecord};
use rusqlite::{Connection, OptionalExtension, Row, params};
use types::{TenantId, Timestamp, TokenId, UserId};

use super::users;
use crate::sqlite::convert::{at, id, json, opt_at};
use crate::sqlite::fault::{Fault, not_found};

/// Tokens in one answer.
const MOST: u32 = 1_000;

const COLUMNS: &str =
    "tokens.token_id, tokens.user_id, tokens.name, tokens.scopes, tokens.digest, tokens.hint,
    tokens.created_at, tokens.expires_at, tokens.last_used_at, tokens.revoked_at";

pub(in crate::sqlite) fn put(
    connection: &Connection,
    tenant: TenantId,
    token: &TokenRecord,
) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO tokens (tenant_id, token_id, user_id, name, scopes, digest, hint, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    insert.execute(params![
        tenant.as_bytes(),
        token.id.as_bytes(),
        token.user.as_bytes(),
        token.name,
        serde_json::to_string(&token.scopes)?,
        token.digest,
        token.hint,
        token.created_at.as_millis(),
        token.expires_at.as_millis(),
    ])?;
    Ok(())
}

/// Tokens, newest first: of one user, or of all.
pub(in crate::sqlite) fn list(
    connection: &Connection,
    tenant: TenantId,
    user: Option<UserId>,
) -> Result<Vec<TokenRecord>, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM tokens WHERE tenant_id = ?1 AND (?2 IS NULL OR user_id = ?2)
         ORDER BY token_id DESC LIMIT ?3"
    ))?;
    let user = user.as_ref().map(UserId::as_bytes);
    let rows = select.query_map(params![tenant.as_bytes(), user, MOST], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A token and whose it is.
pub(in crate::sqlite) fn get(
    connection: &Connection,
    tenant: TenantId,
    digest: &str,
) -> Result<Option<(TokenRecord, UserRecord)>, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, {} FROM tokens JOIN users USING (tenant_id, user_id)
         WHERE tokens.tenant_id = ?1 AND tokens.digest = ?2",
        users::COLUMNS
    ))?;
    let found = select.query_row(params![tenant.as_bytes(), digest], |row| {
        Ok((read(row)?, users::read(row, 10)?))
    });
    Ok(found.optional()?)
}

/// Notes that it was used.
pub(in crate::sqlite) fn touch(
    connection: &Connection,
    tenant: TenantId,
    token: TokenId,
    used_at: Timestamp,
) -> Result<(), Fault> {
    let mut update = connection
        .prepare_cached("UPDATE tokens SET last_used_at = ?3 WHERE tenant_id = ?1 AND token_id = ?2")?;
    update.execute(params![tenant.as_bytes(), token.as_bytes(), used_at.as_millis()])?;
    Ok(())
}

pub(in crate::sqlite) fn revoke(
    connection: &Connection,
    tenant: TenantId,
    token: TokenId,
    revoked_at: Timestamp,
) -> Result<(), Fault> {
    let mut update = connection.prepare_cached(
        "UPDATE tokens SET revoked_at = coalesce(revoked_at, ?3) WHERE tenant_id = ?1 AND token_id = ?2",
    )?;
    match update.execute(params![
        tenant.as_bytes(),
        token.as_bytes(),
        revoked_at.as_millis()
    ])? {
        0 => Err(not_found("token", token).into()),
        _ => Ok(()),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<TokenRecord> {
    Ok(TokenRecord {
        id: id(row, 0, TokenId::from_bytes)?,
        user: id(row, 1, UserId::from_bytes)?,
        name: row.get(2)?,
        scopes: json(row, 3)?,
        digest: row.get(4)?,
        hint: row.get(5)?,
        created_at: at(row, 6)?,
        expires_at: at(row, 7)?,
        last_used_at: opt_at(row, 8)?,
        revoked_at: opt_at(row, 9)?,
    })
}
