//! A look at the sandbox of a data folder, whether it runs or not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use api::wire::sandbox::PullDiff;
use serde_json::Value;
use types::Failure;

use super::sandbox_state;
use crate::config::Config;

/// The file that keeps the sandbox's state.
pub(super) struct View(PathBuf);

impl View {
    /// That of a data folder.
    pub(super) fn of(config: &Config) -> Arc<dyn api::SandboxView> {
        Arc::new(Self(sandbox_state(config)))
    }
}

impl api::SandboxView for View {
    fn vendors(&self) -> Result<BTreeMap<String, Value>, Failure> {
        sandbox::vendors(&self.0).map_err(|error| failed(&error))
    }

    fn pull_diff(&self, number: Option<u64>) -> Result<PullDiff, Failure> {
        pull_diff(&self.0, number)
    }
}

/// What a pull request changes in the sandbox that keeps its state in this file; the newest one if none is
/// named.
///
/// # Errors
/// `sandbox_pull_unknown`, or the repository can't be read.
pub fn pull_diff(state_file: &Path, number: Option<u64>) -> Result<PullDiff, Failure> {
    let pull = sandbox::pull_diff(state_file, number).map_err(|error| failed(&error))?;
    Ok(PullDiff {
        number: pull.number,
        title: pull.title,
        head: pull.head,
        base: pull.base,
        diff: pull.diff,
    })
}

fn failed(error: &sandbox::Error) -> Failure {
    Failure::new(error.code(), error.to_string())
}
