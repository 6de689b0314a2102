//! The binary: reads the command line and the configuration, composes, runs one command.
//!
//! Boundary: every rule lives in `services`; here are only words, tables and the composition root.
//! Deliberately absent: decisions about runs, SQL, vendors' wire formats.

mod args;
mod cli;
mod client;
mod commands;
mod compose;
mod config;
mod exit;
mod logging;
mod output;
mod own_name;
mod shipped;
mod signals;

use std::process::ExitCode;

use clap::Parser;
use types::Failure;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::output::Output;

/// A journal is many small texts: at 256 runs this gives about a fifth more steps a second than the
/// system's allocator (`agentops bench engine`), for some 15 MB of memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
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

/// Help, the version, or what is wrong with the command line; as JSON if `--json` was asked.
fn usage(error: &clap::Error) -> ExitCode {
    let asked_json = std::env::args_os().any(|argument| argument == "--json");
    if asked_json && error.use_stderr() {
        let text = error.render().to_string();
        let (message, rest) = text.trim().split_once("\n\n").unwrap_or((text.trim(), ""));
        let mut failure = args::invalid(message.trim_start_matches("error: "));
        if let Some(tip) = rest.lines().find_map(|line| line.trim().strip_prefix("tip: ")) {
            failure = failure.hint(tip);
        }
        Output::new(true).failure(&failure);
        return ExitCode::from(Exit::Usage.code());
    }
    // Nothing is left to say if the terminal has gone.
    let _ = error.print();
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
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
