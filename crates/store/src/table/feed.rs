//! Table `feed`: what changed, in the order of commits. A position that can be read has no smaller one that
//! can't be read yet.

use std::sync::LazyLock;

use crate::sql::{Connection, Dialect, Insert, Row, Type, Value, params};
use ports::{Change, FeedBounds};
use types::{TenantId, Timestamp};

use crate::convert::{at, count, int};
use crate::fault::Fault;

/// How many changes are kept, at least.
pub(crate) const KEPT: i64 = 100_000;
/// Old changes are dropped once in so many.
const EVERY: i64 = 1_000;

/// A change, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) at: Timestamp,
    pub(crate) noun: String,
    pub(crate) id: String,
    pub(crate) what: String,
}

/// A change on PostgreSQL: its position comes after the commit, so that writers don't wait for one another.
pub(crate) static PUT: LazyLock<Insert> = LazyLock::new(|| {
    let columns = [
        ("tenant_id", Type::Bytes),
        ("at", Type::Int),
        ("noun", Type::Text),
        ("id", Type::Text),
        ("what", Type::Text),
    ];
    Insert::new("feed_tail", &columns, "")
});

/// A change on SQLite: there is one writer, so it gets its position at once.
const PUT_IN_PLACE: &str = "INSERT INTO feed (tenant_id, at, noun, id, what, position)
     VALUES (?1, ?2, ?3, ?4, ?5, (SELECT coalesce(max(position), 0) + 1 FROM feed WHERE tenant_id = ?1))
     RETURNING position";

impl Note {
    pub(crate) fn new(at: Timestamp, noun: &str, id: impl ToString, what: &str) -> Self {
        Self {
            at,
            noun: noun.to_owned(),
            id: id.to_string(),
            what: what.to_owned(),
        }
    }

    pub(crate) fn values<'v>(&'v self, tenant: &'v TenantId) -> [Value<'v>; 5] {
        [
            tenant.as_bytes().into(),
            self.at.as_millis().into(),
            (&self.noun).into(),
            (&self.id).into(),
            (&self.what).into(),
        ]
    }

    /// Tells the feed.
    pub(crate) fn put(&self, connection: &Connection, tenant: TenantId) -> Result<(), Fault> {
        if connection.dialect() == Dialect::Postgres {
            connection
                .prepare_cached(&PUT.one)?
                .execute_row(&self.values(&tenant))?;
            return Ok(());
        }
        let bound = params![
            tenant.as_bytes(),
            self.at.as_millis(),
            self.noun,
            self.id,
            self.what
        ];
        let mut insert = connection.prepare_cached(PUT_IN_PLACE)?;
        let position: i64 = insert.query_one(bound, |row| row.get(0))?;
        if position % EVERY == 0 {
            let mut delete =
                connection.prepare_cached("DELETE FROM feed WHERE tenant_id = ?1 AND position <= ?2")?;
            delete.execute(params![tenant.as_bytes(), position - KEPT])?;
        }
        Ok(())
    }
}

/// Changes after a position, oldest first.
pub(crate) fn after(
    connection: &Connection,
    tenant: TenantId,
    position: u64,
    limit: u32,
) -> Result<Vec<Change>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT position, at, noun, id, what FROM feed WHERE tenant_id = ?1 AND position > ?2
         ORDER BY position LIMIT ?3",
    )?;
    select.query_map(params![tenant.as_bytes(), int(position), limit], read)
}

/// How far the feed reaches.
pub(crate) fn bounds(connection: &Connection, tenant: TenantId) -> Result<FeedBounds, Fault> {
    let end = |order: &str| -> Result<u64, Fault> {
        let sql = format!("SELECT coalesce({order}(position), 0) FROM feed WHERE tenant_id = ?1");
        let mut select = connection.prepare_cached(&sql)?;
        select.query_one(params![tenant.as_bytes()], |row| count(row, 0))
    };
    Ok(FeedBounds {
        oldest: end("min")?,
        newest: end("max")?,
    })
}

fn read(row: &Row<'_>) -> Result<Change, Fault> {
    Ok(Change {
        position: count(row, 0)?,
        at: at(row, 1)?,
        noun: row.get(2)?,
        id: row.get(3)?,
        what: row.get(4)?,
    })
}
