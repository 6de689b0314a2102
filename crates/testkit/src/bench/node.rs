//! The server process of the benchmark: with runs to be killed under, or to be weighed.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

use super::load::{Bench, steps};
use super::tools::BenchTools;
use crate::chaos::say;
use crate::{Error, Place};

/// How long a call of a busy run takes.
const PAUSE: Duration = Duration::from_millis(200);
/// How often memory and runs are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Runs that are started at the same time.
const TOGETHER: usize = 64;

/// What the process is told.
#[derive(Debug, Clone)]
pub struct BenchNode {
    /// Where it works.
    pub place: Place,
    /// Start so many runs whose calls take a while; says `called` at the first call and `under way`
    /// when as many calls have begun.
    pub busy: Option<usize>,
    /// Start so many runs that wait; says `idle <MB>` before and `waiting <MB>` after.
    pub waiting: Option<usize>,
}

/// Serves until standard input ends.
///
/// # Errors
/// The data folder can't be used.
pub async fn node(options: BenchNode) -> Result<(), Error> {
    match (options.busy, options.waiting) {
        (Some(runs), _) => busy(options.place, runs).await?,
        (None, Some(runs)) => waiting(options.place, runs).await?,
        (None, None) => return Err(Error::Other("nothing to do was given".to_owned())),
    }
    let mut rest = Vec::new();
    // Whatever ends the input, the parent is gone.
    let _ = tokio::io::stdin().read_to_end(&mut rest).await;
    Ok(())
}

async fn busy(place: Place, runs: usize) -> Result<(), Error> {
    let (told, mut calls) = mpsc::unbounded_channel();
    let bench = Bench::start(&place, BenchTools::new(PAUSE, Some(told)), &steps()).await?;
    for _ in 0..runs {
        bench.begin().await?;
    }
    calls.recv().await;
    say("called");
    for _ in 1..runs {
        calls.recv().await;
    }
    say("under way");
    tokio::spawn(async move {
        // It goes on working until the process ends.
        let _bench = bench;
        while calls.recv().await.is_some() {}
    });
    Ok(())
}

async fn waiting(place: Place, runs: usize) -> Result<(), Error> {
    let steps = [json!({"id": "s", "wait": "24h"})];
    let bench = Bench::start(&place, BenchTools::new(Duration::ZERO, None), &steps).await?;
    tokio::time::sleep(LOOK).await;
    say(&format!("idle {}", resident_mb()?));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TOGETHER {
        let bench = bench.clone();
        tasks.spawn(async move {
            for _ in 0..runs.div_ceil(TOGETHER) {
                bench.run().await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|error| Error::Other(error.to_string()))??;
    }
    tokio::time::sleep(LOOK).await;
    say(&format!("waiting {}", resident_mb()?));
    Ok(())
}

/// Resident memory of this process, in megabytes of 10^6 bytes: the second field of
/// `/proc/self/statm` (proc_pid_statm(5)) counts pages.
fn resident_mb() -> Result<f64, Error> {
    let text =
        std::fs::read_to_string("/proc/self/statm").map_err(Error::io("read how much memory is used"))?;
    let pages = text
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse::<u32>().ok());
    let pages = pages.ok_or_else(|| Error::Other("memory use can't be read".to_owned()))?;
    let page = u32::try_from(rustix::param::page_size()).unwrap_or(4_096);
    Ok(f64::from(pages) * f64::from(page) / 1e6)
}
