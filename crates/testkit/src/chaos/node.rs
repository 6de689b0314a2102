//! The server process of a chaos run: store, runtime and ledger tools, kept busy with seeded runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::event::RecipeRef;
use ports::{Post, Runs, Store, StoreError};
use runtime::system::{Stopwatch, SystemClock, SystemEntropy};
use runtime::{Handle, Runtime};
use serde_json::json;
use store::Opened;
use tokio::io::{AsyncBufReadExt, BufReader};
use types::{Clock, Entropy, InboxId, Millis, RunId, RunStatus, TenantId, Timestamp};

use super::fence::{Fenceless, Unrenewed};
use crate::evidence::unfinished;
use crate::interposed::Interposed;
use crate::plan::{Plan, plans, text, workload};
use crate::start::{Maker, Permissive};
use crate::{Bug, Error, LedgerTools, Place};

/// Short, so that a stop of some seconds outlives it.
const LEASE_MS: Millis = 1_500;
/// Runs that are kept going.
const BUSY: usize = 40;
/// How often the generator looks.
const LOOK: Duration = Duration::from_millis(100);

/// How long no journal grows before nothing more is expected; longer than any pause between attempts.
const QUIET: Duration = Duration::from_secs(5);

/// The journals of unfinished runs, and since when they have been so long.
struct Quiet {
    since: Stopwatch,
    heads: BTreeMap<RunId, u64>,
}

/// What the server process is told.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// Where it works.
    pub place: Place,
    /// Where the ledger answers.
    pub ledger: String,
    /// Seed of recipes and runs.
    pub seed: u64,
    /// The first run to start; starting one again that is there does nothing.
    pub from: u64,
    /// Every how manieth run it starts: the others are those of other nodes.
    pub every: u64,
    /// Start so many runs of the fixed workload, end when they have ended, instead of being told.
    pub fixed: Option<u64>,
    /// A planted bug.
    pub bug: Bug,
}

struct Node {
    options: NodeOptions,
    maker: Maker,
    handle: Handle,
    plans: Vec<Plan>,
    recipes: Vec<RecipeRef>,
}

/// Serves until told to drain (a line `drain` on standard input) and drained, or until standard
/// input ends. Standard output tells of every acknowledged start.
///
/// # Errors
/// The data folder or the ledger can't be used.
pub async fn node(options: NodeOptions) -> Result<(), Error> {
    // Crash tests say by an environment variable where this process dies.
    let _points = options.fixed.map(|_| fail::FailScenario::setup());
    let store = options.place.open().await?;
    let node = begin(options, &store).await?;
    let obeys = node.options.fixed.is_none();
    let draining = Arc::new(AtomicBool::new(!obeys));
    if obeys {
        listen(Arc::clone(&draining));
    }
    say("ready");
    let mut next = node.options.from;
    if let Some(count) = node.options.fixed {
        while next < count {
            node.start(next).await?;
            next += 1;
        }
    }
    let mut quiet = Quiet {
        since: Stopwatch::start(),
        heads: BTreeMap::new(),
    };
    loop {
        let done = if draining.load(Ordering::Acquire) {
            node.idle(&mut quiet).await
        } else {
            node.fill(&mut next).await.map(|()| false)
        };
        match done {
            Ok(true) => break,
            Ok(false) => {}
            // It will be back; what was not acknowledged is started again, once.
            Err(Error::Store(StoreError::Unreachable { .. })) => {}
            Err(error) => return Err(error),
        }
        tokio::time::sleep(LOOK).await;
    }
    node.handle.shutdown(Duration::from_secs(2)).await;
    drop(node);
    store.close().await;
    say("drained");
    if obeys {
        // Reading standard input blocks a thread that would otherwise keep the process.
        std::process::exit(0);
    }
    Ok(())
}

