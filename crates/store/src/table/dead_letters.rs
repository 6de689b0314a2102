//! Table `dead_letters`: runs that were given up.

use std::sync::LazyLock;

use crate::sql::{Connection, Insert, Row, Type, Value};
use ports::{DeadLetter, LetterFilter};
use types::{RunId, TenantId};

use super::conditions::Conditions;
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
pub(crate) fn list(
    connection: &Connection,
    tenant: TenantId,
    filter: LetterFilter,
) -> Result<Vec<DeadLetter>, Fault> {
    let mut wanted = Conditions::new(tenant);
    let before = filter.before.map(|(at, run)| (at.as_millis(), *run.as_bytes()));
    wanted.and_pair("(at, run_id) < (?, ?)", before);
    let columns = "tenant_id, run_id, failure, at";
    let order = "at DESC, run_id DESC";
    wanted.list(connection, (columns, "dead_letters", order), filter.limit, read)
}

fn read(row: &Row<'_>) -> Result<DeadLetter, Fault> {
    Ok(DeadLetter {
        tenant: id(row, 0, TenantId::from_bytes)?,
        run: id(row, 1, RunId::from_bytes)?,
        failure: json(row, 2)?,
        at: at(row, 3)?,
    })
}
