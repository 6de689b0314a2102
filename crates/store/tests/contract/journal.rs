//! Appending and loading: all of an append or nothing, each append of a group for itself.

use engine::event::Parent;
use engine::{Event, Recorded, StepKey};
use ports::{Append, DeadLetter, Lease, Snapshot, StoreError};
use serde_json::json;
use types::{Failure, Label, Labeled, RunStatus, StepStatus, Timestamp};

use super::fixtures::{Bench, TENANT, approvals, artifacts, letters};

pub async fn what_is_appended_is_loaded(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let new = world.new_run();
    let (row, claim) = world.held_run(store.as_ref()).await;
    store.create_run(new.clone()).await.expect("created");
    let mut append = world.append(claim.lease, &row, 1, 3);
    append.rows.run.status = RunStatus::Running;
    append.rows.run.failure = Some(Failure::new("x", "y").hint("z"));
    append.rows.run.outputs = json!({"article": "KB1"});
    append.rows.run.waiting_for = "a person".to_owned();
    let (events, run) = (append.events.clone(), append.rows.run.clone());
    store.append(append).await.expect("appended");
    let loaded = store.load(TENANT, row.run).await.expect("loaded");
    assert_eq!(loaded.events.len(), 4);
    assert_eq!(loaded.events[1..], events);
    assert_eq!((loaded.snapshot, loaded.inbox), (None, vec![]));
    assert_eq!(store.run(TENANT, row.run).await, Ok(run));
    let first = store.load(TENANT, new.created.run).await.expect("loaded").events;
    assert_eq!(first[0].event, Event::RunCreated(Box::new(new.created)));
    assert_eq!(
        store.journal(TENANT, row.run, 1, 2).await,
        Ok(events[..2].to_vec())
    );
    let missing = store.load(TENANT, world.run_id()).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
}

pub async fn a_wrong_head_is_refused_with_the_right_one(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, claim) = world.held_run(store.as_ref()).await;
    store
        .append(world.append(claim.lease, &row, 1, 2))
        .await
        .expect("appended");
    let behind = store.append(world.append(claim.lease, &row, 1, 1)).await;
    assert_eq!(
        behind,
        Err(StoreError::HeadMoved {
            expected: 1,
            actual: 3
        })
    );
    let ahead = store.append(world.append(claim.lease, &row, 7, 1)).await;
    assert_eq!(
        ahead,
        Err(StoreError::HeadMoved {
            expected: 7,
            actual: 3
        })
    );
    let other_epoch = Lease {
        epoch: claim.lease.epoch + 1,
        ..claim.lease
    };
    let stale = store.append(world.append(other_epoch, &row, 1, 1)).await;
    assert_eq!(
        stale,
        Err(StoreError::LeaseLost),
        "the lease is looked at before the head"
    );
    assert_eq!(store.load(TENANT, row.run).await.expect("loaded").events.len(), 3);
}

pub async fn a_gap_in_the_events_is_refused(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, claim) = world.held_run(store.as_ref()).await;
    let mut append = world.append(claim.lease, &row, 1, 2);
    append.events[1].seq = 4;
    assert!(matches!(
        store.append(append).await,
        Err(StoreError::Other { .. })
    ));
    let mut append = world.append(claim.lease, &row, 1, 1);
    append.rows.run.run = world.run_id();
    assert!(
        matches!(store.append(append).await, Err(StoreError::Other { .. })),
        "rows of another run"
    );
    assert_eq!(store.load(TENANT, row.run).await.expect("loaded").events.len(), 1);
}

pub async fn a_group_of_appends_fails_one_by_one(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let mut tasks = Vec::new();
    for index in 0..60u64 {
        let (row, claim) = world.held_run(store.as_ref()).await;
        let mut append = world.append(claim.lease, &row, 1, 1);
        let expected = match index % 3 {
            0 => Ok(()),
            1 => {
                append.lease.epoch += 1;
                Err(StoreError::LeaseLost)
            }
            _ => {
                append = world.append(claim.lease, &row, 9, 1);
                Err(StoreError::HeadMoved {
                    expected: 9,
                    actual: 1,
                })
            }
        };
        let store = store.clone();
        tasks.push((
            row.run,
            expected,
            tokio::spawn(async move { store.append(append).await }),
        ));
    }
    for (run, expected, task) in tasks {
        let result = task.await.expect("the task ends");
        assert_eq!(result, expected);
        let events = store.load(TENANT, run).await.expect("loaded").events.len();
        assert_eq!(events, if expected.is_ok() { 2 } else { 1 });
    }
}

