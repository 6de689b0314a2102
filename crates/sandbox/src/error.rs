//! What can go wrong when starting or steering the sandbox.

use std::net::SocketAddr;
use std::path::PathBuf;

/// A failure to start or steer the sandbox.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken or not ours.
    #[error("failed to listen on {address} for the sandbox; choose another port or stop what uses it")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The TLS certificate couldn't be made.
    #[error("failed to make the sandbox's TLS certificate: {0}")]
    Certificate(String),
    /// The state file can't be read.
    #[error("failed to read the sandbox state file {path}; check its permissions", path = path.display())]
    ReadState {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The state file isn't what this sandbox writes.
    #[error(
        "the sandbox state file {path} is corrupt ({reason}); delete it to start from the seeds, or restore a copy",
        path = path.display()
    )]
    CorruptState {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The state file can't be written.
    #[error("failed to write the sandbox state file {path}; check the disk and its permissions", path = path.display())]
    WriteState {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// There is no such pull request.
    #[error("the sandbox has no pull request{}", number.map_or(String::new(), |number| format!(" {number}")))]
    NoPull {
        /// The number asked for.
        number: Option<u64>,
    },
    /// The git repository can't be read.
    #[error("failed to read the sandbox's git repository: {0}")]
    Git(String),
    /// A fault rule makes no sense.
    #[error("the fault rule at position {position} is not usable: {reason}")]
    BadFault {
        /// Its place in the list, from 1; 0 if the list itself is wrong.
        position: usize,
        /// Why.
        reason: String,
    },
    /// A setting is out of its range.
    #[error("the sandbox setting '{name}' is not usable: {reason}")]
    BadSetting {
        /// Its name.
        name: &'static str,
        /// Why.
        reason: String,
    },
}

impl Error {
    /// The stable code of this failure.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Listen { .. } => "sandbox_listen_failed",
            Error::Certificate(_) => "sandbox_certificate_failed",
            Error::ReadState { .. } => "sandbox_state_unreadable",
            Error::CorruptState { .. } => "sandbox_state_corrupt",
            Error::WriteState { .. } => "sandbox_state_unwritable",
            Error::NoPull { .. } => "sandbox_pull_unknown",
            Error::Git(_) => "sandbox_git_failed",
            Error::BadFault { .. } => "sandbox_fault_invalid",
            Error::BadSetting { .. } => "sandbox_setting_invalid",
        }
    }
}
