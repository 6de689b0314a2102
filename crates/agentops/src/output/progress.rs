//! A spinner for whatever takes longer than a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};

use super::Output;

/// How long something may take before it is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Shows a spinner on standard error once a second has passed; gone when dropped.
pub struct Progress {
    bar: ProgressBar,
    live: bool,
    paused: Arc<AtomicBool>,
    shown: tokio::task::JoinHandle<()>,
}

impl Progress {
    /// Begins; `what` is shown beside the spinner. Without a terminal nothing is drawn.
    pub fn start(output: &Output, what: impl Into<String>) -> Self {
        let bar = ProgressBar::new_spinner().with_message(what.into());
        bar.set_draw_target(ProgressDrawTarget::hidden());
        let (live, later) = (output.live(), bar.clone());
        let paused = Arc::new(AtomicBool::new(false));
        let held = Arc::clone(&paused);
        let shown = tokio::spawn(async move {
            if live {
                tokio::time::sleep(PATIENCE).await;
                if !held.load(Ordering::Acquire) {
                    later.set_draw_target(ProgressDrawTarget::stderr());
                }
                later.enable_steady_tick(Duration::from_millis(100));
            }
        });
        Self {
            bar,
            live,
            paused,
            shown,
        }
    }

    /// Says what is going on now.
    pub fn say(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
        self.paused.store(false, Ordering::Release);
        if self.live && self.shown.is_finished() && self.bar.is_hidden() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Takes the spinner away until something is said again, so that a question can stand there.
    pub fn pause(&self) {
        self.paused.store(true, Ordering::Release);
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// Runs `write` while the spinner is out of the way.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.shown.abort();
        self.bar.finish_and_clear();
    }
}
