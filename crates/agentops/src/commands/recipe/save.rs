//! `agentops recipe save`.

use std::path::PathBuf;

use api::wire::recipes::{SaveRecipe, Saved};
use clap::Args;
use recipe::{Checked, Severity};

use super::check::page;
use crate::args::text_file;
use crate::client;
use crate::commands::{Context, Done};
use crate::exit::Exit;
use crate::output::Style;

/// Save a file as a new version; one with errors is kept as a draft that can't run, and ends with exit code 4
#[derive(Debug, Args)]
pub struct Save {
    /// The recipe; - is standard input
    pub file: PathBuf,
    /// Let runs follow this version from now on
    #[arg(long)]
    pub activate: bool,
    /// The short name to keep it under, if not that of its name
    #[arg(long)]
    pub slug: Option<String>,
}

impl Save {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let text = text_file(&self.file)?;
        let wish = SaveRecipe {
            text,
            slug: self.slug,
            activate: self.activate,
        };
        let client = context.client().await?;
        let saved: Result<Saved, _> = client.post(&["recipes"], &wish).await;
        client.close().await;
        let saved = saved?;
        let checked = client::checked(saved.checked.clone())?;
        let file = self.file.display().to_string();
        context
            .output
            .answer(&saved, |style| human(style, &file, &saved, &checked))?;
        Ok(if saved.runnable { Exit::Ok } else { Exit::Refused })
    }
}

fn human(style: Style, file: &str, saved: &Saved, checked: &Checked) -> String {
    let what = match (saved.new, saved.new_recipe) {
        (_, true) => "new recipe",
        (true, false) => "new version",
        (false, false) => "unchanged",
    };
    let state = match (saved.active, saved.runnable) {
        (true, _) => style.good("active"),
        (false, true) => style.warn("a draft"),
        (false, false) => style.bad("a draft with errors"),
    };
    let line = format!(
        "{} version {}: {what}, {state}",
        style.strong(&saved.slug),
        saved.version
    );
    if checked
        .diagnostics
        .iter()
        .any(|found| found.severity == Severity::Error)
    {
        let kept = "it is kept, but it can't run; correct the file and save it again (exit code 4)";
        let runs = match saved.runs_follow {
            Some(active) => format!("{kept}; runs go on with version {active}"),
            None => kept.to_owned(),
        };
        return format!("{}\n{line}\n{}", page(style, file, checked), style.warn(&runs));
    }
    // Remarks say, among others, which tools it still lacks.
    let line = match checked.diagnostics.is_empty() {
        true => line,
        false => format!("{}\n{line}", page(style, file, checked)),
    };
    if saved.active || !saved.runnable {
        return line;
    }
    let next = format!("agentops recipe activate {} {}", saved.slug, saved.version);
    let next = match saved.runs_follow {
        Some(active) => format!("runs go on with version {active}: {next}"),
        None => next,
    };
    format!("{line}\n{}", style.dim(&next))
}
