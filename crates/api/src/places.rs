//! A bounded number of places, in all and for each who takes them, so that nobody can take them all.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// All are taken.
    All,
    /// Whoever asks has as many as one may have.
    Each,
}

/// The places; clones share them.
#[derive(Debug)]
pub(crate) struct Places<K> {
    taken: Arc<Mutex<Taken<K>>>,
    all: usize,
    each: usize,
}

#[derive(Debug)]
struct Taken<K> {
    all: usize,
    /// Only those who have some, so it never holds more entries than there are places.
    each: HashMap<K, usize>,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Place<K: Eq + Hash> {
    taken: Arc<Mutex<Taken<K>>>,
    whose: K,
}

impl<K: Eq + Hash + Clone> Places<K> {
    /// So many in all, and so many for each.
    pub(crate) fn new(all: usize, each: usize) -> Self {
        let taken = Taken {
            all: 0,
            each: HashMap::new(),
        };
        Self {
            taken: Arc::new(Mutex::new(taken)),
            all,
            each,
        }
    }

    /// One more place for `whose`.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn take(&self, whose: K) -> Result<Place<K>, Full> {
        let mut taken = lock(&self.taken);
        if taken.each.get(&whose).is_some_and(|have| *have >= self.each) {
            return Err(Full::Each);
        }
        if taken.all >= self.all {
            return Err(Full::All);
        }
        taken.all += 1;
        *taken.each.entry(whose.clone()).or_default() += 1;
        drop(taken);
        Ok(Place {
            taken: Arc::clone(&self.taken),
            whose,
        })
    }
}

impl<K> Clone for Places<K> {
    fn clone(&self) -> Self {
        Self {
            taken: Arc::clone(&self.taken),
            ..*self
        }
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.all -= 1;
        if let Some(have) = taken.each.get_mut(&self.whose) {
            *have -= 1;
            if *have == 0 {
                taken.each.remove(&self.whose);
            }
        }
    }
}

/// Nothing is half done under the lock, so a panic elsewhere spoils nothing.
fn lock<K>(taken: &Mutex<Taken<K>>) -> MutexGuard<'_, Taken<K>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_every_place_and_each_comes_back() {
        let places = Places::new(3, 2);
        let first = places.take("ann").expect("a place");
        let _second = places.take("ann").expect("a place");
        assert_eq!(places.take("ann").err(), Some(Full::Each));
        let bobs = places.take("bob").expect("ann could not take all");
        assert_eq!(places.take("eve").err(), Some(Full::All));
        drop(bobs);
        drop(places.take("eve").expect("bob's came back"));
        drop(first);
        let _again = places.take("ann").expect("ann's came back");
        assert_eq!(lock(&places.taken).each.len(), 1, "who has none is forgotten");
    }
}
