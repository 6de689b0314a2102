//! The conditions of a list, put together from what a filter asks for.

use crate::fault::Fault;
use crate::sql::{Bind, Connection, Dialect, Row};
use types::TenantId;

/// Rows of a list at most, whatever is asked for.
pub(crate) const MOST: u32 = 1_000;

/// The `WHERE` of a list.
pub(super) struct Conditions {
    text: String,
    bound: Vec<Box<dyn Bind>>,
}

impl Conditions {
    /// Rows of one tenant.
    pub(super) fn new(tenant: TenantId) -> Self {
        Self {
            text: "tenant_id = ?".to_owned(),
            bound: vec![Box::new(*tenant.as_bytes())],
        }
    }

    /// One more condition with one `?`, if there is a value for it.
    pub(super) fn and(&mut self, condition: &str, value: Option<impl Bind + 'static>) {
        if let Some(value) = value {
            self.text.push_str(" AND ");
            self.text.push_str(condition);
            self.bound.push(Box::new(value));
        }
    }

    /// One more condition with two `?`, if there are values for them.
    pub(super) fn and_pair(
        &mut self,
        condition: &str,
        pair: Option<(impl Bind + 'static, impl Bind + 'static)>,
    ) {
        if let Some((first, second)) = pair {
            self.and(condition, Some(first));
            self.bound.push(Box::new(second));
        }
    }

    /// That a column has one of these values; none is any.
    pub(super) fn and_one_of(&mut self, column: &str, values: impl IntoIterator<Item = &'static str>) {
        let before = self.bound.len();
        self.bound
            .extend(values.into_iter().map(|value| Box::new(value) as Box<dyn Bind>));
        let count = self.bound.len() - before;
        if count > 0 {
            let marks = vec!["?"; count].join(", ");
            self.text.push_str(&format!(" AND {column} IN ({marks})"));
        }
    }

    /// A condition without a value.
    pub(super) fn and_if(&mut self, holds: bool, condition: &str) {
        if holds {
            self.text.push_str(" AND ");
            self.text.push_str(condition);
        }
    }

    /// The first `limit` rows of a table in an order, as `(columns, table, order)`; never more than [`MOST`].
    pub(super) fn list<T>(
        mut self,
        connection: &Connection,
        (columns, table, order): (&str, &str, &str),
        limit: u32,
        read: fn(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        self.bound.push(Box::new(limit.min(MOST)));
        let sql = format!(
            "SELECT {columns} FROM {table} WHERE {} ORDER BY {order} LIMIT ?",
            self.text
        );
        let mut select = connection.prepare_cached(&sql)?;
        let bound: Vec<&dyn Bind> = self.bound.iter().map(|value| value.as_ref()).collect();
        select.query_map(&bound, read)
    }

    /// The same for a table with wide rows, newest key first: the keys are found in an index, of which the
    /// rows are then read. SQLite is told which one, since without statistics it would rather go through
    /// all rows in their order.
    pub(super) fn list_through<T>(
        mut self,
        connection: &Connection,
        (columns, table, key, index): (&str, &str, &str, Option<&str>),
        limit: u32,
        read: fn(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let by = match (connection.dialect(), index) {
            (Dialect::Sqlite, Some(index)) => format!(" INDEXED BY {index}"),
            _ => String::new(),
        };
        let sql = format!(
            "SELECT {columns} FROM {table} WHERE tenant_id = ? AND {key} IN
                (SELECT {key} FROM {table}{by} WHERE {} ORDER BY {key} DESC LIMIT ?)
             ORDER BY {key} DESC",
            self.text
        );
        self.bound.push(Box::new(limit));
        let mut select = connection.prepare_cached(&sql)?;
        let tenant = self.bound.first();
        let bound: Vec<&dyn Bind> = tenant
            .into_iter()
            .chain(&self.bound)
            .map(|value| value.as_ref())
            .collect();
        select.query_map(&bound, read)
    }
}
