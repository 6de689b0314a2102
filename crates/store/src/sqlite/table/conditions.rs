//! The conditions of a list, put together from what a filter asks for.

use rusqlite::ToSql;
use types::TenantId;

/// The `WHERE` of a list.
pub(super) struct Conditions {
    text: String,
    bound: Vec<Box<dyn ToSql>>,
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
    pub(super) fn and(&mut self, condition: &str, value: Option<impl ToSql + 'static>) {
        if let Some(value) = value {
            self.text.push_str(" AND ");
            self.text.push_str(condition);
            self.bound.push(Box::new(value));
        }
    }

    /// That a column has one of these values; none is any.
    pub(super) fn and_one_of(&mut self, column: &str, values: impl IntoIterator<Item = &'static str>) {
        let before = self.bound.len();
        self.bound
            .extend(values.into_iter().map(|value| Box::new(value) as Box<dyn ToSql>));
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

    /// The whole statement with what is bound to it.
    pub(super) fn select(
        mut self,
        columns: &str,
        table: &str,
        order: &str,
        limit: u32,
    ) -> (String, Vec<Box<dyn ToSql>>) {
        self.bound.push(Box::new(limit));
        let sql = format!(
            "SELECT {columns} FROM {table} WHERE {} ORDER BY {order} LIMIT ?",
            self.text
        );
        (sql, self.bound)
    }
}
