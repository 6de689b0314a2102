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
pub use look::{Asked, RunView, dead_letters, find, journal, list, view};
pub use restart::restart;
pub use start::{StartRun, start};

use engine::rows::RunRow;
use engine::{Message, State, evolve};
use ports::Post;
use types::{Failure, InboxId, RunId};

use crate::{Result, Services};

/// Folds a run's journal from its newest snapshot: its state as of now.
pub(crate) async fn fold(services: &Services, run: RunId) -> Result<State> {
    let loaded = services.store.load(services.tenant, run).await?;
    let broken = |why: String| {
        Failure::new(
            "journal_unreadable",
            format!("the journal of {run} can't be read: {why}"),
        )
        .hint("a newer binary may have written it; otherwise restore a backup")
    };
    let mut state: Option<State> = match &loaded.snapshot {
        Some(snapshot) => {
            Some(serde_json::from_str(&snapshot.state).map_err(|error| broken(error.to_string()))?)
        }
        None => None,
    };
    for recorded in &loaded.events {
        state = evolve(state, recorded);
    }
    state.ok_or_else(|| broken("it has no beginning".to_owned()))
}

/// Puts a message into a run's inbox.
pub(crate) async fn post(services: &Services, run: RunId, message: Message) -> Result<()> {
    let post = Post {
        id: InboxId::new(services.clock.as_ref(), services.entropy.as_ref()),
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
