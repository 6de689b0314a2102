//! Table `steps`: a run's timeline.

use engine::rows::StepRow;
use rusqlite::{Connection, Row, params};
use types::{RunId, TenantId, Timestamp};

use crate::sqlite::convert::{at, opt_at, opt_json, parsed};
use crate::sqlite::fault::Fault;

/// A step's row, ready to be written.
#[derive(Debug)]
pub(in crate::sqlite) struct PreparedStep {
    row: StepRow,
    failure: Option<String>,
}

impl PreparedStep {
    pub(in crate::sqlite) fn new(row: StepRow) -> Result<Self, Fault> {
        let failure = row.failure.as_ref().map(serde_json::to_string).transpose()?;
        Ok(Self { row, failure })
    }
}

pub(in crate::sqlite) fn put(
    connection: &Connection,
    tenant: TenantId,
    run: RunId,
    steps: &[PreparedStep],
) -> Result<(), Fault> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO steps (tenant_id, run_id, step, position, title, kind, action, status, attempts,
            scheduled_at, finished_at, failure, waiting_for)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (tenant_id, run_id, step) DO UPDATE SET position = excluded.position,
            title = excluded.title, kind = excluded.kind, action = excluded.action, status = excluded.status,
            attempts = excluded.attempts, scheduled_at = excluded.scheduled_at,
            finished_at = excluded.finished_at, failure = excluded.failure,
            waiting_for = excluded.waiting_for",
    )?;
    for PreparedStep { row, failure } in steps {
        upsert.execute(params![
            tenant.as_bytes(),
            run.as_bytes(),
            row.step.as_str(),
            row.position,
            row.title,
            row.kind,
            row.action,
            row.status.as_str(),
            row.attempts,
            row.scheduled_at.as_millis(),
            row.finished_at.map(Timestamp::as_millis),
            failure,
            row.waiting_for,
        ])?;
    }
    Ok(())
}

/// The steps of a run in the order they were scheduled.
pub(in crate::sqlite) fn of_run(
    connection: &Connection,
    tenant: TenantId,
    run: RunId,
) -> Result<Vec<StepRow>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT step, position, title, kind, action, status, attempts, scheduled_at, finished_at, failure,
            waiting_for
         FROM steps WHERE tenant_id = ?1 AND run_id = ?2 ORDER BY position, step",
    )?;
    let rows = select.query_map(params![tenant.as_bytes(), run.as_bytes()], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<StepRow> {
    Ok(StepRow {
        step: row.get_ref(0)?.as_str()?.into(),
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
