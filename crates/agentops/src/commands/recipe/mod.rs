//! `agentops recipe`: check, show and save recipes.

mod check;
mod library;
mod save;
mod show;

use clap::{Args, Subcommand};

use super::{Context, Done};
use crate::exit::Exit;
use crate::output::Output;

/// Check, show and save recipes
#[derive(Debug, Subcommand)]
pub enum Recipe {
    /// Check files and show every problem with its place
    Check(check::Check),
    /// Show a recipe of the library, or a file, in today's form
    Show(show::Show),
    /// List the recipes of the library
    List {
        /// Also those that `tool call` keeps its calls in
        #[arg(long)]
        all: bool,
    },
    /// Save a file as a new version; one with errors becomes a draft
    Save(save::Save),
    /// List the versions of a recipe
    Versions {
        /// Slug, name or id
        name: String,
    },
    /// Make a version the one that runs follow
    Activate {
        /// Slug, name or id
        name: String,
        /// The version
        version: u32,
    },
    /// Print the JSON Schema of recipes, for editors
    Schema(Schema),
}

/// Print the JSON Schema of recipes
#[derive(Debug, Args)]
pub struct Schema {}

impl Schema {
    /// Runs it.
    pub fn run(&self, output: Output) -> Done {
        let schema = recipe::schema();
        output.answer(&schema, |_| format!("{schema:#}"))?;
        Ok(Exit::Ok)
    }
}

impl Recipe {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        match self {
            Recipe::Check(command) => command.run(context).await,
            Recipe::Show(command) => command.run(context).await,
            Recipe::List { all } => library::list(context, all).await,
            Recipe::Save(command) => command.run(context).await,
            Recipe::Versions { name } => library::versions(context, &name).await,
            Recipe::Activate { name, version } => library::activate(context, &name, version).await,
            Recipe::Schema(command) => command.run(context.output),
        }
    }
}
