//! The store as a whole, and what can go wrong with it.

use serde::{Deserialize, Serialize};
use types::{Failure, NodeId, RunId, TenantId, Timestamp};

use crate::{DeskStore, FeedStore, JournalStore, LibraryStore, PeopleStore, RequestStore};

/// The whole store. One contract suite runs against every implementation.
pub trait Store: JournalStore + LibraryStore + PeopleStore + RequestStore + FeedStore + DeskStore {}

impl<T: JournalStore + LibraryStore + PeopleStore + RequestStore + FeedStore + DeskStore> Store for T {}

/// Who this process is to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot {
    /// This boot of this process.
    pub node: NodeId,
    /// Counts boots of the data folder; a new one voids all older leases.
    pub epoch: u64,
    /// False for a guest: a process beside the one that holds the data folder. It may read, create
    /// runs, write inbox messages and library records, but never claim a run.
    pub holder: bool,
}

/// A run that was given up, with its reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The tenant.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// Why.
    pub failure: Failure,
    /// When.
    pub at: Timestamp,
}

/// What can go wrong with the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The caller's lease is gone: stop working on the run.
    #[error("the lease on the run is gone")]
    LeaseLost,
    /// Somebody appended under the same lease: reload and reapply.
    #[error("the journal's head is {actual}, not {expected}")]
    HeadMoved {
        /// What the caller expected.
        expected: u64,
        /// What it is.
        actual: u64,
    },
    /// There is no such thing.
    #[error("there is no {what} '{name}'")]
    NotFound {
        /// The noun.
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// The thing exists or has changed.
    #[error("{message}")]
    Conflict {
        /// Why.
        message: String,
    },
    /// Nobody would be left who can manage users.
    #[error("{name} is the last admin, and nobody else could manage users")]
    LastAdmin {
        /// Who is.
        name: String,
    },
    /// Another process holds the data folder.
    #[error("the data folder is in use by another process{}", .pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    InUse {
        /// Its process id, if known.
        pid: Option<u32>,
    },
    /// Another process works under the name of this node.
    #[error("another process works under the node name '{node}'")]
    NodeInUse {
        /// The name.
        node: String,
    },
    /// The database can't be reached, does not answer, or doesn't let us in.
    #[error("{message}")]
    Unreachable {
        /// What was seen.
        message: String,
    },
    /// This machine's clock and the database's differ by too much.
    #[error("the clock of this machine is {} s {} that of the database", ahead_ms.unsigned_abs().div_ceil(1_000), if *ahead_ms > 0 { "ahead of" } else { "behind" })]
    ClockOff {
        /// How far this machine's clock is ahead, in milliseconds; negative if it is behind.
        ahead_ms: i64,
    },
    /// Others were in the way again and again.
    #[error("other writers were in the way again and again")]
    Busy,
    /// This kind of database is backed up with tools of its own.
    #[error("agentops writes no backup of a PostgreSQL database")]
    BackupElsewhere,
    /// The disk is full; nothing of the append was kept.
    #[error("the disk is full")]
    Full,
    /// The database can't be read.
    #[error("the database is damaged: {message}")]
    Corrupt {
        /// What was seen.
        message: String,
    },
    /// One event of one run can't be read; the rest of the database is well.
    #[error("event {seq} of {run} can't be read: {message}")]
    Unreadable {
        /// Whose journal.
        run: RunId,
        /// The event's position.
        seq: u64,
        /// What was seen.
        message: String,
    },
    /// The database was written by a newer binary.
    #[error("the database has schema {found} and needs at least binary {needed}; this is {own}")]
    Newer {
        /// The schema's version.
        found: u32,
        /// The oldest binary that may open it.
        needed: String,
        /// This binary's version.
        own: String,
    },
    /// The operation isn't for a guest.
    #[error("this process does not hold the data folder")]
    NotHolder,
    /// The key file does not open the secrets.
    #[error("{message}")]
    SecretKey {
        /// What was seen.
        message: String,
    },
    /// Anything else.
    #[error("{message}")]
    Other {
        /// What was seen.
        message: String,
    },
}

impl StoreError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::LeaseLost => "lease_lost",
            StoreError::HeadMoved { .. } => "head_moved",
            StoreError::NotFound { .. } => "not_found",
            StoreError::Conflict { .. } => "conflict",
            StoreError::LastAdmin { .. } => "last_admin",
            StoreError::InUse { .. } => "data_in_use",
            StoreError::NodeInUse { .. } => "node_in_use",
            StoreError::Unreachable { .. } => "database_unreachable",
            StoreError::ClockOff { .. } => "clock_off",
            StoreError::Busy => "database_busy",
            StoreError::BackupElsewhere => "backup_elsewhere",
            StoreError::Full => "disk_full",
            StoreError::Corrupt { .. } => "database_damaged",
            StoreError::Unreadable { .. } => "journal_unreadable",
            StoreError::Newer { .. } => "database_newer",
            StoreError::NotHolder => "not_holder",
            StoreError::SecretKey { .. } => "secret_key_wrong",
            StoreError::Other { .. } => "store_failed",
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Failure::new(error.code(), error.to_string());
        match error {
            StoreError::LastAdmin { .. } => failure.hint("make somebody else an admin first"),
            StoreError::InUse { .. } => {
                failure.hint("stop that process, or use a data folder of your own with --data")
            }
            StoreError::NodeInUse { .. } => failure
                .hint("stop that process, or give this one a name of its own: database.node, or --node"),
            StoreError::Unreachable { .. } => failure.hint(
                "see whether the database runs and whether database.url names it; nothing is lost \
                 meanwhile, and a server goes on by itself once it is back",
            ),
            StoreError::ClockOff { .. } => {
                failure.hint("let both keep their time with NTP: nodes compare their leases by their clocks")
            }
            StoreError::Busy => failure.hint("try again"),
            StoreError::BackupElsewhere => failure.hint(
                "use pg_dump, which works while servers run, or the backup of your database's operator; \
                 keep secret.key of the data folder with it",
            ),
            StoreError::Full => {
                failure.hint("free some space; what was acknowledged before goes on by itself")
            }
            StoreError::Corrupt { .. } => failure.hint("restore a backup into a new data folder"),
            StoreError::Unreadable { run, seq, .. } => failure.hint(format!(
                "if a newer agentops wrote event {seq}, run that one; otherwise put the event back from a \
                 backup. {run} goes on by itself once it can be read, and no other run is touched"
            )),
            StoreError::Newer { .. } => failure.hint("run a newer agentops binary"),
            StoreError::SecretKey { .. } => {
                failure.hint("put the right secret.key back, or set the secrets anew")
            }
            _ => failure,
        }
    }
}
