//! `agentops run list`.

use api::wire::runs::Run;
use clap::Args;
use types::{RunId, RunStatus};

use crate::commands::{Context, Done};
use crate::exit::Exit;
use crate::output::{list_row, table};

/// List runs, newest first
#[derive(Debug, Args)]
pub struct List {
    /// Only runs in this state; may be given several times
    #[arg(long, value_name = "STATUS")]
    pub status: Vec<RunStatus>,
    /// Only runs of this recipe
    #[arg(long, value_name = "RECIPE")]
    pub recipe: Option<String>,
    /// Only children of this run
    #[arg(long, value_name = "RUN")]
    pub parent: Option<RunId>,
    /// Only runs at which a person must look
    #[arg(long)]
    pub attention: bool,
    /// At most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Only runs older than this one: the next page
    #[arg(long, value_name = "RUN")]
    pub before: Option<RunId>,
}

impl List {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let client = context.client().await?;
        let runs: Result<Vec<Run>, _> = client.list(&["runs"], &self.query(), self.limit).await;
        let now = client.now();
        client.close().await;
        let runs = runs?;
        context.output.answer(&runs, |style| {
            let columns = [
                "run", "recipe", "state", "phase", "mode", "by", "started", "took", "about",
            ];
            let rows = runs.iter().map(|run| list_row(style, run, now)).collect();
            table(
                style,
                &columns,
                rows,
                "no such runs; `agentops run start RECIPE` begins one",
            )
        })?;
        if let Some(last) = runs.last()
            && runs.len() == self.limit as usize
        {
            context.output.note(&format!(
                "there may be more: --before {} shows the next",
                last.run
            ));
        }
        Ok(Exit::Ok)
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let statuses: Vec<&str> = self.status.iter().map(|status| status.as_str()).collect();
        let mut query = Vec::new();
        if !statuses.is_empty() {
            query.push(("status", statuses.join(",")));
        }
        query.extend(self.recipe.clone().map(|recipe| ("recipe", recipe)));
        query.extend(self.parent.map(|run| ("parent", run.to_string())));
        query.extend(self.before.map(|run| ("before", run.to_string())));
        query.extend(self.attention.then(|| ("attention", true.to_string())));
        query
    }
}
