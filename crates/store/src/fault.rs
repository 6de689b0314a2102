//! The one error inside this crate. Each database says beside its adapter what its own errors are.

use ports::StoreError;

/// A [`StoreError`] that `?` makes from the errors met inside this crate.
#[derive(Debug)]
pub(crate) struct Fault(pub StoreError);

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

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Fault(other(format!("failed to write a record as JSON: {error}")))
    }
}

/// Anything that has no variant of its own.
pub(crate) fn other(message: impl Into<String>) -> StoreError {
    StoreError::Other {
        message: message.into(),
    }
}

/// There is no such thing.
pub(crate) fn not_found(what: &'static str, name: impl ToString) -> StoreError {
    StoreError::NotFound {
        what,
        name: name.to_string(),
    }
}

/// The thing exists or has changed.
pub(crate) fn conflict(message: impl Into<String>) -> StoreError {
    StoreError::Conflict {
        message: message.into(),
    }
}

/// Somebody else changed the thing meanwhile.
pub(crate) fn changed(what: &str, name: &str) -> StoreError {
    conflict(format!("the {what} '{name}' was changed meanwhile"))
}

/// The store was closed while somebody still used it.
pub(crate) fn closed() -> StoreError {
    other("the store is closed")
}
