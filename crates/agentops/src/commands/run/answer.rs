//! `agentops run input`, `task`, `signal`: answering a run.

use api::wire::runs::{Ask, EndTask, GiveInput, RunDetail, SendSignal};
use clap::{Args, ValueEnum};
use serde_json::Value;
use types::RunId;

use crate::args::{Pair, invalid};
use crate::client::Client;
use crate::commands::embedded::{Watching, change};
use crate::commands::{Context, Done};

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
        change(context, self.watching, async |client: &Client| {
            let run = self.run.to_string();
            let view: RunDetail = client.get(&["runs", &run]).await?;
            for pair in &self.answers {
                let schema = view.asks.iter().find_map(|asked| match asked {
                    Ask::Input { name, schema, .. } if *name == pair.name => Some(schema),
                    _ => None,
                });
                let answer = GiveInput {
                    name: pair.name.clone(),
                    value: pair.typed(schema),
                };
                client.post::<()>(&["runs", &run, "inputs"], &answer).await?;
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
        change(context, self.watching, async |client: &Client| {
            let said = EndTask {
                step: self.step,
                ok: self.how == How::Done,
                note: self.note,
            };
            let run = self.run.to_string();
            client.post::<()>(&["runs", &run, "tasks"], &said).await?;
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
        change(context, self.watching, async |client: &Client| {
            let signal = SendSignal {
                name: self.name,
                payload,
            };
            let run = self.run.to_string();
            client.post::<()>(&["runs", &run, "signals"], &signal).await?;
            Ok(self.run)
        })
        .await
    }
}
