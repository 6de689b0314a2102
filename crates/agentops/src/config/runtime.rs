//! `[runtime]`: workers.

use serde::Deserialize;

/// Workers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    /// Runs worked on at the same time.
    pub active_runs: u32,
    /// Calls to one tool at the same time.
    pub calls_per_tool: u32,
    /// Calls of all runs of one recipe at the same time.
    pub calls_per_recipe: u32,
    /// How long a worker holds a run without renewing, in seconds.
    pub lease_s: u32,
    /// How often the database is looked at for work from other processes, in milliseconds.
    pub poll_ms: u32,
}
