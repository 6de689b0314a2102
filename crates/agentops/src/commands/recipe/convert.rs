//! `agentops recipe convert`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::check::{checked_here, page};
use crate::args::bytes_file;
use crate::commands::{Context, Done};
use crate::compose::replace;
use crate::exit::Exit;
use crate::output::{Style, diagnostics};

/// Write a recipe of an earlier tool in today's form
#[derive(Debug, Args)]
pub struct Convert {
    /// The recipe; - is standard input
    pub file: PathBuf,
    /// Write it to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

impl Convert {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let bytes = bytes_file(&self.file)?;
        let file = self.file.display().to_string();
        let found = checked_here(context, vec![(file.clone(), bytes)]).await?;
        let Some((_, checked)) = found.into_iter().next() else {
            return Ok(Exit::Ok);
        };
        let Some(recipe) = &checked.recipe else {
            context
                .output
                .answer(&json!(checked), |style| page(style, &file, &checked))?;
            return Ok(Exit::Refused);
        };
        let text = recipe::show(recipe);
        let told = diagnostics(Style::new(false), &file, &checked.diagnostics);
        context
            .output
            .note(&format!("{told}read as: {}", checked.dialect.title()));
        if let Some(slug) = &checked.slug {
            context.output.note(&format!(
                "its short name is {slug}: keep it with `agentops recipe save FILE --slug {slug}`"
            ));
        }
        for one in &checked.brings {
            if let recipe::Brings::Agent(agent) = one {
                let made = format!(
                    "the agent '{}' isn't part of the recipe: `agentops recipe import {file}` makes it",
                    agent.name
                );
                context.output.note(&made);
            }
        }
        let document = json!({
            "file": file,
            "dialect": checked.dialect,
            "read_as": checked.dialect.title(),
            "slug": checked.slug,
            "out": self.out.as_ref().map(|out| out.display().to_string()),
            "text": text,
            "diagnostics": checked.diagnostics,
            "brings": checked.brings,
        });
        if let Some(out) = &self.out {
            replace(out, text.as_bytes())?;
            context.output.answer(&document, |style| {
                format!("{} is written", style.strong(&out.display().to_string()))
            })?;
        } else {
            context.output.answer(&document, |_| text.clone())?;
        }
        Ok(Exit::Ok)
    }
}
