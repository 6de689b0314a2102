//! `agentops run resolve`: what an uncertain step did.

use clap::{Args, ValueEnum};
use services::runs::{self, Answer};
use types::RunId;

use crate::args::invalid;
use crate::commands::embedded::{Watching, change};
use crate::commands::{Context, Done};
use crate::compose::App;

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
        let answer = match self.what {
            What::Happened => Answer::Happened(output),
            What::Redo => Answer::Redo,
            What::Failed => Answer::Failed,
        };
        change(context, self.watching, async |app: &App| {
            let by = context.user(app).await?;
            runs::resolve(&app.services, self.run, &self.step, answer, &self.note, &by).await?;
            Ok(self.run)
        })
        .await
    }
}
