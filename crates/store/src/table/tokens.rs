//! Table `tokens`: API tokens.

use crate::sql::{Connection, Row, params};
use ports::{TokenFilter, TokenRecord, UserRecord};
use types::{TenantId, Timestamp, TokenId, UserId};

use super::conditions::Conditions;
use super::users;
use crate::convert::{at, id, json, opt_at};
use crate::fault::{Fault, not_found};

const COLUMNS: &str =
    "tokens.token_id, tokens.user_id, tokens.name, tokens.scopes, tokens.digest, tokens.hint,
    tokens.created_at, tokens.expires_at, tokens.last_used_at, tokens.revoked_at";

pub(crate) fn put(connection: &Connection, tenant: TenantId, token: &TokenRecord) -> Result<(), Fault> {
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

/// Tokens, newest first.
pub(crate) fn list(
    connection: &Connection,
    tenant: TenantId,
    filter: TokenFilter,
) -> Result<Vec<TokenRecord>, Fault> {
    let mut wanted = Conditions::new(tenant);
    wanted.and("user_id = ?", filter.user.map(|user| *user.as_bytes()));
    wanted.and_if(filter.working_at.is_some(), "revoked_at IS NULL");
    wanted.and("expires_at > ?", filter.working_at.map(Timestamp::as_millis));
    wanted.and("token_id < ?", filter.before.map(|id| *id.as_bytes()));
    wanted.list(
        connection,
        (COLUMNS, "tokens", "token_id DESC"),
        filter.limit,
        read,
    )
}

/// A token and whose it is.
pub(crate) fn get(
    connection: &Connection,
    tenant: TenantId,
    digest: &str,
) -> Result<Option<(TokenRecord, UserRecord)>, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, {} FROM tokens JOIN users USING (tenant_id, user_id)
         WHERE tokens.tenant_id = ?1 AND tokens.digest = ?2",
        users::COLUMNS
    ))?;
    select.query_opt(params![tenant.as_bytes(), digest], |row| {
        Ok((read(row)?, users::read(row, 10)?))
    })
}

/// Notes that it was used.
pub(crate) fn touch(
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

/// Revokes a token, of one user only if `of` says whose.
pub(crate) fn revoke(
    connection: &Connection,
    tenant: TenantId,
    token: TokenId,
    of: Option<UserId>,
    revoked_at: Timestamp,
) -> Result<(), Fault> {
    if let Some(user) = of {
        let mut own = connection
            .prepare_cached("SELECT 1 FROM tokens WHERE tenant_id = ?1 AND token_id = ?2 AND user_id = ?3")?;
        if !own.exists(params![tenant.as_bytes(), token.as_bytes(), user.as_bytes()])? {
            return Err(not_found("token", token).into());
        }
    }
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

fn read(row: &Row<'_>) -> Result<TokenRecord, Fault> {
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
