//! `agentops run resolve`: what an uncertain step did.

use api::wire::runs::{ResolveStep, Word};
use clap::{Args, ValueEnum};
use types::RunId;

use crate::args::invalid;
use crate::client::Client;
use crate::commands::embedded::{Watching, change};
use crate::commands::{Context, Done};

/// What is known of the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// It happened: the run goes on
    Happened,
    /// It did not happen: do it again
    Redo,
    /// It did not happen and shall not: the step has failed
    Failed,
}

/// Say what an uncertain step did
#[derive(Debug, Args)]
pub struct Resolve {
    /// The run
    pub run: RunId,
    /// The step: its address, such as act/restart, or its id
    pub step: String,
    /// What is known of the effect
    pub what: What,
    /// With `happened`: what the call would have answered
    #[arg(long, value_name = "JSON")]
    pub output: Option<String>,
    /// What you saw, and where
    #[arg(long, default_value = "")]
    pub note: String,
    #[command(flatten)]
    pub watching: Watching,
}

impl Resolve {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let output = match &self.output {
            Some(text) => Some(
                serde_json::from_str(text)
                    .map_err(|error| invalid(format!("the output isn't JSON: {error}")))?,
            ),
            None => None,
        };
        let word = match self.what {
            What::Happened => Word::Happened,
            What::Redo => Word::Redo,
            What::Failed => Word::Failed,
        };
        change(context, self.watching, async |client: &Client| {
            let said = ResolveStep {
                step: self.step,
                word,
                output,
                note: self.note,
            };
            let run = self.run.to_string();
            client.post::<()>(&["runs", &run, "resolve"], &said).await?;
            Ok(self.run)
        })
        .await
    }
}
