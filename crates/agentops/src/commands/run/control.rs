//! `agentops run pause`, `resume`, `cancel`, `kill`.

use api::wire::runs::StopRun;
use clap::Args;
use types::RunId;

use crate::client::Client;
use crate::commands::embedded::{Watching, change};
use crate::commands::{Context, Done};

/// Hold a run: calls under way end, nothing new begins
#[derive(Debug, Args)]
pub struct Pause {
    /// The run
    pub run: RunId,
    #[command(flatten)]
    pub watching: Watching,
}

impl Pause {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        change(context, self.watching, async |client: &Client| {
            client.tell(&["runs", &self.run.to_string(), "pause"]).await?;
            Ok(self.run)
        })
        .await
    }
}

/// Let a held run go on
#[derive(Debug, Args)]
pub struct Resume {
    /// The run
    pub run: RunId,
    #[command(flatten)]
    pub watching: Watching,
}

impl Resume {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        change(context, self.watching, async |client: &Client| {
            client.tell(&["runs", &self.run.to_string(), "resume"]).await?;
            Ok(self.run)
        })
        .await
    }
}

/// Stop at the next safe point and undo
#[derive(Debug, Args)]
pub struct Cancel {
    /// The run
    pub run: RunId,
    /// Why
    #[arg(long, default_value = "")]
    pub reason: String,
    #[command(flatten)]
    pub watching: Watching,
}

impl Cancel {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        stop(context, self.run, "cancel", self.reason, self.watching).await
    }
}

/// Stop now; writes under way become uncertain
#[derive(Debug, Args)]
pub struct Kill {
    /// The run
    pub run: RunId,
    /// Why
    #[arg(long, default_value = "")]
    pub reason: String,
    #[command(flatten)]
    pub watching: Watching,
}

impl Kill {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        stop(context, self.run, "kill", self.reason, self.watching).await
    }
}

async fn stop(context: &Context, run: RunId, how: &str, reason: String, watching: Watching) -> Done {
    change(context, watching, async |client: &Client| {
        let wish = StopRun { reason };
        client.post::<()>(&["runs", &run.to_string(), how], &wish).await?;
        Ok(run)
    })
    .await
}
