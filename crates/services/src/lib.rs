//! The use cases: start, answer, decide and stop runs; save and activate recipes; tools, agents,
//! settings and secrets; users, sessions and tokens; set-up. A rule about them stands here once, whoever asks.
//!
//! Boundary: one module per noun, functions over [`Services`]; every failure is a
//! [`types::Failure`] with a stable code. Deliberately absent: HTTP, SQL, printing, and any change to
//! a run except through its inbox (only the lease holder appends to a journal).

pub mod agents;
pub mod approvals;
pub mod artifacts;
pub mod audit;
pub mod call;
mod changes;
pub mod facts;
pub mod feed;
pub mod mcp;
mod names;
mod passwords;
pub mod people;
pub mod principal;
pub mod recipes;
pub mod requests;
pub mod runs;
mod secret_text;
pub mod secrets;
pub mod sessions;
pub mod settings;
pub mod setup;
#[cfg(test)]
mod testing;
pub mod tokens;
pub mod tools;
pub mod users;

use std::sync::Arc;

use async_trait::async_trait;
use engine::rows::Leaf;
use ports::{Created, NewRun, Post, Runs, Store, StoreError, Tools};
use serde_json::Value;
use types::{Actor, Clock, Entropy, Failure, LeafId, TenantId, Timestamp};

/// Rows asked of the store at once when a use case needs all there are.
const ROWS: u32 = 1_000;

/// What a use case comes to.
pub type Result<T> = std::result::Result<T, Failure>;

/// What the use cases work with. Clones share it.
#[derive(Clone)]
pub struct Services {
    /// Whose data.
    pub tenant: TenantId,
    /// Where it is kept.
    pub store: Arc<dyn Store>,
    /// Who takes new runs and messages: the runtime, or [`ThroughStore`] beside it.
    pub runs: Arc<dyn Runs>,
    /// Which actions there are.
    pub tools: Arc<dyn Tools>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes for ids and seeds.
    pub entropy: Arc<dyn Entropy>,
}

impl Services {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The audit leaf of a change that `by` makes outside any run.
    fn leaf(&self, kind: &str, by: &Actor, body: Value) -> Leaf {
        Leaf {
            id: LeafId::new(self.clock.as_ref(), self.entropy.as_ref()),
            at: self.now(),
            kind: kind.to_owned(),
            actor: by.name.clone(),
            run: None,
            step: None,
            body,
            args: None,
        }
    }
}

/// Runs and messages for whoever holds the data folder: written to the store, where they are found.
pub struct ThroughStore(pub Arc<dyn Store>);

#[async_trait]
impl Runs for ThroughStore {
    async fn start(&self, new: NewRun) -> std::result::Result<Created, StoreError> {
        self.0.create_run(new).await
    }

    async fn post(&self, post: Post) -> std::result::Result<(), StoreError> {
        self.0.post(post).await
    }
}

/// The value, or `None` where the store says that there is no such thing.
fn if_found<T>(answer: std::result::Result<T, StoreError>) -> Result<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
