//! `agentops init`: make a data folder and seed it.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use services::setup::{self, Item, Standing};
use types::Failure;

use super::{Context, Done};
use crate::compose::{Access, App, is_set_up, place};
use crate::exit::Exit;
use crate::output::{Progress, Style, table};
use crate::shipped;

/// How often the folder is looked at while another process begins to make it.
const TRIES: u32 = 100;
/// How long between these looks.
const BETWEEN: Duration = Duration::from_millis(50);

/// Make a data folder and seed it; again at will, it says what was there
#[derive(Debug, Args)]
pub struct Init {}

impl Init {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let folder = context.config.data.path().to_owned();
        let was_there = is_set_up(&context.config).await?;
        let database = place(&context.config)?;
        let progress = Progress::start(&context.output, "setting up");
        let app = open(context).await?;
        let made = setup::make(&app.services, &shipped::seeds()?).await;
        app.close().await;
        drop(progress);
        let items = made?;
        let shown = std::path::absolute(&folder)
            .unwrap_or(folder)
            .display()
            .to_string();
        let document =
            json!({"folder": shown, "database": {"made": !was_there, "place": database}, "items": items});
        context.output.answer(&document, |style| {
            human(style, &shown, (&database, was_there), &items)
        })?;
        Ok(Exit::Ok)
    }
}

/// Opens the folder as its holder, or beside whoever holds it: then the database is there, or is being made
/// by another `init`, and seeding needs nothing that only a holder may do.
async fn open(context: &Context) -> Result<App, Failure> {
    let mut tries = 0;
    loop {
        match context.open(Access::Create).await {
            Err(failure) if ["data_in_use", "node_in_use"].contains(&failure.code.as_str()) => {}
            opened => return opened,
        }
        match context.open(Access::Guest).await {
            // Whoever holds it has only just begun, or is gone by now.
            Err(failure)
                if ["data_not_initialised", "not_found"].contains(&failure.code.as_str())
                    && tries < TRIES =>
            {
                tries += 1;
                tokio::time::sleep(BETWEEN).await;
            }
            Err(failure) if failure.code == "data_in_use" => {
                return Err(failure.hint(
                    "another process is setting up this folder, and nothing was changed: run this again \
                     when it is done",
                ));
            }
            opened => return opened,
        }
    }
}

fn human(style: Style, folder: &str, (name, was_there): (&str, bool), items: &[Item]) -> String {
    let said = |made: bool, standing: Standing| match (made, standing) {
        (true, Standing::Older) => style.good("updated"),
        (true, _) => style.good("made"),
        (false, Standing::Changed) => style.warn("there, changed by you"),
        (false, _) => style.dim("was there"),
    };
    let database = if was_there {
        Standing::There
    } else {
        Standing::Missing
    };
    let mut rows = vec![vec![
        "database".to_owned(),
        name.to_owned(),
        said(!was_there, database),
    ]];
    rows.extend(items.iter().map(|item| {
        vec![
            item.noun.to_owned(),
            item.name.clone(),
            said(item.made, item.standing),
        ]
    }));
    format!(
        "{}\n{}\n\n{}\n  agentops recipe list\n  agentops run start zoom-room-hdmi-black --input room=\"Boardroom 4A\" --watch",
        style.strong(folder),
        table(style, &["what", "name", ""], rows, ""),
        style.dim("Next:"),
    )
}
