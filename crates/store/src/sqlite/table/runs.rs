//! Table `runs`: what lists show of a run, and its head.

use engine::event::Parent;
use engine::rows::RunRow;
use ports::{Lease, LeaseRequest, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};
use types::{Mode, RecipeId, RunId, TenantId, Timestamp};

use super::conditions::Conditions;
use crate::sqlite::convert::{at, count, id, int, opt_at, opt_json, parsed};
use crate::sqlite::fault::{Fault, conflict, not_found};

/// A run's row, ready to be written.
#[derive(Debug)]
pub(in crate::sqlite) struct PreparedRun {
    pub row: RunRow,
    failure: Option<String>,
    outputs: String,
}

/// What an append changes about its run besides the row.
#[derive(Debug, Clone, Copy)]
pub(in crate::sqlite) struct Advance {
    pub lease: Lease,
    pub boot: u64,
    pub expected_head: u64,
    pub head: u64,
    pub release: bool,
}

const COLUMNS: &str = "tenant_id, run_id, recipe_id, recipe_name, recipe_version, agent, mode, status, phase,
    needs_attention, requester, parent_run, parent_step, created_at, finished_at, failure, outputs,
    waiting_for, wake_at, head";

impl PreparedRun {
    pub(in crate::sqlite) fn new(row: RunRow) -> Result<Self, Fault> {
        let failure = row.failure.as_ref().map(serde_json::to_string).transpose()?;
        let outputs = serde_json::to_string(&row.outputs)?;
        Ok(Self {
            row,
            failure,
            outputs,
        })
    }

