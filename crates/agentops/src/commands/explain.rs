//! `agentops explain`: the page of an error code, as `/errors/CODE` of a server shows it.

use clap::Args;
use serde_json::json;
use types::Failure;

use super::Done;
use crate::exit::Exit;
use crate::output::{Output, Style, table};

/// Say what an error code means and what to do about it
#[derive(Debug, Args)]
pub struct Explain {
    /// The code, as it stands in brackets behind a message; every code is listed if it isn't said
    pub code: Option<String>,
}

impl Explain {
    /// Runs it.
    pub fn run(&self, output: Output) -> Done {
        match &self.code {
            Some(code) => one(output, code)?,
            None => all(output)?,
        }
        Ok(Exit::Ok)
    }
}

fn one(output: Output, code: &str) -> Result<(), Failure> {
    // As it is copied from a message.
    let code = code.trim_matches(['[', ']']);
    let Some(page) = api::error_page(code) else {
        let shown: String = code.chars().take(100).collect();
        let failure = Failure::new("not_found", format!("there is no error code '{shown}'"));
        let near = api::near_codes(code);
        return Err(match near.is_empty() {
            true => failure.hint("see `agentops explain`"),
            false => failure.hint(format!("did you mean {}?", near.join(" or "))),
        });
    };
    output.answer(&json!({"code": code, "page": page}), |style| shown(style, page))
}

fn all(output: Output) -> Result<(), Failure> {
    let codes: Vec<_> = api::error_codes().collect();
    let document: Vec<_> = codes
        .iter()
        .map(|(code, gist)| json!({"code": code, "gist": gist}))
        .collect();
    output.answer(&document, |style| {
        let rows = codes
            .iter()
            .map(|(code, gist)| vec![style.strong(code), (*gist).to_owned()]);
        table(style, &["code", "what it says"], rows.collect(), "")
    })
}

/// The page with its headings standing out.
fn shown(style: Style, page: &str) -> String {
    let lines = page
        .trim_end()
        .lines()
        .map(|line| match line.trim_start_matches('#') {
            heading if heading.len() < line.len() => style.strong(heading.trim()),
            _ => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}
