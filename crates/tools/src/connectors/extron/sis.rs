//! SIS, Extron's Simple Instruction Set: short ASCII commands over TCP port 23, answered by lines
//! (Extron's user guides of the DTP CrossPoint and DXP series, chapter "SIS commands"). A device greets
//! with a copyright line, may ask for a password, and tells of changes at its front panel unasked.

use std::time::Duration;

use types::Failure;

use crate::http::clip;
use crate::tcp::Line;
use crate::{CallContext, CallError, Credentials};

const PORT: u16 = 23;
const PROMPT: &[u8] = b"Password:";
/// How long a device that has a password may take to ask for it.
const PROMPT_WAIT: Duration = Duration::from_secs(3);
/// Lines that may come before the one that was waited for.
const MOST_LINES: usize = 1_000;

/// A talk with a device.
pub(super) struct Device {
    line: Line,
    /// The firmware's version, asked at the beginning.
    pub version: String,
}

impl Device {
    /// Connects, gives the password if the device asks for one, and passes over its greeting.
    pub(super) async fn open(ctx: &CallContext) -> Result<Self, CallError> {
        let line = Line::open(ctx, PORT).await?;
        let mut device = Self {
            line,
            version: String::new(),
        };
        if let Credentials::Parts(parts) = &ctx.endpoint()?.credentials
            && let Some(password) = parts.get("password")
            && device.is_asked_for_password().await?
        {
            let mut secret = password.reveal().as_bytes().to_vec();
            secret.push(b'\r');
            device.line.ask(ctx, &secret).await?;
            device
                .wait_for(|line| line.starts_with("Login ").then_some(()))
                .await?;
        }
        // Its answer is told from the greeting by its form, so everything before it is greeting.
        device.line.ask(ctx, b"Q").await?;
        device.version = device.wait_for(version).await?;
        Ok(device)
    }

    /// Asks something; `answer` knows the line that answers it.
    pub(super) async fn read<T>(
        &mut self,
        ctx: &CallContext,
        command: &str,
        answer: impl Fn(&str) -> Option<T>,
    ) -> Result<T, CallError> {
        self.line.ask(ctx, command.as_bytes()).await?;
        self.wait_for(answer).await
    }

    /// Performs the action; `answer` is the line that says so, whatever zeros its numbers begin with.
    pub(super) async fn act(
        &mut self,
        ctx: &CallContext,
        command: &str,
        answer: &str,
    ) -> Result<(), CallError> {
        self.line.act(ctx, command.as_bytes()).await?;
        let expected = plain(answer);
        let done = self
            .wait_for(|line| (plain(line) == expected).then_some(()))
            .await;
        done.inspect_err(|error| {
            if matches!(error, CallError::Failed { .. }) {
                ctx.refused();
            }
        })
    }

    /// The first line that `answer` knows. An error line means that the device did nothing.
    async fn wait_for<T>(&mut self, answer: impl Fn(&str) -> Option<T>) -> Result<T, CallError> {
        for _ in 0..MOST_LINES {
            let bytes = self.line.message(line_end).await?;
            let text = String::from_utf8_lossy(&bytes);
            let line = text.trim();
            if let Some(found) = answer(line) {
                return Ok(found);
            }
            if line.as_bytes() == PROMPT {
                return Err(password_refused());
            }
            if let Some(error) = refusal(line) {
                return Err(error);
            }
        }
        let message = format!("{} sent {MOST_LINES} lines without the answer", self.line.host());
        Err(CallError::unknown(Failure::new("answer_unreadable", message)))
    }

    /// Whether the prompt comes; a device without a password never asks.
    async fn is_asked_for_password(&mut self) -> Result<bool, CallError> {
        for _ in 0..MOST_LINES {
            match self.line.message_within(PROMPT_WAIT, line_end).await? {
                Some(line) if line.trim_ascii() == PROMPT => return Ok(true),
                Some(_) => {}
                None => return Ok(false),
            }
        }
        Ok(false)
    }
}

/// A line ends with its line feed; the prompt has none.
fn line_end(read: &[u8]) -> Option<usize> {
    let feed = read.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
    feed.or_else(|| read.trim_ascii().eq(PROMPT).then_some(read.len()))
}

/// The version in `1.23` or, in a device's wordy mode, `Ver01*1.23`.
fn version(line: &str) -> Option<String> {
    let number = line
        .strip_prefix("Ver")
        .and_then(|rest| rest.split_once('*'))
        .map_or(line, |(_, number)| number);
    let (major, minor) = number.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(major) && digits(minor)).then(|| number.to_owned())
}

/// Lower case, and numbers without the zeros that they begin with: devices differ in both.
fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut digits = String::new();
    for c in line.to_lowercase().chars().chain([' ']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            let short = digits.trim_start_matches('0');
            plain.push_str(if short.is_empty() { "0" } else { short });
            digits.clear();
        }
        plain.push(c);
    }
    plain.trim_end().to_owned()
}

/// What an error line means.
fn refusal(line: &str) -> Option<CallError> {
    let digits = line.strip_prefix('E').filter(|digits| digits.len() == 2)?;
    let number: u8 = digits.parse().ok()?;
    let (meaning, later) = match number {
        1 => ("there is no such input", false),
        10 => ("it doesn't know the command", false),
        11 => ("there is no such preset", false),
        12 => ("there is no such output", false),
        13 => ("the value is out of range", false),
        14 => ("it can't do that as it is set up", false),
        17 => ("the command doesn't fit the signal, or took too long", false),
        22 => ("it is busy", true),
        24 => return Some(password_refused()),
        26 => ("too many are connected", true),
        _ => ("it gave no known reason", false),
    };
    let failure = Failure::new(
        "device_refused",
        format!("the device refused: {meaning} ({})", clip(line)),
    );
    Some(if later {
        CallError::retryable(failure)
    } else {
        CallError::refused(failure)
    })
}

fn password_refused() -> CallError {
    CallError::refused(
        Failure::new(
            "credentials_refused",
            "the device asks for a password that it takes",
        )
        .hint("set extron.password to the device's administrator password"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart_by_their_form() {
        for (line, expected) in [
            ("1.23", Some("1.23")),
            ("Ver01*2.07", Some("2.07")),
            ("V1.23", None),
            ("60-1381-01", None),
            ("1.", None),
            ("(c) Copyright 2024, Extron, 1.2", None),
        ] {
            assert_eq!(version(line).as_deref(), expected, "{line}");
        }
        assert_eq!(plain("Out03 In010 All"), "out3 in10 all");
        assert_eq!(plain("Vmt00*1"), "vmt0*1");
        for (line, code) in [
            ("E10", "device_refused"),
            ("E24", "credentials_refused"),
            ("E99", "device_refused"),
        ] {
            assert_eq!(refusal(line).expect("a refusal").failure().code, code);
        }
        for line in ["E1", "E100", "Extron", "Out1 In1 All", "EXX"] {
            assert_eq!(refusal(line), None, "{line}");
        }
    }

    #[test]
    fn the_prompt_ends_without_a_line_feed() {
        assert_eq!(line_end(b"one\r\ntwo"), Some(5));
        assert_eq!(line_end(b"\rPassword:"), Some(10));
        assert_eq!(line_end(b"Passw"), None);
    }
}
