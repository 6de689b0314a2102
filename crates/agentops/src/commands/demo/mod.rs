//! `agentops demo`: the shipped swimlanes end to end against the sandbox, in a data folder of their
//! own, with everything that people are asked answered by two users of the demo.

mod cast;
mod play;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use services::runs::RunView;
use services::setup;
use types::{Failure, RunStatus};

use super::serve::serve;
use super::{Context, Done};
use crate::cli::Global;
use crate::compose::{Access, App, Worker, scratch};
use crate::config::{self, Flags};
use crate::exit::Exit;
use crate::output::{Output, span, table};
use crate::own_name::{own_name, quoted};
use crate::{logging, shipped, signals};

/// How long calls under way may take when the demo stops.
const GRACE: Duration = Duration::from_secs(5);
/// After how many reads a restarted room is back, so that people see it being waited for, briefly.
const RESTART_READS: u32 = 1;

/// Run the shipped recipes against the sandbox in a data folder of their own, then keep serving
#[derive(Debug, Args)]
pub struct Demo {
    /// End after the runs instead of serving
    #[arg(long)]
    pub exit: bool,
    /// Keep the data folder; one that --data names is always kept
    #[arg(long)]
    pub keep: bool,
    /// Where to listen, instead of the configured address or, if that is taken, a free port
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

/// A run that has been played.
struct Played {
    /// The recipe's short name.
    recipe: &'static str,
    view: RunView,
}

impl Demo {
    /// Runs it.
    pub async fn run(&self, global: &Global, output: Output) -> Done {
        // Never the configured folder: what the demo leaves behind must not get between somebody's runs.
        let scratch = global.data.is_none().then(|| scratch("demo")).transpose()?;
        let data = global
            .data
            .clone()
            .or(scratch.as_ref().map(|folder| folder.path().to_owned()));
        let flags = Flags {
            data,
            database: Some(String::new()),
            ..global.flags()
        };
        let env: Vec<_> = std::env::vars_os().collect();
        let mut config = config::load(&flags, &env)?;
        config.sandbox.enabled = true;
        logging::start(&config.log)?;
        let context = Context { config, output };
        let done = self.in_folder(&context, scratch.is_some() && !self.keep).await;
        if let Some(folder) = scratch {
            let removed = if self.keep {
                drop(folder.keep());
                Ok(())
            } else {
                folder.close()
            };
            if let Err(error) = removed {
                context
                    .output
                    .note(&format!("the demo's data folder could not be removed: {error}"));
            }
        }
        done
    }

    async fn in_folder(&self, context: &Context, gone: bool) -> Done {
        let mut app = context.open(Access::Create).await?;
        let done = match app.work().await {
            Ok(worker) => {
                let done = self.with(context, &app, &worker, gone).await;
                worker.stop(GRACE).await;
                done
            }
            Err(failure) => Err(failure),
        };
        app.close().await;
        done
    }

    async fn with(&self, context: &Context, app: &App, worker: &Worker, gone: bool) -> Done {
        setup::make(&app.services, &shipped::seeds()?).await?;
        let sandbox = worker
            .sandbox()
            .ok_or_else(|| Failure::new("sandbox_off", "the sandbox doesn't run"))?;
        let failed = |error: sandbox::Error| Failure::new(error.code(), error.to_string());
        // In a folder that was used before, the broken room is broken again.
        sandbox.reset().map_err(failed)?;
        sandbox.set_zoom_restart_reads(RESTART_READS).map_err(failed)?;
        let played = tokio::select! {
            played = play_all(context, app, gone) => played?,
            () = signals::asked_to_end() => return Ok(Exit::Interrupted),
        };
        self.report(context, &played, gone)?;
        if played
            .iter()
            .any(|played| played.view.run.status != RunStatus::Succeeded)
        {
            return Ok(Exit::RunFailed);
        }
        if !self.exit {
            self.keep_serving(context, app, worker).await?;
        }
        Ok(Exit::Ok)
    }

