//! What keeps runs from going on, for those who ask whether this process is well.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ports::StoreError;
use types::RunId;

use crate::guard::Held;
use crate::node::Shared;

/// Runs whose trouble is kept; the others show it in their rows.
const KEPT: usize = 100;

/// The first wait before the store is asked again.
const FIRST: Duration = Duration::from_millis(50);

/// The longest.
const LONGEST: Duration = Duration::from_secs(2);

/// The trouble of each run that has any, and of looking for runs.
#[derive(Default)]
pub(crate) struct Troubles {
    runs: Mutex<BTreeMap<RunId, Trouble>>,
    looking: Mutex<Option<String>>,
}

struct Trouble {
    message: String,
    /// Whether it is the journal of this run alone.
    own: bool,
}

impl Troubles {
    /// A run can't go on: because of itself if its journal can't be read, or else because of the store.
    pub(crate) fn note(&self, run: RunId, error: &StoreError) {
        let mut runs = self.runs();
        if runs.len() < KEPT || runs.contains_key(&run) {
            let own = matches!(error, StoreError::Unreadable { .. });
            let message = error.to_string();
            runs.insert(run, Trouble { message, own });
        }
    }

    /// It goes on.
    pub(crate) fn over(&self, run: RunId) {
        self.runs().remove(&run);
    }

    /// What came of looking for runs that are due; whether they can be looked up again. An error is logged
    /// when it begins, not each time.
    pub(crate) fn looked(&self, error: Option<&StoreError>) -> bool {
        let mut looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let now = error.map(|error| format!("due runs can't be looked up: {error}"));
        if let Some(message) = now.as_ref().filter(|_| *looking != now) {
            tracing::error!("{message}");
        }
        let is_back = looking.is_some() && now.is_none();
        *looking = now;
        is_back
    }

    /// What keeps runs waiting that have nothing wrong with themselves.
    pub(crate) fn shared(&self) -> Option<String> {
        let looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        if looking.is_some() {
            return looking.clone();
        }
        drop(looking);
        let runs = self.runs();
        let mut shared = runs.values().filter(|trouble| !trouble.own);
        let first = shared.next()?;
        Some(match shared.count() {
            0 => first.message.clone(),
            more => format!("{} (and {more} more runs can't go on)", first.message),
        })
    }

    /// Runs that can't be read.
    pub(crate) fn own(&self) -> Vec<String> {
        let runs = self.runs();
        let own = runs.values().filter(|trouble| trouble.own);
        own.map(|trouble| trouble.message.clone()).collect()
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<RunId, Trouble>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the store again and again while it can't answer: a full disk or a busy database must not lose
/// what has happened. The lease is kept meanwhile, so nobody takes the run for one whose worker is lost.
///
/// # Errors
/// What asking again doesn't help, or the last answer if the lease is lost.
pub(crate) async fn patiently<T, F: Future<Output = Result<T, StoreError>>>(
    shared: &Shared,
    held: &Held,
    mut ask: impl FnMut() -> F,
) -> Result<T, StoreError> {
    let run = held.lease.run;
    let mut wait = FIRST;
    let mut noted = false;
    loop {
        match ask().await {
            Err(error) if passes(&error) && !held.is_lost() => {
                tracing::error!(run = %run, %error, "the store can't be used; trying again");
                shared.troubles.note(run, &error);
                noted = true;
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST);
            }
            answer => {
                if noted {
                    shared.troubles.over(run);
                }
                return answer;
            }
        }
    }
}

/// Whether asking again may help.
pub(crate) fn passes(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Full
            | StoreError::Other { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Unreachable { .. }
            | StoreError::Busy
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_can_not_be_looked_up_are_trouble_until_they_can() {
        let troubles = Troubles::default();
        let error = StoreError::Corrupt {
            message: "page 7".to_owned(),
        };
        assert!(!troubles.looked(Some(&error)));
        let said = troubles.shared().expect("trouble");
        assert!(said.contains("due runs") && said.contains("page 7"), "{said}");
        assert!(troubles.looked(None), "it is back");
        assert!(!troubles.looked(None), "it was back");
        assert_eq!(troubles.shared(), None);
    }
}
