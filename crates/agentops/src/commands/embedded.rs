//! Commands that change runs. If a server runs they ask it; if nobody holds the data folder they hold
//! it themselves and work on the run until it has ended or waits for a person. Either way they ask
//! through the API.

use std::time::Duration;

use api::wire::runs::RunDetail;
use types::{Failure, RunId};

use super::run::follow::Follow;
use super::{Context, Done};
use crate::client::Client;
use crate::compose::{Access, Worker};
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

/// Somebody to ask, and this process at work if nobody else is.
pub struct Session {
    /// Who is asked.
    pub client: Client,
    worker: Option<Worker>,
}

impl Session {
    /// Asks the server if one answers; else holds the folder and works, unless somebody else holds it
    /// or `detach` is asked.
    ///
    /// # Errors
    /// See [`crate::compose::App::open`].
    pub async fn open(context: &Context, detach: bool) -> Result<Self, Failure> {
        if let Some(client) = Client::of_server(&context.config).await {
            return Ok(Self { client, worker: None });
        }
        let access = if detach { Access::Guest } else { Access::HoldIfFree };
        let mut app = context.open(access).await?;
        if !app.holds() {
            return Ok(Self {
                client: Client::in_folder(app),
                worker: None,
            });
        }
        match app.work().await {
            // Asked only now: from here on what is asked goes to the worker at once.
            Ok(worker) => Ok(Self {
                client: Client::in_folder(app),
                worker: Some(worker),
            }),
            Err(failure) => {
                app.close().await;
                Err(failure)
            }
        }
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
            return self.follow(context, run, watching.watch).await;
        }
        let view: RunDetail = self.client.get(&["runs", &run.to_string()]).await?;
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

    async fn follow(&self, context: &Context, run: RunId, live: bool) -> Done {
        let follow = Follow {
            context,
            client: &self.client,
            run,
            works: self.works(),
            live,
        };
        follow.to_the_end().await
    }

    /// Stops working and frees the folder: the worker first, which writes to it until it has stopped.
    pub async fn close(self) {
        if let Some(worker) = self.worker {
            worker.stop(GRACE).await;
        }
        self.client.close().await;
    }
}

/// Opens, changes a run, shows it, closes.
///
/// # Errors
/// Whatever the change says.
pub async fn change<F>(context: &Context, watching: Watching, change: F) -> Done
where
    F: AsyncFnOnce(&Client) -> Result<RunId, Failure>,
{
    let session = Session::open(context, watching.detach).await?;
    let done = async {
        let run = change(&session.client).await?;
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
    let done = session.follow(context, run, true).await;
    session.close().await;
    done
}
