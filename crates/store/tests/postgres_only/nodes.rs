//! Several nodes on one database.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ports::{Begun, FeedStore, JournalStore, LibraryStore, RequestKey, RequestStore, Store, StoreError};
use serde_json::json;
use store::postgres::{is_served, open};
use types::{RunId, Timestamp};

use crate::PostgresBench;
use crate::contract::fixtures::{Bench, TENANT, asleep};

const LEASE_MS: u64 = 30_000;
/// Longer than a lease of another node is respected after its end.
const GRACE_MS: i64 = 2_001;

#[tokio::test]
async fn a_name_has_one_process_at_a_time() {
    let bench = PostgresBench::new();
    assert_eq!(is_served(&bench.address()).await, Ok(false));
    let first = bench.node("a").await;
    assert_eq!(is_served(&bench.address()).await, Ok(true));
    let second = open(bench.options(&bench.url, "a", false)).await.map(|_| ());
    let taken = StoreError::NodeInUse { node: "a".to_owned() };
    assert_eq!(second, Err(taken));
    let beside = bench.node("b").await;
    assert_eq!(
        beside.boot().epoch,
        first.boot().epoch + 1,
        "the refused one began no boot"
    );
    first.close().await;
    let again = bench.node("a").await;
    assert!(again.boot().epoch > beside.boot().epoch);
    again.close().await;
    beside.close().await;
    assert_eq!(is_served(&bench.address()).await, Ok(false));
}

#[tokio::test]
async fn the_lease_of_another_node_holds_until_it_has_ended_for_sure() {
    let bench = PostgresBench::new();
    let (a, b) = (bench.node("a").await, bench.node("b").await);
    let world = bench.world();
    let (row, held) = world.held_run(&a).await;
    assert_eq!(b.claim(world.now(), LEASE_MS, 5).await, Ok(vec![]));
    assert_eq!(b.next_wake().await, Ok(None));
    let now = world.clock.advance(30_000 + GRACE_MS - 2);
    assert_eq!(b.claim(now, LEASE_MS, 5).await, Ok(vec![]), "clocks differ");
    let now = world.clock.advance(2);
    assert_eq!(b.next_wake().await, Ok(Some(row.wake_at)));
    let taken = b.claim(now, LEASE_MS, 5).await.expect("claimed");
    assert_eq!(
        (taken[0].lease.run, taken[0].lease.epoch),
        (row.run, held.lease.epoch + 1)
    );
    let late = a.append(world.append(held.lease, &row, 1, 1)).await;
    assert_eq!(late, Err(StoreError::LeaseLost));
    assert_eq!(
        a.renew(vec![held.lease], now + LEASE_MS).await,
        Ok(vec![held.lease])
    );
    assert_eq!(b.append(world.append(taken[0].lease, &row, 1, 1)).await, Ok(()));
}

#[tokio::test]
async fn a_restarted_node_voids_its_own_leases_only() {
    let bench = PostgresBench::new();
    let (a, b) = (bench.node("a").await, bench.node("b").await);
    let world = bench.world();
    let (of_a, _) = world.held_run(&a).await;
    let (of_b, held_by_b) = world.held_run(&b).await;
    a.close().await;
    let a = bench.node("a").await;
    let claims = a.claim(world.now(), LEASE_MS, 5).await.expect("claimed");
    let claimed: Vec<RunId> = claims.iter().map(|claim| claim.lease.run).collect();
    assert_eq!(claimed, vec![of_a.run]);
    assert_eq!(b.append(world.append(held_by_b.lease, &of_b, 1, 1)).await, Ok(()));
}

