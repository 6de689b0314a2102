//! The engine's benchmark: durable steps a second, latency, resume after a kill, memory, and beside
//! them what the database itself can do on this disk.

mod load;
mod many;
mod node;
mod peer;
mod tools;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use runtime::system::Stopwatch;
use rustix::process::Signal;
use serde::Serialize;

use crate::chaos::{Command, Process, first_line, signal};
use crate::place::Places;
use crate::{Error, Kind, Place};

pub use load::Load;
pub use many::fill;
pub use node::{BenchNode, node};
use peer::Peer;

/// Runs measured for the time from start to first step.
const STARTS: usize = 200;
/// Runs in flight when the server is killed.
const KILLED: usize = 50;
/// How often it is killed; the median counts.
const KILLS: usize = 3;
/// Runs that wait.
const WAITING: usize = 10_000;
/// Commits of the yardstick.
const COMMITS: u32 = 5_000;

/// A wish for a measurement.
#[derive(Debug, Clone)]
pub struct Options {
    /// How this binary is started again.
    pub command: Command,
    /// An empty folder on the disk to be measured.
    pub folder: PathBuf,
    /// How long each load lasts, in seconds.
    pub seconds: u64,
    /// How many runs at the same time, one load for each.
    pub at_once: Vec<usize>,
    /// Which database.
    pub store: Kind,
    /// A program that carries the same loads through another engine, with its arguments; none is no peer.
    pub peer: Vec<OsString>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `sqlite` or `postgres`.
    pub store: String,
    /// Runs of four steps, at several concurrencies.
    pub engine: Vec<Load>,
    /// What the peer calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// From asking for a run to its first call, median.
    pub start_to_first_step_ms: f64,
    /// From starting the process after a kill to the first call it resumes, median.
    pub resume_ms: f64,
    /// Resident memory of a server without work.
    pub rss_idle_mb: f64,
    /// More of it per 10,000 waiting runs.
    pub rss_per_10k_waiting_mb: f64,
    /// One insert in each commit over one connection, with the same settings: what the database can do.
    pub database_commits_per_s: f64,
}

/// Measures everything. `progress` is told what is measured, in words.
///
/// # Errors
/// Something can't be started, written or read.
pub async fn engine(options: &Options, progress: &mut (dyn FnMut(String) + Send)) -> Result<Report, Error> {
    let places = Places::start(options.store, &options.folder).await?;
    progress("what the database can do alone".to_owned());
    let database_commits_per_s = yardstick(places.place("yardstick")?).await?;
    let mut peer = match options.peer.is_empty() {
        true => None,
        false => Some(
            Peer::start(
                &options.peer,
                &places.place("peer")?,
                &options.folder.join("peer.log"),
            )
            .await?,
        ),
    };
    let mut engine = Vec::new();
    for &concurrency in &options.at_once {
        progress(format!("{concurrency} runs at the same time"));
        let length = Duration::from_secs(options.seconds);
        let place = places.place(&format!("load-{concurrency}"))?;
        let mut load = load::load(&place, concurrency, length).await?;
        if let Some(peer) = &mut peer {
            progress(format!("{concurrency} at the same time in {}", peer.name));
            load.peer_steps_per_s = Some(peer.load(concurrency, length).await?);
        }
        engine.push(load);
    }
    let peer = peer.map(|peer| peer.name);
    progress("start to first step".to_owned());
    let start_to_first_step_ms = load::start_to_first_step(&places.place("start")?, STARTS).await?;
    let mut resumes = Vec::new();
    for turn in 1..=KILLS {
        progress(format!("resume after a kill, {turn} of {KILLS}"));
        resumes.push(resume(options, &places.place(&format!("resume-{turn}"))?).await?);
    }
    progress("memory".to_owned());
    let (rss_idle_mb, more) = memory(options, &places.place("memory")?).await?;
    Ok(Report {
        store: options.store.to_string(),
        engine,
        peer,
        start_to_first_step_ms,
        resume_ms: median(&mut resumes),
        rss_idle_mb,
        rss_per_10k_waiting_mb: more,
        database_commits_per_s,
    })
}

async fn yardstick(place: Place) -> Result<f64, Error> {
    let watch = Stopwatch::start();
    match &place.database {
        Some(url) => store::postgres::single_commits(&url.as_str().into(), COMMITS).await?,
        None => {
            let alone = move || store::sqlite::single_commits(&place.data, COMMITS);
            let commits = tokio::task::spawn_blocking(alone).await;
            commits.map_err(|error| Error::Other(error.to_string()))??;
        }
    }
    Ok(rounded(f64::from(COMMITS) / watch.elapsed().as_secs_f64()))
}

/// From starting the process again to the first call it makes.
async fn resume(options: &Options, place: &Place) -> Result<f64, Error> {
    let mut node = part(options, place, "--busy", KILLED)?;
    first_line(&mut node, "under way").await?;
    signal(&node, Signal::KILL)?;
    node.child
        .wait()
        .await
        .map_err(Error::io("wait for the killed server"))?;
    let watch = Stopwatch::start();
    let mut node = part(options, place, "--busy", 0)?;
    first_line(&mut node, "called").await?;
    Ok(millis(watch.elapsed()))
}

/// Memory without runs, and how much more with 10,000 that wait, in megabytes.
async fn memory(options: &Options, place: &Place) -> Result<(f64, f64), Error> {
    let mut node = part(options, place, "--waiting", WAITING)?;
    let mut read = async |what: &str| -> Result<f64, Error> {
        let line = first_line(&mut node, what).await?;
        line.trim()
            .parse()
            .map_err(|_| Error::Other(format!("the server said '{line}' of its memory")))
    };
    let idle = read("idle ").await?;
    let waiting = read("waiting ").await?;
    Ok((rounded(idle), rounded((waiting - idle).max(0.0))))
}

fn part(options: &Options, place: &Place, what: &str, runs: usize) -> Result<Process, Error> {
    std::fs::create_dir_all(&place.data).map_err(Error::io("make a folder"))?;
    let mut arguments: Vec<OsString> = vec!["node".into()];
    arguments.extend(place.arguments());
    arguments.extend([what.into(), runs.to_string().into()]);
    options.command.start(&arguments, &place.data.join("log"))
}

fn median(values: &mut [f64]) -> f64 {
    percentile(values, 50)
}

/// A percentile by the nearest rank, to three digits after the point; 0 of nothing.
pub fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied().map_or(0.0, rounded)
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}

/// Three digits after the point are more than any of this is worth.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let mut values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut values, 50), 50.0);
        assert_eq!(percentile(&mut values, 99), 99.0);
        assert_eq!(percentile(&mut values, 100), 100.0);
        assert_eq!(percentile(&mut [7.0], 50), 7.0);
        assert_eq!(percentile(&mut [], 50), 0.0);
    }
}
