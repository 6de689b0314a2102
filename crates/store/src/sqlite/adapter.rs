//! SQLite as the tables see it.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, params_from_iter};
use types::{RunId, TenantId};

use super::fault::Fault;
use crate::sql::{Cell, Dialect, Prepared, Row, Sql, Statement, Take, Value};

impl Sql for rusqlite::Connection {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn prepare_cached<'c>(&'c self, sql: &str) -> Result<Statement<'c>, Fault> {
        Ok(Statement::new(rusqlite::Connection::prepare_cached(self, sql)?))
    }

    /// Nothing to do: one thread writes, in transactions that are the only ones.
    fn lock_run(&self, _tenant: TenantId, _run: RunId) -> Result<(), Fault> {
        Ok(())
    }
}

impl Prepared for CachedStatement<'_> {
    fn execute(&mut self, values: &[Value<'_>]) -> Result<usize, Fault> {
        Ok(rusqlite::Statement::execute(self, params_from_iter(values))?)
    }

    fn query(&mut self, values: &[Value<'_>], take: &mut Take<'_>) -> Result<(), Fault> {
        let mut rows = rusqlite::Statement::query(self, params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            if !take(&Row::Sqlite(row))? {
                break;
            }
        }
        Ok(())
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Value::Null => ValueRef::Null,
            Value::Int(value) => ValueRef::Integer(value),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// The value of a column.
pub(crate) fn cell<'r>(row: &'r rusqlite::Row<'_>, index: usize) -> Result<Cell<'r>, Fault> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Cell::Text(text),
            Err(error) => return Err(crate::sql::unreadable(index, error)),
        },
        ValueRef::Real(_) => return Err(crate::sql::unreadable(index, "it is not a whole number")),
    })
}