#[tokio::test]
async fn the_key_of_another_node_is_free_once_that_node_is_gone() {
    let bench = PostgresBench::new();
    let (a, b) = (bench.node("a").await, bench.node("b").await);
    let now = bench.world().now();
    let begin = async |store: &store::postgres::PostgresStore, key: &str, at: Timestamp| {
        let key = RequestKey {
            principal: "ann".to_owned(),
            key: key.to_owned(),
        };
        let (stale, forget) = (at - 900_000, at - 86_400_000);
        store.begin_request(TENANT, &key, "d1", at, stale, forget).await
    };
    let alive = Ok(Begun::UnderWay { free_at: None });
    for key in ["k1", "k2"] {
        assert_eq!(begin(&a, key, now).await, Ok(Begun::New));
        assert_eq!(begin(&b, key, now + 20_000).await, alive, "another node is at it");
    }
    a.close().await;
    // It may only have lost its connection, so whoever asks at once is told how long that may last.
    let silent = Ok(Begun::UnderWay {
        free_at: Some(now + 10_000),
    });
    assert_eq!(begin(&b, "k1", now + 10_000).await, silent);
    assert_eq!(begin(&b, "k1", now + 10_001).await, Ok(Begun::New));
    let again = bench.node("a").await;
    assert_eq!(begin(&b, "k2", now).await, Ok(Begun::New), "its node begins anew");
    assert_eq!(begin(&again, "k1", now + 10_002).await, alive);
}

/// Claims at the same time share nothing and leave nothing out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_claim_at_the_same_time_share_nothing() {
    let bench = PostgresBench::new();
    let mut nodes = Vec::new();
    for name in ["a", "b", "c"] {
        nodes.push(bench.node(name).await);
    }
    let world = bench.world();
    for _ in 0..60 {
        nodes[0].create_run(world.new_run()).await.expect("created");
    }
    let now = world.now();
    let mut tasks = Vec::new();
    for store in nodes.iter().cycle().take(12) {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            store.claim(now, LEASE_MS, 7).await.expect("claimed")
        }));
    }
    let mut claimed = BTreeSet::new();
    for task in tasks {
        for claim in task.await.expect("the task ends") {
            assert!(
                claimed.insert(claim.lease.run),
                "claimed twice: {}",
                claim.lease.run
            );
        }
    }
    while let Some(rest) = nodes[1]
        .claim(now, LEASE_MS, 50)
        .await
        .ok()
        .filter(|rest| !rest.is_empty())
    {
        assert!(
            rest.iter().all(|claim| claimed.insert(claim.lease.run)),
            "claimed twice"
        );
    }
    assert_eq!(claimed.len(), 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_key_creates_once_whichever_node_is_asked() {
    let bench = PostgresBench::new();
    let (a, b) = (bench.node("a").await, bench.node("b").await);
    let mut tasks = Vec::new();
    for number in 0..40 {
        let store = if number % 2 == 0 { a.clone() } else { b.clone() };
        let mut new = bench.world().new_run();
        new.start_key = Some(format!("hook-{}", number / 8));
        tasks.push(tokio::spawn(async move {
            store.create_run(new).await.expect("answered")
        }));
    }
    let (mut runs, mut new) = (BTreeSet::new(), 0);
    for task in tasks {
        let created = task.await.expect("the task ends");
        runs.insert(created.run);
        new += usize::from(created.new);
    }
    assert_eq!((runs.len(), new), (5, 5));
}

/// Positions count without gaps, and what was read never gets a predecessor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaves_and_changes_of_all_nodes_are_in_one_order() {
    let bench = PostgresBench::new();
    let (a, b) = (bench.node("a").await, bench.node("b").await);
    let world = bench.world();
    let mut tasks = Vec::new();
    for number in 0..40 {
        let store = if number % 2 == 0 { a.clone() } else { b.clone() };
        let (row, claim) = world.held_run(&store).await;
        let mut append = world.append(claim.lease, &row, 1, 1);
        append.rows.leaves = vec![world.leaf("one"), world.leaf("two")];
        tasks.push(tokio::spawn(async move { store.append(append).await }));
    }
    let mut seen = Vec::new();
    loop {
        let done = tasks.iter().all(tokio::task::JoinHandle::is_finished);
        let reader = if seen.len() % 2 == 0 { &a } else { &b };
        let read = reader.leaves(TENANT, 0, 1_000).await.expect("read");
        let ids: Vec<_> = read.iter().map(|record| record.leaf.id).collect();
        assert_eq!(ids[..seen.len()], seen, "what was read stays where it was");
        seen = ids;
        if done && seen.len() == 80 {
            break;
        }
    }
    let changes = b.feed(TENANT, 0, 1_000).await.expect("read");
    let positions: Vec<u64> = changes.iter().map(|change| change.position).collect();
    assert_eq!(
        positions,
        (1..=80).collect::<Vec<_>>(),
        "a run begins, and goes on"
    );
    for task in tasks {
        assert_eq!(task.await.expect("the task ends"), Ok(()));
    }
}

