//! The node: claims runs, keeps leases alive, wakes runs whose time has come, and shuts down.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use engine::{Event, Recorded};
use ports::{Claim, Created, LeaseRequest, NewRun, Post, Runs, StoreError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use types::{RecipeId, RunId, Timestamp};

use crate::crash_point;
use crate::drive::{Origin, drive};
use crate::facts::FactsCache;
use crate::guard::Held;
use crate::options::Options;
use crate::programs::Programs;
use crate::slots::Slots;
use crate::trouble::Troubles;

/// The longest sleep between two looks at the store for due timers.
const LONGEST_NAP: Duration = Duration::from_secs(5);

/// The shortest.
const SHORTEST_NAP: Duration = Duration::from_millis(5);
/// Runs claimed at once.
const PAGE: usize = 64;

/// What all runs of this node share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) facts: FactsCache,
    pub(crate) programs: Programs,
    /// Slots of tools, by name.
    pub(crate) slots: Slots<String>,
    /// Slots of recipes.
    pub(crate) recipe_slots: Slots<RecipeId>,
    pub(crate) troubles: Troubles,
    /// Says that there may be something to claim.
    pub(crate) wake: Notify,
    /// Says that other processes may have written messages.
    mail: Notify,
    active: Mutex<HashMap<RunId, Active>>,
    /// Held while runs are claimed, until they are among the active ones.
    claiming: tokio::sync::Mutex<()>,
    idle: Notify,
    draining: AtomicBool,
    stopped: AtomicBool,
}

struct Active {
    held: Arc<Held>,
    hint: Arc<Notify>,
    left: CancellationToken,
}

impl Shared {
    pub(crate) fn draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Tells the run's driver that its inbox may hold something.
    pub(crate) fn hints(&self, run: RunId) -> Arc<Notify> {
        self.active()
            .get(&run)
            .map(|active| Arc::clone(&active.hint))
            .unwrap_or_default()
    }

    /// Says that a run's inbox holds something new.
    pub(crate) fn tell(&self, run: RunId) {
        match self.active().get(&run) {
            Some(active) => active.hint.notify_one(),
            None => self.wake.notify_one(),
        }
    }

    fn active(&self) -> MutexGuard<'_, HashMap<RunId, Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The runtime.
pub struct Runtime;

/// A cheap handle on a running runtime.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Runtime {
    /// Starts working. The store must be held by this process.
    ///
    /// # Errors
    /// [`StoreError::NotHolder`] if it is not.
    pub fn start(options: Options) -> Result<Handle, StoreError> {
        if !options.store.boot().holder {
            return Err(StoreError::NotHolder);
        }
        let facts = FactsCache::new(
            Arc::clone(&options.facts),
            Arc::clone(&options.tools),
            Arc::clone(&options.clock),
        );
        let shared = Arc::new(Shared {
            facts,
            programs: Programs::new(Arc::clone(&options.store)),
            slots: Slots::new(options.calls_per_tool),
            recipe_slots: Slots::new(options.calls_per_recipe),
            troubles: Troubles::default(),
            wake: Notify::new(),
            mail: Notify::new(),
            active: Mutex::default(),
            claiming: tokio::sync::Mutex::default(),
            idle: Notify::new(),
            draining: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            options,
        });
        tokio::spawn(claim_loop(Arc::clone(&shared)));
        tokio::spawn(renew_loop(Arc::clone(&shared)));
        tokio::spawn(inbox_loop(Arc::clone(&shared)));
        tokio::spawn(hint_loop(Arc::clone(&shared)));
        Ok(Handle { shared })
    }
}

impl Handle {
    /// How many runs are in memory now.
    pub fn active_runs(&self) -> usize {
        self.shared.active().len()
    }

    /// Completes when the run is not in memory here: it has ended, or waits for time or people, or
    /// another worker has it. At once if it isn't.
    pub async fn until_idle(&self, run: RunId) {
        let left = self.shared.active().get(&run).map(|active| active.left.clone());
        if let Some(left) = left {
            left.cancelled().await;
        }
    }

