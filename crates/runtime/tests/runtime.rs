//! The runtime against a real store: recovery, shutdown, bounds, messages from other processes.

mod support;
mod trouble;

use std::sync::atomic::Ordering;
use std::time::Duration;

use engine::{Event, Message};
use ports::{JournalStore, Post, Runs};
use runtime::system::{SystemClock, SystemEntropy};
use support::{FakeTools, Script, open, until, world, world_with};
use types::{Actor, Clock, InboxId, Label, Labeled, RunId, RunStatus, StepStatus, TenantId};

const READ: &str = "  - {id: one, action: fake.read, with: {n: 1}}";

async fn journal(store: &store::sqlite::SqliteStore, run: RunId) -> Vec<Event> {
    let events = store
        .journal(TenantId::DEFAULT, run, 0, 10_000)
        .await
        .expect("journal");
    for (position, recorded) in events.iter().enumerate() {
        assert_eq!(recorded.seq, position as u64 + 1, "the journal has no gap");
    }
    events.into_iter().map(|recorded| recorded.event).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_of_several_steps_succeeds_and_its_rows_say_so() {
    let folder = tempfile::tempdir().expect("folder");
    let world = world(folder.path(), |_| {});
    let run = world
        .start("  - {id: one, action: fake.read, with: {n: 1}, save: got}\n  - {id: two, action: fake.keyed, with: {n: '{{ got.n }}'}}")
        .await;
    let row = world.ended(run).await;
    assert_eq!(row.status, RunStatus::Succeeded, "{:?}", row.failure);
    let steps = world.store.steps(TenantId::DEFAULT, run).await.expect("steps");
    assert!(
        steps
            .iter()
            .all(|step| step.status == StepStatus::Succeeded && step.attempts == 1),
        "{steps:?}"
    );
    assert_eq!(world.tools.sent("keyed"), vec![format!("{run}:act/two")]);
    assert_eq!(row.head as usize, journal(&world.store, run).await.len());
}

#[test]
fn a_crash_redoes_what_is_safe_with_the_same_key_and_leaves_the_rest_uncertain() {
    let folder = tempfile::tempdir().expect("folder");
    let tools = FakeTools::new();
    tools.script("keyed", Script::Hang);
    tools.script("unkeyed", Script::Hang);
    let first_life = tokio::runtime::Runtime::new().expect("runtime");
    let (safe, unsafe_) = first_life.block_on(async {
        let world = world_with(folder.path(), tools.clone(), |_| {});
        let safe = world.start("  - {id: one, action: fake.keyed}").await;
        let unsafe_ = world.start("  - {id: one, action: fake.unkeyed}").await;
        while tools.sent("keyed").is_empty() || tools.sent("unkeyed").is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        (safe, unsafe_)
    });
    // Tasks die where they stand, as threads do at kill -9.
    first_life.shutdown_timeout(Duration::from_secs(10));
    tools.script("keyed", Script::Answer);
    tools.script("unkeyed", Script::Answer);
    tokio::runtime::Runtime::new().expect("runtime").block_on(async {
        let world = world_with(folder.path(), tools.clone(), |_| {});
        assert_eq!(world.ended(safe).await.status, RunStatus::Succeeded);
        let row = world.until(unsafe_, |row| row.needs_attention).await;
        assert_eq!(row.status, RunStatus::Waiting);
        let keys = tools.sent("keyed");
        assert_eq!(keys.len(), 2, "the safe call was made again");
        assert_eq!(keys[0], keys[1], "with the same key");
        assert_eq!(tools.sent("unkeyed").len(), 1, "the other one was not");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_shutdown_waits_for_what_is_under_way_and_begins_nothing_new() {
    let folder = tempfile::tempdir().expect("folder");
    let world = world(folder.path(), |_| {});
    world.tools.script("unkeyed", Script::Slow(150));
    let run = world
        .start("  - {id: one, action: fake.unkeyed}\n  - {id: two, action: fake.read}")
        .await;
    while world.tools.sent("unkeyed").is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(
        world.runtime.shutdown(Duration::from_secs(10)).await,
        0,
        "nothing is left busy"
    );
    let events = journal(&world.store, run).await;
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::StepSucceeded { step, .. } if step.as_str() == "act/one"))
    );
    assert!(world.tools.sent("read").is_empty());
    let tools = world.tools.clone();
    world.store.close().await;
    drop(world);
    let world = world_with(folder.path(), tools, |_| {});
    assert_eq!(world.ended(run).await.status, RunStatus::Succeeded);
    assert_eq!(world.tools.sent("unkeyed").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_calls_to_a_tool_at_once_than_allowed() {
    let folder = tempfile::tempdir().expect("folder");
    let world = world(folder.path(), |options| options.calls_per_tool = 2);
    world.tools.script("keyed", Script::Slow(20));
    let mut runs = Vec::new();
    for _ in 0..12 {
        runs.push(world.start("  - {id: one, action: fake.keyed}").await);
    }
    for run in runs {
        assert_eq!(world.ended(run).await.status, RunStatus::Succeeded);
    }
    assert!(world.tools.most_at_once.load(Ordering::SeqCst) <= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_calls_of_a_recipe_at_once_than_allowed() {
    let folder = tempfile::tempdir().expect("folder");
    let world = world(folder.path(), |options| options.calls_per_recipe = 2);
    world.tools.script("keyed", Script::Slow(20));
    let mut runs = Vec::new();
    for _ in 0..12 {
        runs.push(world.start("  - {id: one, action: fake.keyed}").await);
    }
    for run in runs {
        assert_eq!(world.ended(run).await.status, RunStatus::Succeeded);
    }
    assert_eq!(world.tools.most_at_once.load(Ordering::SeqCst), 2);
    // Another recipe has slots of its own.
    world.tools.script("keyed", Script::Hang);
    for _ in 0..3 {
        world.start("  - {id: one, action: fake.keyed}").await;
    }
    let other = world.start(READ).await;
    assert_eq!(world.ended(other).await.status, RunStatus::Succeeded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_beside_the_holder_starts_runs_and_answers_them() {
    let folder = tempfile::tempdir().expect("folder");
    let world = world(folder.path(), |_| {});
    let guest = open(folder.path(), true);
    let new = support::prepare(
        &guest,
        &ports::Tools::catalog(&*world.tools),
        "  - {ask: 'which?', as: room}",
    )
    .await;
    let run = guest.create_run(new).await.expect("created by the guest").run;
    until(&guest, run, |row| row.waiting_for.contains("room")).await;
    let message = Message::Input {
        name: "room".into(),
        value: Labeled::new("r1", Label::User),
        by: Actor::user("bob"),
    };
    let id = InboxId::new(&SystemClock, &SystemEntropy);
    let at = SystemClock.now();
    guest
        .post(Post {
            id,
            tenant: TenantId::DEFAULT,
            run,
            at,
            message,
        })
        .await
        .expect("posted");
    assert_eq!(world.ended(run).await.status, RunStatus::Succeeded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_brings_its_worker_down_again_and_again_is_given_up() {
    let folder = tempfile::tempdir().expect("folder");
    let store = open(folder.path(), false);
    let catalog = ports::Tools::catalog(&*FakeTools::new());
    let new = support::prepare(&store, &catalog, READ).await;
    let run = store.create_run(new).await.expect("created").run;
    let mut store = Some(store);
    for _ in 0..4 {
        let holder = store.take().expect("open");
        let claims = holder
            .claim(SystemClock.now(), 60_000, 10)
            .await
            .expect("claimed");
        assert_eq!(claims.len(), 1);
        // The worker dies with the claim in hand; the next boot voids it.
        holder.close().await;
        drop(holder);
        store = Some(open(folder.path(), false));
    }
    drop(store);
    let world = world(folder.path(), |options| options.claims = 3);
    let row = world.ended(run).await;
    assert_eq!(row.failure.expect("it failed").code, "poison_run");
    let letters = ports::LetterFilter {
        before: None,
        limit: 10,
    };
    let letters = world
        .store
        .dead_letters(TenantId::DEFAULT, letters)
        .await
        .expect("letters");
    assert_eq!(letters.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_held_back_by_something_outside_is_not_taken_for_a_poison_run() {
    let folder = tempfile::tempdir().expect("folder");
    let world = world(folder.path(), |options| {
        options.claims = 2;
        options.limits.pause_poll_ms = 10;
        // Nothing may begin, as when its tool is paused.
        options.limits.in_flight = 0;
    });
    let run = world.start(READ).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let row = world.store.run(TenantId::DEFAULT, run).await.expect("run");
    assert!(!row.status.is_final(), "{row:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_tool_is_waited_for_without_an_attempt() {
    let folder = tempfile::tempdir().expect("folder");
    let world = world(folder.path(), |options| {
        // The usual look comes far too late: what wakes the run is the instant at which the tool opens.
        options.limits.pause_poll_ms = 3_600_000;
    });
    let opens = SystemClock.now() + 400;
    *world.tools.closed_until.lock().expect("lock") = Some(opens);
    let run = world.start(READ).await;
    while world.tools.sent("read").is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(SystemClock.now() >= opens, "nothing was sent to a closed tool");
    let row = world.ended(run).await;
    assert_eq!(row.status, RunStatus::Succeeded);
    let events = journal(&world.store, run).await;
    let failed = |event: &&Event| matches!(event, Event::StepFailed { .. });
    assert_eq!(events.iter().filter(failed).count(), 0, "{events:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_ends_the_run_at_once_and_the_late_result_still_lands() {
    let folder = tempfile::tempdir().expect("folder");
    let world = world(folder.path(), |_| {});
    world.tools.script("unkeyed", Script::Slow(200));
    let run = world.start("  - {id: one, action: fake.unkeyed}").await;
    while world.tools.sent("unkeyed").is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let id = InboxId::new(&SystemClock, &SystemEntropy);
    let message = Message::Kill {
        by: Actor::user("bob"),
        reason: "stop".into(),
    };
    let post = Post {
        id,
        tenant: TenantId::DEFAULT,
        run,
        at: SystemClock.now(),
        message,
    };
    world.runtime.post(post).await.expect("posted");
    let row = world.ended(run).await;
    assert_eq!(row.status, RunStatus::Cancelled);
    let row = world.until(run, |row| !row.needs_attention).await;
    assert_eq!(row.status, RunStatus::Cancelled);
    let events = journal(&world.store, run).await;
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::LateResult { .. })),
        "{events:?}"
    );
    let steps = world.store.steps(TenantId::DEFAULT, run).await.expect("steps");
    assert_eq!(steps[0].status, StepStatus::Succeeded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_whose_tool_is_closed_says_until_when_and_why() {
    let folder = tempfile::tempdir().expect("folder");
    let world = world(folder.path(), |_| {});
    let opens = SystemClock.now() + 3_600_000;
    *world.tools.closed_until.lock().expect("lock") = Some(opens);
    let run = world.start(READ).await;
    let why = format!("held back until {opens}: fake has failed 5 times in a row [circuit_open]");
    let row = world.until(run, |row| !row.waiting_for.is_empty()).await;
    assert_eq!(row.waiting_for, format!("its turn, {why}"));
    let steps = async || world.store.steps(TenantId::DEFAULT, run).await.expect("steps");
    let waiting: Vec<String> = steps().await.into_iter().map(|step| step.waiting_for).collect();
    assert!(waiting.contains(&row.waiting_for), "{waiting:?}");

    // A person looks after it before its time.
    *world.tools.closed_until.lock().expect("lock") = None;
    let nudge = Post {
        id: InboxId::new(&SystemClock, &SystemEntropy),
        tenant: TenantId::DEFAULT,
        run,
        at: SystemClock.now(),
        message: Message::Nudge,
    };
    world.runtime.post(nudge).await.expect("posted");
    let row = world.ended(run).await;
    assert_eq!((row.status, row.waiting_for.as_str()), (RunStatus::Succeeded, ""));
    assert!(steps().await.iter().all(|step| step.waiting_for.is_empty()));
}
