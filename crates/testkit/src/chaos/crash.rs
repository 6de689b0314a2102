//! One crash at a named point: a fixed workload in a process that dies there, is started again, and
//! ends; then the same judge as for chaos. The ledger behaves well, so that only the crash happens.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::driver::{first_line, now};
use super::processes::{Command, Process};
use super::report::inspect;
use crate::ledger::{Book, Script, serve};
use crate::model::{Disruption, Facts, Verdict, judge};
use crate::plan::workload;
use crate::{Error, Place};

/// Parent runs of the workload.
const RUNS: u64 = 2;
/// How long one process may take.
const LONGEST: Duration = Duration::from_secs(60);
/// How much earlier than seen the process may have died, in milliseconds.
const SEEN_LATE_MS: i64 = 300;

/// A wish for a crash.
#[derive(Debug, Clone)]
pub struct Crash {
    /// How the binary is started; it must be built with feature `failpoints`.
    pub command: Command,
    /// An empty folder.
    pub folder: PathBuf,
    /// The address of an empty PostgreSQL database; none is the file in the folder.
    pub database: Option<String>,
    /// A name of `store::CRASH_POINTS` or `runtime::CRASH_POINTS`.
    pub point: &'static str,
    /// How often the point is passed before the process dies there.
    pub passes: u32,
}

/// Crashes, recovers, judges. None if the workload ended before the point was passed so often.
///
/// # Errors
/// Only of the proof itself, such as a second process that doesn't end.
pub async fn crash(wish: &Crash) -> Result<Option<Verdict>, Error> {
    std::fs::create_dir_all(&wish.folder).map_err(Error::io("make the folder"))?;
    let script = Script { seed: 0, calm: true };
    let book =
        Book::new(Some(&wish.folder.join("ledger.jsonl"))).map_err(Error::io("make the ledger's file"))?;
    let book = Arc::new(book);
    let (address, serving) = serve(script, Arc::clone(&book)).await?;
    let serving = tokio::spawn(serving);
    let place = Place {
        database: wish.database.clone(),
        ..Place::folder(wish.folder.join("data"))
    };
    let mut arguments: Vec<OsString> = vec!["node".into()];
    arguments.extend(place.arguments());
    arguments.extend(["--ledger".into(), format!("http://{address}").into()]);
    arguments.extend(["--fixed".into(), RUNS.to_string().into()]);
    let log = wish.folder.join("node.log");
    let points = format!("{}={}*off->return", wish.point, wish.passes);
    let first = wish.command.start_dying(&arguments, &log, Some(&points))?;
    let (mut acknowledged, died) = follow(first).await?;
    if !died {
        serving.abort();
        return Ok(None);
    }
    let from_ms = now() - SEEN_LATE_MS;
    let mut second = wish.command.start(&arguments, &log)?;
    first_line(&mut second, "ready").await?;
    let to_ms = now();
    let (again, died) = follow(second).await?;
    if died {
        return Err(Error::Other(format!(
            "the second process died too; see '{}'",
            log.display()
        )));
    }
    acknowledged.extend(again);
    serving.abort();
    let facts = Facts {
        script,
        plans: workload(),
        acknowledged,
        disruptions: vec![Disruption { from_ms, to_ms }],
        ledger: book.received(),
        runs: inspect(&place).await?,
    };
    Ok(Some(judge(&facts)))
}

/// Listens until the process ends: the runs it acknowledged, and whether it died.
async fn follow(mut process: Process) -> Result<(Vec<String>, bool), Error> {
    let mut acknowledged = Vec::new();
    let ended = async {
        while let Ok(Some(line)) = process.lines.next_line().await {
            if let Some(index) = line.strip_prefix("started ") {
                acknowledged.push(format!("r{index}"));
            }
        }
        process.child.wait().await
    };
    let status = tokio::time::timeout(LONGEST, ended)
        .await
        .map_err(|_| Error::Other("a process of the crash test did not end".to_owned()))?
        .map_err(Error::io("wait for a process"))?;
    Ok((acknowledged, !status.success()))
}
