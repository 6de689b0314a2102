//! Driving one claimed run until it has ended, waits, or is lost.

use std::sync::Arc;
use std::time::Duration;

use engine::{Input, Program, State};
use ports::{Claim, InboxItem, Lease, Loaded, Store, StoreError};
use types::Failure;

use crate::guard::Held;
use crate::node::Shared;
use crate::programs::LoadError;
use crate::session::{Next, Session};

/// The longest nap of a run whose step waits for a free slot, in milliseconds.
const IN_LINE_MS: u64 = 50;

/// How often a run is loaded anew because its journal has moved on. More often, something is wrong.
const RELOADS: u32 = 3;

/// Events read at once.
const PAGE: u32 = 10_000;

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
    let mut reloads = 0;
    let error = loop {
        match attempt(&shared, &claim, &held, origin).await {
            // The last append has given the lease back.
            Ok(ended) => return ended,
            Err(StoreError::HeadMoved { expected, actual }) if reloads < RELOADS && !held.is_lost() => {
                tracing::warn!(run = %run, expected, actual, "the journal has moved on; reloading");
                origin = Origin::Stored;
                reloads += 1;
            }
            Err(error) => break error,
        }
    };
    if error == StoreError::LeaseLost || held.is_lost() {
        tracing::warn!(run = %run, %error, "the lease is gone; another worker goes on");
        shared.troubles.over(run);
    } else {
        set_aside(&shared, &held, error).await;
    }
    held.lose();
    false
}

/// Gives a run back that can't be driven now, to be tried again after a while. Its worker is well, so
/// this never makes it a poison run; that is why giving it back is tried until it works.
async fn set_aside(shared: &Shared, held: &Held, error: StoreError) {
    let run = held.lease.run;
    let options = &shared.options;
    tracing::error!(run = %run, %error, "the run can't be driven now; it is tried again after a while");
    shared.troubles.note(run, &error);
    let (let_alone, why) = match &error {
        StoreError::Unreadable { .. } => (options.unreadable_again_ms, Some(Failure::from(error))),
        _ => (options.lease_ms / 3, None),
    };
    let mut wait = Duration::from_millis(50);
    while !held.is_lost() {
        let until = options.clock.now() + let_alone;
        let Err(error) = options.store.set_aside(held.lease, until, why.clone()).await else {
            return;
        };
        tracing::error!(run = %run, %error, "the run can't be given back");
        if shared.draining() {
            return;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(2));
    }
}

/// A run as the store has it.
struct AtHand {
    state: State,
    /// The last event of the snapshot it comes from, or 0.
    snapshot_at: u64,
    inbox: Vec<InboxItem>,
}

async fn attempt(
    shared: &Arc<Shared>,
    claim: &Claim,
    held: &Arc<Held>,
    origin: Origin,
) -> Result<bool, StoreError> {
    let fresh = matches!(origin, Origin::Fresh(_));
    let AtHand {
        state,
        snapshot_at,
        inbox,
    } = match origin {
        Origin::Fresh(state) => AtHand {
            state: *state,
            snapshot_at: 0,
            inbox: Vec::new(),
        },
        Origin::Stored => load(shared.options.store.as_ref(), claim.lease).await?,
    };
    let (recipe, unreadable) = match shared.programs.tree(&state).await {
        Ok(recipe) => (recipe, None),
        Err(LoadError::Store(error @ StoreError::NotFound { .. })) => (
            empty(),
            Some(Failure::new("recipe_unreadable", error.to_string())),
        ),
        Err(LoadError::Store(error)) => return Err(error),
        Err(LoadError::Unreadable(failure)) => (empty(), Some(failure)),
    };
    let children = match shared.programs.children(claim.lease.tenant, &recipe).await {
        Ok(children) => children,
        Err(LoadError::Store(error)) => return Err(error),
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
    let mut session = Session::new(Arc::clone(shared), Arc::clone(held), state, snapshot_at, program);
    shared.troubles.over(claim.lease.run);
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
    let nap = Duration::from_millis(session.next_look(now).since(now).clamp(1, longest));
    let hint = shared.hints(held.lease.run);
    let mut inputs = Vec::new();
    tokio::select! {
        Some(input) = session.incoming.recv() => inputs.push(input),
        () = hint.notified() => {}
        () = tokio::time::sleep(nap) => {}
        () = shared.slots.freed(), if session.waits_in_line() => {}
        () = shared.recipe_slots.freed(), if session.waits_in_line() => {}
    }
    while let Ok(input) = session.incoming.try_recv() {
        inputs.push(input);
    }
    if held.is_lost() {
        return Err(StoreError::LeaseLost);
    }
    let inbox = if inputs.is_empty() {
        session.inbox().await?
    } else {
        Vec::new()
    };
    session.round(inputs, inbox).await
}

/// Loads a run: its snapshot and what came after, or its whole journal if the snapshot can't be read.
async fn load(store: &dyn Store, lease: Lease) -> Result<AtHand, StoreError> {
    let (tenant, run) = (lease.tenant, lease.run);
    let Loaded {
        snapshot,
        mut events,
        inbox,
    } = store.load(tenant, run).await?;
    let mut state = None;
    let mut snapshot_at = 0;
    let mut whole = false;
    if let Some(snapshot) = snapshot {
        match engine::snapshot::read(&snapshot.state, snapshot.seq) {
            Ok(read) => {
                state = Some(read);
                snapshot_at = snapshot.seq;
            }
            Err(why) => {
                tracing::warn!(run = %run, why, "the snapshot can't be used; the whole journal is read");
                events = store.journal(tenant, run, 0, PAGE).await?;
                whole = true;
            }
        }
    }
    state = events.iter().fold(state, engine::evolve);
    while let Some(last) = events.last().filter(|_| whole) {
        events = store.journal(tenant, run, last.seq, PAGE).await?;
        state = events.iter().fold(state, engine::evolve);
    }
    let state = state.ok_or_else(|| StoreError::Unreadable {
        run,
        seq: 1,
        message: "a run does not begin like this".to_owned(),
    })?;
    Ok(AtHand {
        state,
        snapshot_at,
        inbox,
    })
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
