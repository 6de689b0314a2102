//! What lists show.

use engine::rows::{ApprovalStatus, RunRow, Vote};
use ports::{ApprovalFilter, ArtifactFilter, DeadLetter, RunFilter, StoreError};
use types::{Actor, Failure, Mode, RunStatus, StepStatus, TenantId, Timestamp};

use super::fixtures::{Bench, TENANT, approvals, artifacts, letters as letters_of};

pub async fn runs_are_filtered_and_paged(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let mut rows = Vec::new();
    for index in 0..6 {
        world.clock.advance(10);
        let mut new = world.new_run();
        new.rows.run.status = [RunStatus::Queued, RunStatus::Waiting, RunStatus::Failed][index % 3];
        new.rows.run.needs_attention = index % 3 == 2;
        store.create_run(new.clone()).await.expect("created");
        rows.insert(0, new.rows.run);
    }
    let list = |filter: RunFilter| {
        let store = store.clone();
        async move { store.runs(TENANT, filter).await.expect("listed") }
    };
    let all = RunFilter {
        limit: 100,
        ..Default::default()
    };
    assert_eq!(list(all.clone()).await, rows);
    let page = RunFilter {
        limit: 4,
        ..Default::default()
    };
    assert_eq!(list(page.clone()).await, rows[..4]);
    assert_eq!(
        list(RunFilter {
            before: Some(rows[3].run),
            ..page
        })
        .await,
        rows[4..]
    );
    let statuses = vec![RunStatus::Waiting, RunStatus::Failed];
    let found = list(RunFilter {
        statuses: statuses.clone(),
        ..all.clone()
    })
    .await;
    let expected: Vec<_> = rows
        .iter()
        .filter(|row| statuses.contains(&row.status))
        .cloned()
        .collect();
    assert_eq!(found, expected);
    assert_eq!(
        list(RunFilter {
            needs_attention: true,
            ..all.clone()
        })
        .await
        .len(),
        2
    );
    assert_eq!(
        list(RunFilter {
            recipe: Some(rows[2].recipe),
            ..all.clone()
        })
        .await,
        rows[2..3]
    );
    let none = RunFilter {
        statuses: vec![RunStatus::Queued],
        needs_attention: true,
        ..all
    };
    assert_eq!(list(none).await, vec![]);
}

/// Whatever index a filter is looked up by, and however filters come together.
pub async fn every_filter_of_runs_finds_what_fits(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let mut rows = Vec::new();
    for n in 0..48_usize {
        world.clock.advance(10);
        let mut new = world.new_run();
        let run = &mut new.rows.run;
        run.status = RunStatus::ALL[n % RunStatus::ALL.len()];
        run.agent = [None, Some("Ann".to_owned()), Some("Bob".to_owned())][n / 2 % 3].clone();
        run.requester = ["ann", "bob"][n / 3 % 2].to_owned();
        run.mode = [Mode::Mock, Mode::Real][n / 5 % 2];
        run.needs_attention = n % 7 == 0;
        store.create_run(new.clone()).await.expect("created");
        rows.insert(0, new.rows.run);
    }
    let open = RunStatus::ALL.iter().copied().filter(|status| !status.is_final());
    let statuses = [
        vec![],
        vec![RunStatus::Waiting],
        open.collect(),
        vec![RunStatus::Failed],
        vec![RunStatus::Cancelled, RunStatus::Failed],
        vec![RunStatus::Succeeded, RunStatus::Failed],
        vec![RunStatus::Waiting, RunStatus::Failed],
    ];
    for n in 0..7 * 32_usize {
        let filter = RunFilter {
            statuses: statuses[n % 7].clone(),
            agent: ((n / 7) & 1 > 0).then(|| "Ann".to_owned()),
            requester: ((n / 7) & 2 > 0).then(|| "bob".to_owned()),
            mode: ((n / 7) & 4 > 0).then_some(Mode::Real),
            needs_attention: (n / 7) & 8 > 0,
            before: ((n / 7) & 16 > 0).then_some(rows[20].run),
            limit: 5,
            ..RunFilter::default()
        };
        let fits = |row: &&RunRow| {
            (filter.statuses.is_empty() || filter.statuses.contains(&row.status))
                && (filter.agent.is_none() || filter.agent == row.agent)
                && filter.requester.as_ref().is_none_or(|by| *by == row.requester)
                && filter.mode.is_none_or(|mode| mode == row.mode)
                && (!filter.needs_attention || row.needs_attention)
                && filter.before.is_none_or(|before| row.run < before)
        };
        let expected: Vec<RunRow> = rows.iter().filter(fits).take(5).cloned().collect();
        let found = store.runs(TENANT, filter.clone()).await.expect("listed");
        assert_eq!(found, expected, "{filter:?}");
    }
}