pub async fn only_the_newest_snapshot_is_kept(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, claim) = world.held_run(store.as_ref()).await;
    for (head, seq) in [(1, 3), (3, 5)] {
        let mut append = world.append(claim.lease, &row, head, 2);
        append.snapshot = Some(Snapshot {
            seq,
            state: format!("{{\"at\":{seq}}}"),
        });
        store.append(append).await.expect("appended");
    }
    store
        .append(world.append(claim.lease, &row, 5, 1))
        .await
        .expect("appended");
    let loaded = store.load(TENANT, row.run).await.expect("loaded");
    assert_eq!(
        loaded.snapshot,
        Some(Snapshot {
            seq: 5,
            state: "{\"at\":5}".to_owned()
        })
    );
    assert_eq!(
        loaded.events.iter().map(|event| event.seq).collect::<Vec<_>>(),
        vec![6]
    );
    assert_eq!(
        store.journal(TENANT, row.run, 0, 100).await.expect("read").len(),
        6,
        "the journal stays whole"
    );
}

/// An append that does everything at once.
async fn rich(bench: &dyn Bench, store: &dyn ports::Store) -> (Append, ports::RunFilter) {
    let world = bench.world();
    let (row, claim) = world.held_run(store).await;
    let mail = world.post(row.run);
    store.post(mail.clone()).await.expect("posted");
    let mut append = world.append(claim.lease, &row, 1, 1);
    let mut child = world.new_run();
    let parent = Parent {
        run: row.run,
        step: StepKey::new("act", "child"),
    };
    child.created.parent = Some(parent.clone());
    child.rows.run.parent = Some(parent);
    append.posts = vec![world.post(child.created.run), world.post(row.run)];
    append.runs = vec![child];
    append.consumed = vec![mail.id];
    append.rows.steps = vec![world.step("child", 0, StepStatus::Waiting)];
    append.rows.artifacts = vec![world.artifact(row.run)];
    append.rows.approvals = vec![world.approval(row.run)];
    append.rows.leaves = vec![world.leaf("one"), world.leaf("two")];
    append.snapshot = Some(Snapshot {
        seq: 2,
        state: "{}".to_owned(),
    });
    append.dead_letter = Some(DeadLetter {
        tenant: TENANT,
        run: row.run,
        failure: Failure::new("poison", "again and again"),
        at: world.now(),
    });
    let children = ports::RunFilter {
        parent: Some(row.run),
        limit: 10,
        ..Default::default()
    };
    (append, children)
}

pub async fn children_and_posts_come_with_the_append(bench: &dyn Bench) {
    let store = bench.boot().await;
    let (append, children) = rich(bench, store.as_ref()).await;
    let (run, child) = (append.lease.run, append.runs[0].clone());
    store.append(append.clone()).await.expect("appended");
    assert_eq!(store.runs(TENANT, children).await, Ok(vec![child.rows.run]));
    let in_child = store.load(TENANT, child.created.run).await.expect("loaded");
    assert_eq!(
        (in_child.events.len(), in_child.inbox[0].id),
        (1, append.posts[0].id)
    );
    let own = store.inbox(TENANT, run).await.expect("read");
    assert_eq!(
        own.iter().map(|item| item.id).collect::<Vec<_>>(),
        vec![append.posts[1].id]
    );
    assert_eq!(store.steps(TENANT, run).await, Ok(append.rows.steps));
    assert_eq!(
        store.artifacts(TENANT, artifacts(Some(run), 10)).await,
        Ok(append.rows.artifacts)
    );
    assert_eq!(
        store.approvals(TENANT, approvals(None, 10)).await,
        Ok(append.rows.approvals)
    );
    assert_eq!(store.leaves(TENANT, 0, 10).await.expect("read").len(), 2);
    assert_eq!(
        store.dead_letters(TENANT, letters(10)).await.expect("read").len(),
        1
    );
}

