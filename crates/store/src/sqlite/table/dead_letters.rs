//! Table `dead_letters`: runs that were given up.

use ports::DeadLetter;
use rusqlite::{Connection, params};
use types::{RunId, TenantId};

use crate::sqlite::convert::{at, id, json};
use crate::sqlite::fault::Fault;

/// A dead letter, ready to be written.
#[derive(Debug)]
pub(in crate::sqlite) struct PreparedLetter {
    letter: DeadLetter,
    failure: String,
}

impl PreparedLetter {
    pub(in crate::sqlite) fn new(letter: DeadLetter) -> Result<Self, Fault> {
        let failure = serde_json::to_string(&letter.failure)?;
        Ok(Self { letter, failure })
    }

    pub(in crate::sqlite) fn put(&self, connection: &Connection) -> Result<(), Fault> {
        let mut insert = connection.prepare_cached(
            "INSERT INTO dead_letters (tenant_id, run_id, failure, at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tenant_id, run_id) DO UPDATE SET failure = excluded.failure, at = excluded.at",
        )?;
        let DeadLetter { tenant, run, at, .. } = &self.letter;
        insert.execute(params![
            tenant.as_bytes(),
            run.as_bytes(),
            self.failure,
            at.as_millis()
        ])?;
        Ok(())
    }
}

/// Dead letters, newest first.
pub(in crate::sqlite) fn list(
    connection: &Connection,
    tenant: TenantId,
    limit: u32,
) -> Result<Vec<DeadLetter>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT run_id, failure, at FROM dead_letters
         WHERE tenant_id = ?1 ORDER BY at DESC, run_id DESC LIMIT ?2",
    )?;
    let rows = select.query_map(params![tenant.as_bytes(), limit], |row| {
        Ok(DeadLetter {
            tenant,
            run: id(row, 0, RunId::from_bytes)?,
            failure: json(row, 1)?,
            at: at(row, 2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
