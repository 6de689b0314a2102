//! The parent: starts the processes, disturbs the server, lets it drain, and has the rest judged.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::select_all;
use runtime::system::{Stopwatch, SystemClock};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use tokio::io::AsyncWriteExt;
use types::Clock;

use super::processes::{Command, Process};
use super::report::inspect;
use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::ledger::{Received, Script};
use crate::model::{Broken, Disruption, Facts, Verdict, judge};
use crate::place::{Places, blocking};
use crate::plan::plans;
use crate::{Bug, Error, Kind, Place};

/// How long servers may take to be at work again once the database is back, in milliseconds.
const BACK_MS: i64 = 3_000;
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
    /// Which database.
    pub store: Kind,
    /// Server processes on one database; more than one needs PostgreSQL.
    pub nodes: usize,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `sqlite` or `postgres`.
    pub store: String,
    /// Server processes on one database.
    pub nodes: usize,
    /// Runs, child runs included.
    pub runs: usize,
    /// SIGKILLs.
    pub kills: usize,
    /// SIGSTOPs.
    pub stops: usize,
    /// Crashes of the database.
    pub outages: usize,
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
    place: Place,
    cluster: Option<Arc<Cluster>>,
    ledger: String,
    dice: Dice,
    acknowledged: Vec<u64>,
    disruptions: Vec<Disruption>,
    kills: usize,
    stops: usize,
    outages: usize,
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
    let places = Places::start(options.store, &options.folder).await?;
    let mut ledger = start_ledger(options)?;
    let address = first_line(&mut ledger, "listening ").await?;
    let mut chaos = Chaos {
        options,
        place: places.place("data")?,
        cluster: places.cluster().cloned(),
        ledger: address,
        dice: Dice::new(options.seed, &["disruptions"]),
        acknowledged: Vec::new(),
        disruptions: Vec::new(),
        kills: 0,
        stops: 0,
        outages: 0,
    };
    let nodes = chaos.disturb(progress).await?;
    progress(format!(
        "{} runs started, {} kills, {} stops; letting them end",
        chaos.acknowledged.len(),
        chaos.kills,
        chaos.stops
    ));
    chaos.drain(nodes).await?;
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
        runs: inspect(&chaos.place).await?,
    };
    Ok(chaos.report(&judge(&facts), watch.elapsed()))
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
    /// Starts node number `index`, from the first run of its own that nobody was told of.
    async fn start_node(&self, index: usize) -> Result<Process, Error> {
        let every = self.options.nodes as u64;
        let own = self
            .acknowledged
            .iter()
            .filter(|run| **run % every == index as u64);
        let from = own.max().map_or(index as u64, |last| last + every);
        let mut arguments: Vec<OsString> = vec!["node".into()];
        arguments.extend(self.place.for_node(&format!("node-{index}")).arguments());
        for (flag, value) in [
            ("--ledger", self.ledger.clone()),
            ("--seed", self.options.seed.to_string()),
            ("--from", from.to_string()),
            ("--every", every.to_string()),
            ("--bug", self.options.bug.name().to_owned()),
        ] {
            arguments.extend([flag.into(), value.into()]);
        }
        let mut node = self.options.command.start(&arguments, &self.log(index))?;
        first_line(&mut node, "ready").await?;
        Ok(node)
    }

    fn log(&self, index: usize) -> PathBuf {
        self.options.folder.join(format!("node-{index}.log"))
    }

    /// Kills and stops the servers until the time is up; they are left running.
    async fn disturb(&mut self, progress: &mut (dyn FnMut(String) + Send)) -> Result<Vec<Process>, Error> {
        let mut nodes = Vec::with_capacity(self.options.nodes);
        for index in 0..self.options.nodes {
            nodes.push(self.start_node(index).await?);
        }
        let watch = Stopwatch::start();
        let length = Duration::from_secs(self.options.seconds);
        loop {
            let longest = if self.cluster.is_some() { 1_500 } else { 3_500 };
            let pause = Duration::from_millis(self.dice.between(600, longest));
            let left = length.saturating_sub(watch.elapsed());
            self.listen(&mut nodes, pause.min(left)).await?;
            let enough = self.kills >= self.least_kills() || watch.elapsed() >= length * 3;
            if watch.elapsed() >= length && enough {
                return Ok(nodes);
            }
            let index = match self.options.nodes {
                1 => 0,
                // A node that is alone needs no dice.
                more => usize::try_from(self.dice.between(0, more as u64 - 1)).unwrap_or(0),
            };
            // A node that is away for long leaves less time for others to be killed in.
            let behind = self.kills < usize::try_from(watch.elapsed().as_secs() / 8).unwrap_or(0);
            let what = if self.cluster.is_some() && !behind && self.dice.chance(20) {
                self.outage().await?;
                "the database crashed"
            } else if behind || self.kills * 2 < self.stops || self.dice.chance(60) {
                // Every third disturbance at least is a kill.
                self.kill(&mut nodes, index).await?;
                "killed"
            } else {
                self.stop(&nodes[index]).await?;
                "stopped"
            };
            progress(format!(
                "{:.0} s: {what} ({} kills, {} stops, {} outages, {} runs)",
                watch.elapsed().as_secs_f64(),
                self.kills,
                self.stops,
                self.outages,
                self.acknowledged.len()
            ));
        }
    }

    async fn kill(&mut self, nodes: &mut [Process], index: usize) -> Result<(), Error> {
        let from_ms = now();
        let node = &mut nodes[index];
        signal(node, Signal::KILL)?;
        node.child
            .wait()
            .await
            .map_err(Error::io("wait for the killed server"))?;
        // What it had said before it died counts.
        while let Ok(Some(line)) = node.lines.next_line().await {
            self.note(&line);
        }
        let pause = if self.outlasts() {
            self.dice.between(3_000, 6_000)
        } else {
            self.dice.between(0, 300)
        };
        tokio::time::sleep(Duration::from_millis(pause)).await;
        nodes[index] = self.start_node(index).await?;
        self.kills += 1;
        self.disruptions.push(Disruption {
            from_ms,
            to_ms: now(),
        });
        Ok(())
    }

    async fn stop(&mut self, node: &Process) -> Result<(), Error> {
        let from_ms = now();
        signal(node, Signal::STOP)?;
        let pause = if self.outlasts() {
            self.dice.between(3_500, 6_000)
        } else {
            self.dice.between(200, 3_500)
        };
        tokio::time::sleep(Duration::from_millis(pause)).await;
        signal(node, Signal::CONT)?;
        self.stops += 1;
        self.disruptions.push(Disruption {
            from_ms,
            to_ms: now(),
        });
        Ok(())
    }

    /// Fewer kills prove too little.
    fn least_kills(&self) -> usize {
        usize::try_from(self.options.seconds / 10).unwrap_or(0)
    }

    /// The database crashes, and is started again.
    async fn outage(&mut self) -> Result<(), Error> {
        let Some(cluster) = self.cluster.clone() else {
            return Ok(());
        };
        let from_ms = now();
        let longest = if self.outlasts() { 6_000 } else { 2_000 };
        let pause = self.dice.between(300, longest);
        let (stops, begins) = (Arc::clone(&cluster), cluster);
        blocking(move || stops.stop()).await?;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        blocking(move || begins.begin()).await?;
        self.outages += 1;
        self.disruptions.push(Disruption {
            from_ms,
            to_ms: now() + BACK_MS,
        });
        Ok(())
    }

    /// Whether a disturbance lasts so long that another node takes the runs over, where there is one.
    fn outlasts(&mut self) -> bool {
        self.options.nodes > 1 && self.dice.chance(40)
    }

    /// Takes in what the servers say for a while.
    async fn listen(&mut self, nodes: &mut [Process], length: Duration) -> Result<(), Error> {
        let deadline = tokio::time::sleep(length);
        tokio::pin!(deadline);
        loop {
            let lines = nodes.iter_mut().map(|node| Box::pin(node.lines.next_line()));
            tokio::select! {
                () = &mut deadline => return Ok(()),
                (line, index, _) = select_all(lines) => match line.map_err(Error::io("read from a server"))? {
                    Some(line) => self.note(&line),
                    None => {
                        let log = self.log(index);
                        return Err(Error::Other(format!(
                            "a server ended by itself; see '{}'", log.display()
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
    async fn drain(&mut self, mut nodes: Vec<Process>) -> Result<(), Error> {
        for node in &mut nodes {
            node.input
                .write_all(b"drain\n")
                .await
                .map_err(Error::io("speak to a server"))?;
        }
        let watch = Stopwatch::start();
        for mut node in nodes {
            let ended = async {
                while let Ok(Some(line)) = node.lines.next_line().await {
                    self.note(&line);
                }
            };
            let left = DRAIN.saturating_sub(watch.elapsed());
            let in_time = tokio::time::timeout(left, ended).await.is_ok();
            if !in_time {
                signal(&node, Signal::KILL)?;
            }
            node.child.wait().await.map_err(Error::io("wait for a server"))?;
        }
        Ok(())
    }

    fn report(&self, verdict: &Verdict, took: Duration) -> Report {
        let least_kills = self.least_kills();
        let least_runs = usize::try_from(self.options.seconds * 10 / 3).unwrap_or(0);
        let small = self.kills < least_kills || verdict.runs < least_runs;
        Report {
            store: self.options.store.to_string(),
            nodes: self.options.nodes,
            runs: verdict.runs,
            kills: self.kills,
            stops: self.stops,
            outages: self.outages,
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
