//! `agentops recipe convert`.

use std::path::PathBuf;

use clap::Args;
use recipe::Severity;
use serde::Serialize;
use serde_json::json;
use types::Failure;

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
        let mut text = recipe::show(recipe);
        let lacks = match checked.runnable() {
            true => Vec::new(),
            false => fill_in(context, &mut text).await?,
        };
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
            "to_fill_in": lacks,
        });
        if let Some(out) = &self.out {
            replace(out, text.as_bytes())?;
            context.output.answer(&document, |style| {
                format!("{} is written", style.strong(&out.display().to_string()))
            })?;
        } else {
            context.output.answer(&document, |_| text.clone())?;
        }
        if lacks.is_empty() {
            return Ok(Exit::Ok);
        }
        let whole = "it isn't whole: it can't be saved to run before these places are filled in, where comments stand";
        let places = lacks
            .iter()
            .map(|lack| format!("\n  line {}: {} [{}]", lack.line, lack.message, lack.code));
        context
            .output
            .note(&format!("{whole}{}", places.collect::<String>()));
        Ok(Exit::Refused)
    }
}

/// A place of the written text that somebody has to fill in.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Lack {
    /// Counted from 1, in the text that is written.
    line: u32,
    code: String,
    message: String,
}

/// Finds what an older recipe could leave out and today's form can't, and writes a comment at each place.
async fn fill_in(context: &Context, text: &mut String) -> Result<Vec<Lack>, Failure> {
    let noted = noted(text, &errors(context, text).await?);
    let found = errors(context, &noted).await?;
    *text = noted;
    Ok(found)
}

/// The errors of a text in today's form.
async fn errors(context: &Context, text: &str) -> Result<Vec<Lack>, Failure> {
    let found = checked_here(context, vec![(String::new(), text.as_bytes().to_vec())]).await?;
    let found = found.into_iter().flat_map(|(_, checked)| checked.diagnostics);
    let errors = found.filter(|found| found.severity == Severity::Error);
    let lacks = errors.map(|found| Lack {
        line: found.line,
        code: found.code,
        message: found.message,
    });
    Ok(lacks.collect())
}

/// The text with a comment before each of these lines, as deep as the line itself.
fn noted(text: &str, lacks: &[Lack]) -> String {
    let mut noted = String::new();
    for (number, line) in (1u32..).zip(text.lines()) {
        for lack in lacks.iter().filter(|lack| lack.line == number) {
            let depth = line.len() - line.trim_start().len();
            let message = lack.message.replace(['\n', '\r'], " ");
            noted.push_str(&format!("{:depth$}# to be filled in: {message}\n", ""));
        }
        noted.push_str(line);
        noted.push('\n');
    }
    noted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_stand_before_what_they_are_about() {
        let lack = |line: u32, message: &str| Lack {
            line,
            code: "bad_argument".to_owned(),
            message: message.to_owned(),
        };
        let lacks = [lack(2, "b is needed"), lack(2, "c is no\nnumber")];
        let text = "a:\n  - with: {}\nd: 1\n";
        assert_eq!(
            noted(text, &lacks),
            "a:\n  # to be filled in: b is needed\n  # to be filled in: c is no number\n  - with: {}\nd: 1\n"
        );
        assert_eq!(noted(text, &[]), text);
    }
}
