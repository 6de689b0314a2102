//! A server that this host starts: its process, with an environment and a folder of its own, and one
//! line of JSON for each message. One call is under way at a time, since what an older server asks
//! doesn't say for which call.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio as Pipe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use types::Failure;

use super::definition::plain_line;
use super::question::Desk;
use super::wire::{self, Message, Reply};
use crate::CallError;

/// The longest message, in bytes.
const MOST_LINE: usize = 4 * 1024 * 1024;
/// The most messages and bytes that a server may send before it answers.
const MOST_MESSAGES: usize = 10_000;
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// How many of its last words on standard error are kept, in bytes.
const LAST_WORDS: usize = 2_048;
/// How long a word that nobody waits for may take.
const PARTING: Duration = Duration::from_secs(1);
/// Where commands are looked for unless the configuration says otherwise.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// How a server is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpCommand {
    /// The program: a path, or a name that is looked for on `PATH`.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its whole environment, beside `PATH`, `HOME` and `TMPDIR` where they aren't named.
    pub env: BTreeMap<String, String>,
    /// The folder that it works in; made if it isn't there.
    pub folder: PathBuf,
}

impl McpCommand {
    /// Whether the program is there to be started.
    pub fn is_there(&self) -> bool {
        if self.command.contains('/') {
            return self.folder.join(&self.command).is_file();
        }
        let path = self.env.get("PATH").map_or(USUAL_PATH, String::as_str);
        std::env::split_paths(path).any(|folder| folder.join(&self.command).is_file())
    }
}

/// A server's process. It ends, with all that it started, when this is dropped.
pub(super) struct Process {
    child: Child,
    group: Option<Pid>,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// A line as far as it has come.
    partial: Vec<u8>,
    last_words: Arc<Mutex<Vec<u8>>>,
    listener: JoinHandle<()>,
    /// Whether a message has left only in part, so that nothing else can follow it.
    torn: bool,
}

impl Process {
    /// Starts a server.
    pub(super) fn start(how: &McpCommand) -> Result<Self, CallError> {
        let failed = |why: String| {
            let message = format!("the command '{}' can't be started: {why}", how.command);
            CallError::retryable(
                Failure::new("tool_unreachable", message)
                    .hint("correct the server's command in the section [mcp.servers] of the configuration"),
            )
        };
        std::fs::create_dir_all(&how.folder).map_err(|error| failed(error.to_string()))?;
        let mut command = Command::new(&how.command);
        command
            .args(&how.args)
            .env_clear()
            .env("PATH", USUAL_PATH)
            .env("HOME", &how.folder)
            .env("TMPDIR", &how.folder)
            .envs(&how.env)
            .current_dir(&how.folder)
            .stdin(Pipe::piped())
            .stdout(Pipe::piped())
            .stderr(Pipe::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(errors)) = pipes else {
            return Err(failed("it has no standard input and output".to_owned()));
        };
        let last_words = Arc::new(Mutex::new(Vec::new()));
        let listener = tokio::spawn(listen(errors, Arc::clone(&last_words)));
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        Ok(Self {
            child,
            group,
            input,
            output: BufReader::new(output),
            partial: Vec::new(),
            last_words,
            listener,
            torn: false,
        })
    }

    /// Takes it that nothing it says from here on can be understood.
    pub(super) fn tear(&mut self) {
        self.torn = true;
    }

    /// Whether it can still be talked to.
    pub(super) fn is_sound(&mut self) -> bool {
        !self.torn && matches!(self.child.try_wait(), Ok(None))
    }

    /// Takes in what has come since the last call, without waiting.
    pub(super) async fn drain(&mut self, desk: &mut Desk<'_>) -> Result<(), CallError> {
        for _ in 0..MOST_MESSAGES {
            let waiting = tokio::time::timeout(Duration::ZERO, self.line()).await;
            let Ok(line) = waiting else { return Ok(()) };
            self.serve(wire::read(&line?), desk).await?;
        }
        Err(flooded("sends messages without end"))
    }

    /// Serves what the server asks until it answers one of these requests.
    pub(super) async fn answer(
        &mut self,
        ids: &[u64],
        desk: &mut Desk<'_>,
    ) -> Result<(u64, Reply), CallError> {
        let mut bytes = 0;
        for _ in 0..MOST_MESSAGES {
            let line = self.line().await?;
            bytes += line.len();
            if bytes > MOST_BYTES {
                return Err(flooded(&format!(
                    "sent more than {MOST_BYTES} bytes instead of an answer"
                )));
            }
            match wire::read(&line) {
                Message::Answer { id, reply } if ids.contains(&id) => return Ok((id, reply)),
                other => self.serve(other, desk).await?,
            }
        }
        Err(flooded(&format!(
            "sent {MOST_MESSAGES} messages instead of an answer"
        )))
    }

