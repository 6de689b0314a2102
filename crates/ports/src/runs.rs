//! Starting runs and talking to them, whoever works on them.

use async_trait::async_trait;

use crate::{Created, NewRun, Post, StoreError};

/// Starts runs and delivers messages. The runtime offers this and goes to work at once; a process
/// beside it offers the same through the store, and the runtime finds the work by looking.
#[async_trait]
pub trait Runs: Send + Sync + 'static {
    /// Creates a run, once per start key.
    async fn start(&self, new: NewRun) -> Result<Created, StoreError>;

    /// Puts a message into a run's inbox.
    async fn post(&self, post: Post) -> Result<(), StoreError>;

    /// Rules, settings or held tools were changed: what is decided after this goes by them. Other
    /// processes on the same store notice by themselves, within a second.
    fn forget_facts(&self) {}
}