async fn begin(options: NodeOptions, store: &Opened) -> Result<Node, Error> {
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) =
        (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let mut shared: Arc<dyn Store> = store.shared();
    match options.bug {
        Bug::NoFence => shared = Arc::new(Interposed::new(shared, Arc::new(Fenceless::default()))),
        Bug::NoRenewal => shared = Arc::new(Interposed::new(shared, Arc::new(Unrenewed))),
        _ => {}
    }
    let tools = LedgerTools::new(
        options.ledger.clone(),
        Arc::clone(&clock),
        Arc::clone(&entropy),
        options.bug,
    )?;
    let tools: Arc<dyn ports::Tools> = Arc::new(tools);
    let maker = Maker {
        store: Arc::clone(&shared),
        clock: Arc::clone(&clock),
        entropy: Arc::clone(&entropy),
    };
    let plans = match options.fixed {
        Some(_) => workload(),
        None => plans(options.seed),
    };
    let catalog = tools.catalog();
    let mut recipes = Vec::with_capacity(plans.len());
    for plan in &plans {
        recipes.push(maker.save(&plan.slug, text(plan, &plans), &catalog).await?);
    }
    let mut settings = runtime::Options::new(shared, tools, Arc::new(Permissive), clock, entropy);
    settings.lease_ms = match options.bug {
        // Leases that aren't renewed run out often enough to show what comes of it.
        Bug::NoFence | Bug::NoRenewal => LEASE_MS / 6,
        _ => LEASE_MS,
    };
    if options.bug == Bug::NoRenewal {
        // Workers are lost all the time here, which is no fault of any run.
        settings.claims = u32::MAX;
        settings.limits.attempts = u32::MAX;
    }
    settings.calls_per_tool = 24;
    settings.snapshot_every = 20;
    settings.poll = Duration::from_millis(100);
    let handle = Runtime::start(settings)?;
    Ok(Node {
        options,
        maker,
        handle,
        plans,
        recipes,
    })
}

impl Node {
    /// Starts run number `index`, once, and says so when it is durable.
    async fn start(&self, index: u64) -> Result<(), Error> {
        let token = format!("r{index}");
        let seed = crate::dice::Dice::new(self.options.seed, &["run", &token]).next();
        let plan = match self.options.fixed {
            Some(_) => self.plans.len() - 1,
            None => usize::try_from(seed % self.plans.len() as u64).unwrap_or(0),
        };
        let key = format!("chaos:{}:{index}", self.options.seed);
        let inputs = json!({"token": token});
        let new = self.maker.run(&self.recipes[plan], inputs, seed, Some(key))?;
        let run = self.handle.start(new).await?.run;
        say(&format!("started {index}"));
        if self.options.fixed.is_some() {
            let at = self.maker.clock.now();
            let post = Post {
                id: InboxId::derive(at, &[&token, "nudge"]),
                tenant: TenantId::DEFAULT,
                run,
                at,
                message: engine::Message::Nudge,
            };
            self.handle.post(post).await?;
        }
        Ok(())
    }

    /// Starts runs until enough are under way.
    async fn fill(&self, next: &mut u64) -> Result<(), Error> {
        for _ in self.busy().await?..BUSY {
            self.start(*next).await?;
            *next += self.options.every.max(1);
        }
        Ok(())
    }

    /// Runs that still do something by themselves.
    async fn busy(&self) -> Result<usize, Error> {
        let rows = unfinished(self.maker.store.as_ref()).await?;
        let alive = rows.iter().filter(|row| {
            row.wake_at < Timestamp::MAX || matches!(row.status, RunStatus::Queued | RunStatus::Running)
        });
        Ok(alive.count())
    }

    /// Whether nothing goes on and nothing will by itself. A run whose due step is held back by one
    /// that waits for a person looks again and again; that counts as nothing.
    async fn idle(&self, quiet: &mut Quiet) -> Result<bool, Error> {
        let rows = unfinished(self.maker.store.as_ref()).await?;
        // A run that is being claimed right now is neither active nor due, but its row tells.
        let asleep = rows.iter().all(|row| row.wake_at == Timestamp::MAX);
        if asleep && self.handle.active_runs() == 0 {
            return Ok(true);
        }
        let heads = rows.iter().map(|row| (row.run, row.head)).collect();
        if quiet.heads == heads {
            return Ok(quiet.since.elapsed() >= QUIET);
        }
        *quiet = Quiet {
            since: Stopwatch::start(),
            heads,
        };
        Ok(false)
    }
}

/// Obeys the parent; without it there is no reason to go on.
fn listen(draining: Arc<AtomicBool>) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line == "drain" {
                draining.store(true, Ordering::Release);
            }
        }
        std::process::exit(3);
    });
}

/// One line to the parent, at once.
pub(crate) fn say(line: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    // A parent that is gone is noticed at standard input.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
