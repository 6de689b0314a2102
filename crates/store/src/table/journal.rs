//! Table `journal`: the events of runs, each with its position, instant and version.

use std::sync::LazyLock;

use crate::sql::{Connection, Insert, Row, Type, Value, params};
use engine::{EVENT_VERSION, Event, Recorded};
use ports::StoreError;
use types::{RunId, TenantId, Timestamp};

use crate::convert::{at, count, int, json};
use crate::fault::{Fault, other};

/// An event, ready to be written.
#[derive(Debug)]
pub(crate) struct PreparedEvent {
    seq: u64,
    at: i64,
    v: u16,
    event: String,
}

/// Prepares events, checking that they follow `head` without a gap.
pub(crate) fn prepare(head: u64, events: &[Recorded]) -> Result<Vec<PreparedEvent>, Fault> {
    let mut prepared = Vec::with_capacity(events.len());
    for (expected, recorded) in (head + 1..).zip(events) {
        if recorded.seq != expected {
            return Err(other(format!(
                "an event has position {} instead of {expected}",
                recorded.seq
            ))
            .into());
        }
        prepared.push(PreparedEvent {
            seq: recorded.seq,
            at: recorded.at.as_millis(),
            v: recorded.v,
            event: serde_json::to_string(&recorded.event)?,
        });
    }
    Ok(prepared)
}

/// When the last of them was decided; none if there are none.
pub(crate) fn last_at(events: &[PreparedEvent]) -> Option<Timestamp> {
    events.last().map(|event| Timestamp::from_millis(event.at))
}

/// An event never changes.
pub(crate) static PUT: LazyLock<Insert> = LazyLock::new(|| {
    let columns = [
        ("tenant_id", Type::Bytes),
        ("run_id", Type::Bytes),
        ("seq", Type::Int),
        ("at", Type::Int),
        ("v", Type::Int),
        ("event", Type::Text),
    ];
    Insert::new("journal", &columns, "")
});

impl PreparedEvent {
    pub(crate) fn values<'v>(&'v self, tenant: &'v TenantId, run: &'v RunId) -> [Value<'v>; 6] {
        [
            tenant.as_bytes().into(),
            run.as_bytes().into(),
            int(self.seq).into(),
            self.at.into(),
            u32::from(self.v).into(),
            (&self.event).into(),
        ]
    }
}

pub(crate) fn insert(
    connection: &Connection,
    tenant: TenantId,
    run: RunId,
    events: &[PreparedEvent],
) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(&PUT.one)?;
    for event in events {
        insert.execute_row(&event.values(&tenant, &run))?;
    }
    Ok(())
}

/// Events after a position; `limit` none is all of them.
pub(crate) fn after(
    connection: &Connection,
    tenant: TenantId,
    run: RunId,
    after: u64,
    limit: Option<u32>,
) -> Result<Vec<Recorded>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT seq, at, v, event FROM journal
         WHERE tenant_id = ?1 AND run_id = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4",
    )?;
    let limit = limit.map_or(i64::MAX, i64::from);
    let bound = params![tenant.as_bytes(), run.as_bytes(), int(after), limit];
    let mut expected = after;
    select.query_map(bound, |row| {
        expected += 1;
        if count(row, 0)? != expected {
            return Err(missing(run, expected).into());
        }
        let event = read(row, expected).map_err(|message| StoreError::Unreadable {
            run,
            seq: expected,
            message,
        })?;
        Ok(event)
    })
}

/// An event that must be there is not.
pub(crate) fn missing(run: RunId, seq: u64) -> StoreError {
    StoreError::Unreadable {
        run,
        seq,
        message: "it is missing".to_owned(),
    }
}

/// An event, or what is wrong with it.
fn read(row: &Row<'_>, seq: u64) -> Result<Recorded, String> {
    let damaged = |Fault(error): Fault| match error {
        // That of one record, not of the whole database.
        StoreError::Corrupt { message } => format!("the record is damaged: {message}"),
        error => format!("the record is damaged: {error}"),
    };
    let v: u16 = row.get(2).map_err(damaged)?;
    if v == 0 || v > EVENT_VERSION {
        return Err(format!(
            "it has version {v}, and this binary knows up to {EVENT_VERSION}"
        ));
    }
    Ok(Recorded {
        seq,
        at: at(row, 1).map_err(damaged)?,
        v,
        event: json::<Event>(row, 3).map_err(damaged)?,
    })
}
