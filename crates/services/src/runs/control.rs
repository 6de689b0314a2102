//! Holding and stopping runs.

use engine::Message;
use types::{Actor, Failure, RunId, RunStatus};

use super::{open_run, post};
use crate::{Result, Services};

/// Holds a run: calls under way end, nothing new begins.
///
/// # Errors
/// `not_found`, `run_ended`, `run_in_that_state`, or the store can't be written.
pub async fn pause(services: &Services, run: RunId, by: &Actor) -> Result<()> {
    let row = open_run(services, run).await?;
    if row.status == RunStatus::Paused {
        return Err(in_that_state(format!("{run} is paused already")));
    }
    post(services, run, Message::Pause { by: by.clone() }).await
}

/// Lets a held run go on.
///
/// # Errors
/// `not_found`, `run_ended`, `run_in_that_state`, or the store can't be written.
pub async fn resume(services: &Services, run: RunId, by: &Actor) -> Result<()> {
    let row = open_run(services, run).await?;
    if row.status != RunStatus::Paused {
        return Err(in_that_state(format!("{run} is not paused but {}", row.status)));
    }
    post(services, run, Message::Resume { by: by.clone() }).await
}

/// Stops a run at its next safe point and undoes what it did.
///
/// # Errors
/// `not_found`, `run_ended`, `run_in_that_state` if it is being stopped already, or the store can't
/// be written.
pub async fn cancel(services: &Services, run: RunId, by: &Actor, reason: &str) -> Result<()> {
    let row = open_run(services, run).await?;
    if row.status == RunStatus::Undoing {
        return Err(in_that_state(format!("{run} is being stopped already")));
    }
    let message = Message::Cancel {
        by: by.clone(),
        reason: reason.to_owned(),
    };
    post(services, run, message).await
}

/// Stops a run now. Writes under way become uncertain; nothing is undone.
///
/// # Errors
/// `not_found`, `run_ended`, or the store can't be written.
pub async fn kill(services: &Services, run: RunId, by: &Actor, reason: &str) -> Result<()> {
    open_run(services, run).await?;
    let message = Message::Kill {
        by: by.clone(),
        reason: reason.to_owned(),
    };
    post(services, run, message).await
}

fn in_that_state(message: String) -> Failure {
    Failure::new("run_in_that_state", message)
}
