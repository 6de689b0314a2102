//! What proves the run machine: a ledger of effects kept by a process of its own, tools that write to
//! it, seeded random recipes, a model that computes without the engine what must have happened, the
//! chaos run that kills and stops the server meanwhile, and the engine's benchmark.
//!
//! Boundary: [`chaos::run`] and [`bench::engine`] do everything; `agentops chaos` and
//! `agentops bench` only read flags and print. Deliberately absent: anything that a released command
//! other than these two needs; no crate but `agentops` may depend on this one.

pub mod bench;
mod bug;
pub mod chaos;
pub mod cluster;
mod dice;
mod evidence;
pub mod interposed;
pub mod ledger;
mod ledger_catalog;
mod ledger_tools;
pub mod model;
mod place;
pub mod plan;
mod start;

pub use bug::Bug;
pub use ledger_tools::LedgerTools;
pub use place::{Kind, Place, Places};

/// What can go wrong with a proof that has nothing to do with what it proves.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A process, file or connection of the proof itself.
    #[error("failed to {what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The ledger could not be asked.
    #[error("failed to ask the ledger: {0}")]
    Ledger(#[from] reqwest::Error),
    /// The store of the run under test.
    #[error(transparent)]
    Store(#[from] ports::StoreError),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }
}

/// A folder that is gone when this is dropped.
///
/// # Errors
/// There is no room for it.
pub fn scratch() -> Result<tempfile::TempDir, Error> {
    tempfile::Builder::new()
        .prefix("agentops-proof-")
        .tempdir()
        .map_err(Error::io("make a temporary folder"))
}