pub async fn steps_are_brought_up_to_date(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, claim) = world.held_run(store.as_ref()).await;
    let mut first = world.append(claim.lease, &row, 1, 1);
    first.rows.steps = vec![
        world.step("b", 1, StepStatus::Pending),
        world.step("a", 0, StepStatus::Pending),
    ];
    store.append(first).await.expect("appended");
    let mut done = world.step("a", 0, StepStatus::Failed);
    done.finished_at = Some(world.now());
    done.failure = Some(Failure::new("refused", "no"));
    done.attempts = 3;
    let mut second = world.append(claim.lease, &row, 2, 1);
    second.rows.steps = vec![done.clone()];
    store.append(second).await.expect("appended");
    let steps = store.steps(TENANT, row.run).await;
    assert_eq!(steps, Ok(vec![done, world.step("b", 1, StepStatus::Pending)]));
}

pub async fn artifacts_are_newest_first(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let mut all = Vec::new();
    for _ in 0..2 {
        let (row, claim) = world.held_run(store.as_ref()).await;
        let mut append = world.append(claim.lease, &row, 1, 1);
        for _ in 0..2 {
            world.clock.advance(5);
            append.rows.artifacts.push(world.artifact(row.run));
        }
        all.extend(append.rows.artifacts.iter().cloned());
        store.append(append).await.expect("appended");
    }
    all.reverse();
    assert_eq!(
        store.artifacts(TENANT, artifacts(None, 10)).await,
        Ok(all.clone())
    );
    assert_eq!(
        store.artifacts(TENANT, artifacts(None, 3)).await,
        Ok(all[..3].to_vec())
    );
    assert_eq!(
        store.artifacts(TENANT, artifacts(Some(all[0].run), 10)).await,
        Ok(all[..2].to_vec())
    );
}

pub async fn approvals_change_state_but_not_words(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, claim) = world.held_run(store.as_ref()).await;
    let (older, mut newer) = (world.approval(row.run), {
        world.clock.advance(5);
        world.approval(row.run)
    });
    let mut append = world.append(claim.lease, &row, 1, 1);
    append.rows.approvals = vec![older.clone(), newer.clone()];
    store.append(append).await.expect("appended");
    let asked = newer.clone();
    newer.status = ApprovalStatus::Approved;
    newer.votes = vec![Vote {
        by: Actor::user("kim"),
        approve: true,
        note: "ok".into(),
        at: world.now(),
    }];
    let mut forged = newer.clone();
    forged.action = "zoom.delete".to_owned();
    let mut append = world.append(claim.lease, &row, 2, 1);
    append.rows.approvals = vec![forged];
    store.append(append).await.expect("appended");
    assert_eq!(
        store.approval(TENANT, newer.id).await,
        Ok(newer.clone()),
        "asked: {asked:?}"
    );
    assert_eq!(
        store.approvals(TENANT, approvals(None, 10)).await,
        Ok(vec![newer, older.clone()])
    );
    assert_eq!(
        store
            .approvals(TENANT, approvals(Some(ApprovalStatus::Pending), 10))
            .await,
        Ok(vec![older])
    );
    let missing = store.approval(TENANT, world.approval(row.run).id).await;
    assert!(
        matches!(missing, Err(StoreError::NotFound { what: "approval", .. })),
        "{missing:?}"
    );
}

pub async fn dead_letters_are_kept(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let mut letters = Vec::new();
    for number in 0..2 {
        let (row, claim) = world.held_run(store.as_ref()).await;
        let mut append = world.append(claim.lease, &row, 1, 1);
        let failure = Failure::new("poison", format!("run {number}"));
        let letter = DeadLetter {
            tenant: TENANT,
            run: row.run,
            failure,
            at: world.clock.advance(3),
        };
        append.dead_letter = Some(letter.clone());
        letters.insert(0, letter);
        store.append(append).await.expect("appended");
    }
    assert_eq!(
        store.dead_letters(TENANT, letters_of(10)).await,
        Ok(letters.clone())
    );
}

pub async fn tenants_do_not_see_each_other(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let other = TenantId::derive(Timestamp::from_millis(1), &["other"]);
    let (row, claim) = world.held_run(store.as_ref()).await;
    let mut append = world.append(claim.lease, &row, 1, 1);
    append.rows.artifacts = vec![world.artifact(row.run)];
    append.rows.approvals = vec![world.approval(row.run)];
    append.rows.leaves = vec![world.leaf("x")];
    let approval = append.rows.approvals[0].id;
    store.append(append).await.expect("appended");
    let all = RunFilter {
        limit: 10,
        ..Default::default()
    };
    assert_eq!(store.runs(other, all).await, Ok(vec![]));
    assert_eq!(store.artifacts(other, artifacts(None, 10)).await, Ok(vec![]));
    assert_eq!(store.approvals(other, approvals(None, 10)).await, Ok(vec![]));
    assert_eq!(store.leaves(other, 0, 10).await, Ok(vec![]));
    assert!(store.run(other, row.run).await.is_err());
    assert!(store.load(other, row.run).await.is_err());
    assert!(store.approval(other, approval).await.is_err());
    let mut post = world.post(row.run);
    post.tenant = other;
    assert!(matches!(store.post(post).await, Err(StoreError::NotFound { .. })));
    let mut stolen = world.append(claim.lease, &row, 2, 1);
    stolen.lease.tenant = other;
    stolen.rows.run.tenant = other;
    assert!(store.append(stolen).await.is_err());
}

