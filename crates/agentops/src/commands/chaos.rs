//! `agentops chaos`: kills and stops the server under random runs, and proves by a ledger of effects
//! that nothing was lost, doubled or stuck.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use console::pad_str;
use testkit::chaos::{self, Command, NodeOptions, Options, Report};
use testkit::ledger::Script;
use testkit::{Bug, Error, Kind, Place};
use types::{Entropy, Failure};

use super::Done;
use crate::cli::Global;
use crate::config::{Log, LogFormat};
use crate::exit::Exit;
use crate::logging;
use crate::output::{Output, Progress, Style};
use crate::signals;

/// Kill and stop a server under random runs, and compare what happened with what must have happened
///
/// The server under test has a data folder of its own, removed at the end unless a promise was broken; with --data it is made in
/// that folder (which must be empty) and kept.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Chaos {
    /// How long the server is disturbed, in seconds; letting the runs end takes longer
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub seconds: u64,
    /// Repeat the recipes, behaviour and disturbances of an earlier chaos
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// The database: sqlite, or postgres for a throw-away PostgreSQL of the installed binaries
    #[arg(long, default_value_t, value_name = "KIND")]
    pub store: Kind,
    /// Server processes on one database; more than one needs --store postgres
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=8))]
    pub nodes: u8,
    /// Plant a bug, to see whether it is caught
    #[arg(long, default_value_t, hide = true)]
    pub bug: Bug,
    #[command(subcommand)]
    pub part: Option<Part>,
}

/// The processes of a chaos, started by it.
#[derive(Debug, Subcommand)]
pub enum Part {
    /// The ledger of effects
    #[command(hide = true)]
    Ledger {
        /// The seed of its behaviour
        #[arg(long)]
        seed: u64,
        /// Where to write what happens, for people
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// The server under test
    #[command(hide = true)]
    Node {
        /// The ledger's address
        #[arg(long)]
        ledger: String,
        /// The seed of recipes and runs
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// The first run to start
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Every how manieth run it starts
        #[arg(long, default_value_t = 1)]
        every: u64,
        /// Start so many runs of the fixed workload, and end with them
        #[arg(long)]
        fixed: Option<u64>,
        /// A planted bug
        #[arg(long, default_value_t)]
        bug: Bug,
    },
}

impl Chaos {
    /// Runs it.
    pub async fn run(&self, global: &Global, output: Output) -> Done {
        match &self.part {
            Some(Part::Ledger { seed, file }) => {
                let script = Script {
                    seed: *seed,
                    calm: false,
                };
                chaos::serve_ledger(script, file.clone())
                    .await
                    .map_err(|error| failed(&error))?;
                Ok(Exit::Ok)
            }
            Some(Part::Node {
                ledger,
                seed,
                from,
                every,
                fixed,
                bug,
            }) => {
                logging::start(&Log {
                    filter: "warn".to_owned(),
                    format: LogFormat::Text,
                })?;
                let options = NodeOptions {
                    place: place(global)?,
                    ledger: ledger.clone(),
                    seed: *seed,
                    from: *from,
                    every: *every,
                    fixed: *fixed,
                    bug: *bug,
                };
                chaos::node(options).await.map_err(|error| failed(&error))?;
                Ok(Exit::Ok)
            }
            None => self.prove(global, output).await,
        }
    }

    async fn prove(&self, global: &Global, output: Output) -> Done {
        let scratch = testkit::scratch().map_err(|error| failed(&error))?;
        let options = Options {
            command: this_program("chaos")?,
            folder: global.data.clone().unwrap_or_else(|| scratch.path().to_owned()),
            seconds: self.seconds,
            seed: self.seed.unwrap_or_else(random),
            bug: self.bug,
            store: self.store,
            nodes: usize::from(self.nodes),
        };
        if options.nodes > 1 && options.store == Kind::Sqlite {
            let message = "several nodes can't share an SQLite file";
            return Err(Failure::new("argument_invalid", message).hint("add --store postgres"));
        }
        let progress = Progress::start(&output, format!("chaos, seed {}", options.seed));
        let mut say = |text: String| progress.say(text);
        let report = tokio::select! {
            report = chaos::run(&options, &mut say) => report.map_err(|error| failed(&error))?,
            () = signals::asked_to_end() => return Ok(Exit::Interrupted),
        };
        drop(progress);
        output.last_line(&report, |style| page(&report, style))?;
        if report.holds() {
            return Ok(Exit::Ok);
        }
        if global.data.is_none() {
            output.note(&format!("the servers' logs stay in {}", scratch.keep().display()));
        }
        Ok(Exit::Failed)
    }
}

/// The place of a process under test.
pub(super) fn place(global: &Global) -> Result<Place, Failure> {
    let missing = || Failure::new("argument_invalid", "the server under test needs --data");
    Ok(Place {
        data: global.data.clone().ok_or_else(missing)?,
        database: global.database.clone(),
        node: global.node.clone(),
    })
}

/// How this program is started again with the arguments of a part of `command`.
pub(super) fn this_program(command: &str) -> Result<Command, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::new("internal", format!("failed to find this program: {error}")))?;
    Ok(Command {
        program,
        before: vec![command.into()],
    })
}

pub(super) fn failed(error: &Error) -> Failure {
    Failure::new("proof_failed", error.to_string())
        .hint("this says nothing about the engine: the test itself could not be done")
}

fn random() -> u64 {
    let mut bytes = [0; 4];
    runtime::system::SystemEntropy.fill(&mut bytes);
    u64::from(u32::from_be_bytes(bytes))
}

fn page(report: &Report, style: Style) -> String {
    let mut lines = Vec::new();
    let mut row = |name: &str, value: String| {
        lines.push(format!(
            "{} {value}",
            style.dim(&pad_str(name, 22, console::Alignment::Left, None))
        ));
    };
    let promise = |count: usize| match count {
        0 => style.good("0"),
        more => style.bad(&more.to_string()),
    };
    row("runs", report.runs.to_string());
    row("steps done", report.steps.to_string());
    row("kills (SIGKILL)", report.kills.to_string());
    row("stops (SIGSTOP)", report.stops.to_string());
    if report.outages > 0 {
        row("crashes of the database", report.outages.to_string());
    }
    row("effects lost", promise(report.lost));
    row("effects doubled", promise(report.doubled));
    row("stuck", promise(report.stuck));
    row(
        "uncertain",
        format!("{} (permitted: {})", report.uncertain, report.permitted_uncertain),
    );
    row("time", format!("{} s, seed {}", report.seconds, report.seed));
    lines.extend(report.findings.iter().map(|finding| format!("  {finding}")));
    lines.extend(
        report
            .too_small
            .iter()
            .map(|why| style.bad(&format!("too small to prove it: {why}"))),
    );
    lines.join("\n")
}
