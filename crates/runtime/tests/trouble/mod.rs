//! What can go wrong with records, the disk and the facts, and that no run is lost to it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use engine::Message;
use governance::Facts;
use ports::{FactSource, JournalStore, Post, Runs, StoreError};
use runtime::system::{SystemClock, SystemEntropy};
use rusqlite::Connection;
use types::{Actor, Clock, InboxId, Label, Labeled, RunId, RunStatus, TenantId};

use crate::journal;
use crate::support::{Everything, Script, World, world};

const ASKS: &str = "  - {ask: 'which?', as: a}
  - {ask: 'which?', as: b}
  - {ask: 'which?', as: c}
  - {ask: 'which?', as: d}";

/// The database as someone with a tool of their own sees it.
fn beside(folder: &Path) -> Connection {
    let connection = Connection::open(folder.join("agentops.db")).expect("opened");
    connection
        .busy_timeout(Duration::from_secs(5))
        .expect("a time to wait");
    connection
}

async fn answer(world: &World, run: RunId, name: &str) {
    world.until(run, |row| row.waiting_for.contains(name)).await;
    tell(world, run, name).await;
}

async fn tell(world: &World, run: RunId, name: &str) {
    let message = Message::Input {
        name: name.into(),
        value: Labeled::new("r1", Label::User),
        by: Actor::user("bob"),
    };
    let post = Post {
        id: InboxId::new(&SystemClock, &SystemEntropy),
        tenant: TenantId::DEFAULT,
        run,
        at: SystemClock.now(),
        message,
    };
    world.runtime.post(post).await.expect("posted");
}

/// A run that has had breaks, closed while it waits for its last answer.
async fn after_some_breaks(folder: &Path) -> RunId {
    let world = world(folder, |options| options.snapshot_every = 5);
    let run = world.start(ASKS).await;
    for name in ["a", "b", "c"] {
        answer(&world, run, name).await;
    }
    world.until(run, |row| row.waiting_for.contains('d')).await;
    let loaded = world.store.load(TenantId::DEFAULT, run).await.expect("loaded");
    let snapshot = loaded
        .snapshot
        .expect("breaks don't keep a run from being snapshotted");
    assert!(
        loaded.events.len() < 5,
        "the last snapshot is as of event {} and {} follow",
        snapshot.seq,
        loaded.events.len()
    );
    assert_eq!(
        world.runtime.shutdown(Duration::from_secs(10)).await,
        0,
        "nothing is under way"
    );
    world.store.close().await;
    run
}