pub async fn runs_are_found_by_what_never_changes(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let mut ids = Vec::new();
    for index in 0..4 {
        let mut new = world.new_run();
        new.rows.run.agent = (index != 3).then(|| format!("Agent {}", index % 2));
        new.rows.run.requester = ["ann", "bob"][index % 2].to_owned();
        new.rows.run.mode = [types::Mode::Mock, types::Mode::Real][usize::from(index == 2)];
        ids.push((new.created.run, world.now()));
        store.create_run(new).await.expect("created");
        world.clock.advance(10);
    }
    let found = |filter: RunFilter| {
        let store = store.clone();
        let ids = ids.clone();
        async move {
            let filter = RunFilter { limit: 10, ..filter };
            let rows = store.runs(TENANT, filter).await.expect("listed");
            let places = rows
                .iter()
                .map(|row| ids.iter().position(|(id, _)| *id == row.run));
            places.flatten().collect::<Vec<_>>()
        }
    };
    let any = RunFilter::default;
    let (second, fourth) = (ids[1].1, ids[3].1);
    for (filter, expected) in [
        (any(), &[3, 2, 1, 0][..]),
        (
            RunFilter {
                agent: Some("Agent 0".into()),
                ..any()
            },
            &[2, 0],
        ),
        (
            RunFilter {
                requester: Some("bob".into()),
                ..any()
            },
            &[3, 1],
        ),
        (
            RunFilter {
                mode: Some(types::Mode::Real),
                ..any()
            },
            &[2],
        ),
        (
            RunFilter {
                created_from: Some(second),
                ..any()
            },
            &[3, 2, 1],
        ),
        (
            RunFilter {
                created_to: Some(second),
                ..any()
            },
            &[0],
        ),
        (
            RunFilter {
                created_from: Some(second),
                created_to: Some(fourth),
                ..any()
            },
            &[2, 1],
        ),
        (
            RunFilter {
                agent: Some("Agent 0".into()),
                requester: Some("bob".into()),
                ..any()
            },
            &[],
        ),
    ] {
        assert_eq!(found(filter.clone()).await, expected, "{filter:?}");
    }
}

pub async fn approvals_and_artifacts_are_paged_and_filtered(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    for _ in 0..3 {
        world.clock.advance(10);
        let (row, claim) = world.held_run(store.as_ref()).await;
        let mut append = world.append(claim.lease, &row, 1, 1);
        append.rows.approvals = vec![world.approval(row.run)];
        append.rows.artifacts = vec![world.artifact(row.run)];
        store.append(append).await.expect("appended");
    }
    let all = store
        .approvals(TENANT, approvals(None, 10))
        .await
        .expect("listed");
    assert!(all.len() == 3 && all.windows(2).all(|pair| pair[0].id > pair[1].id));
    let of_run = ApprovalFilter {
        run: Some(all[1].run),
        ..approvals(None, 10)
    };
    let expected: Vec<_> = all.iter().filter(|row| row.run == all[1].run).cloned().collect();
    assert_eq!(store.approvals(TENANT, of_run).await, Ok(expected));
    let older = ApprovalFilter {
        before: Some(all[0].id),
        ..approvals(None, 1)
    };
    assert_eq!(store.approvals(TENANT, older).await, Ok(vec![all[1].clone()]));

    let all = store
        .artifacts(TENANT, artifacts(None, 10))
        .await
        .expect("listed");
    assert_eq!(all.len(), 3);
    let older = ArtifactFilter {
        before: Some(all[0].id),
        ..artifacts(None, 1)
    };
    assert_eq!(store.artifacts(TENANT, older).await, Ok(vec![all[1].clone()]));
    let kind = ArtifactFilter {
        kind: Some("no such kind".into()),
        ..artifacts(None, 10)
    };
    assert_eq!(store.artifacts(TENANT, kind).await, Ok(vec![]));
    assert_eq!(store.artifact(TENANT, all[2].id).await, Ok(all[2].clone()));
    let other = types::ArtifactId::from_bytes([1; 16]);
    let absent = store.artifact(TENANT, other).await;
    assert!(matches!(absent, Err(StoreError::NotFound { .. })), "{absent:?}");
}
