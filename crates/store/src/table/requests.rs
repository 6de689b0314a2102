//! Table `requests`: requests with an idempotency key, which process does them, and what was answered.

use crate::sql::{Connection, Dialect, params};
use ports::{Begun, KeptAnswer, RequestKey};
use types::{Millis, TenantId, Timestamp};

use crate::convert::{at, int, opt_json};
use crate::fault::Fault;
use crate::postgres;

/// The most old requests dropped at once, so that a job stays short.
const MOST_DROPPED: u32 = 200;
/// How long a request of a node that can't be seen to live counts as under way, in milliseconds: the node
/// may only have lost its connection, and takes its lock again within a second or two.
const SILENT_MS: Millis = 10_000;

/// When a request is begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub at: Timestamp,
    pub stale: Timestamp,
    pub forget: Timestamp,
}

/// What is known of the process that does a request.
enum Doer {
    /// It lives.
    Lives,
    /// It is the newest process of its node, and nobody sees it.
    Silent,
    /// It has ended, or its node has been started again.
    Gone,
    /// It was a guest, whose life nobody can see.
    Unseen,
}

/// Begins a request for the process of this boot (none for a guest), or says what became of it.
pub(crate) fn begin(
    connection: &Connection,
    tenant: TenantId,
    key: &RequestKey,
    digest: &str,
    times: Times,
    boot: Option<u64>,
) -> Result<Begun, Fault> {
    let mut old = connection.prepare_cached(
        "DELETE FROM requests WHERE tenant_id = ?1 AND (principal, key) IN
            (SELECT principal, key FROM requests
             WHERE tenant_id = ?1 AND begun_at < ?2 ORDER BY begun_at LIMIT ?3)",
    )?;
    old.execute(params![tenant.as_bytes(), times.forget.as_millis(), MOST_DROPPED])?;
    let mut select = connection.prepare_cached(
        "SELECT digest, begun_at, status, headers, body, boot FROM requests
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
        Ok((
            row.get::<String>(0)?,
            at(row, 1)?,
            answer,
            row.get::<Option<i64>>(5)?,
        ))
    })?;
    match found {
        Some((asked, ..)) if asked != digest => return Ok(Begun::Other),
        Some((_, _, Some(answer), _)) => return Ok(Begun::Done(answer)),
        Some((_, begun, None, by)) => {
            let under_way = under_way(doer(connection, by)?, begun, times);
            if let Some(under_way) = under_way {
                return Ok(under_way);
            }
        }
        None => {}
    }
    let mut upsert = connection.prepare_cached(
        "INSERT INTO requests (tenant_id, principal, key, digest, begun_at, boot)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (tenant_id, principal, key)
            DO UPDATE SET begun_at = excluded.begun_at, boot = excluded.boot",
    )?;
    upsert.execute(params![
        tenant.as_bytes(),
        key.principal,
        key.key,
        digest,
        times.at.as_millis(),
        boot.map(int)
    ])?;
    Ok(Begun::New)
}

/// That a request without an answer is under way; none if its key may be taken again.
fn under_way(doer: Doer, begun: Timestamp, times: Times) -> Option<Begun> {
    let stale_ms = times.at.since(times.stale);
    let (longest_ms, sure) = match doer {
        Doer::Gone => return None,
        Doer::Lives => (stale_ms, true),
        Doer::Silent => (stale_ms.min(SILENT_MS), false),
        Doer::Unseen => (stale_ms, false),
    };
    let free_at = begun + longest_ms;
    (times.at <= free_at).then_some(Begun::UnderWay {
        free_at: (!sure).then_some(free_at),
    })
}

/// What is known of the process of a boot.
fn doer(connection: &Connection, boot: Option<i64>) -> Result<Doer, Fault> {
    let Some(boot) = boot else {
        return Ok(Doer::Unseen);
    };
    match connection.dialect() {
        // One process at a time holds the folder, and nobody who doesn't hold it is noted here.
        Dialect::Sqlite => {
            let mut select = connection.prepare_cached("SELECT epoch FROM boot")?;
            let newest = select.query_opt(params![], |row| row.get::<i64>(0))?;
            Ok(if newest == Some(boot) {
                Doer::Lives
            } else {
                Doer::Gone
            })
        }
        Dialect::Postgres => {
            let mut select = connection.prepare_cached("SELECT name FROM nodes WHERE epoch = ?1")?;
            let Some(name) = select.query_opt(params![boot], |row| row.get::<String>(0))? else {
                return Ok(Doer::Gone);
            };
            let lives = postgres::lives(connection, &name)?;
            Ok(if lives { Doer::Lives } else { Doer::Silent })
        }
    }
}

/// Keeps the answer, or forgets the request. One that another process has begun since then is left alone.
pub(crate) fn end(
    connection: &Connection,
    tenant: TenantId,
    key: &RequestKey,
    answer: Option<&KeptAnswer>,
    boot: Option<u64>,
) -> Result<(), Fault> {
    let Some(answer) = answer else {
        let mut delete = connection.prepare_cached(
            "DELETE FROM requests WHERE tenant_id = ?1 AND principal = ?2 AND key = ?3 AND status IS NULL
                AND boot IS NOT DISTINCT FROM ?4",
        )?;
        delete.execute(params![tenant.as_bytes(), key.principal, key.key, boot.map(int)])?;
        return Ok(());
    };
    let mut update = connection.prepare_cached(
        "UPDATE requests SET status = ?4, headers = ?5, body = ?6
         WHERE tenant_id = ?1 AND principal = ?2 AND key = ?3 AND boot IS NOT DISTINCT FROM ?7",
    )?;
    update.execute(params![
        tenant.as_bytes(),
        key.principal,
        key.key,
        answer.status,
        serde_json::to_string(&answer.headers)?,
        answer.body,
        boot.map(int),
    ])?;
    Ok(())
}
