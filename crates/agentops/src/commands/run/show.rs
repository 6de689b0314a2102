//! `agentops run show`.

use clap::Args;
use engine::Recorded;
use serde_json::{Value, json};
use services::runs;
use types::{Failure, RunId};

use crate::commands::{Context, Done};
use crate::compose::{Access, App};
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
        let app = context.open(Access::Guest).await?;
        let view = runs::view(&app.services, self.run).await?;
        let journal = if self.journal {
            journal(&app, self.run).await?
        } else {
            Vec::new()
        };
        let now = app.services.clock.now();
        app.close().await;
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
}

async fn journal(app: &App, run: RunId) -> Result<Vec<Recorded>, Failure> {
    let mut events: Vec<Recorded> = Vec::new();
    while events.len() < EVENTS {
        let page = runs::journal(&app.services, run, events.last().map_or(0, |event| event.seq)).await?;
        if page.is_empty() {
            break;
        }
        events.extend(page);
    }
    Ok(events)
}

fn event_line(style: Style, recorded: &Recorded) -> String {
    let mut event = json!(recorded.event);
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