pub async fn nothing_of_a_failed_append_is_kept(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (mut append, children) = rich(bench, store.as_ref()).await;
    let run = append.lease.run;
    // The last thing to be written is what fails.
    append.posts.push(world.post(world.run_id()));
    let failed = store.append(append.clone()).await;
    assert!(
        matches!(failed, Err(StoreError::NotFound { what: "run", .. })),
        "{failed:?}"
    );
    assert_eq!(store.runs(TENANT, children).await, Ok(vec![]));
    let loaded = store.load(TENANT, run).await.expect("loaded");
    assert_eq!((loaded.events.len(), loaded.snapshot), (1, None));
    assert_eq!(
        loaded.inbox[0].id, append.consumed[0],
        "the message is still there"
    );
    assert_eq!(store.steps(TENANT, run).await, Ok(vec![]));
    assert_eq!(store.artifacts(TENANT, artifacts(None, 10)).await, Ok(vec![]));
    assert_eq!(store.approvals(TENANT, approvals(None, 10)).await, Ok(vec![]));
    assert_eq!(store.leaves(TENANT, 0, 10).await, Ok(vec![]));
    assert_eq!(store.dead_letters(TENANT, letters(10)).await, Ok(vec![]));
    append.posts.pop();
    assert_eq!(
        store.append(append).await,
        Ok(()),
        "the lease and the head are as before"
    );
}

pub async fn a_forked_prefix_comes_with_the_run(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let mut new = world.new_run();
    new.more = vec![world.event(2), world.event(3)];
    new.rows.steps = vec![world.step("a", 0, StepStatus::Succeeded)];
    new.rows.leaves = vec![world.leaf("forked")];
    let run = new.created.run;
    store.create_run(new.clone()).await.expect("created");
    assert_eq!(
        store.load(TENANT, run).await.expect("loaded").events[1..],
        new.more
    );
    assert_eq!(store.run(TENANT, run).await.expect("read").head, 3);
    assert_eq!(store.steps(TENANT, run).await, Ok(new.rows.steps));
    let mut gap = world.new_run();
    gap.more = vec![world.event(3)];
    assert!(store.create_run(gap).await.is_err());
}

pub async fn everything_is_there_after_a_new_boot(bench: &dyn Bench) {
    let store = bench.boot().await;
    let (append, _) = rich(bench, store.as_ref()).await;
    let run = append.lease.run;
    store.append(append).await.expect("appended");
    let before = (
        store.run(TENANT, run).await,
        store.load(TENANT, run).await,
        store.leaves(TENANT, 0, 10).await,
        store.approvals(TENANT, approvals(None, 10)).await,
    );
    drop(store);
    let store = bench.boot().await;
    let after = (
        store.run(TENANT, run).await,
        store.load(TENANT, run).await,
        store.leaves(TENANT, 0, 10).await,
        store.approvals(TENANT, approvals(None, 10)).await,
    );
    assert!(before.0.is_ok());
    assert_eq!(after, before);
}

/// A number that changed in its last digit would change the digest that an approval is bound to.
pub async fn numbers_come_back_exactly(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, claim) = world.held_run(store.as_ref()).await;
    let hard = json!([
        122.416_294_033_786_58,
        1.701_411_834_604_692_3e38,
        5e-324,
        0.1,
        u64::MAX,
        i64::MIN
    ]);
    let mut append = world.append(claim.lease, &row, 1, 1);
    append.events[0] = Recorded {
        seq: 2,
        at: Timestamp::from_millis(-5),
        v: 1,
        event: Event::SignalReceived {
            name: "n".to_owned(),
            payload: Labeled::new(hard, Label::Untrusted),
            by: types::Actor::system("test"),
        },
    };
    let events = append.events.clone();
    store.append(append).await.expect("appended");
    assert_eq!(store.journal(TENANT, row.run, 1, 5).await, Ok(events));
}
