//! Table `snapshots`: the newest snapshot of each run.

use std::sync::LazyLock;

use crate::sql::{Connection, Insert, Row, Type, Value, params};
use ports::Snapshot;
use types::{RunId, TenantId};

use crate::convert::{count, int};
use crate::fault::Fault;

/// The newest snapshot of a run is kept.
pub(crate) static PUT: LazyLock<Insert> = LazyLock::new(|| {
    let columns = [
        ("tenant_id", Type::Bytes),
        ("run_id", Type::Bytes),
        ("seq", Type::Int),
        ("state", Type::Text),
    ];
    let conflict = "(tenant_id, run_id) DO UPDATE SET seq = excluded.seq, state = excluded.state
        WHERE excluded.seq >= snapshots.seq";
    Insert::new("snapshots", &columns, conflict)
});

pub(crate) fn values<'v>(tenant: &'v TenantId, run: &'v RunId, snapshot: &'v Snapshot) -> [Value<'v>; 4] {
    [
        tenant.as_bytes().into(),
        run.as_bytes().into(),
        int(snapshot.seq).into(),
        (&snapshot.state).into(),
    ]
}

pub(crate) fn put(
    connection: &Connection,
    tenant: TenantId,
    run: RunId,
    snapshot: &Snapshot,
) -> Result<(), Fault> {
    let row = values(&tenant, &run, snapshot);
    connection.prepare_cached(&PUT.one)?.execute_row(&row)?;
    Ok(())
}

/// The snapshot, if there is one whose record can be read: the journal has all that it says.
pub(crate) fn get(connection: &Connection, tenant: TenantId, run: RunId) -> Result<Option<Snapshot>, Fault> {
    let mut select =
        connection.prepare_cached("SELECT seq, state FROM snapshots WHERE tenant_id = ?1 AND run_id = ?2")?;
    let found = select.query_opt(params![tenant.as_bytes(), run.as_bytes()], |row| Ok(read(row)))?;
    match found {
        None => Ok(None),
        Some(Ok(snapshot)) => Ok(Some(snapshot)),
        Some(Err(fault)) => {
            tracing::warn!(run = %run, error = %fault.0, "a snapshot can't be read; the whole journal is");
            Ok(None)
        }
    }
}

fn read(row: &Row<'_>) -> Result<Snapshot, Fault> {
    Ok(Snapshot {
        seq: count(row, 0)?,
        state: row.get(1)?,
    })
}
