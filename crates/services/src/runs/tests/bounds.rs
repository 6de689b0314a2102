//! What a run's view leaves out, and that it says so.

use engine::rows::{ArtifactRow, RunRow};
use ports::{After, Append, Lease};
use types::ArtifactId;

use super::*;

/// Lets a run leave so many artifacts behind.
async fn leave(bench: &Bench, lease: Lease, row: &RunRow, count: usize) {
    let services = &bench.services;
    let now = services.clock.now();
    let artifact = |_| ArtifactRow {
        id: ArtifactId::new(services.clock.as_ref(), services.entropy.as_ref()),
        run: row.run,
        step: "act.post".into(),
        kind: "file".to_owned(),
        name: String::new(),
        external_id: String::new(),
        url: None,
        data: Value::Null,
        labels: Label::System.into(),
        created_at: now,
    };
    let append = Append {
        lease,
        expected_head: row.head,
        events: Vec::new(),
        rows: engine::rows::Rows {
            run: row.clone(),
            steps: Vec::new(),
            artifacts: (0..count).map(artifact).collect(),
            approvals: Vec::new(),
            leaves: Vec::new(),
        },
        snapshot: None,
        consumed: Vec::new(),
        posts: Vec::new(),
        runs: Vec::new(),
        dead_letter: None,
        after: After::Keep,
    };
    services.store.append(append).await.expect("appends");
}

#[tokio::test]
async fn a_run_says_when_it_left_more_than_its_view_holds() {
    let bench = testing::bench().await;
    bench.save(POST).await;
    let services = &bench.services;
    let run = start(services, StartRun::new("post", ann()))
        .await
        .expect("starts");
    let claims = services.store.claim(services.clock.now(), 60_000, 1).await;
    let lease = claims.expect("claims")[0].lease;
    let row = find(services, run.run).await.expect("there");
    leave(&bench, lease, &row, 500).await;
    let seen = view(services, run.run).await.expect("there");
    assert_eq!((seen.artifacts.len(), seen.more_artifacts), (500, false));
    let oldest = seen.artifacts[0].id;
    leave(&bench, lease, &row, 1).await;
    let seen = view(services, run.run).await.expect("there");
    assert_eq!((seen.artifacts.len(), seen.more_artifacts), (500, true));
    assert!(seen.artifacts[0].id > oldest, "the oldest is the one left out");
}
