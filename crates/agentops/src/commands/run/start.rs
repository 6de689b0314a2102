//! `agentops run start`.

use std::path::PathBuf;

use api::wire::recipes::RecipeDetail;
use api::wire::runs::{StartRun, Started};
use clap::{Args, builder::PossibleValuesParser, builder::TypedValueParser};
use recipe::Recipe;
use serde_json::{Map, Value};
use types::{Failure, Mode};

use crate::args::{Pair, invalid, object_file};
use crate::client::Client;
use crate::commands::embedded::{Watching, change};
use crate::commands::{Context, Done};

/// Start a run of a recipe
#[derive(Debug, Args)]
pub struct Start {
    /// Slug, name or id of the recipe
    pub recipe: String,
    /// An input; a number, list or object where the recipe wants one
    #[arg(short, long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<Pair>,
    /// Inputs from a file of JSON or YAML; - is standard input
    #[arg(long, value_name = "FILE")]
    pub inputs_file: Option<PathBuf>,
    /// The agent to run for, if not the recipe's own
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// The sandbox or the real services; the setting runs.mode if not said
    #[arg(long, value_parser = mode())]
    pub mode: Option<Mode>,
    /// A version other than the active one
    #[arg(long, value_name = "N")]
    pub version: Option<u32>,
    /// Starting twice with one key starts once
    #[arg(long, value_name = "KEY")]
    pub start_key: Option<String>,
    #[command(flatten)]
    pub watching: Watching,
}

/// Reads `mock` or `real`.
pub(in crate::commands) fn mode() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(["mock", "real"]).try_map(|text| text.parse::<Mode>())
}

impl Start {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let watching = self.watching;
        change(context, watching, async |client: &Client| {
            let wish = StartRun {
                inputs: self.inputs(client).await?,
                recipe: self.recipe,
                version: self.version,
                agent: self.agent,
                mode: self.mode,
                start_key: self.start_key,
            };
            let started: Started = client.post(&["runs"], &wish).await?;
            if !started.new {
                context
                    .output
                    .note(&format!("{} was started with this key before", started.run));
            }
            Ok(started.run)
        })
        .await
    }

    /// The file's inputs, then those of the command line over them.
    async fn inputs(&self, client: &Client) -> Result<Map<String, Value>, Failure> {
        let mut inputs = match &self.inputs_file {
            Some(file) => object_file(file)?,
            None => Map::new(),
        };
        let recipe = self.tree(client).await;
        let mut given = std::collections::BTreeSet::new();
        for pair in &self.inputs {
            if !given.insert(&pair.name) {
                return Err(invalid(format!("the input '{}' is given twice", pair.name)));
            }
            let spec = recipe
                .iter()
                .flat_map(|recipe| &recipe.inputs)
                .find(|spec| spec.name == pair.name);
            inputs.insert(pair.name.clone(), pair.typed(spec.map(|spec| &spec.schema)));
        }
        Ok(inputs)
    }

    /// The recipe, to know what its inputs are; starting says what is wrong if it can't be had.
    async fn tree(&self, client: &Client) -> Option<Recipe> {
        let detail: RecipeDetail = match self.version.map(|version| version.to_string()) {
            Some(version) => client.get(&["recipes", &self.recipe, "versions", &version]).await,
            None => client.get(&["recipes", &self.recipe]).await,
        }
        .ok()?;
        serde_json::from_value(detail.tree?).ok()
    }
}
