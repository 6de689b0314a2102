//! The parent: starts the processes, disturbs the server, lets it drain, and has the rest judged.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use runtime::system::{Stopwatch, SystemClock};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tokio::io::AsyncWriteExt;
use types::Clock;

use super::processes::{Command, Process};
use super::report::inspect;
use crate::dice::Dice;
use crate::ledger::{Received, Script};
use crate::model::{Broken, Disruption, Facts, Verdict, judge};
use crate::plan::plans;
use crate::{Bug, Error};

/// How long the runs may take to end once nothing disturbs them any more.
const DRAIN: Duration = Duration::from_secs(60);
/// How long a process may take to say its first line.
const FIRST_LINE: Duration = Duration::from_secs(30);

/// A wish for chaos.
#[derive(Debug, Clone)]
pub struct Options {
    /// How this binary is started again.
    pub command: Command,
    /// An empty folder for data and logs.
    pub folder: PathBuf,
    /// How long the server is disturbed.
    pub seconds: u64,
    /// The seed of recipes, behaviour and disruptions.
    pub seed: u64,
    /// A planted bug.
    pub bug: Bug,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Runs, child runs included.
    pub runs: usize,
    /// SIGKILLs.
    pub kills: usize,
    /// SIGSTOPs.
    pub stops: usize,
    /// Calls done.
    pub steps: usize,
    /// Effects, runs or starts that are missing.
    pub lost: usize,
    /// Effects that happened more often than promised, or were never due.
    pub doubled: usize,
    /// Runs that didn't end as they must, and calls that wait for a person without need.
    pub stuck: usize,
    /// Calls that were uncertain.
    pub uncertain: usize,
    /// Calls that had to be.
    pub permitted_uncertain: usize,
    /// Wall-clock time of everything.
    pub seconds: f64,
    /// The seed, to do it again.
    pub seed: u64,
    /// The broken promises in words, at most 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// What this run was too small to prove.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub too_small: Option<String>,
}

impl Report {
    /// Whether every promise held and enough was tried.
    pub fn holds(&self) -> bool {
        self.lost + self.doubled + self.stuck == 0 && self.too_small.is_none()
    }
}

struct Chaos<'a> {
    options: &'a Options,
    ledger: String,
    dice: Dice,
    acknowledged: Vec<u64>,
    disruptions: Vec<Disruption>,
    kills: usize,
    stops: usize,
}

/// Runs it all. `progress` is told what happens, in words.
///
/// # Errors
/// Only of the proof itself: a process that can't be started, a folder that can't be read.
pub async fn run(options: &Options, progress: &mut (dyn FnMut(String) + Send)) -> Result<Report, Error> {
    let watch = Stopwatch::start();
    let script = Script {
        seed: options.seed,
        calm: false,
    };
    std::fs::create_dir_all(&options.folder).map_err(Error::io("make the folder"))?;
    let mut ledger = start_ledger(options)?;
    let address = first_line(&mut ledger, "listening ").await?;
    let mut chaos = Chaos {
        options,
        ledger: address,
        dice: Dice::new(options.seed, &["disruptions"]),
        acknowledged: Vec::new(),
        disruptions: Vec::new(),
        kills: 0,
        stops: 0,
    };
    let node = chaos.disturb(progress).await?;
    progress(format!(
        "{} runs started, {} kills, {} stops; letting them end",
        chaos.acknowledged.len(),
        chaos.kills,
        chaos.stops
    ));
    chaos.drain(node).await?;
    let record: Vec<Received> = crate::ledger_tools::client()?
        .get(format!("{}/record", chaos.ledger))
        .send()
        .await?
        .json()
        .await?;
    let facts = Facts {
        script,
        plans: plans(options.seed),
        acknowledged: chaos.acknowledged.iter().map(|run| format!("r{run}")).collect(),
        disruptions: chaos.disruptions.clone(),
        ledger: record,
        runs: inspect(&data(options)).await?,
    };
    Ok(chaos.report(&judge(&facts), watch.elapsed()))
}

fn data(options: &Options) -> PathBuf {
    options.folder.join("data")
}

fn start_ledger(options: &Options) -> Result<Process, Error> {
    let arguments: Vec<OsString> = vec![
        "ledger".into(),
        "--seed".into(),
        options.seed.to_string().into(),
        "--file".into(),
        options.folder.join("ledger.jsonl").into(),
    ];
    options
        .command
        .start(&arguments, &options.folder.join("ledger.log"))
}

/// Waits for a line with this beginning; the rest of it.
pub(crate) async fn first_line(process: &mut Process, beginning: &str) -> Result<String, Error> {
    let wait = async {
        while let Some(line) = process
            .lines
            .next_line()
            .await
            .map_err(Error::io("read from a child process"))?
        {
            if let Some(rest) = line.strip_prefix(beginning) {
                return Ok(rest.to_owned());
            }
        }
        Err(Error::Other(
            "a child process ended before it was ready; its log is in the folder".to_owned(),
        ))
    };
    tokio::time::timeout(FIRST_LINE, wait)
        .await
        .unwrap_or_else(|_| Err(Error::Other("a child process was not ready in time".to_owned())))
}