    /// What keeps runs from going on that have nothing wrong with themselves, if anything: a full disk,
    /// facts that can't be loaded.
    pub fn trouble(&self) -> Option<String> {
        self.shared.troubles.shared()
    }

    /// Runs that can't go on because their journals can't be read, in words; at most 100. Their rows
    /// say so too, and all others go on.
    pub fn unreadable(&self) -> Vec<String> {
        self.shared.troubles.own()
    }

    /// Begins nothing new, waits up to `grace` for what is under way, and gives every lease back.
    /// Returns how many runs were still busy then; they are recovered at the next start.
    pub async fn shutdown(&self, grace: Duration) -> usize {
        self.shared.draining.store(true, Ordering::Release);
        for active in self.shared.active().values() {
            active.hint.notify_one();
        }
        let idle = async {
            // A claim that had begun makes runs active that nobody would wait for.
            drop(self.shared.claiming.lock().await);
            loop {
                let notified = self.shared.idle.notified();
                if self.shared.active().is_empty() {
                    return;
                }
                notified.await;
            }
        };
        let _ = tokio::time::timeout(grace, idle).await;
        self.shared.stopped.store(true, Ordering::Release);
        self.shared.wake.notify_one();
        self.shared.active().len()
    }
}

#[async_trait]
impl Runs for Handle {
    async fn start(&self, mut new: NewRun) -> Result<Created, StoreError> {
        let shared = &self.shared;
        let options = &shared.options;
        let room = shared.active().len() < options.active_runs && !shared.draining();
        // A fork brings a prefix and is loaded like any other run.
        let at_once = room && new.more.is_empty();
        if at_once {
            let until = options.clock.now() + options.lease_ms;
            new.lease = Some(LeaseRequest {
                node: options.store.boot().node,
                until,
            });
        }
        let event = Event::RunCreated(Box::new(new.created.clone()));
        let first = Recorded {
            seq: 1,
            at: new.at,
            v: engine::EVENT_VERSION,
            event,
        };
        crash_point!("runtime.start.before");
        let created = options.store.create_run(new).await?;
        crash_point!("runtime.start.after");
        match (created.claim, engine::evolve(None, &first)) {
            (Some(claim), Some(state)) => spawn(shared, claim, Origin::Fresh(Box::new(state))),
            _ => shared.wake.notify_one(),
        }
        Ok(created)
    }

    async fn post(&self, post: Post) -> Result<(), StoreError> {
        let run = post.run;
        self.shared.options.store.post(post).await?;
        self.shared.tell(run);
        Ok(())
    }

    fn forget_facts(&self) {
        self.shared.facts.forget();
    }
}

fn spawn(shared: &Arc<Shared>, claim: Claim, origin: Origin) {
    let held = Held::new(claim.lease, claim.until);
    let run = claim.lease.run;
    let left = CancellationToken::new();
    let active = Active {
        held: Arc::clone(&held),
        hint: Arc::default(),
        left: left.clone(),
    };
    shared.active().insert(run, active);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let driver = tokio::spawn(drive(Arc::clone(&shared), claim, Arc::clone(&held), origin));
        let ended = driver.await.unwrap_or_else(|error| {
            tracing::error!(run = %run, %error, "the run's driver panicked");
            // Not given back: the lease runs out, the next claim counts, and a run that does this
            // again and again is given up.
            held.lose();
            false
        });
        let mut active = shared.active();
        let was_full = active.len() >= shared.options.active_runs;
        // A newer claim of the same run has its own entry.
        if active
            .get(&run)
            .is_some_and(|active| Arc::ptr_eq(&active.held, &held))
        {
            active.remove(&run);
        }
        drop(active);
        left.cancel();
        shared.idle.notify_waiters();
        // The end of one of many runs gives the claim loop nothing to do.
        if !ended || was_full {
            shared.wake.notify_one();
        }
    });
}

