//! Restart from a step: a new run that keeps what the older one finished before it.

use std::sync::Arc;

use engine::{RunCreated, StepKey, evolve, fork};
use ports::Created;
use recipe::Recipe;
use types::{Actor, Failure, Phase, RunId};

use super::look::whole_journal;
use super::start::{create, seed};
use crate::recipes::tree;
use crate::requests::{RepeatKey, reused};
use crate::{Result, Services};

/// Forks a run that has ended at one of its steps: an address such as `act/restart`, or a bare id.
/// The new run follows the same version with the same inputs, mock or real as before. Restarting twice
/// with one key restarts once.
///
/// # Errors
/// `not_found`, `run_not_ended`, `step_unknown`, `idempotency_key_reused` if the key has started another
/// run, or the store can't be written.
pub async fn restart(
    services: &Services,
    run: RunId,
    from: &str,
    key: Option<RepeatKey>,
    by: &Actor,
) -> Result<Created> {
    super::find(services, run).await?;
    let journal = whole_journal(services, run).await?;
    let state = journal.iter().fold(None, evolve);
    let older =
        state.ok_or_else(|| Failure::new("journal_unreadable", format!("the journal of {run} is empty")))?;
    let reference = &older.created.recipe;
    let version = services
        .store
        .version(services.tenant, reference.id, reference.version)
        .await?;
    let recipe: Arc<Recipe> = tree(&version)?;
    let step = address(&recipe, from);
    let new = RunCreated {
        run: RunId::new(services.clock.as_ref(), services.entropy.as_ref()),
        requester: by.clone(),
        seed: seed(services),
        // A fork stands for itself: its end is not its older parent's business.
        parent: None,
        lineage: Vec::new(),
        fork: None,
        ..older.created.clone()
    };
    let (created, more) = fork(&older, &journal, &recipe, &step, new, services.now()).map_err(|error| {
        let code = match error {
            engine::ForkError::Running => "run_not_ended",
            engine::ForkError::NoStep { .. } => "step_unknown",
        };
        Failure::new(code, error.to_string())
    })?;
    let fork = created.fork.clone();
    let started = create(services, created, more, key).await?;
    if !started.new && super::start::created(services, started.run).await?.fork != fork {
        return Err(reused());
    }
    Ok(started)
}

/// The address of a step directly in a phase that `name` means.
fn address(recipe: &Recipe, name: &str) -> StepKey {
    let bare = Phase::ALL
        .iter()
        .flat_map(|phase| recipe.phase(*phase).iter().map(move |step| (phase, step)))
        .find(|(_, step)| step.id == name);
    match bare {
        Some((phase, step)) => StepKey::new(phase.as_str(), &step.id),
        None => StepKey::from(name),
    }
}
