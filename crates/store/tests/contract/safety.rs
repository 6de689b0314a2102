//! Guests, backups, closing.

use ports::{LeaseRequest, RunFilter, StoreError};
use serde_json::json;

use super::fixtures::{Bench, TENANT};

pub async fn a_guest_may_do_all_but_claim(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let guest = bench.guest().await.expect("there is a database");
    assert!(!guest.boot().holder);
    assert_ne!(guest.boot().node, store.boot().node);
    let (row, claim) = world.held_run(store.as_ref()).await;
    let new = guest
        .create_run(world.new_run())
        .await
        .expect("a guest may create runs");
    guest.post(world.post(row.run)).await.expect("a guest may post");
    guest
        .put_setting(TENANT, "from", json!("guest"), None, world.leaf("set"))
        .await
        .expect("and set things up");
    assert_eq!(
        store.pending_inbox().await,
        Ok(vec![row.run]),
        "the holder sees the message"
    );
    assert_eq!(guest.pending_inbox().await, Ok(vec![]), "the guest holds nothing");
    assert_eq!(store.setting(TENANT, "from").await, Ok(Some(json!("guest"))));
    assert_eq!(guest.run(TENANT, row.run).await.map(|row| row.run), Ok(row.run));
    let now = world.now();
    assert_eq!(guest.claim(now, 1_000, 5).await, Err(StoreError::NotHolder));
    assert_eq!(
        guest.renew(vec![claim.lease], now).await,
        Err(StoreError::NotHolder)
    );
    assert_eq!(
        guest.append(world.append(claim.lease, &row, 1, 1)).await,
        Err(StoreError::NotHolder)
    );
    assert_eq!(guest.release(claim.lease).await, Err(StoreError::NotHolder));
    let mut greedy = world.new_run();
    greedy.lease = Some(LeaseRequest {
        node: guest.boot().node,
        until: now + 1_000,
    });
    assert_eq!(guest.create_run(greedy).await, Err(StoreError::NotHolder));
    let claims = store.claim(now, 1_000, 5).await.expect("claimed");
    assert_eq!(
        claims.iter().map(|claim| claim.lease.run).collect::<Vec<_>>(),
        vec![new.run]
    );
    assert_eq!(
        store.append(world.append(claim.lease, &row, 1, 1)).await,
        Ok(()),
        "the lease is untouched"
    );
}

pub async fn a_guest_needs_a_database(bench: &dyn Bench) {
    let refused = bench.guest().await.map(|_| ());
    assert!(
        matches!(refused, Err(StoreError::NotFound { what: "database", .. })),
        "{refused:?}"
    );
}

pub async fn a_backup_opens(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, claim) = world.held_run(store.as_ref()).await;
    store
        .append(world.append(claim.lease, &row, 1, 2))
        .await
        .expect("appended");
    let to = bench.scratch("copy.db");
    bench.back_up(store.as_ref(), &to).await;
    store
        .append(world.append(claim.lease, &row, 3, 1))
        .await
        .expect("appended later");
    let copy = bench.restore(&to).await;
    assert_eq!(copy.load(TENANT, row.run).await.expect("loaded").events.len(), 3);
    assert!(
        copy.boot().epoch > store.boot().epoch,
        "a restored database is a new boot"
    );
    let lease = copy.claim(world.now(), 1_000, 5).await.expect("claimed")[0].lease;
    assert_eq!(
        copy.append(world.append(lease, &row, 3, 1)).await,
        Ok(()),
        "and it works"
    );
    let all = RunFilter {
        limit: 10,
        ..Default::default()
    };
    assert_eq!(copy.runs(TENANT, all).await.expect("listed").len(), 1);
}

pub async fn a_closed_store_says_so(bench: &dyn Bench) {
    let world = bench.world();
    let first = bench.boot().await;
    let (row, claim) = world.held_run(first.as_ref()).await;
    let _second = bench.boot().await;
    let late = first.append(world.append(claim.lease, &row, 1, 1)).await;
    assert!(matches!(late, Err(StoreError::Other { .. })), "{late:?}");
    let read = first.run(TENANT, row.run).await;
    assert!(matches!(read, Err(StoreError::Other { .. })), "{read:?}");
}
