//! Table `feed`: what changed, in the order of commits. One thread writes, so a position that can be
//! read has no smaller one that can't be read yet.

use ports::{Change, FeedBounds};
use rusqlite::{Connection, Row, params};
use types::{TenantId, Timestamp};

use crate::sqlite::convert::{at, count, int};
use crate::sqlite::fault::Fault;

/// How many changes are kept, at least.
const KEPT: i64 = 100_000;
/// Old changes are dropped once in so many.
const EVERY: i64 = 1_000;

/// Notes a change.
pub(in crate::sqlite) fn note(
    connection: &Connection,
    tenant: TenantId,
    when: Timestamp,
    noun: &str,
    id: &str,
    what: &str,
) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO feed (tenant_id, position, at, noun, id, what)
         VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM feed WHERE tenant_id = ?1), ?2, ?3, ?4, ?5)
         RETURNING position",
    )?;
    let position: i64 = insert.query_row(
        params![tenant.as_bytes(), when.as_millis(), noun, id, what],
        |row| row.get(0),
    )?;
    if position % EVERY == 0 {
        let mut delete =
            connection.prepare_cached("DELETE FROM feed WHERE tenant_id = ?1 AND position <= ?2")?;
        delete.execute(params![tenant.as_bytes(), position - KEPT])?;
    }
    Ok(())
}

/// Changes after a position, oldest first.
pub(in crate::sqlite) fn after(
    connection: &Connection,
    tenant: TenantId,
    position: u64,
    limit: u32,
) -> Result<Vec<Change>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT position, at, noun, id, what FROM feed WHERE tenant_id = ?1 AND position > ?2
         ORDER BY position LIMIT ?3",
    )?;
    let rows = select.query_map(params![tenant.as_bytes(), int(position), limit], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How far the feed reaches.
pub(in crate::sqlite) fn bounds(connection: &Connection, tenant: TenantId) -> Result<FeedBounds, Fault> {
    let end = |order: &str| -> Result<u64, Fault> {
        let sql = format!("SELECT coalesce({order}(position), 0) FROM feed WHERE tenant_id = ?1");
        let mut select = connection.prepare_cached(&sql)?;
        Ok(select.query_row(params![tenant.as_bytes()], |row| count(row, 0))?)
    };
    Ok(FeedBounds {
        oldest: end("min")?,
        newest: end("max")?,
    })
}

fn read(row: &Row<'_>) -> rusqlite::Result<Change> {
    Ok(Change {
        position: count(row, 0)?,
        at: at(row, 1)?,
        noun: row.get(2)?,
        id: row.get(3)?,
        what: row.get(4)?,
    })
}
