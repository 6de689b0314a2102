//! `agentops run restart`.

use clap::Args;
use types::RunId;

use crate::commands::embedded::{Watching, change};
use crate::commands::{Context, Done};
use crate::compose::App;

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
        change(context, self.watching, async |app: &App| {
            let by = context.user(app).await?;
            let created = services::runs::restart(&app.services, self.run, &self.from, &by).await?;
            Ok(created.run)
        })
        .await
    }
}
