//! How many calls to one tool, or of one recipe, run at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Sets of slots kept at most while nobody uses them.
const KEPT: usize = 1_024;

/// One bounded set of slots per name.
pub(crate) struct Slots<K> {
    each: usize,
    sets: Mutex<BTreeMap<K, Arc<Semaphore>>>,
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

impl<K: Ord + Clone> Slots<K> {
    pub(crate) fn new(each: usize) -> Self {
        Self {
            each: each.max(1),
            sets: Mutex::default(),
            freed: Arc::default(),
        }
    }

    /// Takes a slot, waiting for one if several calls were decided on at once.
    pub(crate) async fn take(&self, of: &K) -> Slot {
        let permit = self.of(of).acquire_owned().await.ok();
        Slot {
            permit,
            freed: Arc::clone(&self.freed),
        }
    }

    /// Names without a free slot: the engine holds their steps back, so that no deadline runs while
    /// a call merely waits in line.
    pub(crate) fn busy(&self) -> BTreeSet<K> {
        let sets = self.sets();
        let busy = sets.iter().filter(|(_, slots)| slots.available_permits() == 0);
        busy.map(|(of, _)| of.clone()).collect()
    }

    /// How many slots are free.
    pub(crate) fn free(&self, of: &K) -> usize {
        self.sets()
            .get(of)
            .map_or(self.each, |slots| slots.available_permits())
    }

    /// Completes when some slot is freed after the call.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    fn of(&self, of: &K) -> Arc<Semaphore> {
        let mut sets = self.sets();
        if let Some(slots) = sets.get(of) {
            return Arc::clone(slots);
        }
        if sets.len() >= KEPT {
            // Whoever uses or waits for a slot holds its set as well.
            sets.retain(|_, slots| Arc::strong_count(slots) > 1);
        }
        let slots = Arc::new(Semaphore::new(self.each));
        sets.insert(of.clone(), Arc::clone(&slots));
        slots
    }

    fn sets(&self) -> MutexGuard<'_, BTreeMap<K, Arc<Semaphore>>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
