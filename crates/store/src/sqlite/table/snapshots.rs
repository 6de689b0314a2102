//! Table `snapshots`: the newest snapshot of each run.

use ports::Snapshot;
use rusqlite::{Connection, OptionalExtension, params};
use types::{RunId, TenantId};

use crate::sqlite::convert::{count, int};
use crate::sqlite::fault::Fault;

pub(in crate::sqlite) fn put(
    connection: &Connection,
    tenant: TenantId,
    run: RunId,
    snapshot: &Snapshot,
) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO snapshots (tenant_id, run_id, seq, state) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (tenant_id, run_id) DO UPDATE SET seq = excluded.seq, state = excluded.state
         WHERE excluded.seq >= seq",
    )?;
    insert.execute(params![
        tenant.as_bytes(),
        run.as_bytes(),
        int(snapshot.seq),
        snapshot.state
    ])?;
    Ok(())
}

/// The snapshot, if there is one whose record can be read: the journal has all that it says.
pub(in crate::sqlite) fn get(
    connection: &Connection,
    tenant: TenantId,
    run: RunId,
) -> Result<Option<Snapshot>, Fault> {
    let mut select =
        connection.prepare_cached("SELECT seq, state FROM snapshots WHERE tenant_id = ?1 AND run_id = ?2")?;
    let found = select.query_row(params![tenant.as_bytes(), run.as_bytes()], |row| {
        Ok(Snapshot {
            seq: count(row, 0)?,
            state: row.get(1)?,
        })
    });
    match found.optional() {
        Err(
            error @ (rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)),
        ) => {
            tracing::warn!(run = %run, %error, "a snapshot can't be read; the whole journal is");
            Ok(None)
        }
        found => Ok(found?),
    }
}