async fn goes_on(folder: &Path, run: RunId) -> World {
    let world = world(folder, |options| options.snapshot_every = 5);
    answer(&world, run, "d").await;
    assert_eq!(world.ended(run).await.status, RunStatus::Succeeded);
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_with_breaks_goes_on_from_its_snapshot() {
    let folder = tempfile::tempdir().expect("folder");
    let run = after_some_breaks(folder.path()).await;
    // Only a snapshot can make up for the events before it.
    beside(folder.path())
        .execute("DELETE FROM journal WHERE seq <= 5", [])
        .expect("deleted");
    goes_on(folder.path(), run).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_cannot_be_read_is_passed_over() {
    for damage in [
        "UPDATE snapshots SET state = substr(state, 1, 50)",
        "UPDATE snapshots SET state = json_set(state, '$.v', 9)",
        "UPDATE snapshots SET state = CAST(x'ff00' AS TEXT)",
        "UPDATE snapshots SET seq = 3",
    ] {
        let folder = tempfile::tempdir().expect("folder");
        let run = after_some_breaks(folder.path()).await;
        assert_eq!(beside(folder.path()).execute(damage, []), Ok(1));
        let world = goes_on(folder.path(), run).await;
        let loaded = world.store.load(TenantId::DEFAULT, run).await.expect("loaded");
        let snapshot = loaded.snapshot.expect("a new one was made");
        engine::snapshot::read(&snapshot.state, snapshot.seq).expect("which can be read");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_cannot_be_read_is_shown_and_the_run_goes_on_once_it_can() {
    for damage in [
        "UPDATE journal SET event = substr(event, 1, 20) WHERE seq = 3",
        "UPDATE journal SET v = 99 WHERE seq = 3",
        "DELETE FROM journal WHERE seq = 3",
        "DELETE FROM journal WHERE seq >= 3",
    ] {
        let folder = tempfile::tempdir().expect("folder");
        let world = world(folder.path(), |options| {
            options.unreadable_again_ms = 20;
            options.claims = 2;
        });
        let run = world.start("  - {ask: 'which?', as: a}").await;
        world.until(run, |row| row.waiting_for.contains('a')).await;
        world.runtime.until_idle(run).await;
        let beside = beside(folder.path());
        beside
            .execute_batch("CREATE TEMP TABLE kept AS SELECT * FROM journal")
            .expect("kept");
        assert!(beside.execute(damage, []).expect("damaged") > 0);
        tell(&world, run, "a").await;
        let row = world.until(run, |row| row.needs_attention).await;
        assert_eq!(row.status, RunStatus::Waiting);
        assert!(row.waiting_for.contains("event 3 of run_"), "{}", row.waiting_for);
        let failure = row.failure.expect("a failure");
        assert_eq!(failure.code, "journal_unreadable");
        assert!(!failure.message.contains("the database is damaged"), "{failure}");
        let more_than_allowed = |row: &rusqlite::Row<'_>| Ok(row.get::<_, u32>(0)? > 6);
        let epochs = "SELECT lease_epoch FROM runs";
        while !beside
            .query_row(epochs, [], more_than_allowed)
            .expect("the run's row")
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let shown = world.runtime.unreadable();
        assert!(
            shown.len() == 1 && shown[0].contains(&run.to_string()),
            "{shown:?}"
        );
        assert_eq!(world.runtime.trouble(), None, "other runs can go on");
        beside
            .execute_batch("INSERT OR REPLACE INTO journal SELECT * FROM kept")
            .expect("repaired");
        let row = world.ended(run).await;
        assert_eq!(row.status, RunStatus::Succeeded, "{row:?}");
        assert!(!row.needs_attention && row.failure.is_none(), "{row:?}");
        assert!(world.runtime.unreadable().is_empty());
    }
}

/// Facts that can't be loaded at times.
#[derive(Default)]
struct Moody {
    failing: AtomicBool,
    failed: AtomicUsize,
}

#[async_trait]
impl FactSource for Moody {
    async fn facts(&self, tenant: TenantId) -> Result<Facts, StoreError> {
        if !self.failing.load(Ordering::SeqCst) {
            return Everything.facts(tenant).await;
        }
        self.failed.fetch_add(1, Ordering::SeqCst);
        Err(StoreError::Other {
            message: "the facts are gone".into(),
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_that_lasts_makes_no_poison_run() {
    let folder = tempfile::tempdir().expect("folder");
    let facts = Arc::new(Moody::default());
    facts.failing.store(true, Ordering::SeqCst);
    let world = world(folder.path(), |options| {
        options.facts = facts.clone();
        options.lease_ms = 60;
        options.claims = 2;
    });
    let run = world.start("  - {id: one, action: fake.read}").await;
    while facts.failed.load(Ordering::SeqCst) < 12 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let trouble = world.runtime.trouble().expect("it is shown");
    assert!(trouble.contains("the facts are gone"), "{trouble}");
    facts.failing.store(false, Ordering::SeqCst);
    let row = world.ended(run).await;
    assert_eq!(row.status, RunStatus::Succeeded, "{:?}", row.failure);
    assert_eq!(world.runtime.trouble(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_comes_while_the_facts_are_gone_is_kept() {
    let folder = tempfile::tempdir().expect("folder");
    let facts = Arc::new(Moody::default());
    let world = world(folder.path(), |options| {
        options.facts = facts.clone();
        options.lease_ms = 300;
    });
    // Longer than facts are kept.
    world.tools.script("unkeyed", Script::Slow(400));
    let run = world.start("  - {id: one, action: fake.unkeyed}").await;
    while world.tools.sent("unkeyed").is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    facts.failing.store(true, Ordering::SeqCst);
    while facts.failed.load(Ordering::SeqCst) < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(world.runtime.trouble().is_some());
    facts.failing.store(false, Ordering::SeqCst);
    let row = world.ended(run).await;
    assert_eq!(row.status, RunStatus::Succeeded, "{:?}", row.failure);
    assert_eq!(
        world.tools.sent("unkeyed").len(),
        1,
        "an unkeyed call is made once"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_comes_while_the_disk_is_full_is_kept() {
    let folder = tempfile::tempdir().expect("folder");
    let world = world(folder.path(), |options| options.lease_ms = 300);
    world.tools.script("unkeyed", Script::Slow(100));
    let text = "x".repeat(20_000);
    let act = format!("  - {{id: one, action: fake.unkeyed, with: {{n: '{text}'}}}}");
    let run = world.start(&act).await;
    while world.tools.sent("unkeyed").is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // What the call brings needs more room than the file has.
    world.store.limit_size(Some(1)).await.expect("limited");
    while world.runtime.trouble().is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(world.runtime.trouble().as_deref(), Some("the disk is full"));
    // Some more tries, and more than a lease.
    tokio::time::sleep(Duration::from_millis(400)).await;
    let row = world.store.run(TenantId::DEFAULT, run).await.expect("run");
    assert!(!row.status.is_final(), "{row:?}");
    world.store.limit_size(None).await.expect("room again");
    let row = world.ended(run).await;
    assert_eq!(row.status, RunStatus::Succeeded, "{:?}", row.failure);
    assert_eq!(row.head as usize, journal(&world.store, run).await.len());
    assert_eq!(world.tools.sent("unkeyed").len(), 1);
    assert_eq!(world.runtime.trouble(), None);
}
