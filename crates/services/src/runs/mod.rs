//! Runs: start, watch, answer, hold, stop, resolve, restart. Whatever changes a run after its start
//! is a message in its inbox, checked first against the run's state so that the answer is clear; the
//! engine checks it again when it takes it in.

mod answer;
mod control;
mod look;
mod restart;
mod start;
#[cfg(test)]
mod tests;

pub use answer::{Answer, give_input, resolve, signal, task};
pub use control::{cancel, kill, pause, resume};
pub use look::{Asked, RunView, Stop, dead_letters, find, journal, list, view};
pub use restart::restart;
pub use start::{StartRun, start};

use engine::rows::RunRow;
use engine::{Message, State, evolve};
use look::whole_journal;
use ports::{Post, Snapshot, StoreError};
use types::{Failure, InboxId, RunId};

use crate::{Result, Services};

/// Folds a run's journal, from its newest snapshot if that can be read: its state as of now.
pub(crate) async fn fold(services: &Services, run: RunId) -> Result<State> {
    let loaded = services.store.load(services.tenant, run).await?;
    // A snapshot only saves time: one that can't be read is passed over.
    let read = |snapshot: &Snapshot| engine::snapshot::read(&snapshot.state, snapshot.seq).ok();
    let folded = match loaded.snapshot.as_ref().map(read) {
        Some(None) => whole_journal(services, run).await?.iter().fold(None, evolve),
        found => loaded.events.iter().fold(found.flatten(), evolve),
    };
    folded.ok_or_else(|| {
        let error = StoreError::Unreadable {
            run,
            seq: 1,
            message: "a run does not begin like this".to_owned(),
        };
        error.into()
    })
}

/// Puts a message into a run's inbox.
pub(crate) async fn post(services: &Services, run: RunId, message: Message) -> Result<()> {
    let id = InboxId::new(services.clock.as_ref(), services.entropy.as_ref());
    post_as(services, id, run, message).await
}

/// The same under an id of its own: one that was there already is not taken in again.
async fn post_as(services: &Services, id: InboxId, run: RunId, message: Message) -> Result<()> {
    let post = Post {
        id,
        tenant: services.tenant,
        run,
        at: services.now(),
        message,
    };
    Ok(services.runs.post(post).await?)
}

/// The run, unless it has ended.
async fn open_run(services: &Services, run: RunId) -> Result<RunRow> {
    let row = find(services, run).await?;
    if row.status.is_final() {
        return Err(ended(&row));
    }
    Ok(row)
}

fn ended(row: &RunRow) -> Failure {
    Failure::new(
        "run_ended",
        format!("{} has ended already: {}", row.run, row.status),
    )
    .hint(format!(
        "`agentops run restart {} --from STEP` begins a new run from a step of it",
        row.run
    ))
}
