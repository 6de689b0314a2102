//! How many calls to one tool run at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// One bounded set of slots per tool.
pub(crate) struct Slots {
    each: usize,
    tools: Mutex<BTreeMap<String, Arc<Semaphore>>>,
    freed: Arc<Notify>,
}

/// A slot; dropping it frees it and wakes those who wait for one.
pub(crate) struct Slot {
    permit: Option<OwnedSemaphorePermit>,
    freed: Arc<Notify>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.permit.take();
        self.freed.notify_waiters();
    }
}

impl Slots {
    pub(crate) fn new(each: usize) -> Self {
        Self {
            each: each.max(1),
            tools: Mutex::default(),
            freed: Arc::default(),
        }
    }

    /// Takes a slot of a tool, waiting for one if several calls were decided on at once.
    pub(crate) async fn take(&self, tool: &str) -> Slot {
        let permit = self.of(tool).acquire_owned().await.ok();
        Slot {
            permit,
            freed: Arc::clone(&self.freed),
        }
    }

    /// Tools without a free slot: the engine holds their steps back, so that no deadline runs while
    /// a call merely waits in line.
    pub(crate) fn busy(&self) -> BTreeSet<String> {
        let tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        tools
            .iter()
            .filter(|(_, slots)| slots.available_permits() == 0)
            .map(|(tool, _)| tool.clone())
            .collect()
    }

    /// Completes when some slot is freed after the call.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    fn of(&self, tool: &str) -> Arc<Semaphore> {
        let mut tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slots) = tools.get(tool) {
            return Arc::clone(slots);
        }
        let slots = Arc::new(Semaphore::new(self.each));
        tools.insert(tool.to_owned(), Arc::clone(&slots));
        slots
    }
}
