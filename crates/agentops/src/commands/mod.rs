//! The commands, one file each, and what they share.

pub mod agent;
pub mod approvals;
pub mod audit;
pub mod bench;
pub mod chaos;
pub mod completions;
pub mod demo;
mod embedded;
pub mod explain;
pub mod init;
pub mod mcp;
pub mod recipe;
pub mod reference;
pub mod run;
pub mod sandbox;
pub mod secret;
pub mod serve;
pub mod setting;
pub mod token;
pub mod tool;
pub mod user;

use types::Failure;

use crate::cli::{Cli, Command};
use crate::client::Client;
use crate::compose::{Access, App};
use crate::config::{self, Config};
use crate::exit::Exit;
use crate::logging;
use crate::output::Output;

/// What a command comes to.
pub type Done = Result<Exit, Failure>;

/// What every command has.
pub struct Context {
    /// How it is configured.
    pub config: Config,
    /// Where it writes.
    pub output: Output,
}

impl Context {
    /// Somebody who asks for this command: the server of the data folder, or the folder itself.
    ///
    /// # Errors
    /// See [`Client::open`].
    pub async fn client(&self) -> Result<Client, Failure> {
        Client::open(&self.config).await
    }

    /// Opens the data folder.
    ///
    /// # Errors
    /// See [`App::open`].
    pub async fn open(&self, access: Access) -> Result<App, Failure> {
        App::open(self.config.clone(), access).await
    }
}

/// Runs the command.
///
/// # Errors
/// Whatever the command says.
pub async fn run(cli: Cli, output: Output) -> Done {
    // These need no configuration, and so work with a broken one.
    match &cli.command {
        Command::Completions(completions) => return completions.run(output),
        Command::Reference(reference) => return reference.run(output),
        Command::Explain(explain) => return explain.run(output),
        Command::Recipe(recipe::Recipe::Schema(schema)) => return schema.run(output),
        Command::Demo(demo) => return demo.run(&cli.global, output).await,
        Command::Chaos(chaos) => return chaos.run(&cli.global, output).await,
        Command::Bench(bench) => return bench.run(&cli.global, output).await,
        _ => {}
    }
    let env: Vec<_> = std::env::vars_os().collect();
    let config = config::load(&cli.global.flags(), &env)?;
    logging::start(&config.log)?;
    let context = Context { config, output };
    match cli.command {
        Command::Init(command) => command.run(&context).await,
        Command::Serve(command) => command.run(&context).await,
        Command::Sandbox(command) => command.run(context).await,
        Command::Recipe(command) => command.run(&context).await,
        Command::Run(command) => command.run(&context).await,
        Command::Approvals(command) => command.run(&context).await,
        Command::Tool(command) => command.run(&context).await,
        Command::Agent(command) => command.run(&context).await,
        Command::Setting(command) => command.run(&context).await,
        Command::Secret(command) => command.run(&context).await,
        Command::User(command) => command.run(&context).await,
        Command::Token(command) => command.run(&context).await,
        Command::Audit(command) => command.run(&context).await,
        Command::Completions(command) => command.run(output),
        Command::Demo(command) => command.run(&cli.global, output).await,
        Command::Chaos(command) => command.run(&cli.global, output).await,
        Command::Bench(command) => command.run(&cli.global, output).await,
        Command::Explain(command) => command.run(output),
        Command::Reference(command) => command.run(output),
    }
}
