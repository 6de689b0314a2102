//! Table `requests`: requests with an idempotency key, and what was answered.

use crate::sql::{Connection, params};
use ports::{Begun, KeptAnswer, RequestKey};
use types::{TenantId, Timestamp};

use crate::convert::{at, opt_json};
use crate::fault::Fault;

/// The most old requests dropped at once, so that a job stays short.
const MOST_DROPPED: u32 = 200;

/// When a request is begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub at: Timestamp,
    pub stale: Timestamp,
    pub forget: Timestamp,
}

/// Begins a request, or says what became of it.
pub(crate) fn begin(
    connection: &Connection,
    tenant: TenantId,
    key: &RequestKey,
    digest: &str,
    times: Times,
) -> Result<Begun, Fault> {
    let mut old = connection.prepare_cached(
        "DELETE FROM requests WHERE tenant_id = ?1 AND (principal, key) IN
            (SELECT principal, key FROM requests
             WHERE tenant_id = ?1 AND begun_at < ?2 ORDER BY begun_at LIMIT ?3)",
    )?;
    old.execute(params![tenant.as_bytes(), times.forget.as_millis(), MOST_DROPPED])?;
    let mut select = connection.prepare_cached(
        "SELECT digest, begun_at, status, headers, body FROM requests
         WHERE tenant_id = ?1 AND principal = ?2 AND key = ?3",
    )?;
    let found = select.query_opt(params![tenant.as_bytes(), key.principal, key.key], |row| {
        let answer = match row.get::<Option<u16>>(2)? {
            None => None,
            Some(status) => Some(KeptAnswer {
                status,
                headers: opt_json(row, 3)?.unwrap_or_default(),
                body: row.get::<Option<String>>(4)?.unwrap_or_default(),
            }),
        };
        Ok((row.get::<String>(0)?, at(row, 1)?, answer))
    })?;
    match found {
        Some((asked, ..)) if asked != digest => return Ok(Begun::Other),
        Some((_, _, Some(answer))) => return Ok(Begun::Done(answer)),
        Some((_, begun, None)) if begun >= times.stale => return Ok(Begun::UnderWay),
        _ => {}
    }
    let mut upsert = connection.prepare_cached(
        "INSERT INTO requests (tenant_id, principal, key, digest, begun_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant_id, principal, key) DO UPDATE SET begun_at = excluded.begun_at",
    )?;
    upsert.execute(params![
        tenant.as_bytes(),
        key.principal,
        key.key,
        digest,
        times.at.as_millis()
    ])?;
    Ok(Begun::New)
}

/// Keeps the answer, or forgets the request.
pub(crate) fn end(
    connection: &Connection,
    tenant: TenantId,
    key: &RequestKey,
    answer: Option<&KeptAnswer>,
) -> Result<(), Fault> {
    let Some(answer) = answer else {
        let mut delete = connection.prepare_cached(
            "DELETE FROM requests WHERE tenant_id = ?1 AND principal = ?2 AND key = ?3 AND status IS NULL",
        )?;
        delete.execute(params![tenant.as_bytes(), key.principal, key.key])?;
        return Ok(());
    };
    let mut update = connection.prepare_cached(
        "UPDATE requests SET status = ?4, headers = ?5, body = ?6
         WHERE tenant_id = ?1 AND principal = ?2 AND key = ?3",
    )?;
    update.execute(params![
        tenant.as_bytes(),
        key.principal,
        key.key,
        answer.status,
        serde_json::to_string(&answer.headers)?,
        answer.body,
    ])?;
    Ok(())
}