impl Chaos<'_> {
    fn start_node(&self) -> Result<Process, Error> {
        let from = self.acknowledged.iter().max().map_or(0, |last| last + 1);
        let arguments: Vec<OsString> = vec![
            "node".into(),
            "--data".into(),
            data(self.options).into(),
            "--ledger".into(),
            self.ledger.clone().into(),
            "--seed".into(),
            self.options.seed.to_string().into(),
            "--from".into(),
            from.to_string().into(),
            "--bug".into(),
            self.options.bug.name().into(),
        ];
        self.options.command.start(&arguments, &self.log())
    }

    fn log(&self) -> PathBuf {
        Path::new(&self.options.folder).join("node.log")
    }

    /// Kills and stops the server until the time is up; it is left running.
    async fn disturb(&mut self, progress: &mut (dyn FnMut(String) + Send)) -> Result<Process, Error> {
        let watch = Stopwatch::start();
        let length = Duration::from_secs(self.options.seconds);
        let mut node = self.start_node()?;
        self.until_ready(&mut node).await?;
        loop {
            let pause = Duration::from_millis(self.dice.between(600, 3_500));
            let left = length.saturating_sub(watch.elapsed());
            self.listen(&mut node, pause.min(left)).await?;
            if watch.elapsed() >= length {
                return Ok(node);
            }
            // Every third disturbance at least is a kill.
            let kill = self.kills * 2 < self.stops || self.dice.chance(60);
            if kill {
                node = self.kill(node).await?;
            } else {
                self.stop(&mut node).await?;
            }
            progress(format!(
                "{:.0} s: {} ({} kills, {} stops, {} runs)",
                watch.elapsed().as_secs_f64(),
                if kill { "killed" } else { "stopped" },
                self.kills,
                self.stops,
                self.acknowledged.len()
            ));
        }
    }

    async fn kill(&mut self, mut node: Process) -> Result<Process, Error> {
        let from_ms = now();
        signal(&node, Signal::KILL)?;
        node.child
            .wait()
            .await
            .map_err(Error::io("wait for the killed server"))?;
        // What it had said before it died counts.
        while let Ok(Some(line)) = node.lines.next_line().await {
            self.note(&line);
        }
        let pause = self.dice.between(0, 300);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let mut node = self.start_node()?;
        self.until_ready(&mut node).await?;
        self.kills += 1;
        self.disruptions.push(Disruption {
            from_ms,
            to_ms: now(),
        });
        Ok(node)
    }

    async fn stop(&mut self, node: &mut Process) -> Result<(), Error> {
        let from_ms = now();
        signal(node, Signal::STOP)?;
        let pause = self.dice.between(200, 3_500);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        signal(node, Signal::CONT)?;
        self.stops += 1;
        self.disruptions.push(Disruption {
            from_ms,
            to_ms: now(),
        });
        Ok(())
    }

    async fn until_ready(&mut self, node: &mut Process) -> Result<(), Error> {
        first_line(node, "ready").await.map(drop)
    }

    /// Takes in what the server says for a while.
    async fn listen(&mut self, node: &mut Process, length: Duration) -> Result<(), Error> {
        let deadline = tokio::time::sleep(length);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                () = &mut deadline => return Ok(()),
                line = node.lines.next_line() => match line.map_err(Error::io("read from the server"))? {
                    Some(line) => self.note(&line),
                    None => {
                        let log = self.log();
                        return Err(Error::Other(format!(
                            "the server ended by itself; see '{}'", log.display()
                        )));
                    }
                },
            }
        }
    }

    fn note(&mut self, line: &str) {
        let index = line.strip_prefix("started ");
        let index: Option<u64> = index.and_then(|index| index.parse().ok());
        self.acknowledged.extend(index);
    }

    /// Lets everything end; a server that doesn't is killed, and what is left counts as stuck.
    async fn drain(&mut self, mut node: Process) -> Result<(), Error> {
        node.input
            .write_all(b"drain\n")
            .await
            .map_err(Error::io("speak to the server"))?;
        let ended = async {
            while let Ok(Some(line)) = node.lines.next_line().await {
                self.note(&line);
            }
        };
        let in_time = tokio::time::timeout(DRAIN, ended).await.is_ok();
        if !in_time {
            signal(&node, Signal::KILL)?;
        }
        node.child
            .wait()
            .await
            .map_err(Error::io("wait for the server"))?;
        Ok(())
    }

    fn report(&self, verdict: &Verdict, took: Duration) -> Report {
        let least_kills = usize::try_from(self.options.seconds / 10).unwrap_or(0);
        let least_runs = usize::try_from(self.options.seconds * 10 / 3).unwrap_or(0);
        let small = self.kills < least_kills || verdict.runs < least_runs;
        Report {
            runs: verdict.runs,
            kills: self.kills,
            stops: self.stops,
            steps: verdict.steps,
            lost: verdict.count(Broken::Lost),
            doubled: verdict.count(Broken::Doubled),
            stuck: verdict.count(Broken::Stuck),
            uncertain: verdict.uncertain,
            permitted_uncertain: verdict.permitted_uncertain,
            seconds: (took.as_secs_f64() * 10.0).round() / 10.0,
            seed: self.options.seed,
            findings: verdict
                .findings
                .iter()
                .take(50)
                .map(ToString::to_string)
                .collect(),
            too_small: small
                .then(|| format!("at least {least_kills} kills and {least_runs} runs are due in this time")),
        }
    }
}

pub(crate) fn signal(node: &Process, signal: Signal) -> Result<(), Error> {
    let pid = node
        .child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw)
        .ok_or_else(|| Error::Other("the server is gone".to_owned()))?;
    kill_process(pid, signal).map_err(|error| Error::Io {
        what: format!("send {signal:?} to the server"),
        source: error.into(),
    })
}

pub(super) fn now() -> i64 {
    SystemClock.now().as_millis()
}