    async fn serve(&mut self, message: Message, desk: &mut Desk<'_>) -> Result<(), CallError> {
        match message {
            // Only clients ask these, so this is what we have said.
            Message::Request { method, .. } if wire::is_ours(&method) => {
                self.torn = true;
                Err(CallError::refused(
                    Failure::new(
                        "mcp_server_unusable",
                        "the program is no MCP server: it gives back what it is told",
                    )
                    .hint("see whether the command is the server itself, with all of its arguments"),
                ))
            }
            Message::Request { id, method, params } => {
                let answer = wire::answer(&id, desk.asked(&method, &params));
                self.tell(&answer).await
            }
            Message::Notification(method) => {
                desk.told(&method);
                Ok(())
            }
            // Answers to calls that were given up, and what isn't a message.
            Message::Answer { .. } | Message::Noise => Ok(()),
        }
    }

    /// Sends a message.
    pub(super) async fn tell(&mut self, message: &Value) -> Result<(), CallError> {
        let mut line = message.to_string().into_bytes();
        line.push(b'\n');
        self.torn = true;
        let sent = async {
            self.input.write_all(&line).await?;
            self.input.flush().await
        };
        if sent.await.is_err() {
            return Err(self.ended().await);
        }
        self.torn = false;
        Ok(())
    }

    /// Tells the server that nobody waits for a request any more, if that can be done quickly.
    pub(super) async fn give_up(&mut self, id: u64) {
        if !self.torn {
            let message = wire::cancelled(id);
            // It is a courtesy: whoever doesn't take it in is asked nothing more.
            if tokio::time::timeout(PARTING, self.tell(&message)).await.is_err() {
                self.torn = true;
            }
        }
    }

    /// The next line. What has come of it stays if this is dropped.
    async fn line(&mut self) -> Result<Vec<u8>, CallError> {
        loop {
            let Ok(chunk) = self.output.fill_buf().await else {
                return Err(self.ended().await);
            };
            if chunk.is_empty() {
                return Err(self.ended().await);
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(chunk.len(), |at| at + 1);
            if self.partial.len() + taken > MOST_LINE {
                return Err(flooded(&format!("sent a message of more than {MOST_LINE} bytes")));
            }
            self.partial.extend_from_slice(&chunk[..taken]);
            self.output.consume(taken);
            if end.is_some() {
                return Ok(std::mem::take(&mut self.partial));
            }
        }
    }

    /// The failure of a server that is gone.
    async fn ended(&mut self) -> CallError {
        self.torn = true;
        let status = tokio::time::timeout(PARTING, self.child.wait()).await;
        let how = match status {
            Ok(Ok(status)) => format!(" ({status})"),
            _ => String::new(),
        };
        // All that it said is there once its standard error is closed.
        if !self.listener.is_finished() {
            let _ = tokio::time::timeout(PARTING, &mut self.listener).await;
        }
        let words = self
            .last_words
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let words = last_lines(&String::from_utf8_lossy(&words));
        let colon = if words.is_empty() {
            ""
        } else {
            "; its last words: "
        };
        CallError::unknown(Failure::new(
            "tool_failed",
            format!("the server has ended{how}{colon}{words}"),
        ))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // An error only says that nothing of it is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn flooded(what: &str) -> CallError {
    CallError::unknown(Failure::new(
        "tool_flooded",
        format!("the server {what}; it was stopped"),
    ))
}

/// The last lines of what was said, each of bounded length.
fn last_lines(words: &str) -> String {
    let lines = words.lines().filter(|line| !line.trim().is_empty());
    let mut last: Vec<String> = lines.rev().take(3).map(|line| plain_line(line, 150)).collect();
    last.reverse();
    last.join(" / ")
}

/// Keeps the last words on standard error, however much is said.
async fn listen(mut errors: ChildStderr, words: Arc<Mutex<Vec<u8>>>) {
    let mut chunk = [0u8; 1024];
    while let Ok(count) = errors.read(&mut chunk).await {
        if count == 0 {
            return;
        }
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend_from_slice(&chunk[..count]);
        let over = words.len().saturating_sub(LAST_WORDS);
        words.drain(..over);
    }
}
