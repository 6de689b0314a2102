//! A process that dies at each named crash point, early and late in a fixed workload, is started again
//! and comes to the end as if nothing had been: nothing lost, nothing doubled, nothing stuck.

use std::path::{Path, PathBuf};

use testkit::chaos::{Command, Crash, crash};
use testkit::cluster::{Cluster, Flush};
use tokio::task::JoinSet;

/// How often a point is passed before the process dies there.
const PASSES: [u32; 4] = [0, 2, 9, 23];
/// Crashes at the same time; they wait more than they work.
const TOGETHER: usize = 4;

/// Whether the point was reached; fails if a promise was broken.
async fn survives(folder: PathBuf, database: Option<String>, point: &'static str, passes: u32) -> bool {
    let wish = Crash {
        command: Command {
            program: env!("CARGO_BIN_EXE_agentops").into(),
            before: vec!["chaos".into()],
        },
        folder,
        database,
        point,
        passes,
    };
    let verdict = crash(&wish)
        .await
        .unwrap_or_else(|error| panic!("{point} after {passes}: {error}"));
    let Some(verdict) = verdict else { return false };
    assert_eq!(verdict.findings, [], "{point} after {passes}");
    assert_eq!(
        verdict.runs, 4,
        "{point} after {passes}: two runs with a child each"
    );
    assert_eq!(
        verdict.uncertain, verdict.permitted_uncertain,
        "{point} after {passes}"
    );
    true
}

async fn cross(points: &'static [&'static str], cluster: Option<&Cluster>, folder: &Path) {
    let mut crashes = JoinSet::new();
    let mut reached = std::collections::BTreeSet::new();
    for point in points {
        for passes in PASSES {
            let folder = folder.join(format!("{point}-{passes}"));
            let database = cluster.map(|cluster| cluster.database().expect("a database"));
            crashes.spawn(async move { (*point, survives(folder, database, point, passes).await) });
            if crashes.len() >= TOGETHER {
                note(&mut crashes, &mut reached).await;
            }
        }
    }
    while !crashes.is_empty() {
        note(&mut crashes, &mut reached).await;
    }
    let missed: Vec<_> = points.iter().filter(|point| !reached.contains(**point)).collect();
    assert!(missed.is_empty(), "never reached: {missed:?}");
}

async fn note(
    crashes: &mut JoinSet<(&'static str, bool)>,
    reached: &mut std::collections::BTreeSet<&'static str>,
) {
    let (point, died) = crashes
        .join_next()
        .await
        .expect("one is there")
        .expect("it survives");
    if died {
        reached.insert(point);
    }
}

#[tokio::test]
async fn the_store_dies_at_every_point() {
    let folder = testkit::scratch().expect("a folder");
    cross(store::CRASH_POINTS, None, folder.path()).await;
}

#[tokio::test]
async fn the_runtime_dies_at_every_point() {
    let folder = testkit::scratch().expect("a folder");
    cross(runtime::CRASH_POINTS, None, folder.path()).await;
}

#[tokio::test]
async fn the_store_dies_at_every_point_on_postgres() {
    let folder = testkit::scratch().expect("a folder");
    let cluster = Cluster::start(Flush::Always).expect("a cluster");
    cross(store::CRASH_POINTS, Some(&cluster), folder.path()).await;
}
