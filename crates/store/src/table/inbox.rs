//! Tables `inbox` and `inbox_done`: messages to runs, each delivered once.

use crate::sql::{Connection, params};
use ports::{InboxItem, Post};
use types::{InboxId, RunId, TenantId, Timestamp};

use super::leases;
use crate::convert::{at, id, int, json};
use crate::fault::{Fault, not_found};

/// A message, ready to be written.
#[derive(Debug)]
pub(crate) struct PreparedPost {
    pub(crate) id: InboxId,
    pub(crate) tenant: TenantId,
    pub(crate) run: RunId,
    pub(crate) at: Timestamp,
    pub(crate) message: String,
}

impl PreparedPost {
    pub(crate) fn new(post: Post) -> Result<Self, Fault> {
        let Post {
            id,
            tenant,
            run,
            at,
            message,
        } = post;
        let message = serde_json::to_string(&message)?;
        Ok(Self {
            id,
            tenant,
            run,
            at,
            message,
        })
    }

    /// Posts, once per id, and makes the run claimable.
    pub(crate) fn insert(&self, connection: &Connection) -> Result<(), Fault> {
        let mut insert = connection.prepare_cached(
            "INSERT INTO inbox (tenant_id, run_id, inbox_id, at, message)
             SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS
                (SELECT 1 FROM inbox_done WHERE tenant_id = ?1 AND run_id = ?2 AND inbox_id = ?3)
             ON CONFLICT (tenant_id, run_id, inbox_id) DO NOTHING",
        )?;
        let inserted = insert.execute(params![
            self.tenant.as_bytes(),
            self.run.as_bytes(),
            self.id.as_bytes(),
            self.at.as_millis(),
            self.message,
        ])?;
        if inserted == 1 && !leases::wake(connection, self.tenant, self.run, self.at)? {
            return Err(not_found("run", self.run).into());
        }
        Ok(())
    }
}

/// Takes messages out of the inbox and remembers their ids.
pub(crate) fn consume(
    connection: &Connection,
    tenant: TenantId,
    run: RunId,
    consumed: &[InboxId],
) -> Result<(), Fault> {
    if consumed.is_empty() {
        return Ok(());
    }
    let mut delete = connection
        .prepare_cached("DELETE FROM inbox WHERE tenant_id = ?1 AND run_id = ?2 AND inbox_id = ?3")?;
    let mut remember = connection.prepare_cached(
        "INSERT INTO inbox_done (tenant_id, run_id, inbox_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    for id in consumed {
        let bound = params![tenant.as_bytes(), run.as_bytes(), id.as_bytes()];
        delete.execute(bound)?;
        remember.execute(bound)?;
    }
    Ok(())
}

/// Messages that wait, oldest first.
pub(crate) fn of_run(
    connection: &Connection,
    tenant: TenantId,
    run: RunId,
    limit: Option<u32>,
) -> Result<Vec<InboxItem>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT inbox_id, at, message FROM inbox
         WHERE tenant_id = ?1 AND run_id = ?2 ORDER BY at, inbox_id LIMIT ?3",
    )?;
    let limit = limit.map_or(i64::MAX, i64::from);
    select.query_map(params![tenant.as_bytes(), run.as_bytes(), limit], |row| {
        Ok(InboxItem {
            id: id(row, 0, InboxId::from_bytes)?,
            at: at(row, 1)?,
            message: json(row, 2)?,
        })
    })
}

/// Runs held by this boot that have mail.
pub(crate) fn held(connection: &Connection, boot: u64, limit: u32) -> Result<Vec<RunId>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT run_id FROM runs WHERE lease_boot = ?1 AND EXISTS
            (SELECT 1 FROM inbox WHERE inbox.tenant_id = runs.tenant_id AND inbox.run_id = runs.run_id)
         LIMIT ?2",
    )?;
    select.query_map(params![int(boot), limit], |row| id(row, 0, RunId::from_bytes))
}
