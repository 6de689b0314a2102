//! `agentops audit`: the log of what was decided and by whom.

use api::wire::audit::Leaf;
use clap::{Args, Subcommand};

use super::{Context, Done};
use crate::exit::Exit;
use crate::output::{one_line, table};

/// The audit log
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// List leaves in the order in which they were stored
    Leaves(Leaves),
}

/// List leaves
#[derive(Debug, Args)]
pub struct Leaves {
    /// Only those after this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    pub after: u64,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

impl Audit {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        match self {
            Audit::Leaves(leaves) => leaves.run(context).await,
        }
    }
}

impl Leaves {
    async fn run(self, context: &Context) -> Done {
        let client = context.client().await?;
        let query = [("after", self.after.to_string())];
        let leaves: Result<Vec<Leaf>, _> = client.list(&["audit", "leaves"], &query, self.limit).await;
        client.close().await;
        let leaves = leaves?;
        context.output.answer(&leaves, |style| {
            let rows = leaves.iter().map(|leaf| {
                let place = match (&leaf.run, &leaf.step) {
                    (Some(run), Some(step)) => format!("{run} {step}"),
                    (Some(run), None) => run.to_string(),
                    (None, _) => String::new(),
                };
                vec![
                    leaf.position.to_string(),
                    leaf.at.to_string(),
                    leaf.kind.clone(),
                    one_line(&leaf.actor),
                    place,
                    leaf.commitment.chars().take(12).collect(),
                ]
            });
            table(
                style,
                &["", "when", "what", "who", "where", "commitment"],
                rows.collect(),
                "no leaves there",
            )
        })?;
        if let Some(last) = leaves.last()
            && leaves.len() == self.limit as usize
        {
            context.output.note(&format!(
                "there may be more: --after {} shows the next",
                last.position
            ));
        }
        Ok(Exit::Ok)
    }
}
