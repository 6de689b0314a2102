//! `agentops completions`: a completion script for a shell.

use clap::Args;
use clap_complete::Shell;
use serde_json::json;

use super::Done;
use crate::cli;
use crate::exit::Exit;
use crate::output::Output;

/// Print a completion script for a shell
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

impl Completions {
    /// Runs it.
    pub fn run(&self, output: Output) -> Done {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut cli::command(), "agentops", &mut script);
        let script = String::from_utf8_lossy(&script);
        let document = json!({"shell": self.shell.to_string(), "script": script});
        output.answer(&document, |_| script.to_string())?;
        Ok(Exit::Ok)
    }
}
