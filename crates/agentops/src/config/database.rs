//! `[database]`: where runs, journals and everything that people set up are kept.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// Which database.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The address of a PostgreSQL database, password and all; empty is the file in the data folder.
    pub url: String,
    /// The PEM file of the authorities whose certificates of the database are believed; empty are the
    /// machine's.
    pub ca_file: PathBuf,
    /// The name of this node among those that share the database; empty is the host's name.
    pub node: String,
    /// The most connections for queries.
    pub connections: u32,
}

impl Database {
    /// The address of the PostgreSQL database, if there is one.
    pub fn postgres(&self) -> Option<&str> {
        (!self.url.is_empty()).then_some(self.url.as_str())
    }

    /// The name of this node.
    pub fn node(&self) -> String {
        if !self.node.is_empty() {
            return self.node.clone();
        }
        // Linux tells it here; elsewhere most shells do.
        let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let told = told.or_else(|| std::env::var("HOSTNAME").ok());
        let name = told.as_deref().map(str::trim).unwrap_or_default();
        if name.is_empty() {
            "node".to_owned()
        } else {
            name.to_owned()
        }
    }
}

/// Never with the address, which may hold a password.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.url.is_empty() {
            "sqlite"
        } else {
            "postgresql"
        };
        write!(f, "Database {{ {kind}, node: {:?} }}", self.node)
    }
}
