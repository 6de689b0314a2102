//! `agentops reference` (hidden): the pages of `docs/` that are made from the code.

use clap::{Arg, ArgAction, Args, Command, ValueEnum};

use super::Done;
use crate::exit::Exit;
use crate::output::Output;
use crate::{cli, config};

/// Print a page that is made from the code
#[derive(Debug, Args)]
pub struct Reference {
    /// The page
    #[arg(default_value = "cli")]
    pub page: Page,
}

/// A page.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Page {
    /// docs/cli.md
    Cli,
    /// docs/configuration.md
    Configuration,
    /// docs/api.md
    Api,
    /// docs/openapi.json
    Openapi,
}

impl Reference {
    /// Runs it.
    pub fn run(&self, output: Output) -> Done {
        let page = match self.page {
            Page::Cli => command_line(),
            Page::Configuration => configuration(),
            Page::Api => api::markdown(),
            Page::Openapi => openapi(),
        };
        output.raw(&page)?;
        Ok(Exit::Ok)
    }
}

fn openapi() -> String {
    let document = serde_json::to_string_pretty(api::document_json()).unwrap_or_default();
    format!("{document}\n")
}

fn configuration() -> String {
    format!(
        "# Configuration\n\nMade by `agentops reference configuration` from \
         `crates/agentops/agentops.default.toml`, which holds every key with its default.\n\n```toml\n{}```\n\n\
         Settings that can change while the server runs (`agentops setting list`) are kept in the database, \
         not here.\n",
        config::DEFAULTS
    )
}

fn command_line() -> String {
    let mut page = String::from(
        "# Command line\n\nMade by `agentops reference cli` from the code.\n\nValues are given as `NAME=TEXT`, read as \
         what the recipe or action wants, or as `NAME:=JSON`.\n\n",
    );
    let root = cli::command();
    page.push_str("## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (exit, meaning) in Exit::ALL {
        page.push_str(&format!("| {} | {meaning} |\n", exit.code()));
    }
    page.push_str("\n## Options of every command\n\n");
    page.push_str(&options(
        root.get_arguments().filter(|argument| argument.is_global_set()),
    ));
    for command in root.get_subcommands().filter(|command| !command.is_hide_set()) {
        describe(command, "agentops", 2, &mut page);
    }
    page
}

fn describe(command: &Command, above: &str, depth: usize, page: &mut String) {
    let name = format!("{above} {}", command.get_name());
    page.push_str(&format!("\n{} {name}\n\n", "#".repeat(depth)));
    if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
        page.push_str(&format!("{about}\n"));
    }
    let own = command.get_arguments().filter(|argument| {
        let of_clap = matches!(
            argument.get_action(),
            ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
        );
        !argument.is_global_set() && !argument.is_hide_set() && !of_clap
    });
    let listed = options(own);
    if !listed.is_empty() {
        page.push_str(&format!("\n{listed}"));
    }
    for inner in command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
    {
        describe(inner, &name, depth + 1, page);
    }
}

fn options<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let mut rows = String::new();
    for argument in arguments {
        let values: Vec<String> = argument
            .get_value_names()
            .filter(|_| argument.get_action().takes_values())
            .map(|names| names.iter().map(|name| name.to_string()).collect())
            .unwrap_or_default();
        let short = argument
            .get_short()
            .map(|short| format!("-{short}, "))
            .unwrap_or_default();
        let shown = match argument.get_long() {
            Some(long) => format!("{short}--{long} {}", values.join(" ")),
            None => values.join(" "),
        };
        // A bar would end the table's cell.
        let shown = shown.replace('|', "\\|");
        let help = argument
            .get_help()
            .map(|help| help.to_string())
            .unwrap_or_default();
        let choices: Vec<String> = argument
            .get_possible_values()
            .iter()
            .map(|value| value.get_name().to_owned())
            .collect();
        let takes = argument.get_action().takes_values() && !choices.is_empty();
        let choices = if takes {
            format!(" ({})", choices.join(", "))
        } else {
            String::new()
        };
        rows.push_str(&format!("| `{}` | {help}{choices} |\n", shown.trim()));
    }
    if rows.is_empty() {
        rows
    } else {
        format!("| argument | meaning |\n|---|---|\n{rows}")
    }
}
