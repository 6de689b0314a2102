//! `agentops run dead-letters`.

use api::wire::runs::GivenUp;
use clap::Args;

use crate::commands::{Context, Done};
use crate::exit::Exit;
use crate::output::{ago, table};

/// Runs that were given up
#[derive(Debug, Args)]
pub struct DeadLetters {
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

impl DeadLetters {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let client = context.client().await?;
        let letters: Result<Vec<GivenUp>, _> = client.list(&["dead-letters"], &[], self.limit).await;
        let now = client.now();
        client.close().await;
        let letters = letters?;
        context.output.answer(&letters, |style| {
            let rows = letters
                .iter()
                .map(|letter| {
                    let why = format!("{} [{}]", letter.failure.message, letter.failure.code);
                    vec![letter.run.to_string(), ago(letter.at, now), why]
                })
                .collect();
            table(style, &["run", "given up", "why"], rows, "no run was given up")
        })?;
        context.output.may_be_more(letters.len(), self.limit);
        Ok(Exit::Ok)
    }
}