    /// Inserts the run; the lease is taken if one is asked for.
    pub(in crate::sqlite) fn insert(
        &self,
        connection: &Connection,
        head: u64,
        start_key: Option<&str>,
        lease: Option<(LeaseRequest, u64)>,
    ) -> Result<(), Fault> {
        let row = &self.row;
        let parent = row.parent.as_ref();
        let mut insert = connection.prepare_cached(
            "INSERT INTO runs (tenant_id, run_id, recipe_id, recipe_name, recipe_version, agent, mode, status,
                phase, needs_attention, requester, parent_run, parent_step, created_at, finished_at, failure,
                outputs, waiting_for, wake_at, head, start_key, lease_epoch, lease_boot, lease_until, claims)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
                ?20, ?21, ?22, ?23, ?24, ?22) ON CONFLICT (tenant_id, run_id) DO NOTHING",
        )?;
        let changed = insert.execute(params![
            row.tenant.as_bytes(),
            row.run.as_bytes(),
            row.recipe.as_bytes(),
            row.recipe_name,
            row.recipe_version,
            row.agent,
            row.mode.as_str(),
            row.status.as_str(),
            row.phase.map(|phase| phase.as_str()),
            row.needs_attention,
            row.requester,
            parent.map(|parent| parent.run.as_bytes()),
            parent.map(|parent| parent.step.as_str()),
            row.created_at.as_millis(),
            row.finished_at.map(Timestamp::as_millis),
            self.failure,
            self.outputs,
            row.waiting_for,
            row.wake_at.as_millis(),
            int(head),
            start_key,
            i64::from(lease.is_some()),
            lease.map(|(_, boot)| int(boot)),
            lease.map(|(request, _)| request.until.as_millis()),
        ])?;
        match changed {
            0 => Err(conflict(format!("the run {} exists already", row.run)).into()),
            _ => Ok(()),
        }
    }

    /// Moves the run on, if the lease and the head are what the caller thinks. One statement checks
    /// and writes. A message that waits keeps the run claimable, whatever the row says.
    pub(in crate::sqlite) fn advance(&self, connection: &Connection, step: Advance) -> Result<(), Fault> {
        let usual = !step.release && self.advance_usually(connection, step)?;
        if usual || self.advance_fully(connection, step)? {
            Ok(())
        } else {
            Err(why_not(connection, step)?.into())
        }
    }

    /// The usual case: state and lease stay. SQLite writes anew each index that has a column in SET,
    /// also if the value is the same; this statement names none of them but `wake_at`.
    fn advance_usually(&self, connection: &Connection, step: Advance) -> Result<bool, Fault> {
        let row = &self.row;
        let mut update = connection.prepare_cached(
            "UPDATE runs SET phase = ?7, finished_at = ?9, failure = ?10, outputs = ?11, waiting_for = ?12,
                wake_at = CASE WHEN EXISTS (SELECT 1 FROM inbox WHERE tenant_id = ?1 AND run_id = ?2)
                    THEN 0 ELSE ?13 END,
                head = ?14, claims = iif(?14 > ?5, 0, claims)
             WHERE tenant_id = ?1 AND run_id = ?2 AND lease_epoch = ?3 AND lease_boot = ?4 AND head = ?5
                AND status = ?6 AND needs_attention = ?8",
        )?;
        let changed = update.execute(params![
            step.lease.tenant.as_bytes(),
            step.lease.run.as_bytes(),
            int(step.lease.epoch),
            int(step.boot),
            int(step.expected_head),
            row.status.as_str(),
            row.phase.map(|phase| phase.as_str()),
            row.needs_attention,
            row.finished_at.map(Timestamp::as_millis),
            self.failure,
            self.outputs,
            row.waiting_for,
            row.wake_at.as_millis(),
            int(step.head),
        ])?;
        Ok(changed == 1)
    }

    fn advance_fully(&self, connection: &Connection, step: Advance) -> Result<bool, Fault> {
        let row = &self.row;
        let mut update = connection.prepare_cached(
            "UPDATE runs SET status = ?6, phase = ?7, needs_attention = ?8, finished_at = ?9, failure = ?10,
                outputs = ?11, waiting_for = ?12,
                wake_at = CASE WHEN EXISTS (SELECT 1 FROM inbox WHERE tenant_id = ?1 AND run_id = ?2)
                    THEN 0 ELSE ?13 END,
                head = ?14, claims = iif(?14 > ?5 OR ?15, 0, claims),
                lease_boot = iif(?15, NULL, lease_boot), lease_until = iif(?15, NULL, lease_until)
             WHERE tenant_id = ?1 AND run_id = ?2 AND lease_epoch = ?3 AND lease_boot = ?4 AND head = ?5",
        )?;
        let changed = update.execute(params![
            step.lease.tenant.as_bytes(),
            step.lease.run.as_bytes(),
            int(step.lease.epoch),
            int(step.boot),
            int(step.expected_head),
            row.status.as_str(),
            row.phase.map(|phase| phase.as_str()),
            row.needs_attention,
            row.finished_at.map(Timestamp::as_millis),
            self.failure,
            self.outputs,
            row.waiting_for,
            row.wake_at.as_millis(),
            int(step.head),
            step.release,
        ])?;
        Ok(changed == 1)
    }
}

fn why_not(connection: &Connection, step: Advance) -> Result<StoreError, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT lease_epoch = ?3 AND lease_boot IS ?4, head FROM runs WHERE tenant_id = ?1 AND run_id = ?2",
    )?;
    let lease = step.lease;
    let found = select
        .query_row(
            params![
                lease.tenant.as_bytes(),
                lease.run.as_bytes(),
                int(lease.epoch),
                int(step.boot)
            ],
            |row| Ok((row.get::<_, bool>(0)?, count(row, 1)?)),
        )
        .optional()?;
    Ok(match found {
        None => not_found("run", lease.run),
        Some((false, _)) => StoreError::LeaseLost,
        Some((true, actual)) => StoreError::HeadMoved {
            expected: step.expected_head,
            actual,
        },
    })
}

/// The run that was created with this key.
pub(in crate::sqlite) fn by_start_key(
    connection: &Connection,
    tenant: TenantId,
    key: &str,
) -> Result<Option<RunId>, Fault> {
    let mut select =
        connection.prepare_cached("SELECT run_id FROM runs WHERE tenant_id = ?1 AND start_key = ?2")?;
    let found = select.query_row(params![tenant.as_bytes(), key], |row| {
        id(row, 0, RunId::from_bytes)
    });
    Ok(found.optional()?)
}

