//! PostgreSQL as the tables see it: a connection that blocks its thread until the answer is there.

use std::cell::Cell as Flag;
use std::error::Error;
use std::time::Duration;

use deadpool_postgres::Object;
use tokio::runtime::Handle;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use types::{RunId, TenantId};

use super::fault::{lost, timed_out};
use crate::fault::Fault;
use crate::sql::{Cell, Dialect, Prepared, Row, Sql, Statement, Take, Value, unreadable};

/// The longest wait for one answer; the database gives statements up before that.
const LONGEST: Duration = Duration::from_secs(30);

/// A pooled connection on a blocking thread.
pub(super) struct Session {
    client: Object,
    runtime: Handle,
    /// Whether its state isn't known, so that it must not go back into the pool.
    unclear: Flag<bool>,
}

impl Session {
    pub(super) fn new(client: Object, runtime: Handle) -> Self {
        Self {
            client,
            runtime,
            unclear: Flag::new(false),
        }
    }

    /// Runs statements without parameters.
    pub(super) fn run(&self, sql: &str) -> Result<(), Fault> {
        self.wait(self.client.batch_execute(sql))
    }

    /// Goes back into the pool, or is closed if a transaction may be left open in it.
    pub(super) fn end(self) {
        if self.unclear.get() {
            drop(Object::take(self.client));
        }
    }

    /// The connection must not be used again.
    pub(super) fn spoil(&self) {
        self.unclear.set(true);
    }

    fn wait<T>(&self, answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Fault> {
        let answer = self
            .runtime
            .block_on(async { tokio::time::timeout(LONGEST, answer).await });
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if lost(&error) {
                    self.spoil();
                }
                Err(error.into())
            }
            Err(_) => {
                self.spoil();
                Err(timed_out().into())
            }
        }
    }
}

impl Sql for Session {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn prepare_cached<'c>(&'c self, sql: &str) -> Result<Statement<'c>, Fault> {
        let statement = self.wait(self.client.prepare_cached(&numbered(sql)))?;
        Ok(Statement::new(Ready {
            session: self,
            statement,
        }))
    }

    fn lock_run(&self, tenant: TenantId, run: RunId) -> Result<(), Fault> {
        let sql = "SELECT 1 FROM runs WHERE tenant_id = ?1 AND run_id = ?2 FOR NO KEY UPDATE";
        let bound = crate::sql::params![tenant.as_bytes(), run.as_bytes()];
        self.prepare_cached(sql)?.exists(bound)?;
        Ok(())
    }
}

struct Ready<'c> {
    session: &'c Session,
    statement: tokio_postgres::Statement,
}

impl Prepared for Ready<'_> {
    fn execute(&mut self, values: &[Value<'_>]) -> Result<usize, Fault> {
        let client = &self.session.client;
        let changed = self
            .session
            .wait(client.execute(&self.statement, &bound(values)))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    fn query(&mut self, values: &[Value<'_>], take: &mut Take<'_>) -> Result<(), Fault> {
        let client = &self.session.client;
        let rows = self.session.wait(client.query(&self.statement, &bound(values)))?;
        for row in &rows {
            if !take(&Row::Postgres(row))? {
                break;
            }
        }
        Ok(())
    }
}

fn bound<'v>(values: &'v [Value<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// A statement with PostgreSQL's marks: `?3` is `$3`, and a `?` without a number is the next one.
pub(super) fn numbered(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() + 8);
    let mut next = 0;
    let mut rest = sql.chars().peekable();
    while let Some(letter) = rest.next() {
        if letter != '?' {
            text.push(letter);
            continue;
        }
        text.push('$');
        if !rest.peek().is_some_and(char::is_ascii_digit) {
            next += 1;
            text.push_str(&next.to_string());
        }
    }
    text
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match *self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(value) => match *kind {
                Type::INT4 => i32::try_from(value)?.to_sql(kind, out),
                Type::BOOL => (value != 0).to_sql(kind, out),
                _ => value.to_sql(kind, out),
            },
            // PostgreSQL keeps no zero character in a text.
            Value::Text(text) if text.contains('\0') => text.replace('\0', "\u{fffd}").to_sql(kind, out),
            Value::Text(text) => text.to_sql(kind, out),
            Value::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The value of a column.
pub(crate) fn cell(row: &tokio_postgres::Row, index: usize) -> Result<Cell<'_>, Fault> {
    row.try_get(index).map_err(|error| unreadable(index, error))
}

impl<'r> FromSql<'r> for Cell<'r> {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *kind {
            Type::INT8 => Cell::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Cell::Int(i32::from_sql(kind, raw)?.into()),
            Type::BOOL => Cell::Int(bool::from_sql(kind, raw)?.into()),
            Type::BYTEA => Cell::Bytes(raw),
            _ => Cell::Text(<&str>::from_sql(kind, raw)?),
        })
    }

    fn from_sql_null(_kind: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Cell::Null)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::INT4 | Type::BOOL | Type::BYTEA)
            || <&str as FromSql>::accepts(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_numbered() {
        for (given, expected) in [
            ("a = ?1 AND b = ?12", "a = $1 AND b = $12"),
            ("a = ? AND b IN (?, ?)", "a = $1 AND b IN ($2, $3)"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(numbered(given), expected);
        }
    }
}
