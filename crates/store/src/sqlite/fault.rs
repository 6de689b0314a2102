//! From what SQLite reports to [`StoreError`].

use ports::StoreError;
use rusqlite::ErrorCode;

pub(super) use crate::fault::{Fault, closed, conflict, not_found, other};

/// `SQLITE_IOERR_SHMSIZE`: the shared-memory file could not grow, which means that the disk is full.
const IOERR_SHMSIZE: i32 = 10 | (19 << 8);

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault(of_sqlite(&error))
    }
}

fn of_sqlite(error: &rusqlite::Error) -> StoreError {
    let message = error.to_string();
    match error {
        rusqlite::Error::SqliteFailure(code, _) => match code.code {
            ErrorCode::DiskFull => StoreError::Full,
            ErrorCode::SystemIoFailure if code.extended_code == IOERR_SHMSIZE => StoreError::Full,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt { message },
            ErrorCode::ConstraintViolation => conflict(message),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                other("the database stayed busy: another process was writing for too long")
            }
            _ => other(format!("the database failed: {message}")),
        },
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => StoreError::Corrupt {
            message: format!("a record can't be read: {message}"),
        },
        _ => other(format!("the database failed: {message}")),
    }
}
