//! The binary: reads the command line and the configuration, composes, runs one command.
//!
//! Boundary: every rule lives in `services`; here are only words, tables and the composition root.
//! Deliberately absent: decisions about runs, SQL, vendors' wire formats.

mod args;
mod cli;
mod commands;
mod compose;
mod config;
mod exit;
mod logging;
mod output;
mod shipped;
mod signals;

use std::process::ExitCode;

use clap::Parser;
use types::Failure;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::output::Output;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.global.json);
    let exit = match start(cli, output) {
        Ok(exit) => exit,
        // Whoever read the output has seen enough, as `head` does.
        Err(failure) if failure.code == "output_closed" => Exit::Ok,
        Err(failure) => {
            output.failure(&failure);
            Exit::of(&failure)
        }
    };
    ExitCode::from(exit.code())
}

fn start(cli: Cli, output: Output) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("internal", format!("failed to start: {error}")))?;
    let exit = runtime.block_on(commands::run(cli, output));
    // A thread that still waits for the keyboard must not hold the process.
    runtime.shutdown_background();
    exit
}
