//! From what PostgreSQL reports to [`StoreError`].

use deadpool_postgres::PoolError;
use ports::StoreError;
use tokio_postgres::error::SqlState;

use super::tls;
use crate::fault::{Fault, closed, conflict, other};

/// How the texts begin that `tokio_postgres` gives to what it doesn't tell by kind.
const HANDSHAKE: &str = "error performing TLS handshake";
/// And how that one ends if the server has none.
const NO_TLS: &str = "server does not support TLS";

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Fault(of_postgres(&error))
    }
}

/// Whether the connection is of no more use.
pub(super) fn lost(error: &tokio_postgres::Error) -> bool {
    matches!(of_postgres(error), StoreError::Unreachable { .. })
}

/// Whether the same transaction may well succeed if it is tried again.
pub(super) fn passing(error: &tokio_postgres::Error) -> bool {
    let passing = [
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
    ];
    error.code().is_some_and(|code| passing.contains(code))
}

/// The database can't be reached, or doesn't let us in.
pub(super) fn unreachable(message: impl Into<String>) -> StoreError {
    StoreError::Unreachable {
        message: message.into(),
    }
}

/// No answer came.
pub(super) fn timed_out() -> StoreError {
    unreachable("the database does not answer")
}

/// What kept a pooled connection from being had.
pub(super) fn of_pool(error: PoolError) -> StoreError {
    match error {
        PoolError::Closed => closed(),
        PoolError::Backend(error) => of_postgres(&error),
        PoolError::Timeout(_) => unreachable("no connection to the database became free in time"),
        error => other(format!("no connection to the database was to be had: {error}")),
    }
}

/// Text codes of classes: PostgreSQL documentation, appendix A, "PostgreSQL Error Codes".
pub(super) fn of_postgres(error: &tokio_postgres::Error) -> StoreError {
    let Some(told) = error.as_db_error() else {
        return broken(error);
    };
    let code = told.code();
    let message = told.message();
    if passing(error) {
        return StoreError::Busy;
    }
    let limits = [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE];
    if *code == SqlState::DISK_FULL {
        StoreError::Full
    } else if limits.contains(code) {
        other("the database took too long: another process was writing, or it is overloaded")
    } else {
        match code.code().get(..2).unwrap_or_default() {
            // Connection failures, wrong log-in, no such database, too many connections, shutting down.
            "08" | "28" | "3D" | "53" | "57" => unreachable(format!("the database refuses: {message}")),
            "23" => conflict(message),
            "XX" => StoreError::Corrupt {
                message: message.to_owned(),
            },
            _ => other(format!("the database failed: {message} ({})", code.code())),
        }
    }
}

/// A connection that was never there, or no longer is, or isn't believed; or a value that doesn't fit.
fn broken(error: &tokio_postgres::Error) -> StoreError {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    let mut of_network = error.is_closed();
    while let Some(inner) = source {
        if let Some(told) = tls::told(inner) {
            return unreachable(told);
        }
        text = format!("{text}: {inner}");
        of_network |= inner.is::<std::io::Error>();
        source = inner.source();
    }
    if text.starts_with(HANDSHAKE) && text.ends_with(NO_TLS) {
        return unreachable(
            "the database speaks no TLS, which sslmode in database.url, or an authority that is named, asks \
             for: turn ssl on at the server, or say sslmode=disable where nobody can listen",
        );
    }
    let ours = text.starts_with("error serializing") || text.starts_with("error deserializing");
    if ours && !of_network {
        other(format!("a value does not fit the database: {text}"))
    } else {
        unreachable(format!("the database can't be reached: {text}"))
    }
}