    /// The last word: one line of JSON for programs, a table for people.
    fn report(&self, context: &Context, played: &[Played], gone: bool) -> Result<(), Failure> {
        if context.output.json() {
            let runs: Vec<Value> = played.iter().map(document).collect();
            return context.output.raw(&json!({ "runs": runs }).to_string());
        }
        let style = context.output.style();
        let rows = played.iter().map(|Played { view, .. }| {
            let run = &view.run;
            vec![
                run.recipe_name.clone(),
                style.run(run.status),
                span(millis(view)),
                left(view),
            ]
        });
        context.output.line(&table(
            style,
            &["recipe", "ended", "took", "left behind"],
            rows.collect(),
            "",
        ))?;
        if gone && self.exit {
            return context
                .output
                .line(&style.dim("\nThe data folder is removed; --keep or --data DIR keeps it"));
        }
        let folder = quoted(&context.config.data.path().display().to_string());
        let agentops = format!("{} --data {folder}", own_name());
        context.output.line(&format!(
            "\n{}\n  {agentops} run list\n  {agentops} run show {}\n  \
             {agentops} recipe show zoom-room-hdmi-black\n\n",
            style.dim(if self.exit {
                "Look around:"
            } else {
                "Look around, in another terminal:"
            }),
            played
                .first()
                .map(|played| played.view.run.run.to_string())
                .unwrap_or_default(),
        ))
    }

    async fn keep_serving(&self, context: &Context, app: &App, worker: &Worker) -> Result<(), Failure> {
        let address = self.listen.unwrap_or(context.config.server.listen);
        let served = serve(context, app, worker, address, signals::asked_to_end()).await;
        match served {
            Err(failure) if failure.code == "listen_failed" && self.listen.is_none() => {
                let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                serve(context, app, worker, free, signals::asked_to_end()).await
            }
            other => other,
        }
    }
}

async fn play_all(context: &Context, app: &App, gone: bool) -> Result<Vec<Played>, Failure> {
    let style = context.output.style();
    let stage = play::Stage::new(context, app).await?;
    let scenes = cast::scenes(app.services.clock.now());
    let folder = context.config.data.path().display().to_string();
    let fate = if gone { ", removed at the end" } else { "" };
    context.output.line(&format!(
        "{}\n{}\n\n",
        style.strong("AgentOps demo"),
        style.dim(&format!(
            "{} recipes in mock mode: the vendors' sandbox answers, nothing real is touched\ndata folder: {folder}{fate}",
            scenes.len()
        )),
    ))?;
    let mut played = Vec::new();
    for (position, scene) in scenes.iter().enumerate() {
        let number = style.dim(&format!("{}/{}", position + 1, scenes.len()));
        let (_, version) = services::recipes::show(&app.services, scene.recipe, None).await?;
        let name = style.strong(&version.name);
        context
            .output
            .line(&format!("{number} {name}\n    {}", style.dim(scene.about)))?;
        played.push(Played {
            recipe: scene.recipe,
            view: stage.play(scene).await?,
        });
    }
    Ok(played)
}

/// A run for programs.
fn document(Played { recipe, view }: &Played) -> Value {
    json!({
        "recipe": recipe,
        "name": view.run.recipe_name,
        "run": view.run.run,
        "status": view.run.status,
        "artifacts": view.artifacts,
        "outputs": view.run.outputs,
        "failure": view.run.failure,
        "ms": millis(view),
    })
}

fn millis(view: &RunView) -> u64 {
    view.run
        .finished_at
        .map_or(0, |end| end.since(view.run.created_at))
}

/// What a run left behind, in a few words: things by their numbers, several of one sort counted.
fn left(view: &RunView) -> String {
    let mut sorts: Vec<(String, BTreeSet<&str>)> = Vec::new();
    for artifact in view.artifacts.iter().filter(|artifact| artifact.url.is_some()) {
        let prefix: String = artifact
            .external_id
            .chars()
            .take_while(char::is_ascii_uppercase)
            .collect();
        let sort = match artifact.kind.as_str() {
            kind @ ("message" | "file" | "webinar") => kind.to_owned(),
            _ => prefix,
        };
        match sorts.iter_mut().find(|(known, _)| *known == sort) {
            Some((_, ids)) => drop(ids.insert(&artifact.external_id)),
            None => sorts.push((sort, BTreeSet::from([artifact.external_id.as_str()]))),
        }
    }
    let words = sorts
        .iter()
        .map(|(sort, ids)| match (sort.as_str(), ids.first()) {
            ("message" | "file", _) if ids.len() == 1 => format!("a {sort}"),
            ("message" | "file" | "webinar", _) if ids.len() > 1 => format!("{} {sort}s", ids.len()),
            ("webinar", Some(id)) => format!("webinar {id}"),
            (_, Some(id)) if ids.len() == 1 => (*id).to_owned(),
            _ => format!("{} {sort}", ids.len()),
        });
    words.collect::<Vec<_>>().join(", ")
}
