//! `server.json` in the data folder: where the process that holds it can be reached. A hint for
//! commands beside it; the lock, not this file, says whether somebody holds the folder.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use types::Failure;

use crate::config::Config;

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its process.
    pub pid: u32,
    /// Base URL of its API.
    pub address: String,
    /// The bearer token of commands at the machine: whoever can read this file can read the database.
    #[serde(default)]
    pub secret: String,
    /// Base URL of its sandbox, if it runs one.
    pub sandbox: Option<String>,
    /// Addresses of the sandbox's vendors that have a listener of their own, by the vendor's name.
    #[serde(default)]
    pub listeners: BTreeMap<String, String>,
}

/// The file.
#[derive(Debug, Clone)]
pub struct ServerFile(PathBuf);

impl ServerFile {
    /// The file of a configuration's data folder.
    pub fn of(config: &Config) -> Self {
        Self(config.data.path().join("server.json"))
    }

    /// Writes it.
    ///
    /// # Errors
    /// `file_unwritable`.
    pub fn write(&self, server: &Server) -> Result<(), Failure> {
        let text = serde_json::to_vec(server).unwrap_or_default();
        super::files::replace(&self.0, &text)
    }

    /// Reads it; whatever is wrong with it counts as not being there.
    pub fn read(&self) -> Option<Server> {
        serde_json::from_slice(&std::fs::read(&self.0).ok()?).ok()
    }

    /// Removes it.
    pub fn remove(&self) {
        // Nothing depends on its absence.
        let _ = std::fs::remove_file(&self.0);
    }
}
