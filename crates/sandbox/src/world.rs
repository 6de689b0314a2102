//! What all requests share: state, rules, clock, and the wish to stop.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{Semaphore, watch};
use types::{Clock, Timestamp};

use crate::call::Call;
use crate::fault::Faults;
use crate::github::git::Trouble;
use crate::github::home::{Held, Home};
use crate::persist;
use crate::reply::Fail;
use crate::state::State;
use crate::{Error, seed};

/// The most vendor requests handled at a time, waiting ones included.
const MAX_IN_FLIGHT: usize = 256;

/// How a request waits: tokio's timer in service, a hand-turned one in tests.
pub(crate) type Pause = Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;

/// The sandbox behind its listeners.
pub(crate) struct World {
    state: Mutex<State>,
    faults: Mutex<Faults>,
    file: Option<PathBuf>,
    git: Home,
    clock: Arc<dyn Clock>,
    public_url: OnceLock<String>,
    https_url: OnceLock<String>,
    ca_pem: OnceLock<String>,
    closing: watch::Sender<bool>,
    pause: Pause,
    pub(crate) in_flight: Arc<Semaphore>,
}

impl World {
    /// Loads the state file, or seeds a new state (and writes it).
    pub(crate) fn open(file: Option<PathBuf>, clock: Arc<dyn Clock>, pause: Pause) -> Result<Self, Error> {
        let kept = file.as_deref().map(persist::load).transpose()?.flatten();
        let git = Home::new(file.as_deref());
        let state = match kept {
            Some(state) => state,
            None => {
                let state = seed::state(clock.now());
                if let Some(file) = &file {
                    // A repository of an earlier state knows pull requests that this one doesn't.
                    forget(&git, file)?;
                    persist::save(file, &state)?;
                }
                state
            }
        };
        Ok(World {
            state: Mutex::new(state),
            faults: Mutex::default(),
            file,
            git,
            clock,
            public_url: OnceLock::new(),
            https_url: OnceLock::new(),
            ca_pem: OnceLock::new(),
            closing: watch::Sender::new(false),
            pause,
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
        })
    }

    /// Looks at the state.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state())
    }

    /// Changes the state and makes the change durable before anyone is told. If `change` refuses or
    /// the file can't be written, nothing has changed. (`change` checks before it changes: without
    /// a state file it works on the live state.)
    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut State) -> Result<T, Fail>) -> Result<T, Fail> {
        let mut state = self.state();
        let Some(file) = &self.file else {
            return change(&mut state);
        };
        let mut next = state.clone();
        let value = change(&mut next)?;
        if let Err(error) = persist::save(file, &next) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "sandbox state not saved"
            );
            return Err(Fail::Unsaved);
        }
        *state = next;
        Ok(value)
    }

    /// The git repository. Never asked for while the state is held.
    pub(crate) fn git(&self) -> Result<Held<'_>, Trouble> {
        self.git.open(self.clock.now())
    }

    /// Back to the seeds, without faults.
    pub(crate) fn reset(&self) -> Result<(), Error> {
        let fresh = seed::state(self.clock.now());
        forget(&self.git, self.file.as_deref().unwrap_or(Path::new("")))?;
        let mut state = self.state();
        if let Some(file) = &self.file {
            persist::save(file, &fresh)?;
        }
        *state = fresh;
        *self.faults() = Faults::default();
        Ok(())
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// True if changes go to a disk, so handling a request may block.
    pub(crate) fn writes_to_disk(&self) -> bool {
        self.file.is_some()
    }

    /// The base of links that people can follow, without a slash at the end.
    pub(crate) fn public_url(&self) -> &str {
        self.public_url.get().map_or("http://127.0.0.1", String::as_str)
    }

    /// The base at which a call came in: that of TLS, or the one of links for people.
    pub(crate) fn asked_at(&self, call: &Call) -> &str {
        let host = call.header("host").unwrap_or_default();
        let by_tls = self.https_url.get();
        let same = |url: &&String| url.strip_prefix("https://") == Some(host);
        by_tls.filter(same).map_or(self.public_url(), String::as_str)
    }

    pub(crate) fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.get().map(String::as_str)
    }

    /// Says where the listeners are; the first word counts.
    pub(crate) fn opened(&self, public_url: String, https_url: Option<String>, ca_pem: Option<String>) {
        self.public_url.get_or_init(|| public_url);
        if let Some(url) = https_url {
            self.https_url.get_or_init(|| url);
        }
        if let Some(pem) = ca_pem {
            self.ca_pem.get_or_init(|| pem);
        }
    }

    /// Returns when the sandbox closes.
    pub(crate) async fn closed(&self) {
        let mut closing = self.closing.subscribe();
        // An error means that the world itself is gone.
        closing.wait_for(|closed| *closed).await.ok();
    }

    /// Waits; false if the sandbox closed meanwhile.
    pub(crate) async fn wait(&self, ms: u64) -> bool {
        let mut closing = self.closing.subscribe();
        tokio::select! {
            biased;
            _ = closing.wait_for(|closed| *closed) => false,
            () = (self.pause)(Duration::from_millis(ms)) => true,
        }
    }

    /// Ends all waits.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Throws the git repository away.
fn forget(git: &Home, file: &Path) -> Result<(), Error> {
    git.clear().map_err(|source| Error::WriteState {
        path: file.to_owned(),
        source,
    })
}
