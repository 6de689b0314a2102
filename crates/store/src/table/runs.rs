//! Table `runs`: what lists show of a run, and its head.

use std::sync::LazyLock;

use crate::sql::{Connection, Insert, Row, Type, Value, params};
use engine::event::Parent;
use engine::rows::RunRow;
use ports::{Lease, LeaseRequest, StoreError};
use types::{Mode, RecipeId, RunId, RunStatus, TenantId, Timestamp};

use super::conditions::Conditions;
use crate::convert::{at, count, id, int, opt_at, opt_json, parsed};
use crate::fault::{Fault, conflict, not_found};

/// A run's row, ready to be written.
#[derive(Debug)]
pub(crate) struct PreparedRun {
    pub(crate) row: RunRow,
    pub(crate) failure: Option<String>,
    pub(crate) outputs: String,
}

/// What an append changes about its run besides the row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Advance {
    pub(crate) lease: Lease,
    pub(crate) boot: u64,
    pub(crate) expected_head: u64,
    pub(crate) head: u64,
    pub(crate) release: bool,
}

const COLUMNS: &str = "tenant_id, run_id, recipe_id, recipe_name, recipe_version, agent, mode, status, phase,
    needs_attention, requester, parent_run, parent_step, created_at, finished_at, failure, outputs,
    waiting_for, wake_at, head";

/// The index of runs that have not ended, and its condition: SQLite uses it only where that stands.
const OPEN: &str = "runs_open";
const IS_OPEN: &str = "status <> 'succeeded' AND status <> 'failed' AND status <> 'cancelled'";
/// The index of runs that have ended, and not well; likewise.
const UNWELL: &str = "runs_unwell";
const IS_UNWELL: &str = "(status = 'failed' OR status = 'cancelled')";

/// A run is inserted once.
pub(crate) static PUT: LazyLock<Insert> =
    LazyLock::new(|| Insert::new("runs", &COLUMNS_PUT, "(tenant_id, run_id) DO NOTHING"));

/// The columns of a new run.
pub(crate) const COLUMNS_PUT: [(&str, Type); 25] = [
    ("tenant_id", Type::Bytes),
    ("run_id", Type::Bytes),
    ("recipe_id", Type::Bytes),
    ("recipe_name", Type::Text),
    ("recipe_version", Type::Int),
    ("agent", Type::Text),
    ("mode", Type::Text),
    ("status", Type::Text),
    ("phase", Type::Text),
    ("needs_attention", Type::Int),
    ("requester", Type::Text),
    ("parent_run", Type::Bytes),
    ("parent_step", Type::Text),
    ("created_at", Type::Int),
    ("finished_at", Type::Int),
    ("failure", Type::Text),
    ("outputs", Type::Text),
    ("waiting_for", Type::Text),
    ("wake_at", Type::Int),
    ("head", Type::Int),
    ("start_key", Type::Text),
    ("lease_epoch", Type::Int),
    ("lease_boot", Type::Int),
    ("lease_until", Type::Int),
    ("claims", Type::Int),
];

/// A run's id is used once.
pub(crate) fn exists_already(run: RunId) -> StoreError {
    conflict(format!("the run {run} exists already"))
}

impl PreparedRun {
    pub(crate) fn new(row: RunRow) -> Result<Self, Fault> {
        let failure = row.failure.as_ref().map(serde_json::to_string).transpose()?;
        let outputs = serde_json::to_string(&row.outputs)?;
        Ok(Self {
            row,
            failure,
            outputs,
        })
    }

