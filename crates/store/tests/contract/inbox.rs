//! Messages to runs: each is delivered once and none is overlooked.

use ports::{After, StoreError};
use types::{RunStatus, Timestamp};

use super::fixtures::{Bench, TENANT, asleep};

const LEASE_MS: u64 = 30_000;

pub async fn a_message_is_there_once(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, claim) = world.held_run(store.as_ref()).await;
    let post = world.post(row.run);
    world.clock.advance(1);
    let later = world.post(row.run);
    for post in [&later, &post, &post] {
        store.post(post.clone()).await.expect("posted");
    }
    let items = store.inbox(TENANT, row.run).await.expect("read");
    assert_eq!(
        items.iter().map(|item| item.id).collect::<Vec<_>>(),
        vec![post.id, later.id]
    );
    assert_eq!(store.load(TENANT, row.run).await.expect("loaded").inbox, items);
    let mut append = world.append(claim.lease, &row, 1, 1);
    append.consumed = vec![post.id, later.id];
    store.append(append).await.expect("appended");
    store.post(post).await.expect("posting again is no error");
    assert_eq!(
        store.inbox(TENANT, row.run).await,
        Ok(vec![]),
        "a consumed message doesn't come back"
    );
}

pub async fn a_message_wakes_a_sleeping_run(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let mut new = world.new_run();
    new.rows.run.wake_at = Timestamp::MAX;
    let run = store.create_run(new).await.expect("created").run;
    assert_eq!(store.claim(world.now(), LEASE_MS, 5).await, Ok(vec![]));
    store.post(world.post(run)).await.expect("posted");
    assert_eq!(store.next_wake().await, Ok(Some(world.now())));
    let claims = store.claim(world.now(), LEASE_MS, 5).await.expect("claimed");
    assert_eq!(claims[0].lease.run, run);
}

pub async fn a_message_wakes_a_finished_run(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, claim) = world.held_run(store.as_ref()).await;
    let mut last = asleep(world.append(claim.lease, &row, 1, 1));
    last.rows.run.status = RunStatus::Succeeded;
    last.rows.run.finished_at = Some(world.now());
    last.after = After::Release;
    store.append(last).await.expect("appended");
    assert_eq!(store.claim(world.now(), LEASE_MS, 5).await, Ok(vec![]));
    store.post(world.post(row.run)).await.expect("posted");
    let claims = store.claim(world.now(), LEASE_MS, 5).await.expect("claimed");
    assert_eq!((claims[0].lease.run, claims[0].lease.epoch), (row.run, 2));
}

pub async fn a_message_for_nobody_is_refused(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let lost = world.post(world.run_id());
    let refused = store.post(lost.clone()).await;
    assert!(
        matches!(refused, Err(StoreError::NotFound { what: "run", .. })),
        "{refused:?}"
    );
    let unread = store.inbox(TENANT, lost.run).await;
    assert!(matches!(unread, Err(StoreError::NotFound { .. })), "{unread:?}");
}

pub async fn a_release_with_mail_is_claimable_at_once(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    for with_append in [true, false] {
        let (row, claim) = world.held_run(store.as_ref()).await;
        store
            .append(asleep(world.append(claim.lease, &row, 1, 1)))
            .await
            .expect("appended");
        store.post(world.post(row.run)).await.expect("posted");
        if with_append {
            let mut last = asleep(world.append(claim.lease, &row, 2, 1));
            last.after = After::Release;
            store.append(last).await.expect("appended");
        } else {
            store.release(claim.lease).await.expect("released");
        }
        let claims = store.claim(world.now(), LEASE_MS, 5).await.expect("claimed");
        assert_eq!(claims.len(), 1);
        assert_eq!(claims[0].lease.run, row.run);
    }
}

/// The holder falls silent after an append that set a late wake-up and didn't see the message.
pub async fn mail_survives_a_lapsed_lease(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, claim) = world.held_run(store.as_ref()).await;
    store.post(world.post(row.run)).await.expect("posted");
    store
        .append(asleep(world.append(claim.lease, &row, 1, 1)))
        .await
        .expect("appended");
    let now = world.clock.advance(30_001);
    let claims = store.claim(now, LEASE_MS, 5).await.expect("claimed");
    assert_eq!(claims.len(), 1, "the run is taken up for its mail");
}

pub async fn mail_from_others_is_pending(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, claim) = world.held_run(store.as_ref()).await;
    let free = store.create_run(world.new_run()).await.expect("created").run;
    assert_eq!(store.pending_inbox().await, Ok(vec![]));
    let post = world.post(row.run);
    store.post(post.clone()).await.expect("posted");
    store.post(world.post(free)).await.expect("posted");
    assert_eq!(
        store.pending_inbox().await,
        Ok(vec![row.run]),
        "only the held one"
    );
    let mut append = world.append(claim.lease, &row, 1, 0);
    append.consumed = vec![post.id];
    store.append(append).await.expect("appended");
    assert_eq!(store.pending_inbox().await, Ok(vec![]));
}
