//! `agentops run dead-letters`.

use clap::Args;

use crate::commands::{Context, Done};
use crate::compose::Access;
use crate::exit::Exit;
use crate::output::{ago, table};

/// Runs that were given up
#[derive(Debug, Args)]
pub struct DeadLetters {
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
}

impl DeadLetters {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let app = context.open(Access::Guest).await?;
        let letters = services::runs::dead_letters(&app.services, self.limit).await?;
        let now = app.services.clock.now();
        app.close().await;
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
        Ok(Exit::Ok)
    }
}