#[tokio::test]
async fn what_one_node_writes_is_hinted_to_the_others_and_not_to_itself() {
    let bench = PostgresBench::new();
    let (a, b) = (bench.node("a").await, bench.node("b").await);
    let hinted = |store: &store::postgres::PostgresStore| {
        let store = store.clone();
        async move { tokio::time::timeout(Duration::from_secs(20), store.hinted()).await }
    };
    let waits = tokio::spawn(hinted(&b));
    a.create_run(bench.world().new_run()).await.expect("created");
    assert_eq!(waits.await.expect("the task ends"), Ok(()));
    // Had the first been heard by its sender, this would be there at once.
    let own = tokio::time::timeout(Duration::from_millis(300), a.hinted()).await;
    assert!(own.is_err(), "no node is told what it knows");
}

/// Two nodes post to each other's runs while both append to their own: nobody waits for the other for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_write_to_each_others_runs_get_on() {
    let bench = PostgresBench::new();
    let (a, b) = (bench.node("a").await, bench.node("b").await);
    let world = bench.world();
    let mut tasks = Vec::new();
    let mut runs = Vec::new();
    for number in 0..20 {
        let store = if number % 2 == 0 { a.clone() } else { b.clone() };
        let (row, claim) = world.held_run(&store).await;
        runs.push((row, claim, store));
    }
    let all: Vec<RunId> = runs.iter().map(|(row, ..)| row.run).collect();
    for (row, claim, store) in runs {
        let appends: Vec<_> = (1..=8)
            .map(|head| {
                let mut append = asleep(world.append(claim.lease, &row, head, 1));
                append.posts = all.iter().rev().map(|run| world.post(*run)).collect();
                append
            })
            .collect();
        tasks.push(tokio::spawn(async move {
            for append in appends {
                store.append(append).await?;
            }
            Ok::<_, StoreError>(())
        }));
    }
    for task in tasks {
        assert_eq!(task.await.expect("the task ends"), Ok(()));
    }
    for run in all {
        let loaded = a.load(TENANT, run).await.expect("loaded");
        assert_eq!((loaded.events.len(), loaded.inbox.len()), (9, 160));
    }
}

#[tokio::test]
async fn a_node_with_another_key_is_refused() {
    let bench = PostgresBench::new();
    let first = bench.boot().await;
    first
        .put_setting(TENANT, "k", json!(1), None, bench.world().leaf("set"))
        .await
        .expect("put");
    let elsewhere = |name: &str| {
        let mut options = bench.options(&bench.url, "b", false);
        options.folder = bench.scratch(name);
        options
    };
    let missing = open(elsewhere("empty")).await.map(|_| ()).expect_err("no key");
    assert_eq!(missing.code(), "secret_key_wrong");
    assert!(missing.to_string().contains("copy secret.key"), "{missing}");
    std::fs::create_dir_all(bench.scratch("other")).expect("made");
    std::fs::write(bench.scratch("other").join("secret.key"), "ab".repeat(32)).expect("written");
    let other = open(elsewhere("other"))
        .await
        .map(|_| ())
        .expect_err("another key");
    assert_eq!(other.code(), "secret_key_wrong");
    std::fs::create_dir_all(bench.scratch("copied")).expect("made");
    std::fs::copy(
        bench.scratch("data").join("secret.key"),
        bench.scratch("copied").join("secret.key"),
    )
    .expect("copied");
    let store: Arc<dyn Store> = Arc::new(open(elsewhere("copied")).await.expect("the same key"));
    assert_eq!(store.setting(TENANT, "k").await, Ok(Some(json!(1))));
}
