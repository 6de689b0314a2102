//! `agentops run restart`.

use api::wire::runs::{RestartRun, Started};
use clap::Args;
use types::RunId;

use crate::client::Client;
use crate::commands::embedded::{Watching, change};
use crate::commands::{Context, Done};

/// Begin a new run from a step of one that has ended
#[derive(Debug, Args)]
pub struct Restart {
    /// The older run
    pub run: RunId,
    /// The first step to do anew: its address, such as act/restart, or its id
    #[arg(long, value_name = "STEP")]
    pub from: String,
    #[command(flatten)]
    pub watching: Watching,
}

impl Restart {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        change(context, self.watching, async |client: &Client| {
            let wish = RestartRun { from: self.from };
            let run = self.run.to_string();
            let started: Started = client.post(&["runs", &run, "restart"], &wish).await?;
            Ok(started.run)
        })
        .await
    }
}