    pub(crate) fn values<'v>(
        &'v self,
        head: u64,
        start_key: Option<&'v str>,
        lease: Option<(LeaseRequest, u64)>,
    ) -> [Value<'v>; 25] {
        let row = &self.row;
        let parent = row.parent.as_ref();
        [
            row.tenant.as_bytes().into(),
            row.run.as_bytes().into(),
            row.recipe.as_bytes().into(),
            (&row.recipe_name).into(),
            row.recipe_version.into(),
            row.agent.as_ref().into(),
            row.mode.as_str().into(),
            row.status.as_str().into(),
            row.phase.map(|phase| phase.as_str()).into(),
            row.needs_attention.into(),
            (&row.requester).into(),
            parent.map(|parent| parent.run.as_bytes()).into(),
            parent.map(|parent| parent.step.as_str()).into(),
            row.created_at.as_millis().into(),
            row.finished_at.map(Timestamp::as_millis).into(),
            self.failure.as_ref().into(),
            (&self.outputs).into(),
            (&row.waiting_for).into(),
            row.wake_at.as_millis().into(),
            int(head).into(),
            start_key.into(),
            lease.is_some().into(),
            lease.map(|(_, boot)| int(boot)).into(),
            lease.map(|(request, _)| request.until.as_millis()).into(),
            lease.is_some().into(),
        ]
    }

    /// Inserts the run; the lease is taken if one is asked for.
    pub(crate) fn insert(
        &self,
        connection: &Connection,
        head: u64,
        start_key: Option<&str>,
        lease: Option<(LeaseRequest, u64)>,
    ) -> Result<(), Fault> {
        let row = self.values(head, start_key, lease);
        match connection.prepare_cached(&PUT.one)?.execute_row(&row)? {
            0 => Err(exists_already(self.row.run).into()),
            _ => Ok(()),
        }
    }

    /// Moves the run on, if the lease and the head are what the caller thinks. One statement checks
    /// and writes. A message that waits keeps the run claimable, whatever the row says.
    pub(crate) fn advance(&self, connection: &Connection, step: Advance) -> Result<(), Fault> {
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
                head = ?14, claims = CASE WHEN ?14 > ?5 THEN 0 ELSE claims END
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
                head = ?14, claims = CASE WHEN ?14 > ?5 OR ?15 THEN 0 ELSE claims END,
                lease_boot = CASE WHEN ?15 THEN NULL ELSE lease_boot END,
                lease_until = CASE WHEN ?15 THEN NULL ELSE lease_until END
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
        "SELECT lease_epoch = ?3 AND lease_boot IS NOT DISTINCT FROM ?4, head FROM runs WHERE tenant_id = ?1 AND run_id = ?2",
    )?;
    let lease = step.lease;
    let found = select.query_opt(
        params![
            lease.tenant.as_bytes(),
            lease.run.as_bytes(),
            int(lease.epoch),
            int(step.boot)
        ],
        |row| Ok((row.get::<bool>(0)?, count(row, 1)?)),
    )?;
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
pub(crate) fn by_start_key(
    connection: &Connection,
    tenant: TenantId,
    key: &str,
) -> Result<Option<RunId>, Fault> {
    let mut select =
        connection.prepare_cached("SELECT run_id FROM runs WHERE tenant_id = ?1 AND start_key = ?2")?;
    select.query_opt(params![tenant.as_bytes(), key], |row| {
        id(row, 0, RunId::from_bytes)
    })
}

/// Whether there is such a run.
pub(crate) fn exists(connection: &Connection, tenant: TenantId, run: RunId) -> Result<(), Fault> {
    let mut select = connection.prepare_cached("SELECT 1 FROM runs WHERE tenant_id = ?1 AND run_id = ?2")?;
    if select.exists(params![tenant.as_bytes(), run.as_bytes()])? {
        Ok(())
    } else {
        Err(not_found("run", run).into())
    }
}

/// The last position in a run's journal.
pub(crate) fn head(connection: &Connection, tenant: TenantId, run: RunId) -> Result<u64, Fault> {
    let mut select =
        connection.prepare_cached("SELECT head FROM runs WHERE tenant_id = ?1 AND run_id = ?2")?;
    let found = select.query_opt(params![tenant.as_bytes(), run.as_bytes()], |row| count(row, 0))?;
    found.ok_or_else(|| not_found("run", run).into())
}

/// One run.
pub(crate) fn get(connection: &Connection, tenant: TenantId, run: RunId) -> Result<RunRow, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM runs WHERE tenant_id = ?1 AND run_id = ?2");
    let mut select = connection.prepare_cached(&sql)?;
    let found = select.query_opt(params![tenant.as_bytes(), run.as_bytes()], read)?;
    found.ok_or_else(|| not_found("run", run).into())
}

/// Runs, newest first.
pub(crate) fn list(
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
    let index = index(filter);
    match index {
        Some(OPEN) => wanted.and_if(true, IS_OPEN),
        Some(UNWELL) => wanted.and_if(true, IS_UNWELL),
        _ => {}
    }
    wanted.list_through(connection, (COLUMNS, "runs", "run_id", index), limit, read)
}

/// The index that leaves the fewest runs to look through; none is all of them in their order.
fn index(filter: &ports::RunFilter) -> Option<&'static str> {
    let statuses = &filter.statuses;
    let all = |fits: fn(RunStatus) -> bool| !statuses.is_empty() && statuses.iter().copied().all(fits);
    [
        (filter.needs_attention, "runs_attention"),
        (filter.parent.is_some(), "runs_parent"),
        (
            statuses.len() == 1 && all(|status| !status.is_final()),
            "runs_status",
        ),
        (all(|status| !status.is_final()), OPEN),
        (
            all(|status| status.is_final() && status != RunStatus::Succeeded),
            UNWELL,
        ),
        (filter.agent.is_some(), "runs_agent"),
        (filter.requester.is_some(), "runs_requester"),
        (filter.recipe.is_some(), "runs_recipe"),
        (filter.mode.is_some(), "runs_mode"),
    ]
    .into_iter()
    .find_map(|(fits, index)| fits.then_some(index))
}

fn read(row: &Row<'_>) -> Result<RunRow, Fault> {
    let parent = match row.get::<Option<[u8; 16]>>(11)? {
        None => None,
        Some(bytes) => Some(Parent {
            run: RunId::from_bytes(bytes),
            step: row.text(12)?.into(),
        }),
    };
    let phase = match row.opt_text(8)? {
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
        outputs: crate::convert::json(row, 16)?,
        waiting_for: row.get(17)?,
        wake_at: at(row, 18)?,
        head: count(row, 19)?,
    })
}
