//! What the tables need of a database, whichever it is: prepared statements with numbered parameters
//! (`?1`), rows of integers, texts and bytes, and nothing else.
//!
//! Boundary: SQL that both databases understand. Flags are the integers 0 and 1, ids are 16 bytes,
//! instants are milliseconds, all other values are text. Each database has its adapter beside it.

mod bind;
mod insert;
mod row;

use types::{RunId, TenantId};

pub(crate) use bind::{Bind, Value, params};
pub(crate) use insert::{Insert, Type};
pub(crate) use row::{Cell, Row, unreadable};

use crate::fault::{Fault, other};

/// A connection inside a transaction, as the tables see it.
pub(crate) type Connection = dyn Sql;

/// Where the two databases need different words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// A database that runs statements.
pub(crate) trait Sql {
    /// Which one.
    fn dialect(&self) -> Dialect;

    /// A statement, kept prepared for the next time.
    fn prepare_cached<'c>(&'c self, sql: &str) -> Result<Statement<'c>, Fault>;

    /// Keeps others from changing a run until the transaction ends. What is read after this is what
    /// the last of them has left behind.
    fn lock_run(&self, tenant: TenantId, run: RunId) -> Result<(), Fault>;
}

/// Takes a row; false if no more are wanted.
pub(crate) type Take<'t> = dyn FnMut(&Row<'_>) -> Result<bool, Fault> + 't;

/// How a database runs a prepared statement.
pub(crate) trait Prepared {
    /// Runs it; how many rows were changed.
    fn execute(&mut self, values: &[Value<'_>]) -> Result<usize, Fault>;
    /// Runs it and hands over its rows.
    fn query(&mut self, values: &[Value<'_>], take: &mut Take<'_>) -> Result<(), Fault>;
}

/// A prepared statement.
pub(crate) struct Statement<'c>(Box<dyn Prepared + 'c>);

impl<'c> Statement<'c> {
    pub(crate) fn new(prepared: impl Prepared + 'c) -> Self {
        Self(Box::new(prepared))
    }

    /// Runs it; how many rows were changed.
    pub(crate) fn execute(&mut self, values: &[&dyn Bind]) -> Result<usize, Fault> {
        self.0.execute(&given(values))
    }

    /// The same, with all values of a row.
    pub(crate) fn execute_row(&mut self, values: &[Value<'_>]) -> Result<usize, Fault> {
        self.0.execute(values)
    }

    /// All rows.
    pub(crate) fn query_map<T>(
        &mut self,
        values: &[&dyn Bind],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut all = Vec::new();
        self.0.query(&given(values), &mut |row| {
            all.push(read(row)?);
            Ok(true)
        })?;
        Ok(all)
    }

    /// The first row, if there is one.
    pub(crate) fn query_opt<T>(
        &mut self,
        values: &[&dyn Bind],
        read: impl Fn(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let mut first = None;
        self.0.query(&given(values), &mut |row| {
            first = Some(read(row)?);
            Ok(false)
        })?;
        Ok(first)
    }

    /// The one row that there must be.
    pub(crate) fn query_one<T>(
        &mut self,
        values: &[&dyn Bind],
        read: impl Fn(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let row = self.query_opt(values, read)?;
        row.ok_or_else(|| other("the database gave no row where one was due").into())
    }

    /// Whether there is a row.
    pub(crate) fn exists(&mut self, values: &[&dyn Bind]) -> Result<bool, Fault> {
        Ok(self.query_opt(values, |_| Ok(()))?.is_some())
    }
}

fn given<'v>(values: &'v [&'v (dyn Bind + 'v)]) -> Vec<Value<'v>> {
    values.iter().map(|value| value.value()).collect()
}
