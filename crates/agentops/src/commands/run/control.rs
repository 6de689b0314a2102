//! `agentops run pause`, `resume`, `cancel`, `kill`.

use clap::Args;
use services::runs;
use types::RunId;

use crate::commands::embedded::{Watching, change};
use crate::commands::{Context, Done};
use crate::compose::App;

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
        change(context, self.watching, async |app: &App| {
            runs::pause(&app.services, self.run, &context.user(app).await?).await?;
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
        change(context, self.watching, async |app: &App| {
            runs::resume(&app.services, self.run, &context.user(app).await?).await?;
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
        change(context, self.watching, async |app: &App| {
            runs::cancel(&app.services, self.run, &context.user(app).await?, &self.reason).await?;
            Ok(self.run)
        })
        .await
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
        change(context, self.watching, async |app: &App| {
            runs::kill(&app.services, self.run, &context.user(app).await?, &self.reason).await?;
            Ok(self.run)
        })
        .await
    }
}
