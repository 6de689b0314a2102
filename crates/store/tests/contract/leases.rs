//! Creating, claiming, renewing and releasing runs.

use ports::{After, LeaseRequest, StoreError};
use types::Timestamp;

use super::fixtures::{Bench, TENANT, asleep};

const LEASE_MS: u64 = 30_000;

pub async fn a_start_key_creates_once(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (mut first, mut second) = (world.new_run(), world.new_run());
    first.start_key = Some("hook-17".to_owned());
    second.start_key = Some("hook-17".to_owned());
    second.lease = Some(LeaseRequest {
        node: store.boot().node,
        until: world.now() + LEASE_MS,
    });
    let made = store.create_run(first.clone()).await.expect("created");
    assert!(made.new && made.claim.is_none());
    let again = store.create_run(second.clone()).await.expect("answered");
    assert_eq!((again.run, again.new, again.claim), (made.run, false, None));
    let missing = store.run(TENANT, second.created.run).await;
    assert!(
        matches!(missing, Err(StoreError::NotFound { what: "run", .. })),
        "{missing:?}"
    );
}

pub async fn a_run_id_is_used_once(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let new = world.new_run();
    store.create_run(new.clone()).await.expect("created");
    let again = store.create_run(new).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
}

pub async fn a_held_run_is_not_claimed(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let run = store.create_run(world.new_run()).await.expect("created").run;
    let (held, taken) = world.held_run(store.as_ref()).await;
    assert_eq!((taken.lease.epoch, taken.claims), (1, 1));
    let claims = store.claim(world.now(), LEASE_MS, 10).await.expect("claimed");
    let claimed: Vec<_> = claims.iter().map(|claim| claim.lease.run).collect();
    assert_eq!(claimed, vec![run], "not {}", held.run);
    assert_eq!(claims[0].until, world.now() + LEASE_MS);
    assert_eq!(store.claim(world.now(), LEASE_MS, 10).await, Ok(vec![]));
}

pub async fn a_claim_is_earliest_first_and_bounded(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let mut runs = Vec::new();
    for wait in [300, 100, 200, 5_000] {
        let mut new = world.new_run();
        new.rows.run.wake_at = world.now() + wait;
        runs.push(store.create_run(new).await.expect("created").run);
    }
    assert_eq!(
        store.claim(world.now(), LEASE_MS, 10).await,
        Ok(vec![]),
        "nothing is due"
    );
    let now = world.clock.advance(1_000);
    let order = |claims: Vec<ports::Claim>| {
        claims
            .into_iter()
            .map(|claim| claim.lease.run)
            .collect::<Vec<_>>()
    };
    let two = store.claim(now, LEASE_MS, 2).await.map(order);
    assert_eq!(two, Ok(vec![runs[1], runs[2]]));
    assert_eq!(store.claim(now, LEASE_MS, 2).await.map(order), Ok(vec![runs[0]]));
}

pub async fn a_lapsed_lease_can_be_claimed(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, first) = world.held_run(store.as_ref()).await;
    let now = world.clock.advance(30_001);
    let second = store.claim(now, LEASE_MS, 1).await.expect("claimed")[0];
    assert_eq!(
        (second.lease.run, second.lease.epoch),
        (row.run, first.lease.epoch + 1)
    );
    let stale = store.append(world.append(first.lease, &row, 1, 1)).await;
    assert_eq!(stale, Err(StoreError::LeaseLost));
    assert_eq!(store.append(world.append(second.lease, &row, 1, 1)).await, Ok(()));
}

pub async fn a_new_boot_voids_all_leases(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, claim) = world.held_run(store.as_ref()).await;
    let before = store.boot();
    drop(store);
    let store = bench.boot().await;
    let after = store.boot();
    assert_eq!(after.epoch, before.epoch + 1);
    assert_ne!(after.node, before.node);
    assert!(after.holder);
    let stale = store.append(world.append(claim.lease, &row, 1, 1)).await;
    assert_eq!(stale, Err(StoreError::LeaseLost));
    let renewed = store.renew(vec![claim.lease], world.now() + LEASE_MS).await;
    assert_eq!(renewed, Ok(vec![claim.lease]));
    let claims = store.claim(world.now(), LEASE_MS, 5).await.expect("claimed");
    assert_eq!(claims.len(), 1, "claimable at once, before the old lease's end");
    assert_eq!(claims[0].lease.epoch, claim.lease.epoch + 1);
}

pub async fn renewing_tells_which_leases_are_gone(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (_, keep) = world.held_run(store.as_ref()).await;
    let (_, lose) = world.held_run(store.as_ref()).await;
    store.release(lose.lease).await.expect("released");
    let until = world.now() + 90_000;
    let gone = store.renew(vec![keep.lease, lose.lease], until).await;
    assert_eq!(gone, Ok(vec![lose.lease]));
    let now = world.clock.advance(60_000);
    let claims = store.claim(now, LEASE_MS, 5).await.expect("claimed");
    let claimed: Vec<_> = claims.iter().map(|claim| claim.lease.run).collect();
    assert_eq!(claimed, vec![lose.lease.run], "the renewed one is still held");
}

