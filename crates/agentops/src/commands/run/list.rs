//! `agentops run list`.

use clap::Args;
use ports::RunFilter;
use types::{RunId, RunStatus};

use crate::commands::{Context, Done};
use crate::compose::Access;
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
        let app = context.open(Access::Guest).await?;
        let recipe = match &self.recipe {
            Some(name) => Some(services::recipes::find(&app.services, name).await?.id),
            None => None,
        };
        let filter = RunFilter {
            statuses: self.status,
            recipe,
            parent: self.parent,
            needs_attention: self.attention,
            before: self.before,
            limit: self.limit,
            ..RunFilter::default()
        };
        let runs = services::runs::list(&app.services, filter).await?;
        let now = app.services.clock.now();
        app.close().await;
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
}
