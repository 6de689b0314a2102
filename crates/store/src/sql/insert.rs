//! Rows that are written alike on both databases: SQLite takes them one by one, PostgreSQL many at once.

/// The statements that insert into a table.
pub(crate) struct Insert {
    /// For one row, with a parameter for each column.
    pub(crate) one: String,
    /// For many rows on PostgreSQL, with an array for each column.
    pub(crate) many: String,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// An id.
    Bytes,
    /// A count, an instant, a flag.
    Int,
    /// A name, or JSON.
    Text,
}

impl Insert {
    /// Into these columns of a table; `conflict` is what follows ON CONFLICT, or nothing.
    pub(crate) fn new(table: &str, columns: &[(&str, Type)], conflict: &str) -> Self {
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        let marks: Vec<String> = (1..=columns.len()).map(|number| format!("?{number}")).collect();
        let arrays: Vec<String> = (1..)
            .zip(columns)
            .map(|(number, (_, kind))| format!("?{number}::{}[]", kind.name()))
            .collect();
        let conflict = match conflict {
            "" => String::new(),
            conflict => format!(" ON CONFLICT {conflict}"),
        };
        Self {
            one: format!(
                "INSERT INTO {table} ({names}) VALUES ({}){conflict}",
                marks.join(", ")
            ),
            many: format!(
                "INSERT INTO {table} ({names}) SELECT {names} FROM unnest({}) AS one ({names}){conflict}",
                arrays.join(", ")
            ),
        }
    }
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Type::Bytes => "bytea",
            Type::Int => "bigint",
            Type::Text => "text",
        }
    }
}
