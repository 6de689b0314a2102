//! A full disk: nothing of a refused write is kept, nothing acknowledged is lost, and the store works
//! again when there is room.

use std::sync::Arc;

use ports::{JournalStore as _, StoreError};
use serde_json::json;
use store::sqlite::open;

use crate::SqliteBench;
use crate::contract::fixtures::{Bench, TENANT};

#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    let bench = SqliteBench::new();
    let store = Arc::new(open(bench.options(bench.data(), false)).expect("it opens"));
    let world = bench.world();
    let (row, claim) = world.held_run(store.as_ref()).await;
    store.limit_size(Some(600_000)).await.expect("limited");
    let mut head = 1;
    let refused = loop {
        assert!(head < 1_000, "the limit must be met");
        let mut append = world.append(claim.lease, &row, head, 1);
        append.rows.run.outputs = json!({"head": head});
        append.snapshot = Some(ports::Snapshot {
            seq: head + 1,
            state: "x".repeat(20_000 * head as usize),
        });
        match store.append(append).await {
            Ok(()) => head += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, StoreError::Full);
    assert!(head > 3, "some room was there");
    let kept = store.load(TENANT, row.run).await.expect("loaded");
    assert_eq!(kept.snapshot.map(|snapshot| snapshot.seq), Some(head));
    let shown = store.run(TENANT, row.run).await.expect("read");
    assert_eq!((shown.head, shown.outputs), (head, json!({"head": head - 1})));
    assert_eq!(
        store
            .journal(TENANT, row.run, 0, 1_000)
            .await
            .expect("read")
            .len() as u64,
        head
    );
    store.limit_size(None).await.expect("room again");
    let mut append = world.append(claim.lease, &row, head, 1);
    append.snapshot = Some(ports::Snapshot {
        seq: head + 1,
        state: "x".repeat(900_000),
    });
    assert_eq!(
        store.append(append).await,
        Ok(()),
        "the same lease and head go on"
    );
}

#[tokio::test]
async fn a_large_append_that_does_not_fit_leaves_the_small_ones() {
    let bench = SqliteBench::new();
    let store = Arc::new(open(bench.options(bench.data(), false)).expect("it opens"));
    let world = bench.world();
    store.limit_size(Some(800_000)).await.expect("limited");
    let mut tasks = Vec::new();
    for index in 0..20 {
        let (row, claim) = world.held_run(store.as_ref()).await;
        let mut append = world.append(claim.lease, &row, 1, 1);
        if index % 5 == 0 {
            append.snapshot = Some(ports::Snapshot {
                seq: 2,
                state: "x".repeat(2_000_000),
            });
        }
        let store = Arc::clone(&store);
        tasks.push((
            index,
            row.run,
            tokio::spawn(async move { store.append(append).await }),
        ));
    }
    for (index, run, task) in tasks {
        let expected = if index % 5 == 0 {
            Err(StoreError::Full)
        } else {
            Ok(())
        };
        assert_eq!(task.await.expect("the task ends"), expected);
        let events = store.load(TENANT, run).await.expect("loaded").events.len();
        assert_eq!(events, if expected.is_ok() { 2 } else { 1 });
    }
}
