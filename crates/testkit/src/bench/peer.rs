//! Another engine beside ours: a program that carries the same load on a database of the same server, and
//! answers in lines.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::chaos::{Command, Process, first_line};
use crate::{Error, Place};

/// How much longer than its load a peer may take to answer.
const SLACK: Duration = Duration::from_secs(60);

/// A peer that has started.
pub(super) struct Peer {
    /// What it calls itself.
    pub(super) name: String,
    process: Process,
}

impl Peer {
    /// Starts it on a place of its own: a program, its arguments, and last the address of the database.
    ///
    /// # Errors
    /// It can't be started, or says nothing of itself (`peer NAME`).
    pub(super) async fn start(command: &[OsString], place: &Place, log: &Path) -> Result<Self, Error> {
        let (Some((program, arguments)), Some(database)) = (command.split_first(), &place.database) else {
            return Err(Error::Other(
                "a peer needs a program and --store postgres".to_owned(),
            ));
        };
        let command = Command {
            program: program.into(),
            before: arguments.to_vec(),
        };
        let mut process = command.start(&[database.into()], log)?;
        let name = first_line(&mut process, "peer ").await?;
        Ok(Self { name, process })
    }

    /// Steps a second at this concurrency.
    ///
    /// # Errors
    /// It ends, takes too long or answers something else.
    pub(super) async fn load(&mut self, concurrency: usize, length: Duration) -> Result<f64, Error> {
        let wish = format!("{concurrency} {}\n", length.as_secs());
        let told = self.process.input.write_all(wish.as_bytes()).await;
        told.map_err(Error::io("tell the peer what to do"))?;
        let line = tokio::time::timeout(length + SLACK, self.process.lines.next_line()).await;
        let line = line
            .map_err(|_| Error::Other(format!("{} did not answer in time", self.name)))?
            .map_err(Error::io("read what the peer measured"))?
            .ok_or_else(|| Error::Other(format!("{} ended; its log is in the folder", self.name)))?;
        let steps = line.strip_prefix("steps ").and_then(|steps| steps.parse().ok());
        steps.ok_or_else(|| Error::Other(format!("{} answered '{line}'", self.name)))
    }
}
