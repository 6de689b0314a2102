//! Values on their way out of a row.

use ports::StoreError;

use crate::fault::Fault;

/// A row of either database.
pub(crate) enum Row<'r> {
    /// Of SQLite.
    Sqlite(&'r rusqlite::Row<'r>),
    /// Of PostgreSQL.
    Postgres(&'r tokio_postgres::Row),
}

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'r> {
    /// NULL.
    Null,
    /// A count, an instant, a flag.
    Int(i64),
    /// A name, or JSON.
    Text(&'r str),
    /// An id, or what is sealed.
    Bytes(&'r [u8]),
}

/// What a cell can be read as.
pub(crate) trait FromCell: Sized {
    /// None if the cell holds something else.
    fn from_cell(cell: Cell<'_>) -> Option<Self>;
}

impl Row<'_> {
    /// The value of a column, counted from 0.
    pub(crate) fn cell(&self, index: usize) -> Result<Cell<'_>, Fault> {
        match self {
            Row::Sqlite(row) => crate::sqlite::cell(row, index),
            Row::Postgres(row) => crate::postgres::cell(row, index),
        }
    }

    pub(crate) fn get<T: FromCell>(&self, index: usize) -> Result<T, Fault> {
        let cell = self.cell(index)?;
        T::from_cell(cell).ok_or_else(|| unreadable(index, "it has another type"))
    }

    pub(crate) fn text(&self, index: usize) -> Result<&str, Fault> {
        self.opt_text(index)?
            .ok_or_else(|| unreadable(index, "it is empty"))
    }

    pub(crate) fn opt_text(&self, index: usize) -> Result<Option<&str>, Fault> {
        match self.cell(index)? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            _ => Err(unreadable(index, "it is not a text")),
        }
    }
}

/// A column that doesn't hold what it must.
pub(crate) fn unreadable(index: usize, why: impl std::fmt::Display) -> Fault {
    Fault(StoreError::Corrupt {
        message: format!("a record can't be read: column {index}: {why}"),
    })
}

impl FromCell for String {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl<const N: usize> FromCell for [u8; N] {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl FromCell for Vec<u8> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }
}

impl FromCell for i64 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(value) => Some(value),
            _ => None,
        }
    }
}

impl FromCell for u64 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell)?.try_into().ok()
    }
}

impl FromCell for u32 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell)?.try_into().ok()
    }
}

impl FromCell for u16 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell)?.try_into().ok()
    }
}

impl FromCell for bool {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).map(|value| value != 0)
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}
