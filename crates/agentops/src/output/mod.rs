//! The only place that writes to the terminal: documents on standard output, everything else on
//! standard error.
//!
//! With `--json` standard output carries exactly one JSON document; otherwise text for people, with
//! colours only on a terminal without `NO_COLOR`.

mod progress;
mod report;
mod run;
mod style;
mod table;
mod text;

use std::io::{IsTerminal, Write};

use serde::Serialize;
use serde_json::json;
use types::Failure;

pub use progress::Progress;
pub use report::diagnostics;
pub use run::{Timeline, run_page};
pub(crate) use run::{ending, list_row};
pub use style::{Style, ago, span};
pub use table::table;
pub use text::{one_line, value};

/// Where and how to write.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
    style: Style,
    error_style: Style,
    live: bool,
}

impl Output {
    /// Output for a command, with `--json` or without.
    pub fn new(json: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let err_terminal = std::io::stderr().is_terminal();
        Self {
            json,
            style: Style::new(!json && !plain && std::io::stdout().is_terminal()),
            error_style: Style::new(!json && !plain && err_terminal),
            live: !json && err_terminal,
        }
    }

    /// Whether programs read the output.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Whether a person can be asked: both ends are terminals.
    pub fn interactive(&self) -> bool {
        !self.json && std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
    }

    /// Whether progress can be drawn.
    pub(crate) fn live(&self) -> bool {
        self.live
    }

    /// The marks and colours for standard output.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Writes the answer of a command: `document` as JSON, or what `human` makes of it.
    ///
    /// # Errors
    /// `output_closed` if the reader has gone, `output_failed` if it can't be written.
    pub fn answer<T: Serialize + ?Sized>(
        &self,
        document: &T,
        human: impl FnOnce(Style) -> String,
    ) -> Result<(), Failure> {
        self.document(serde_json::to_string_pretty, document, human)
    }

    /// As [`Output::answer`], with the document on one line: the last one, which programs read.
    ///
    /// # Errors
    /// See [`Output::answer`].
    pub fn last_line<T: Serialize + ?Sized>(
        &self,
        document: &T,
        human: impl FnOnce(Style) -> String,
    ) -> Result<(), Failure> {
        self.document(serde_json::to_string, document, human)
    }

    fn document<T: ?Sized>(
        &self,
        write: impl FnOnce(&T) -> serde_json::Result<String>,
        document: &T,
        human: impl FnOnce(Style) -> String,
    ) -> Result<(), Failure> {
        if !self.json {
            return self.raw(&text::visible(&human(self.style)));
        }
        let text = write(document)
            .map_err(|error| Failure::new("output_failed", format!("the answer can't be JSON: {error}")))?;
        self.raw(&text)
    }

    /// Writes text for people while a command goes on; nothing with `--json`.
    ///
    /// # Errors
    /// See [`Output::answer`].
    pub fn line(&self, text: &str) -> Result<(), Failure> {
        match self.json {
            true => Ok(()),
            false => self.raw(&text::visible(text)),
        }
    }

    /// Writes text as it is, such as a completion script; a missing line end is added.
    ///
    /// # Errors
    /// See [`Output::answer`].
    pub fn raw(&self, text: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let end = if text.ends_with('\n') || text.is_empty() {
            ""
        } else {
            "\n"
        };
        write!(out, "{text}{end}")
            .and_then(|()| out.flush())
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::BrokenPipe => {
                    Failure::new("output_closed", "the reader of the output has gone")
                }
                _ => Failure::new("output_failed", format!("failed to write the output: {error}")),
            })
    }

    /// Says something beside the answer, on standard error; nothing with `--json`.
    pub fn note(&self, text: &str) {
        if !self.json {
            complain(text);
        }
    }

    /// Says that a list holds as many as it may, so that there may be more.
    pub fn may_be_more(&self, shown: usize, limit: u32) {
        if shown >= limit as usize {
            self.note("there may be more: a larger --limit shows them");
        }
    }

    /// Says what went wrong, on standard error.
    pub fn failure(&self, failure: &Failure) {
        if self.json {
            complain(&json!({"error": failure}).to_string());
            return;
        }
        let style = self.error_style;
        complain(&format!(
            "{} {} {}",
            style.bad("error:"),
            failure.message,
            style.dim(&format!("[{}]", failure.code))
        ));
        if let Some(hint) = &failure.hint {
            complain(&format!(" {} {hint}", style.dim("hint:")));
        }
    }

    /// Asks a question and reads one line; `None` at the end of the input.
    ///
    /// # Errors
    /// `output_failed` if the terminal can't be used.
    pub async fn ask(&self, question: &str) -> Result<Option<String>, Failure> {
        let question = format!("{} {question} ", self.style.strong("?"));
        let read = tokio::task::spawn_blocking(move || {
            let mut out = std::io::stdout().lock();
            write!(out, "{}", text::visible(&question))?;
            out.flush()?;
            drop(out);
            let mut line = String::new();
            let count = std::io::stdin().read_line(&mut line)?;
            Ok::<_, std::io::Error>((count > 0).then(|| line.trim().to_owned()))
        });
        let failed =
            |why: String| Failure::new("output_failed", format!("the terminal can't be used: {why}"));
        read.await
            .map_err(|error| failed(error.to_string()))?
            .map_err(|error| failed(error.to_string()))
    }

    /// Asks for something that must not be seen, on the terminal.
    ///
    /// # Errors
    /// `output_failed` if the terminal can't be used.
    pub async fn ask_secret(&self, question: &str) -> Result<String, Failure> {
        let question = format!("{} {question} ", self.error_style.strong("?"));
        let read = tokio::task::spawn_blocking(move || {
            let terminal = console::Term::stderr();
            terminal.write_str(&question)?;
            terminal.read_secure_line()
        });
        let failed =
            |why: String| Failure::new("output_failed", format!("the terminal can't be used: {why}"));
        read.await
            .map_err(|error| failed(error.to_string()))?
            .map_err(|error| failed(error.to_string()))
    }
}

/// Writes a line to standard error; if even that fails there is nobody to tell.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text::visible(text));
}
