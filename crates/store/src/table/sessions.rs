//! Table `sessions`: signed-in browsers.

use crate::sql::{Connection, params};
use ports::{SessionRecord, Sessions, UserRecord};
use types::{TenantId, Timestamp, UserId};

use super::users;
use crate::convert::{at, id};
use crate::fault::Fault;

/// Begins a session, and forgets the user's expired ones.
pub(crate) fn put(connection: &Connection, tenant: TenantId, session: &SessionRecord) -> Result<(), Fault> {
    let mut expired = connection
        .prepare_cached("DELETE FROM sessions WHERE tenant_id = ?1 AND user_id = ?2 AND expires_at <= ?3")?;
    expired.execute(params![
        tenant.as_bytes(),
        session.user.as_bytes(),
        session.created_at.as_millis()
    ])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO sessions (tenant_id, digest, user_id, created_at, seen_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    insert.execute(params![
        tenant.as_bytes(),
        session.digest,
        session.user.as_bytes(),
        session.created_at.as_millis(),
        session.seen_at.as_millis(),
        session.expires_at.as_millis(),
    ])?;
    Ok(())
}

/// A session and whose it is.
pub(crate) fn get(
    connection: &Connection,
    tenant: TenantId,
    digest: &str,
) -> Result<Option<(SessionRecord, UserRecord)>, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT sessions.digest, sessions.user_id, sessions.created_at, sessions.seen_at, sessions.expires_at, {}
         FROM sessions JOIN users USING (tenant_id, user_id)
         WHERE sessions.tenant_id = ?1 AND sessions.digest = ?2",
        users::COLUMNS
    ))?;
    select.query_opt(params![tenant.as_bytes(), digest], |row| {
        let session = SessionRecord {
            digest: row.get(0)?,
            user: id(row, 1, UserId::from_bytes)?,
            created_at: at(row, 2)?,
            seen_at: at(row, 3)?,
            expires_at: at(row, 4)?,
        };
        Ok((session, users::read(row, 5)?))
    })
}

/// Notes that it was used.
pub(crate) fn touch(
    connection: &Connection,
    tenant: TenantId,
    digest: &str,
    seen_at: Timestamp,
) -> Result<(), Fault> {
    let mut update =
        connection.prepare_cached("UPDATE sessions SET seen_at = ?3 WHERE tenant_id = ?1 AND digest = ?2")?;
    update.execute(params![tenant.as_bytes(), digest, seen_at.as_millis()])?;
    Ok(())
}

/// Ends sessions; returns how many.
pub(crate) fn end(connection: &Connection, tenant: TenantId, which: &Sessions) -> Result<u64, Fault> {
    let ended = match which {
        Sessions::One(digest) => connection
            .prepare_cached("DELETE FROM sessions WHERE tenant_id = ?1 AND digest = ?2")?
            .execute(params![tenant.as_bytes(), digest])?,
        Sessions::AllOf(user) => connection
            .prepare_cached("DELETE FROM sessions WHERE tenant_id = ?1 AND user_id = ?2")?
            .execute(params![tenant.as_bytes(), user.as_bytes()])?,
    };
    Ok(ended as u64)
}
