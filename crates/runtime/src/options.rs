//! What the runtime needs and how far it goes.

use std::sync::Arc;
use std::time::Duration;

use engine::Limits;
use ports::{FactSource, Store, Tools};
use types::{Clock, Entropy, Millis};

/// Everything that [`crate::Runtime::start`] takes.
#[derive(Clone)]
pub struct Options {
    /// Where runs live; this process must hold it.
    pub store: Arc<dyn Store>,
    /// The outside world.
    pub tools: Arc<dyn Tools>,
    /// What the door decides by.
    pub facts: Arc<dyn FactSource>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// How long a lease lasts without renewal, in milliseconds; renewed at a third of it.
    pub lease_ms: Millis,
    /// Runs worked on at the same time; waiting runs cost nothing.
    pub active_runs: usize,
    /// Calls to one tool at the same time.
    pub calls_per_tool: usize,
    /// Calls of all runs of one recipe at the same time.
    pub calls_per_recipe: usize,
    /// Bounds of one run.
    pub limits: Limits,
    /// A run whose worker is lost more often than this without one append is given up.
    pub claims: u32,
    /// How long a run whose journal can't be read is let alone before it is tried again, in
    /// milliseconds.
    pub unreadable_again_ms: Millis,
    /// How often the store is asked for work that nobody announced.
    pub poll: Duration,
    /// Events between two snapshots of a run.
    pub snapshot_every: u64,
}

impl Options {
    /// The usual bounds.
    pub fn new(
        store: Arc<dyn Store>,
        tools: Arc<dyn Tools>,
        facts: Arc<dyn FactSource>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            store,
            tools,
            facts,
            clock,
            entropy,
            lease_ms: 15_000,
            active_runs: 512,
            calls_per_tool: 32,
            calls_per_recipe: 64,
            limits: Limits::default(),
            claims: 10,
            unreadable_again_ms: 60_000,
            poll: Duration::from_millis(200),
            snapshot_every: 200,
        }
    }
}
