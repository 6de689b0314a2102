//! From what SQLite and JSON report to [`StoreError`].

use ports::StoreError;
use rusqlite::ErrorCode;

/// `SQLITE_IOERR_SHMSIZE`: the shared-memory file could not grow, which means that the disk is full.
const IOERR_SHMSIZE: i32 = 10 | (19 << 8);

/// A [`StoreError`] that `?` makes from the errors met inside this crate.
#[derive(Debug)]
pub(super) struct Fault(pub StoreError);

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Fault(error)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        fault.0
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault(of_sqlite(&error))
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Fault(other(format!("failed to write a record as JSON: {error}")))
    }
}

/// Anything that has no variant of its own.
pub(super) fn other(message: impl Into<String>) -> StoreError {
    StoreError::Other {
        message: message.into(),
    }
}

/// There is no such thing.
pub(super) fn not_found(what: &'static str, name: impl ToString) -> StoreError {
    StoreError::NotFound {
        what,
        name: name.to_string(),
    }
}

/// Somebody else changed the thing meanwhile.
pub(in crate::sqlite) fn changed(what: &str, name: &str) -> StoreError {
    conflict(format!("the {what} '{name}' was changed meanwhile"))
}

/// The thing exists or has changed.
pub(super) fn conflict(message: impl Into<String>) -> StoreError {
    StoreError::Conflict {
        message: message.into(),
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
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
            StoreError::Corrupt {
                message: format!("a record can't be read: {message}"),
            }
        }
        _ => other(format!("the database failed: {message}")),
    }
}
