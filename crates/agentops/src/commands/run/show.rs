//! `agentops run show`.

use api::Page;
use api::wire::runs::{JournalEntry, RunDetail};
use clap::Args;
use serde_json::{Value, json};
use types::{Failure, RunId};

use crate::client::Client;
use crate::commands::{Context, Done};
use crate::exit::Exit;
use crate::output::{Style, run_page};

/// The most events shown of a journal.
const EVENTS: usize = 100_000;

/// Show a run: phases, steps, artifacts, what it waits for
#[derive(Debug, Args)]
pub struct Show {
    /// The run
    pub run: RunId,
    /// Also its journal, event by event
    #[arg(long)]
    pub journal: bool,
}

impl Show {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let client = context.client().await?;
        let read = self.read(&client).await;
        let now = client.now();
        client.close().await;
        let (view, journal) = read?;
        let mut document = json!(view);
        if self.journal {
            document["journal"] = json!(journal);
        }
        context.output.answer(&document, |style| {
            let mut page = run_page(style, &view, now);
            for event in &journal {
                page.push_str(&format!("\n{}", event_line(style, event)));
            }
            page
        })?;
        Ok(Exit::Ok)
    }

    async fn read(&self, client: &Client) -> Result<(RunDetail, Vec<JournalEntry>), Failure> {
        let run = self.run.to_string();
        let view = client.get(&["runs", &run]).await?;
        let journal = match self.journal {
            true => journal(client, &run).await?,
            false => Vec::new(),
        };
        Ok((view, journal))
    }
}

async fn journal(client: &Client, run: &str) -> Result<Vec<JournalEntry>, Failure> {
    let mut events: Vec<JournalEntry> = Vec::new();
    while events.len() < EVENTS {
        let after = events.last().map_or(0, |event| event.seq).to_string();
        let page: Page<JournalEntry> = client
            .get_with(&["runs", run, "journal"], &[("after", after)])
            .await?;
        if page.items.is_empty() {
            break;
        }
        events.extend(page.items);
    }
    Ok(events)
}

fn event_line(style: Style, recorded: &JournalEntry) -> String {
    let mut event = recorded.event.clone();
    let kind = event
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if let Some(map) = event.as_object_mut() {
        map.remove("type");
    }
    let mut body = event.to_string();
    if body.chars().count() > 200 {
        body = body.chars().take(199).chain(['…']).collect();
    }
    format!(
        "{:>5}  {}  {}  {}",
        recorded.seq,
        style.dim(&recorded.at.to_string()),
        style.strong(&kind),
        body
    )
}
