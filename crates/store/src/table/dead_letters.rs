//! Table `dead_letters`: runs that were given up.

use std::sync::LazyLock;

use crate::sql::{Connection, Insert, Type, Value, params};
use ports::DeadLetter;
use types::{RunId, TenantId};

use crate::convert::{at, id, json};
use crate::fault::Fault;

/// A dead letter, ready to be written.
#[derive(Debug)]
pub(crate) struct PreparedLetter {
    pub(crate) letter: DeadLetter,
    pub(crate) failure: String,
}

impl PreparedLetter {
    pub(crate) fn new(letter: DeadLetter) -> Result<Self, Fault> {
        let failure = serde_json::to_string(&letter.failure)?;
        Ok(Self { letter, failure })
    }

    pub(crate) fn values(&self) -> [Value<'_>; 4] {
        let DeadLetter { tenant, run, at, .. } = &self.letter;
        [
            tenant.as_bytes().into(),
            run.as_bytes().into(),
            (&self.failure).into(),
            at.as_millis().into(),
        ]
    }

    pub(crate) fn put(&self, connection: &Connection) -> Result<(), Fault> {
        connection.prepare_cached(&PUT.one)?.execute_row(&self.values())?;
        Ok(())
    }
}

/// A run that is given up once more has the newer letter.
pub(crate) static PUT: LazyLock<Insert> = LazyLock::new(|| {
    let columns = [
        ("tenant_id", Type::Bytes),
        ("run_id", Type::Bytes),
        ("failure", Type::Text),
        ("at", Type::Int),
    ];
    let conflict = "(tenant_id, run_id) DO UPDATE SET failure = excluded.failure, at = excluded.at";
    Insert::new("dead_letters", &columns, conflict)
});

/// Dead letters, newest first.
pub(crate) fn list(connection: &Connection, tenant: TenantId, limit: u32) -> Result<Vec<DeadLetter>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT run_id, failure, at FROM dead_letters
         WHERE tenant_id = ?1 ORDER BY at DESC, run_id DESC LIMIT ?2",
    )?;
    select.query_map(params![tenant.as_bytes(), limit], |row| {
        Ok(DeadLetter {
            tenant,
            run: id(row, 0, RunId::from_bytes)?,
            failure: json(row, 1)?,
            at: at(row, 2)?,
        })
    })
}
