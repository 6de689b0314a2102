//! `[data]`: where things are kept.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Where things are kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    folder: PathBuf,
}

impl Data {
    /// This folder.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The data folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The configured folder, or the usual one of this user.
    pub(super) fn folder(&self, env: &[(OsString, OsString)]) -> PathBuf {
        if !self.folder.as_os_str().is_empty() {
            return self.folder.clone();
        }
        let var = |name: &str| {
            env.iter()
                .find(|(key, value)| key == name && !value.is_empty())
                .map(|(_, value)| PathBuf::from(value))
        };
        let home = || var("HOME").map(|home| home.join(".local/share"));
        var("XDG_DATA_HOME")
            .or_else(home)
            .unwrap_or_default()
            .join("agentops")
    }
}
