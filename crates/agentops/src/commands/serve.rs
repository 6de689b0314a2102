//! `agentops serve`: hold the data folder, work on runs, answer `/healthz` and `/readyz`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use types::Failure;

use super::{Context, Done};
use crate::compose::{Access, App, Server, ServerFile, Worker};
use crate::exit::Exit;
use crate::signals;

/// Work on runs, with the sandbox beside, and answer /healthz and /readyz
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen, instead of the configured address
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

impl Serve {
    /// Runs it.
    pub async fn run(self, context: &Context) -> Done {
        let address = self.listen.unwrap_or(context.config.server.listen);
        let mut app = context.open(Access::Hold).await?;
        let served = match app.work().await {
            Ok(worker) => {
                let served = serve(context, &app, &worker, address, signals::asked_to_end()).await;
                if served.is_ok() {
                    context
                        .output
                        .note("stopping: calls under way are finished or recorded first");
                }
                let grace = Duration::from_secs(context.config.server.shutdown_grace_s);
                let busy = worker.stop(grace).await;
                if busy > 0 {
                    context.output.note(&format!(
                        "{busy} runs were still busy; the next start recovers them"
                    ));
                }
                served
            }
            Err(failure) => Err(failure),
        };
        app.close().await;
        served.map(|()| Exit::Ok)
    }
}

/// Answers until `stop` is done. The address stands on the first line of the output.
///
/// # Errors
/// `listen_failed`.
pub async fn serve(
    context: &Context,
    app: &App,
    worker: &Worker,
    address: SocketAddr,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new("listen_failed", format!("failed to listen on {address}: {error}"))
            .hint("choose another address with --listen or server.listen; port 0 takes a free one")
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let server = Server {
        pid: std::process::id(),
        address: format!("http://{}", listener.local_addr().map_err(failed)?),
        sandbox: worker.sandbox().map(|sandbox| sandbox.http_url().to_owned()),
        listeners: worker
            .sandbox()
            .map(|sandbox| sandbox.listeners())
            .unwrap_or_default(),
    };
    let file = ServerFile::of(&app.config);
    file.write(&server)?;
    let document = json!({"address": server.address, "sandbox": server.sandbox, "pid": server.pid});
    context.output.answer(&document, |style| {
        let sandbox = match &server.sandbox {
            Some(url) => format!("\nsandbox at {url} for mock mode"),
            None => String::new(),
        };
        format!(
            "serving at {}{sandbox}\n{}",
            style.strong(&server.address),
            style.dim("Ctrl-C ends it")
        )
    })?;
    let served = api::serve(listener, worker.probes(&app.services), stop).await;
    file.remove();
    served.map_err(failed)
}
