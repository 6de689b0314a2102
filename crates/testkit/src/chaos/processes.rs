//! The processes of a chaos run: how they are started, and the ledger's own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::node::say;
use crate::Error;
use crate::ledger::{Book, Script, serve};

/// What the crate `fail` reads.
const FAILPOINTS: &str = "FAILPOINTS";

/// How this binary is started again: the program, and the arguments before those of the part.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program.
    pub program: PathBuf,
    /// Such as `chaos`.
    pub before: Vec<OsString>,
}

/// A child process with its two ends; it is killed when this is dropped.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) input: ChildStdin,
    pub(crate) lines: Lines<BufReader<ChildStdout>>,
}

impl Command {
    /// Starts a part. Its standard error goes to a file that is appended to.
    pub(crate) fn start(&self, arguments: &[OsString], log: &Path) -> Result<Process, Error> {
        self.start_dying(arguments, log, None)
    }

    /// The same, and it dies where the crate `fail` is told by `points`.
    pub(super) fn start_dying(
        &self,
        arguments: &[OsString],
        log: &Path,
        points: Option<&str>,
    ) -> Result<Process, Error> {
        let errors = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .map_err(Error::io(format!("open '{}'", log.display())))?;
        let mut child = tokio::process::Command::new(&self.program)
            .args(&self.before)
            .args(arguments)
            .env_remove(FAILPOINTS)
            .envs(points.map(|points| (FAILPOINTS, points)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::io(format!("start '{}'", self.program.display())))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::Other("a child process has no pipes".to_owned()));
        };
        Ok(Process {
            child,
            input,
            lines: BufReader::new(output).lines(),
        })
    }
}

/// The ledger's process: says its address, serves until standard input ends.
///
/// # Errors
/// No port or file is to be had.
pub async fn serve_ledger(script: Script, file: Option<PathBuf>) -> Result<(), Error> {
    let book = Book::new(file.as_deref()).map_err(Error::io("make the ledger's file"))?;
    let (address, serving) = serve(script, Arc::new(book)).await?;
    say(&format!("listening http://{address}"));
    let mut rest = Vec::new();
    let mut input = tokio::io::stdin();
    tokio::select! {
        () = serving => {}
        _ = input.read_to_end(&mut rest) => {}
    }
    // Reading standard input blocks a thread that would otherwise keep the process.
    std::process::exit(0);
}
