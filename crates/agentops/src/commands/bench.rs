//! `agentops bench`: how fast the engine is on this machine, how soon it is back after a kill, how
//! much memory it needs; the API with many runs stored; the door.

mod api;
mod door;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use testkit::bench::{self, BenchNode, Options, Report};
use testkit::{Kind, Place};
use types::Failure;

use super::Done;
use super::chaos::{failed, place, this_program};
use crate::cli::Global;
use crate::config::{self, Config, Flags};
use crate::exit::Exit;
use crate::output::{Output, Progress, Style, table};
use crate::signals;

/// Measure this installation
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Durable steps a second, latency, resume after a kill, memory
    ///
    /// Works in a folder of its own, removed at the end; with --data in that folder (which must be
    /// empty), so that the disk to be measured can be chosen.
    Engine(Engine),
    /// Lists and details over HTTP with many runs stored
    ///
    /// Works in a folder of its own, removed at the end, or in that of --data. The runs are stored with
    /// their journals: a million take some minutes and 11 GB.
    Api(api::Api),
    /// The decision of the door about one call
    Door(door::Door),
    /// The server under test
    #[command(hide = true)]
    Node {
        /// Start so many busy runs
        #[arg(long)]
        busy: Option<usize>,
        /// Start so many waiting runs
        #[arg(long)]
        waiting: Option<usize>,
    },
}

/// Durable steps a second, latency, resume after a kill, memory
#[derive(Debug, Args)]
pub struct Engine {
    /// How long each load lasts, in seconds
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    pub seconds: u64,
    /// How many runs at the same time, one load for each
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256", value_name = "RUNS",
        value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub at_once: Vec<u16>,
    /// The database: sqlite, or postgres for a throw-away PostgreSQL of the installed binaries
    #[arg(long, default_value_t, value_name = "KIND")]
    pub store: Kind,
    /// With --store postgres: a program that carries the same loads through another engine, given the
    /// database's address; see crates/testkit/peers
    #[arg(last = true, value_name = "PEER")]
    pub peer: Vec<OsString>,
}

impl Bench {
    /// Runs it.
    pub async fn run(&self, global: &Global, output: Output) -> Done {
        match self {
            Bench::Engine(engine) => engine.run(global.data.clone(), output).await,
            Bench::Api(api) => api.run(global.data.clone(), output).await,
            Bench::Door(door) => door.run(output).await,
            Bench::Node { busy, waiting } => {
                let options = BenchNode {
                    place: place(global)?,
                    busy: *busy,
                    waiting: *waiting,
                };
                bench::node(options).await.map_err(|error| failed(&error))?;
                Ok(Exit::Ok)
            }
        }
    }
}

impl Engine {
    async fn run(&self, data: Option<PathBuf>, output: Output) -> Done {
        let scratch = testkit::scratch().map_err(|error| failed(&error))?;
        let options = Options {
            command: this_program("bench")?,
            folder: data.unwrap_or_else(|| scratch.path().to_owned()),
            seconds: self.seconds,
            at_once: self.at_once.iter().copied().map(usize::from).collect(),
            store: self.store,
            peer: self.peer.clone(),
        };
        let progress = Progress::start(&output, "bench");
        let mut say = |text: String| progress.say(text);
        let report = tokio::select! {
            report = bench::engine(&options, &mut say) => report.map_err(|error| failed(&error))?,
            () = signals::asked_to_end() => return Ok(Exit::Interrupted),
        };
        drop(progress);
        output.last_line(&report, |style| page(&report, style))?;
        Ok(Exit::Ok)
    }
}

/// The configuration that ships, over this place.
fn config_of(place: Place) -> Result<Config, Failure> {
    let flags = Flags {
        data: Some(place.data),
        database: place.database,
        node: place.node,
        ..Flags::default()
    };
    config::load(&flags, &[])
}

fn page(report: &Report, style: Style) -> String {
    let rows = report.engine.iter().map(|load| {
        let mut row = vec![
            load.concurrency.to_string(),
            format!("{:.0}", load.steps_per_s),
            format!("{:.1} ms", load.p50_ms),
            format!("{:.1} ms", load.p99_ms),
        ];
        row.extend(load.peer_steps_per_s.map(|steps| format!("{steps:.0}")));
        row
    });
    let mut heads = vec!["runs at once", "durable steps/s", "p50 of a run", "p99"];
    let of_peer = report.peer.as_ref().map(|peer| format!("steps/s of {peer}"));
    heads.extend(of_peer.as_deref());
    let mut lines = vec![table(style, &heads, rows.collect(), "")];
    let mut row =
        |name: &str, value: String| lines.push(format!("{} {value}", style.dim(&format!("{name:<28}"))));
    row(
        "start to first step",
        format!("{:.2} ms", report.start_to_first_step_ms),
    );
    row("resume after SIGKILL", format!("{:.0} ms", report.resume_ms));
    row("memory idle", format!("{:.1} MB", report.rss_idle_mb));
    row(
        "per 10,000 waiting runs",
        format!("{:.1} MB", report.rss_per_10k_waiting_mb),
    );
    row(
        "the database alone",
        format!("{:.0} commits/s", report.database_commits_per_s),
    );
    lines.join("\n")
}
