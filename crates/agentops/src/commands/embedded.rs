//! Commands that change runs. If a server holds the data folder they hand their wish to it through
//! the database; if nobody does, they hold it themselves and work on the run until it has ended or
//! waits for a person.

use std::time::Duration;

use types::{Failure, RunId};

use super::run::follow::{self, Follow};
use super::{Context, Done};
use crate::compose::{Access, App, Worker};
use crate::exit::Exit;

/// How long calls under way may take when an embedded run is left, in seconds.
const GRACE: Duration = Duration::from_secs(10);

/// Whether and how a run is followed after a change.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Watching {
    /// Show the run's phases until it has ended or waits
    #[arg(long)]
    pub watch: bool,
    /// Only write the wish down; a server takes it up, or the next command
    #[arg(long, conflicts_with = "watch")]
    pub detach: bool,
}

/// An open data folder, worked on if nobody else does.
pub struct Session {
    /// The folder.
    pub app: App,
    worker: Option<Worker>,
}

impl Session {
    /// Opens the folder; holds it and works unless somebody else holds it or `detach` is asked.
    ///
    /// # Errors
    /// See [`App::open`].
    pub async fn open(context: &Context, detach: bool) -> Result<Self, Failure> {
        let access = if detach { Access::Guest } else { Access::HoldIfFree };
        let mut app = context.open(access).await?;
        let worker = if app.holds() {
            match app.work().await {
                Ok(worker) => Some(worker),
                Err(failure) => {
                    app.close().await;
                    return Err(failure);
                }
            }
        } else {
            None
        };
        Ok(Self { app, worker })
    }

    /// Whether this process works on the runs.
    pub fn works(&self) -> bool {
        self.worker.is_some()
    }

    /// Shows a run after a change: follows it if this process works on it or `--watch` was given.
    ///
    /// # Errors
    /// The run can't be read or the output written.
    pub async fn show(&self, context: &Context, run: RunId, watching: Watching) -> Done {
        let follows = self.works() || watching.watch;
        if follows {
            let follow = Follow {
                context,
                app: &self.app,
                run,
                works: self.works(),
                live: watching.watch,
            };
            return follow.to_the_end().await;
        }
        let view = services::runs::view(&self.app.services, run).await?;
        context.output.answer(&view, |style| {
            let whose = if watching.detach {
                "written down for a server"
            } else {
                "handed to the server"
            };
            format!(
                "{run}  {}\n{}",
                style.dim(whose),
                style.dim(&format!("agentops run watch {run}"))
            )
        })?;
        Ok(Exit::Ok)
    }

    /// Stops working and frees the folder.
    pub async fn close(self) {
        if let Some(worker) = self.worker {
            worker.stop(GRACE).await;
        }
        self.app.close().await;
    }
}

/// Opens, changes a run, shows it, closes.
///
/// # Errors
/// Whatever the change says.
pub async fn change<F>(context: &Context, watching: Watching, change: F) -> Done
where
    F: AsyncFnOnce(&App) -> Result<RunId, Failure>,
{
    let session = Session::open(context, watching.detach).await?;
    let done = async {
        let run = change(&session.app).await?;
        session.show(context, run, watching).await
    }
    .await;
    session.close().await;
    done
}

/// Follows a run without changing it.
///
/// # Errors
/// The run can't be read or the output written.
pub async fn watch(context: &Context, run: RunId) -> Done {
    let session = Session::open(context, false).await?;
    let done = async {
        services::runs::find(&session.app.services, run).await?;
        let follow = follow::Follow {
            context,
            app: &session.app,
            run,
            works: session.works(),
            live: true,
        };
        follow.to_the_end().await
    }
    .await;
    session.close().await;
    done
}
