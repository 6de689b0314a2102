//! The command line as a whole.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::commands::{
    agent, approvals, audit, bench, chaos, completions, demo, explain, init, recipe, reference, run, sandbox,
    secret, serve, setting, token, tool, user,
};
use crate::config::Flags;
use crate::exit::Exit;

/// Runs operational procedures: recipes that survive a crash, with a person's approval where it counts
#[derive(Debug, Parser)]
#[command(name = "agentops", version, after_help = exits(), max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The data folder
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A configuration file, instead of agentops.toml in the data folder
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A PostgreSQL database, instead of the file in the data folder
    #[arg(long, global = true, value_name = "URL")]
    pub database: Option<String>,
    /// The name of this node among those that share the database
    #[arg(long, global = true, value_name = "NAME")]
    pub node: Option<String>,
    /// Write one JSON document to standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Start and decide under this name
    #[arg(long = "as", global = true, value_name = "USER")]
    pub user: Option<String>,
}

impl Global {
    /// What it says about the configuration.
    pub fn flags(&self) -> Flags {
        Flags {
            file: self.config.clone(),
            data: self.data.clone(),
            database: self.database.clone(),
            node: self.node.clone(),
            user: self.user.clone(),
        }
    }
}

/// One command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a data folder and seed it; again at will, it says what was there
    Init(init::Init),
    /// Work on runs, with the sandbox beside, and answer the API
    Serve(serve::Serve),
    /// Run the shipped recipes against the sandbox in a data folder of their own, then keep serving
    Demo(demo::Demo),
    /// Serve the vendors' sandbox alone
    Sandbox(sandbox::Sandbox),
    /// Check, show and save recipes
    #[command(subcommand)]
    Recipe(recipe::Recipe),
    /// Start, watch, answer and stop runs
    #[command(subcommand)]
    Run(run::Run),
    /// What waits for a decision
    #[command(subcommand)]
    Approvals(approvals::Approvals),
    /// Tools and their actions
    #[command(subcommand)]
    Tool(tool::Tool),
    /// Agents
    #[command(subcommand)]
    Agent(agent::Agent),
    /// Settings of this installation
    #[command(subcommand)]
    Setting(setting::Setting),
    /// Secrets for real mode
    #[command(subcommand)]
    Secret(secret::Secret),
    /// People who sign in
    #[command(subcommand)]
    User(user::User),
    /// API tokens
    #[command(subcommand)]
    Token(token::Token),
    /// The audit log
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Kill and stop a server under random runs, and prove that no effect is lost or doubled
    Chaos(chaos::Chaos),
    /// Measure this installation
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Say what an error code means and what to do about it
    Explain(explain::Explain),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Print docs/cli.md
    #[command(hide = true)]
    Reference(reference::Reference),
}

/// The whole command line, for help, completions and the reference.
pub fn command() -> clap::Command {
    Cli::command()
}

fn exits() -> String {
    let lines: Vec<String> = Exit::ALL
        .iter()
        .map(|(exit, text)| format!("  {:>3}  {text}", exit.code()))
        .collect();
    format!("Exit codes:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
