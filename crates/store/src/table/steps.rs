//! Table `steps`: a run's timeline.

use std::sync::LazyLock;

use crate::sql::{Connection, Insert, Row, Type, Value, params};
use engine::rows::StepRow;
use types::{RunId, TenantId, Timestamp};

use crate::convert::{at, opt_at, opt_json, parsed};
use crate::fault::Fault;

/// A step's row, ready to be written.
#[derive(Debug)]
pub(crate) struct PreparedStep {
    pub(crate) row: StepRow,
    pub(crate) failure: Option<String>,
}

impl PreparedStep {
    pub(crate) fn new(row: StepRow) -> Result<Self, Fault> {
        let failure = row.failure.as_ref().map(serde_json::to_string).transpose()?;
        Ok(Self { row, failure })
    }
}

/// A step is inserted, or replaced by what it is now.
pub(crate) static PUT: LazyLock<Insert> = LazyLock::new(|| {
    let columns = [
        ("tenant_id", Type::Bytes),
        ("run_id", Type::Bytes),
        ("step", Type::Text),
        ("position", Type::Int),
        ("title", Type::Text),
        ("kind", Type::Text),
        ("action", Type::Text),
        ("status", Type::Text),
        ("attempts", Type::Int),
        ("scheduled_at", Type::Int),
        ("finished_at", Type::Int),
        ("failure", Type::Text),
        ("waiting_for", Type::Text),
    ];
    let conflict = "(tenant_id, run_id, step) DO UPDATE SET position = excluded.position,
        title = excluded.title, kind = excluded.kind, action = excluded.action, status = excluded.status,
        attempts = excluded.attempts, scheduled_at = excluded.scheduled_at,
        finished_at = excluded.finished_at, failure = excluded.failure, waiting_for = excluded.waiting_for";
    Insert::new("steps", &columns, conflict)
});

impl PreparedStep {
    pub(crate) fn values<'v>(&'v self, tenant: &'v TenantId, run: &'v RunId) -> [Value<'v>; 13] {
        let row = &self.row;
        [
            tenant.as_bytes().into(),
            run.as_bytes().into(),
            row.step.as_str().into(),
            row.position.into(),
            (&row.title).into(),
            (&row.kind).into(),
            row.action.as_ref().into(),
            row.status.as_str().into(),
            row.attempts.into(),
            row.scheduled_at.as_millis().into(),
            row.finished_at.map(Timestamp::as_millis).into(),
            self.failure.as_ref().into(),
            (&row.waiting_for).into(),
        ]
    }
}

pub(crate) fn put(
    connection: &Connection,
    tenant: TenantId,
    run: RunId,
    steps: &[PreparedStep],
) -> Result<(), Fault> {
    let mut upsert = connection.prepare_cached(&PUT.one)?;
    for step in steps {
        upsert.execute_row(&step.values(&tenant, &run))?;
    }
    Ok(())
}

/// The steps of a run in the order they were scheduled.
pub(crate) fn of_run(connection: &Connection, tenant: TenantId, run: RunId) -> Result<Vec<StepRow>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT step, position, title, kind, action, status, attempts, scheduled_at, finished_at, failure,
            waiting_for
         FROM steps WHERE tenant_id = ?1 AND run_id = ?2 ORDER BY position, step",
    )?;
    select.query_map(params![tenant.as_bytes(), run.as_bytes()], read)
}

fn read(row: &Row<'_>) -> Result<StepRow, Fault> {
    Ok(StepRow {
        step: row.text(0)?.into(),
        position: row.get(1)?,
        title: row.get(2)?,
        kind: row.get(3)?,
        action: row.get(4)?,
        status: parsed(row, 5)?,
        attempts: row.get(6)?,
        scheduled_at: at(row, 7)?,
        finished_at: opt_at(row, 8)?,
        failure: opt_json(row, 9)?,
        waiting_for: row.get(10)?,
    })
}
