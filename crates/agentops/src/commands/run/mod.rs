//! `agentops run`: start, watch, answer and stop runs.

mod answer;
mod control;
mod dead_letters;
pub(super) mod follow;
mod list;
mod prompt;
mod resolve;
mod restart;
mod show;
mod start;

use clap::Subcommand;
pub(super) use start::mode;
use types::RunId;

use super::{Context, Done, embedded};

/// Start, watch, answer and stop runs
#[derive(Debug, Subcommand)]
pub enum Run {
    /// Start a run of a recipe
    Start(start::Start),
    /// List runs, newest first
    List(list::List),
    /// Show a run: phases, steps, artifacts, what it waits for
    Show(show::Show),
    /// Follow a run until it has ended or waits
    Watch {
        /// The run
        run: RunId,
    },
    /// Answer a question of a run
    Input(answer::Input),
    /// Say that a task is done or failed, or that a statement holds or doesn't
    Task(answer::Task),
    /// Send a named signal
    Signal(answer::Signal),
    /// Hold a run: calls under way end, nothing new begins
    Pause(control::Pause),
    /// Let a held run go on
    Resume(control::Resume),
    /// Stop at the next safe point and undo
    Cancel(control::Cancel),
    /// Stop now; writes under way become uncertain
    Kill(control::Kill),
    /// Say what an uncertain step did
    Resolve(resolve::Resolve),
    /// Begin a new run from a step of one that has ended
    Restart(restart::Restart),
    /// Runs that were given up
    DeadLetters(dead_letters::DeadLetters),
}

impl Run {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        match self {
            Run::Start(command) => command.run(context).await,
            Run::List(command) => command.run(context).await,
            Run::Show(command) => command.run(context).await,
            Run::Watch { run } => embedded::watch(context, run).await,
            Run::Input(command) => command.run(context).await,
            Run::Task(command) => command.run(context).await,
            Run::Signal(command) => command.run(context).await,
            Run::Pause(command) => command.run(context).await,
            Run::Resume(command) => command.run(context).await,
            Run::Cancel(command) => command.run(context).await,
            Run::Kill(command) => command.run(context).await,
            Run::Resolve(command) => command.run(context).await,
            Run::Restart(command) => command.run(context).await,
            Run::DeadLetters(command) => command.run(context).await,
        }
    }
}
