//! `agentops run input`, `task`, `signal`: answering a run.

use clap::{Args, ValueEnum};
use serde_json::Value;
use services::runs::{self, Asked};
use types::RunId;

use crate::args::{Pair, invalid};
use crate::commands::embedded::{Watching, change};
use crate::commands::{Context, Done};
use crate::compose::App;

/// Answer questions of a run
#[derive(Debug, Args)]
pub struct Input {
    /// The run
    pub run: RunId,
    /// The name it asks for and the answer
    #[arg(required = true, value_name = "NAME=VALUE")]
    pub answers: Vec<Pair>,
    #[command(flatten)]
    pub watching: Watching,
}

impl Input {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        change(context, self.watching, async |app: &App| {
            let by = context.user(app).await?;
            let asks = runs::view(&app.services, self.run).await?.asks;
            for pair in &self.answers {
                let schema = asks.iter().find_map(|asked| match asked {
                    Asked::Input { name, schema, .. } if *name == pair.name => Some(schema),
                    _ => None,
                });
                runs::give_input(&app.services, self.run, &pair.name, pair.typed(schema), &by).await?;
            }
            Ok(self.run)
        })
        .await
    }
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum How {
    /// It is done, or it holds
    Done,
    /// It failed, or it doesn't hold
    Failed,
}

/// Say that a task is done or failed, or that a statement holds or doesn't
#[derive(Debug, Args)]
pub struct Task {
    /// The run
    pub run: RunId,
    /// The step: its address, such as act/tidy, or its id
    pub step: String,
    /// How it ended
    pub how: How,
    /// What to remember of it
    #[arg(long, default_value = "")]
    pub note: String,
    #[command(flatten)]
    pub watching: Watching,
}

impl Task {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        change(context, self.watching, async |app: &App| {
            let by = context.user(app).await?;
            runs::task(
                &app.services,
                self.run,
                &self.step,
                self.how == How::Done,
                &self.note,
                &by,
            )
            .await?;
            Ok(self.run)
        })
        .await
    }
}

/// Send a named signal
#[derive(Debug, Args)]
pub struct Signal {
    /// The run
    pub run: RunId,
    /// The signal's name
    pub name: String,
    /// What it carries
    #[arg(value_name = "JSON")]
    pub payload: Option<String>,
    #[command(flatten)]
    pub watching: Watching,
}

impl Signal {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let payload: Value = match &self.payload {
            Some(text) => serde_json::from_str(text)
                .map_err(|error| invalid(format!("the payload isn't JSON: {error}")))?,
            None => Value::Null,
        };
        change(context, self.watching, async |app: &App| {
            let by = context.user(app).await?;
            runs::signal(&app.services, self.run, &self.name, payload, &by).await?;
            Ok(self.run)
        })
        .await
    }
}
