//! `agentops recipe`: check, show, save, convert and exchange recipes.

mod check;
mod convert;
mod exchange;
mod files;
mod library;
mod report;
mod save;
mod show;

use clap::{Args, Subcommand};

use super::{Context, Done};
use crate::exit::Exit;
use crate::output::Output;

/// Check, show, save, convert and exchange recipes
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
    /// Save a file as a new version; one with errors is kept as a draft that can't run, and ends with exit code 4
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
    /// Write a recipe of an earlier tool in today's form
    Convert(convert::Convert),
    /// Write recipes as files: one SLUG.yaml each, or one bundle
    Export(exchange::Export),
    /// Take over a file, a folder or a bundle: recipes, workflows, agents, guardrails, tools
    Import(exchange::Import),
    /// Take over what has changed in a folder with one SLUG.yaml for each recipe
    Sync(exchange::Sync),
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
            Recipe::Convert(command) => command.run(context).await,
            Recipe::Export(command) => command.run(context).await,
            Recipe::Import(command) => command.run(context).await,
            Recipe::Sync(command) => command.run(context).await,
            Recipe::Schema(command) => command.run(context.output),
        }
    }
}