/// Whether there is such a run.
pub(in crate::sqlite) fn exists(connection: &Connection, tenant: TenantId, run: RunId) -> Result<(), Fault> {
    let mut select = connection.prepare_cached("SELECT 1 FROM runs WHERE tenant_id = ?1 AND run_id = ?2")?;
    if select.exists(params![tenant.as_bytes(), run.as_bytes()])? {
        Ok(())
    } else {
        Err(not_found("run", run).into())
    }
}

/// The last position in a run's journal.
pub(in crate::sqlite) fn head(connection: &Connection, tenant: TenantId, run: RunId) -> Result<u64, Fault> {
    let mut select =
        connection.prepare_cached("SELECT head FROM runs WHERE tenant_id = ?1 AND run_id = ?2")?;
    let found = select
        .query_row(params![tenant.as_bytes(), run.as_bytes()], |row| count(row, 0))
        .optional()?;
    found.ok_or_else(|| not_found("run", run).into())
}

/// One run.
pub(in crate::sqlite) fn get(connection: &Connection, tenant: TenantId, run: RunId) -> Result<RunRow, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM runs WHERE tenant_id = ?1 AND run_id = ?2");
    let mut select = connection.prepare_cached(&sql)?;
    let found = select
        .query_row(params![tenant.as_bytes(), run.as_bytes()], read)
        .optional()?;
    found.ok_or_else(|| not_found("run", run).into())
}

/// Runs, newest first.
pub(in crate::sqlite) fn list(
    connection: &Connection,
    tenant: TenantId,
    filter: &ports::RunFilter,
    limit: u32,
) -> Result<Vec<RunRow>, Fault> {
    let first = |at: Option<Timestamp>| at.map(|at| *RunId::first_at(at).as_bytes());
    let mut wanted = Conditions::new(tenant);
    wanted.and_one_of("status", filter.statuses.iter().map(|status| status.as_str()));
    wanted.and("recipe_id = ?", filter.recipe.map(|id| *id.as_bytes()));
    wanted.and("parent_run = ?", filter.parent.map(|id| *id.as_bytes()));
    wanted.and_if(filter.needs_attention, "needs_attention = 1");
    wanted.and("agent = ?", filter.agent.clone());
    wanted.and("mode = ?", filter.mode.map(Mode::as_str));
    wanted.and("requester = ?", filter.requester.clone());
    wanted.and("run_id >= ?", first(filter.created_from));
    wanted.and("run_id < ?", first(filter.created_to));
    wanted.and("run_id < ?", filter.before.map(|id| *id.as_bytes()));
    let (sql, bound) = wanted.select(COLUMNS, "runs", "run_id DESC", limit);
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map(rusqlite::params_from_iter(bound), read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let parent = match row.get::<_, Option<[u8; 16]>>(11)? {
        None => None,
        Some(bytes) => Some(Parent {
            run: RunId::from_bytes(bytes),
            step: row.get_ref(12)?.as_str()?.into(),
        }),
    };
    let phase = match row.get_ref(8)?.as_str_or_null()? {
        None => None,
        Some(_) => Some(parsed(row, 8)?),
    };
    Ok(RunRow {
        tenant: id(row, 0, TenantId::from_bytes)?,
        run: id(row, 1, RunId::from_bytes)?,
        recipe: id(row, 2, RecipeId::from_bytes)?,
        recipe_name: row.get(3)?,
        recipe_version: row.get(4)?,
        agent: row.get(5)?,
        mode: parsed(row, 6)?,
        status: parsed(row, 7)?,
        phase,
        needs_attention: row.get(9)?,
        requester: row.get(10)?,
        parent,
        created_at: at(row, 13)?,
        finished_at: opt_at(row, 14)?,
        failure: opt_json(row, 15)?,
        outputs: crate::sqlite::convert::json(row, 16)?,
        waiting_for: row.get(17)?,
        wake_at: at(row, 18)?,
        head: count(row, 19)?,
    })
}
