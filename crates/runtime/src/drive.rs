//! Driving one claimed run until it has ended, waits, or is lost.

use std::sync::Arc;

use engine::{Input, Program, Recorded, State};
use ports::{Claim, InboxItem, Loaded, StoreError};
use types::Failure;

use crate::guard::Held;
use crate::node::Shared;
use crate::programs::LoadError;
use crate::session::{Next, Session};

/// The longest nap of a run whose step waits for a free slot of its tool, in milliseconds.
const IN_LINE_MS: u64 = 50;

/// A run that is at hand: just created in this process, or to be loaded.
pub(crate) enum Origin {
    /// The state and events are known: nobody has touched the run yet.
    Fresh(Box<State>),
    /// From the store.
    Stored,
}

/// Whether the run has ended; if not, its time will come again.
pub(crate) async fn drive(shared: Arc<Shared>, claim: Claim, held: Arc<Held>, origin: Origin) -> bool {
    let run = claim.lease.run;
    let mut origin = origin;
    loop {
        match attempt(&shared, &claim, &held, origin).await {
            // The last append has given the lease back.
            Ok(ended) => return ended,
            Err(DriveError::Store(StoreError::HeadMoved { expected, actual })) => {
                tracing::warn!(run = %run, expected, actual, "the journal has moved on; reloading");
                origin = Origin::Stored;
            }
            Err(DriveError::Store(StoreError::LeaseLost)) => {
                tracing::warn!(run = %run, "the lease is gone; another worker goes on");
                held.lose();
                return false;
            }
            Err(error) => {
                // The lease runs out by itself, which spaces the tries out and counts them.
                tracing::error!(run = %run, %error, "the run can't be driven now");
                held.lose();
                return false;
            }
        }
        if held.is_lost() {
            return false;
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum DriveError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Damaged(String),
}

async fn attempt(
    shared: &Arc<Shared>,
    claim: &Claim,
    held: &Arc<Held>,
    origin: Origin,
) -> Result<bool, DriveError> {
    let (state, inbox, fresh) = match origin {
        Origin::Fresh(state) => (*state, Vec::new(), true),
        Origin::Stored => {
            let loaded = shared
                .options
                .store
                .load(claim.lease.tenant, claim.lease.run)
                .await?;
            let (state, inbox) = fold(loaded)?;
            (state, inbox, false)
        }
    };
    let (recipe, unreadable) = match shared.programs.tree(&state).await {
        Ok(recipe) => (recipe, None),
        Err(LoadError::Store(error @ StoreError::NotFound { .. })) => (
            empty(),
            Some(Failure::new("recipe_unreadable", error.to_string())),
        ),
        Err(LoadError::Store(error)) => return Err(error.into()),
        Err(LoadError::Unreadable(failure)) => (empty(), Some(failure)),
    };
    let children = match shared.programs.children(claim.lease.tenant, &recipe).await {
        Ok(children) => children,
        Err(LoadError::Store(error)) => return Err(error.into()),
        // The step that names it says so when its turn comes.
        Err(LoadError::Unreadable(_)) => Default::default(),
    };
    let (catalog, schemas) = shared.facts.catalog();
    let facts = shared.facts.facts(claim.lease.tenant).await?;
    let limits = shared.options.limits;
    let program = Program {
        recipe,
        catalog,
        schemas,
        children,
        facts,
        limits,
    };
    let mut session = Session::new(Arc::clone(shared), Arc::clone(held), state, program);
    if !session.state.is_finished() {
        let poison = (claim.claims > shared.options.claims).then(|| {
            let message = format!(
                "its worker was lost {} times without any progress",
                claim.claims - 1
            );
            Failure::new("poison_run", message)
                .hint("look at what the run does next, then restart it from a step")
        });
        if let Some(failure) = unreadable.or(poison) {
            session.give_up(failure).await?;
            return Ok(true);
        }
    }
    let first = if fresh { Vec::new() } else { vec![Input::Recovered] };
    let ended = rounds(&mut session, first, inbox).await;
    session.hand_over().await;
    ended?;
    Ok(session.state.is_finished())
}

async fn rounds(session: &mut Session, first: Vec<Input>, inbox: Vec<InboxItem>) -> Result<(), StoreError> {
    let mut next = session.round(first, inbox).await?;
    while next == Next::Wait {
        next = wait(session).await?;
    }
    Ok(())
}

async fn wait(session: &mut Session) -> Result<Next, StoreError> {
    let shared = Arc::clone(&session.shared);
    let held = Arc::clone(&session.held);
    let now = shared.options.clock.now();
    // A slot may be freed between the round and this wait, so waiting in line is a short nap as well.
    let longest = if session.waits_in_line() {
        IN_LINE_MS
    } else {
        60_000
    };
    let nap = std::time::Duration::from_millis(session.next_look(now).since(now).clamp(1, longest));
    let hint = shared.hints(held.lease.run);
    let mut inputs = Vec::new();
    tokio::select! {
        Some(input) = session.incoming.recv() => inputs.push(input),
        () = hint.notified() => {}
        () = tokio::time::sleep(nap) => {}
        () = shared.slots.freed(), if session.waits_in_line() => {}
    }
    while let Ok(input) = session.incoming.try_recv() {
        inputs.push(input);
    }
    if held.is_lost() {
        return Err(StoreError::LeaseLost);
    }
    let inbox = if inputs.is_empty() {
        shared
            .options
            .store
            .inbox(held.lease.tenant, held.lease.run)
            .await?
    } else {
        Vec::new()
    };
    session.round(inputs, inbox).await
}

fn fold(loaded: Loaded) -> Result<(State, Vec<InboxItem>), DriveError> {
    let mut state: Option<State> = match loaded.snapshot {
        Some(snapshot) => {
            let state = serde_json::from_str(&snapshot.state)
                .map_err(|error| DriveError::Damaged(format!("its snapshot can't be read: {error}")))?;
            Some(state)
        }
        None => None,
    };
    for recorded in &loaded.events {
        let Recorded { v, seq, .. } = recorded;
        if *v > engine::EVENT_VERSION {
            return Err(DriveError::Damaged(format!(
                "event {seq} has version {v}, which this binary can't read"
            )));
        }
        state = engine::evolve(state, recorded);
    }
    let state = state.ok_or_else(|| DriveError::Damaged("its journal is empty".to_owned()))?;
    Ok((state, loaded.inbox))
}

fn empty() -> Arc<recipe::Recipe> {
    Arc::new(recipe::Recipe {
        name: String::new(),
        description: String::new(),
        version: None,
        changelog: Vec::new(),
        agent: None,
        inputs: Vec::new(),
        intake: Vec::new(),
        plan: Vec::new(),
        act: Vec::new(),
        verify: Vec::new(),
        guardrails: Default::default(),
        success_metrics: Vec::new(),
        outputs: Vec::new(),
        params: serde_json::Value::Null,
    })
}
