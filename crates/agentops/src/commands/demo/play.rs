//! Playing one scene: a run is started, shown as it grows, and answered as people would answer it,
//! through the same use cases.

use std::collections::BTreeSet;
use std::time::Duration;

use api::wire::runs::RunDetail;
use engine::rows::StepRow;
use serde_json::Value;
use services::runs::{self, Asked, RunView, StartRun};
use services::{approvals, people};
use types::{Actor, Failure, Mode, StepStatus};

use super::cast::{APPROVER, Scene, USER};
use crate::args::typed;
use crate::commands::Context;
use crate::compose::App;
use crate::output::{Progress, Timeline, ending, span};

/// How often the rows are looked at.
const EVERY: Duration = Duration::from_millis(50);
/// How long a run may take before the demo gives up on it, in milliseconds.
const PATIENCE: u64 = 180_000;

/// The stage: where runs are played.
pub(super) struct Stage<'a> {
    pub context: &'a Context,
    pub app: &'a App,
    user: Actor,
    approver: Actor,
}

impl<'a> Stage<'a> {
    /// A stage with the demo's two users.
    ///
    /// # Errors
    /// The groups can't be read.
    pub async fn new(context: &'a Context, app: &'a App) -> Result<Self, Failure> {
        let user = people::actor(&app.services, USER).await?;
        let approver = people::actor(&app.services, APPROVER).await?;
        Ok(Self {
            context,
            app,
            user,
            approver,
        })
    }

    /// Plays a scene until its run has ended, or until nobody on stage can bring it on.
    ///
    /// # Errors
    /// The run can't be started, read or answered, or the output not written.
    pub async fn play(&self, scene: &Scene) -> Result<RunView, Failure> {
        let services = &self.app.services;
        let wish = StartRun {
            inputs: scene.inputs.clone(),
            mode: Some(Mode::Mock),
            ..StartRun::new(scene.recipe, self.user.clone())
        };
        let run = runs::start(services, wish).await?.run;
        let progress = Progress::start(&self.context.output, "running");
        let mut timeline = Timeline::default();
        let mut answered = BTreeSet::new();
        loop {
            let now = services.clock.now();
            let view = runs::view(services, run).await?;
            let steps = RunDetail::from(view.clone()).steps;
            let lines = timeline.grow(self.context.output.style(), &steps, now, false);
            if !lines.is_empty() {
                self.say(&progress, &lines.join("\n"))?;
            }
            let over = now.since(view.run.created_at) > PATIENCE;
            if view.run.status.is_final() || over {
                drop(progress);
                return self.end(view);
            }
            progress.say(busy_with(&view));
            self.answer(&progress, scene, &view, &mut answered).await?;
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Answers whatever is asked and was not answered before. The same question stays in the rows
    /// until the run has taken in its answer.
    async fn answer(
        &self,
        progress: &Progress,
        scene: &Scene,
        view: &RunView,
        answered: &mut BTreeSet<String>,
    ) -> Result<(), Failure> {
        let services = &self.app.services;
        let run = view.run.run;
        for approval in &view.approvals {
            if answered.insert(approval.id.to_string()) {
                let what = format!("approves {} with {}", approval.action, approval.args.value);
                self.tell(progress, APPROVER, &what)?;
                approvals::decide(services, approval.id, true, "looked at the room", &self.approver).await?;
            }
        }
        for asked in &view.asks {
            match asked {
                Asked::Input {
                    step, name, schema, ..
                } => {
                    let Some(text) = scene.answer(name) else { continue };
                    if answered.insert(step.to_string()) {
                        self.tell(progress, USER, &format!("answers: {text}"))?;
                        runs::give_input(services, run, name, typed(text, Some(schema)), &self.user).await?;
                    }
                }
                Asked::Task { step, confirm, .. } => {
                    if answered.insert(step.to_string()) {
                        self.tell(
                            progress,
                            APPROVER,
                            if *confirm { "confirms it" } else { "has done it" },
                        )?;
                        runs::task(services, run, step.as_str(), true, "seen by eye", &self.approver).await?;
                    }
                }
                Asked::Signal { .. } | Asked::Uncertain { .. } => {}
            }
        }
        Ok(())
    }

    fn end(&self, mut view: RunView) -> Result<RunView, Failure> {
        let style = self.context.output.style();
        let mut shown = RunView {
            asks: Vec::new(),
            approvals: Vec::new(),
            ..view.clone()
        };
        // Evidence and outputs are for the run's page; here stands what people can open.
        shown.artifacts.retain(|artifact| artifact.url.is_some());
        shown
            .artifacts
            .dedup_by(|later, earlier| later.url == earlier.url);
        shown.run.outputs = Value::Null;
        let mut lines = ending(style, &RunDetail::from(shown));
        let now = self.app.services.clock.now();
        let took = view.run.finished_at.unwrap_or(now).since(view.run.created_at);
        lines.push(format!(
            "{} {}",
            style.run(view.run.status),
            style.dim(&format!("in {}", span(took)))
        ));
        self.context.output.line(&format!("{}\n\n", lines.join("\n")))?;
        view.run.finished_at.get_or_insert(now);
        Ok(view)
    }

    fn tell(&self, progress: &Progress, who: &str, what: &str) -> Result<(), Failure> {
        let style = self.context.output.style();
        self.say(
            progress,
            &format!("    {} {} {what}", style.dim("→"), style.strong(who)),
        )
    }

    fn say(&self, progress: &Progress, text: &str) -> Result<(), Failure> {
        progress.aside(|| self.context.output.line(text))
    }
}

/// The step that the run is at, for the spinner.
fn busy_with(view: &RunView) -> String {
    let at_it = |step: &&StepRow| matches!(step.status, StepStatus::Running | StepStatus::Waiting);
    view.steps
        .iter()
        .rfind(at_it)
        .map_or_else(|| view.run.status.to_string(), |step| step.title.clone())
}
