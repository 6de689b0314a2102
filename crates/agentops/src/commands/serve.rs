//! `agentops serve`: hold the data folder, work on runs, answer the API.

use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use futures::future::{Either, select};
use serde_json::json;
use types::Failure;

use super::{Context, Done};
use crate::compose::{Access, App, Server, ServerFile, Worker};
use crate::exit::Exit;
use crate::signals;

/// Work on runs, with the sandbox beside, and answer the API
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
                let serving = serve(context, &app, &worker, address, signals::asked_to_end());
                let served = beside(serving, app.look_at_servers()).await;
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

/// The first as long as it goes on, and the second beside it.
async fn beside<T>(first: impl Future<Output = T>, second: impl Future<Output = ()>) -> T {
    match select(pin!(first), pin!(second)).await {
        Either::Left((done, _)) => done,
        Either::Right(((), first)) => first.await,
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
    let listener = TcpListener::bind(address).map_err(failed)?;
    let secret = secret(app);
    let server = Server {
        pid: std::process::id(),
        secret: secret.clone(),
        address: format!("http://{}", listener.local_addr().map_err(failed)?),
        sandbox: worker.sandbox().map(|sandbox| sandbox.http_url().to_owned()),
        listeners: worker
            .sandbox()
            .map(|sandbox| sandbox.listeners())
            .unwrap_or_default(),
    };
    let file = ServerFile::of(&app.config);
    file.write(&server)?;
    let first = services::users::first_link(&app.services).await?;
    let welcome = first.map(|link| format!("{}/welcome#{}", server.address, link.secret));
    let document = json!({
        "address": server.address, "sandbox": server.sandbox, "pid": server.pid, "welcome": welcome,
    });
    context.output.answer(&document, |style| {
        let sandbox = match &server.sandbox {
            Some(url) => format!("\nsandbox at {url} for mock mode; its links work while this server runs"),
            None => String::new(),
        };
        let welcome = match &welcome {
            Some(url) => format!(
                "\nnobody can sign in yet; this link makes the first admin, once, within a day, and links printed at earlier starts don't work any more: {url}"
            ),
            None => String::new(),
        };
        format!(
            "serving at {}{sandbox}{welcome}\n{}",
            style.strong(&server.address),
            style.dim("Ctrl-C ends it")
        )
    })?;
    let bounds = api::Connections {
        head_timeout: Duration::from_secs(app.config.server.head_timeout_s.max(1)),
        most: app.config.server.connections,
        most_per_address: app.config.server.connections_per_address,
    };
    let router = worker.api(&app.config, &app.services, secret);
    let served = api::serve(listener, router, bounds, stop).await;
    file.remove();
    served.map_err(failed)
}

/// What commands at the machine show to the server of this boot.
fn secret(app: &App) -> String {
    let mut bytes = [0u8; 32];
    app.services.entropy.fill(&mut bytes);
    format!("local_{}", hex::encode(bytes))
}
