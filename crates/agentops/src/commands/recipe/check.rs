//! `agentops recipe check`.

use std::path::PathBuf;

use api::wire::recipes::CheckRecipe;
use clap::Args;
use recipe::{CheckContext, Checked, Dialect, Severity};
use serde_json::json;
use types::{Catalog, Failure};

use crate::args::bytes_file;
use crate::client::{self, Client};
use crate::commands::{Context, Done};
use crate::compose::{Access, App, scratch};
use crate::config::Data;
use crate::exit::Exit;
use crate::output::{Style, diagnostics};
use crate::shipped;

/// Check files and show every problem with its place
#[derive(Debug, Args)]
pub struct Check {
    /// Recipes; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

impl Check {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let texts: Vec<(String, Vec<u8>)> = self
            .files
            .iter()
            .map(|file| Ok((file.display().to_string(), bytes_file(file)?)))
            .collect::<Result<_, Failure>>()?;
        let checked = checked_here(context, texts).await?;
        let good = checked.iter().all(|(_, checked)| errors(checked) == 0);
        let files: Vec<_> = checked
            .iter()
            .map(|(file, checked)| {
                json!({
                    "file": file,
                    "name": checked.name,
                    "dialect": checked.dialect,
                    "read_as": checked.dialect.title(),
                    "runnable": checked.runnable(),
                    "diagnostics": checked.diagnostics,
                    "bindings": checked.bindings,
                })
            })
            .collect();
        context
            .output
            .answer(&json!({"ok": good, "files": files}), |style| {
                let pages: Vec<String> = checked
                    .iter()
                    .map(|(file, checked)| page(style, file, checked))
                    .collect();
                pages.join("\n")
            })?;
        Ok(if good { Exit::Ok } else { Exit::Refused })
    }
}

/// Checks texts against this installation, or one that was just made where there is none.
pub(super) async fn checked_here(
    context: &Context,
    texts: Vec<(String, Vec<u8>)>,
) -> Result<Vec<(String, Checked)>, Failure> {
    let (client, _folder) = match context.client().await {
        Ok(client) => (client, None),
        Err(failure) if failure.code == "data_not_initialised" => {
            let (client, folder) = shipped_only(context).await?;
            (client, Some(folder))
        }
        Err(failure) => return Err(failure),
    };
    let all = async {
        let mut found = Vec::new();
        for (file, text) in texts {
            found.push((file, checked(&client, text).await?));
        }
        Ok(found)
    };
    let all = all.await;
    client.close().await;
    all
}

/// Checks a text against what is set up. What is no text is found to be so here: JSON can't carry it.
pub(super) async fn checked(client: &Client, text: Vec<u8>) -> Result<Checked, Failure> {
    match String::from_utf8(text) {
        Ok(text) => {
            let found = client.post(&["recipes", "check"], &CheckRecipe { text }).await?;
            client::checked(found)
        }
        Err(error) => {
            let nothing = Catalog::new([]);
            Ok(recipe::check(error.as_bytes(), &CheckContext::new(&nothing)))
        }
    }
}

/// An installation that was just made, for those who have none; it goes with its folder.
async fn shipped_only(context: &Context) -> Result<(Client, tempfile::TempDir), Failure> {
    let folder = scratch("check")?;
    let mut config = context.config.clone();
    config.data = Data::at(folder.path().to_owned());
    let app = App::open(config, Access::Create).await?;
    if let Err(failure) = services::setup::make(&app.services, &shipped::seeds()?).await {
        app.close().await;
        return Err(failure);
    }
    context
        .output
        .note("there is no data folder yet: checked against the tools and recipes that ship");
    Ok((Client::in_folder(app), folder))
}

/// What was found in one file, for people.
pub(super) fn page(style: Style, file: &str, checked: &Checked) -> String {
    let mut text = diagnostics(style, file, &checked.diagnostics);
    for binding in &checked.bindings {
        let to = match &binding.action {
            Some(action) => format!("is done by {}", style.strong(action)),
            None => style.warn("is not done by any tool"),
        };
        text.push_str(&format!("{file}:{}: '{}' {to}\n", binding.line, binding.words));
    }
    let errors = errors(checked);
    let rest = checked.diagnostics.len() - errors;
    let unnamed = if checked.dialect.is_recipe() {
        "a recipe without a name"
    } else {
        "a document without a name"
    };
    let name = checked.name.as_deref().unwrap_or(unnamed);
    if checked.dialect != Dialect::Native {
        text.push_str(&format!("{file}: read as: {}\n", checked.dialect.title()));
    }
    let verdict = match (errors, checked.runnable()) {
        (0, _) if !checked.dialect.is_recipe() => {
            format!(
                "{}; `agentops recipe import {file}` takes it over",
                style.good("can be kept")
            )
        }
        (0, true) => style.good("can run"),
        (0, false) => style.warn("can't run yet"),
        (1, _) => style.bad("1 error"),
        (count, _) => style.bad(&format!("{count} errors")),
    };
    let rest = match rest {
        0 => String::new(),
        1 => ", 1 remark".to_owned(),
        count => format!(", {count} remarks"),
    };
    text.push_str(&format!("{file}: {name}: {verdict}{rest}"));
    text
}

fn errors(checked: &Checked) -> usize {
    checked
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .count()
}
