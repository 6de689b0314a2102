//! Following a run by its rows until it has ended, or until only people can bring it on.

use std::time::Duration;

use api::wire::runs::{Run, RunDetail, Step};
use types::{Failure, RunId, RunStatus, StepStatus, Timestamp};

use super::prompt::{self, Reply};
use crate::client::Client;
use crate::commands::{Context, Done};
use crate::exit::Exit;
use crate::output::{Progress, Timeline, ending};
use crate::signals;

/// How often the rows are looked at.
const EVERY: Duration = Duration::from_millis(100);
/// Child runs within child runs that are looked into for what they wait for.
const DEPTH: usize = 8;
/// Child runs of one run that are looked into.
const CHILDREN: u32 = 1_000;

/// A run to be followed.
pub struct Follow<'a> {
    /// The command.
    pub context: &'a Context,
    /// Who is asked.
    pub client: &'a Client,
    /// The run.
    pub run: RunId,
    /// Whether this process works on it.
    pub works: bool,
    /// Show steps as they come.
    pub live: bool,
}

impl Follow<'_> {
    /// Follows it.
    ///
    /// # Errors
    /// The run can't be read or the output written.
    pub async fn to_the_end(&self) -> Done {
        let interrupted = signals::asked_to_end();
        tokio::pin!(interrupted);
        let progress = Progress::start(&self.context.output, "running");
        let mut timeline = Timeline::default();
        let mut seen: Option<RunDetail> = None;
        loop {
            let view = match self.look(self.run).await {
                Ok(view) => view,
                Err(failure) if passes(&failure) => {
                    tokio::select! {
                        () = tokio::time::sleep(EVERY) => continue,
                        () = &mut interrupted => return Ok(Exit::Interrupted),
                    }
                }
                Err(failure) => match seen {
                    Some(last) if failure.code == "server_unreachable" => {
                        return self.abandoned(progress, &last);
                    }
                    _ => return Err(failure),
                },
            };
            if seen.is_none() && self.live {
                self.begin(&progress, &view)?;
            }
            seen = Some(view.clone());
            let told = view.untold == 0;
            self.grow(&progress, &mut timeline, &view)?;
            if view.run.status.is_final() {
                drop(progress);
                return self.finish(&view, Exit::of_run(view.run.status));
            }
            if told && self.only_people(&view).await? {
                if self.context.output.interactive() && self.live {
                    progress.pause();
                    let reply = tokio::select! {
                        reply = prompt::ask(self.context, self.client, &view) => reply?,
                        () = &mut interrupted => return self.leave(progress, &view),
                    };
                    if reply != Reply::Left {
                        continue;
                    }
                }
                // Whoever works on it, watching can't bring it on any more.
                drop(progress);
                return self.finish(&view, Exit::RunWaits);
            }
            if !self.client.is_served().await {
                return self.abandoned(progress, &view);
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = &mut interrupted => return self.leave(progress, &view),
            }
        }
    }

    async fn look(&self, run: RunId) -> Result<RunDetail, Failure> {
        self.client.get(&["runs", &run.to_string()]).await
    }

    fn begin(&self, progress: &Progress, view: &RunDetail) -> Result<(), Failure> {
        let style = self.context.output.style();
        let name = style.strong(&view.run.recipe_name);
        self.say(progress, &format!("{name}  {}", style.dim(&self.run.to_string())))
    }

    /// Whoever worked on it has gone.
    fn abandoned(&self, progress: Progress, view: &RunDetail) -> Done {
        drop(progress);
        let run = self.run;
        self.context.output.note(&format!(
            "nobody works on {run} now: `agentops run watch {run}` goes on with it, or a server"
        ));
        self.finish(view, Exit::RunWaits)
    }

    /// Ctrl-C while it goes on.
    fn leave(&self, progress: Progress, view: &RunDetail) -> Done {
        drop(progress);
        let who = if self.works {
            "the next server or command on this folder"
        } else {
            "the server"
        };
        self.context
            .output
            .note(&format!("left: {who} goes on with {}", self.run));
        self.finish(view, Exit::Interrupted)
    }

    fn grow(&self, progress: &Progress, timeline: &mut Timeline, view: &RunDetail) -> Result<(), Failure> {
        let now = self.client.now();
        progress.say(busy_with(view, now));
        if !self.live {
            return Ok(());
        }
        let lines = timeline.grow(self.context.output.style(), &view.steps, now, false);
        if lines.is_empty() {
            Ok(())
        } else {
            self.say(progress, &lines.join("\n"))
        }
    }

    fn say(&self, progress: &Progress, text: &str) -> Result<(), Failure> {
        progress.aside(|| self.context.output.line(text))
    }

    fn finish(&self, view: &RunDetail, exit: Exit) -> Done {
        let now = self.client.now();
        self.context.output.answer(view, |style| {
            if !self.live {
                return crate::output::run_page(style, view, now);
            }
            let mut lines = ending(style, view);
            let took = view.run.finished_at.unwrap_or(now).since(view.run.created_at);
            lines.push(format!(
                "{} {}",
                style.run(view.run.status),
                style.dim(&crate::output::span(took))
            ));
            lines.join("\n")
        })?;
        Ok(exit)
    }

    /// Whether nothing but a person or a signal brings the run on: nothing runs, and no timer is set.
    async fn only_people(&self, view: &RunDetail) -> Result<bool, Failure> {
        let mut open = vec![(view.clone(), 0)];
        while let Some((view, depth)) = open.pop() {
            match view.run.status {
                RunStatus::Paused => continue,
                RunStatus::Waiting | RunStatus::Undoing => {}
                // What a held tool keeps from being called counts as running.
                RunStatus::Running if !view.held.is_empty() => {}
                _ => return Ok(false),
            }
            let waiting = |step: &&Step| matches!(step.status, StepStatus::Waiting | StepStatus::Uncertain);
            let waits: Vec<&Step> = view.steps.iter().filter(waiting).collect();
            let children: Vec<&&Step> = waits.iter().filter(|step| step.kind == "run").collect();
            let people = view.asks.len() + view.approvals.len();
            let at_it = view.steps.iter().any(|step| {
                matches!(step.status, StepStatus::Running | StepStatus::Pending)
                    && !is_container(step)
                    && !is_held(step, &view)
            });
            let none = waits.is_empty() && view.held.is_empty();
            if at_it || none || waits.len() != people + children.len() || depth > DEPTH {
                return Ok(false);
            }
            if !children.is_empty() {
                let below = self.open_children(view.run.run).await?;
                if below.len() < children.len() {
                    // A child that has ended, which the run is about to hear of, or one that is about to begin.
                    return Ok(false);
                }
                open.extend(below.into_iter().map(|child| (child, depth + 1)));
            }
        }
        Ok(true)
    }

    async fn open_children(&self, parent: RunId) -> Result<Vec<RunDetail>, Failure> {
        let children: Vec<Run> = self
            .client
            .list(&["runs"], &[("parent", parent.to_string())], CHILDREN)
            .await?;
        let mut views = Vec::new();
        for child in children {
            if !child.status.is_final() {
                views.push(self.look(child.run).await?);
            }
        }
        Ok(views)
    }
}

/// Whether asking again in a moment makes sense.
fn passes(failure: &Failure) -> bool {
    ["rate_limited", "server_busy"].contains(&failure.code.as_str())
}

fn is_held(step: &Step, view: &RunDetail) -> bool {
    let tool = step.action.as_deref().and_then(|action| action.split_once('.'));
    step.status == StepStatus::Pending
        && tool.is_some_and(|(tool, _)| view.held.iter().any(|held| held == tool))
}

fn is_container(step: &Step) -> bool {
    matches!(step.kind.as_str(), "for_each" | "parallel")
}

fn busy_with(view: &RunDetail, now: Timestamp) -> String {
    let running = view
        .steps
        .iter()
        .rfind(|step| step.status == StepStatus::Running && !is_container(step));
    match running {
        Some(step) => format!(
            "{} ({})",
            step.title,
            crate::output::span(now.since(step.scheduled_at) / 1000 * 1000)
        ),
        None if !view.held.is_empty() => format!("held: {}", view.held.join(", ")),
        None if !view.run.waiting_for.is_empty() => format!("waits for {}", view.run.waiting_for),
        None => view.run.status.to_string(),
    }
}