async fn claim_loop(shared: Arc<Shared>) {
    while !shared.stopped.load(Ordering::Acquire) {
        // A look costs the writing thread nothing, so claims are made only when there is something.
        let next = shared.options.store.next_wake().await;
        let is_back = shared.troubles.looked(next.as_ref().err());
        if is_back {
            // Leases may have run out meanwhile: those whose runs are still in memory here are renewed
            // before anybody, this process included, takes such a run for one whose worker is lost.
            renew(&shared).await;
        }
        let next = next.unwrap_or_default();
        let now = shared.options.clock.now();
        if next.is_some_and(|at| at <= now) && claim(&shared, now).await {
            continue;
        }
        // Not longer than it may take to see what another process has written.
        let until = next.map_or(LONGEST_NAP, |at| Duration::from_millis(at.since(now)));
        let nap = until.clamp(SHORTEST_NAP, shared.options.poll);
        tokio::select! {
            () = shared.wake.notified() => {}
            () = tokio::time::sleep(nap) => {}
        }
    }
}

/// Claims what there is room for; whether anything was claimed.
async fn claim(shared: &Arc<Shared>, now: Timestamp) -> bool {
    let options = &shared.options;
    let _claiming = shared.claiming.lock().await;
    let room = options.active_runs.saturating_sub(shared.active().len());
    if room == 0 || shared.draining() {
        return false;
    }
    let limit = u32::try_from(room.min(PAGE)).unwrap_or(1);
    match options.store.claim(now, options.lease_ms, limit).await {
        Ok(claims) => {
            if !claims.is_empty() {
                crash_point!("runtime.claim.after");
            }
            let some = !claims.is_empty();
            for claim in claims {
                spawn(shared, claim, Origin::Stored);
            }
            some
        }
        Err(error) => {
            tracing::error!(%error, "no runs could be claimed");
            false
        }
    }
}

async fn renew_loop(shared: Arc<Shared>) {
    let every = Duration::from_millis((shared.options.lease_ms / 3).max(10));
    while !shared.stopped.load(Ordering::Acquire) {
        tokio::time::sleep(every).await;
        renew(&shared).await;
    }
}

/// Renews the leases of all runs in memory here; those that are gone are lost to their drivers.
async fn renew(shared: &Arc<Shared>) {
    let options = &shared.options;
    let held: Vec<Arc<Held>> = shared
        .active()
        .values()
        .map(|active| Arc::clone(&active.held))
        .collect();
    if held.is_empty() {
        return;
    }
    let until = options.clock.now() + options.lease_ms;
    let leases = held.iter().map(|held| held.lease).collect();
    match options.store.renew(leases, until).await {
        Ok(gone) => {
            for held in held {
                if gone.contains(&held.lease) {
                    held.lose();
                    shared.hints(held.lease.run).notify_one();
                } else {
                    held.renewed(until);
                }
            }
        }
        Err(error) => tracing::error!(%error, "leases could not be renewed"),
    }
}

/// Other processes may say when they have written something: then nobody need wait for the next look.
async fn hint_loop(shared: Arc<Shared>) {
    while !shared.stopped.load(Ordering::Acquire) {
        tokio::select! {
            () = shared.options.store.hinted() => {}
            // So that this ends with the runtime although no hint ever comes.
            () = tokio::time::sleep(LONGEST_NAP) => continue,
        }
        shared.wake.notify_one();
        shared.mail.notify_one();
        // Busy neighbours hint at every commit; one look serves many of them.
        tokio::time::sleep(SHORTEST_NAP).await;
    }
}

/// Messages from processes beside this one arrive without a hint.
async fn inbox_loop(shared: Arc<Shared>) {
    while !shared.stopped.load(Ordering::Acquire) {
        tokio::select! {
            () = tokio::time::sleep(shared.options.poll) => {}
            () = shared.mail.notified() => {}
        }
        if shared.active().is_empty() {
            continue;
        }
        match shared.options.store.pending_inbox().await {
            Ok(runs) => {
                for run in runs {
                    if let Some(active) = shared.active().get(&run) {
                        active.hint.notify_one();
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "inboxes could not be looked at"),
        }
    }
}