pub async fn a_released_lease_is_gone(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, claim) = world.held_run(store.as_ref()).await;
    let mut last = asleep(world.append(claim.lease, &row, 1, 1));
    last.after = After::Release;
    store.append(last).await.expect("appended");
    let late = store.append(world.append(claim.lease, &row, 2, 1)).await;
    assert_eq!(late, Err(StoreError::LeaseLost));
    assert_eq!(
        store.release(claim.lease).await,
        Ok(()),
        "releasing what is gone is no error"
    );
    assert_eq!(
        store.claim(world.clock.advance(99_999), LEASE_MS, 5).await,
        Ok(vec![]),
        "it sleeps"
    );
    assert_eq!(
        store.run(TENANT, row.run).await.expect("read").wake_at,
        Timestamp::MAX
    );
}

pub async fn claims_count_until_an_append(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let row = world.new_run();
    let row = {
        store.create_run(row.clone()).await.expect("created");
        row.rows.run
    };
    let mut claim = None;
    for count in 1..=3 {
        let now = world.clock.advance(40_000);
        let claims = store.claim(now, LEASE_MS, 1).await.expect("claimed");
        assert_eq!(claims[0].claims, count);
        claim = claims.first().copied();
    }
    let lease = claim.expect("claimed three times").lease;
    let mut nothing = world.append(lease, &row, 1, 0);
    nothing.after = After::Keep;
    store.append(nothing).await.expect("appended nothing");
    assert_eq!(
        reclaim(bench, &*store).await,
        4,
        "an append without events is no progress"
    );
    let lease = ports::Lease {
        epoch: lease.epoch + 1,
        ..lease
    };
    store
        .append(world.append(lease, &row, 1, 1))
        .await
        .expect("appended");
    assert_eq!(reclaim(bench, &*store).await, 1);
}

pub async fn claims_count_anew_when_a_run_is_given_back(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, _) = world.held_run(store.as_ref()).await;
    for given_back_by_append in [false, true] {
        let now = world.clock.advance(40_000);
        let claim = store.claim(now, LEASE_MS, 1).await.expect("claimed")[0];
        assert_eq!(claim.claims, 2, "the lease before it lapsed");
        if given_back_by_append {
            let mut nothing = world.append(claim.lease, &row, 1, 0);
            nothing.after = After::Release;
            store.append(nothing).await.expect("given back");
        } else {
            store.release(claim.lease).await.expect("given back");
        }
        assert_eq!(reclaim(bench, &*store).await, 1);
    }
}

pub async fn a_run_set_aside_is_let_alone_and_says_why(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (before, first) = world.held_run(store.as_ref()).await;
    let until = world.now() + 60_000;
    store
        .set_aside(first.lease, until, None)
        .await
        .expect("set aside");
    let row = store.run(TENANT, before.run).await.expect("read");
    assert_eq!(
        (row.needs_attention, row.failure, row.wake_at),
        (false, None, until)
    );
    assert_eq!(store.claim(world.now(), LEASE_MS, 5).await, Ok(vec![]));
    let now = world.clock.advance(60_000);
    let second = store.claim(now, LEASE_MS, 5).await.expect("claimed")[0];
    assert_eq!(second.claims, 1, "its worker was not lost");
    store.post(world.post(before.run)).await.expect("posted");
    let why = types::Failure::new("journal_unreadable", "event 3 can't be read");
    let aside = store.set_aside(second.lease, now + 60_000, Some(why.clone()));
    aside.await.expect("set aside");
    let row = store.run(TENANT, before.run).await.expect("read");
    assert!(row.needs_attention);
    assert_eq!(
        (row.failure, row.waiting_for),
        (Some(why), "event 3 can't be read".to_owned())
    );
    assert_eq!(
        store.claim(now, LEASE_MS, 5).await,
        Ok(vec![]),
        "whatever its inbox holds"
    );
    let third = store.claim(world.clock.advance(60_000), LEASE_MS, 5).await;
    let third = third.expect("claimed")[0];
    store
        .append(world.append(third.lease, &before, 1, 1))
        .await
        .expect("appended");
    let row = store.run(TENANT, before.run).await.expect("read");
    assert!(
        !row.needs_attention && row.failure.is_none(),
        "the row is written anew"
    );
    assert_eq!(
        store.set_aside(second.lease, now, None).await,
        Ok(()),
        "a lease that is gone is no error"
    );
    assert_eq!(
        store.append(world.append(third.lease, &row, 2, 1)).await,
        Ok(()),
        "and changes nothing"
    );
}

async fn reclaim(bench: &dyn Bench, store: &dyn ports::Store) -> u32 {
    let now = bench.world().clock.advance(40_000);
    store.claim(now, LEASE_MS, 1).await.expect("claimed")[0].claims
}

pub async fn next_wake_is_the_earliest_free_one(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    assert_eq!(store.next_wake().await, Ok(None));
    let _held = world.held_run(store.as_ref()).await;
    let mut never = world.new_run();
    never.rows.run.wake_at = Timestamp::MAX;
    store.create_run(never).await.expect("created");
    assert_eq!(
        store.next_wake().await,
        Ok(None),
        "held and sleeping runs don't count"
    );
    for wait in [700, 500] {
        let mut new = world.new_run();
        new.rows.run.wake_at = world.now() + wait;
        store.create_run(new).await.expect("created");
    }
    assert_eq!(store.next_wake().await, Ok(Some(world.now() + 500)));
}
