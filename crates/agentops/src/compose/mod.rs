//! The composition root: the only place that names concrete stores, tools and the sandbox, and puts
//! them behind the ports.

mod current;
mod database;
mod files;
mod mcp;
mod places;
mod refresh;
mod sandbox_view;
mod server_file;
mod sink;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use ports::Store;
use runtime::system::{SystemClock, SystemEntropy};
use services::{Services, ThroughStore};
use store::Opened;
use types::{Clock, Entropy, Failure, TenantId};

use crate::config::Config;
use current::Current;
pub use database::{is_set_up, place};
pub use files::{replace, scratch};
use places::Places;
pub use sandbox_view::pull_diff;
pub use server_file::{Server, ServerFile};
use sink::Sink;
pub use worker::{Worker, sandbox_state, start_sandbox};

/// The largest wish of a command in this process, in bytes: a file and what JSON makes of it.
const LARGEST_WISH: usize = 64 * 1024 * 1024;
/// Wishes of a command in this process at a time.
const WISHES: usize = 1024;
/// How long a wish of a command in this process may take.
const LONGEST_WISH: Duration = Duration::from_secs(600);

/// How a command wants the data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Beside whoever holds it; the folder must have been set up.
    Guest,
    /// Hold it, or work beside whoever does.
    HoldIfFree,
    /// Hold it; the folder must have been set up.
    Hold,
    /// Hold it, and make what isn't there.
    Create,
}

/// A data folder that is open, with the use cases over it.
pub struct App {
    /// How it is configured.
    pub config: Config,
    /// The use cases.
    pub services: Services,
    /// Everything that calls tools, in this process.
    places: Arc<Places>,
    tools: Arc<Current>,
    store: Opened,
}

impl App {
    /// Opens the data folder.
    ///
    /// # Errors
    /// `data_not_initialised`, `data_in_use`, or whatever else keeps the database from being opened.
    pub async fn open(config: Config, access: Access) -> Result<App, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let store = database::open(&config, access, &clock, &entropy).await?;
        let shared: Arc<dyn Store> = store.shared();
        let tenant = TenantId::DEFAULT;
        let places = Arc::new(Places::new(Arc::clone(&shared), ServerFile::of(&config)));
        let sink = Arc::new(Sink::new(config.data.path().join("artifacts")));
        let registry = Arc::new(tools::Registry::new(tools::Options {
            clock: Arc::clone(&clock),
            endpoints: Arc::clone(&places) as Arc<dyn tools::Endpoints>,
            sink: Arc::clone(&sink) as Arc<dyn tools::LocalSink>,
            desk: Arc::clone(&shared) as Arc<dyn ports::DeskStore>,
            http_tools: Vec::new(),
            extra: Vec::new(),
        }));
        let commands = mcp::commands(&config);
        let notes = Arc::new(mcp::Notes::default());
        registry.note_mcp(Arc::clone(&notes) as Arc<dyn tools::McpNotes>);
        let tools = Arc::new(Current::new(registry, Arc::clone(&shared), tenant, commands));
        let services = Services {
            tenant,
            runs: Arc::new(ThroughStore(Arc::clone(&shared))),
            store: shared,
            tools: Arc::clone(&tools) as Arc<dyn ports::Tools>,
            clock,
            entropy,
        };
        sink.serve(&services);
        notes.serve(&services);
        let app = App {
            config,
            services,
            places,
            tools,
            store,
        };
        app.configured_servers().await?;
        app.tools.take_up(true).await?;
        Ok(app)
    }

    /// Whether this process holds the data folder, so that it is the one that works on runs.
    pub fn holds(&self) -> bool {
        self.services.store.boot().holder
    }

    /// Whether some process, this one or another, works on the runs.
    pub async fn is_served(&self) -> bool {
        if self.holds() {
            return true;
        }
        match &self.store {
            Opened::Sqlite(_) => store::sqlite::is_held(self.config.data.path()),
            // While it can't be asked, nobody says that the work has ended.
            Opened::Postgres(store) => store.is_served().await.unwrap_or(true),
        }
    }

    /// Starts working on runs, with the sandbox beside it if it is enabled. From here on new runs and
    /// messages go to the worker at once.
    ///
    /// # Errors
    /// The sandbox can't listen, or this process doesn't hold the folder.
    pub async fn work(&mut self) -> Result<Worker, Failure> {
        let sandbox = worker::sandbox(&self.config, Arc::clone(&self.services.clock)).await?;
        self.places.use_sandbox(sandbox.clone());
        let worker = Worker::start(
            &self.config,
            &self.services,
            sandbox,
            &self.tools,
            self.store.kind(),
        )?;
        self.services.runs = worker.runs();
        Ok(worker)
    }

    /// The sandbox alone, for commands that call tools without running anything.
    ///
    /// # Errors
    /// The sandbox can't listen.
    pub async fn sandbox_only(&self) -> Result<Option<Arc<sandbox::Handle>>, Failure> {
        let sandbox = worker::sandbox(&self.config, Arc::clone(&self.services.clock)).await?;
        self.places.use_sandbox(sandbox.clone());
        Ok(sandbox)
    }

    /// The API over this folder, for commands in this process: nobody listens, and whoever asks says by
    /// themselves who they are.
    pub fn routes(&self) -> axum::Router {
        api::router(self.api())
    }

    /// What that API works with.
    pub fn api(&self) -> api::Options {
        api::Options {
            services: self.services.clone(),
            probes: Arc::new(worker::Unwatched),
            sandbox: Some(sandbox_view::View::of(&self.config)),
            local_secret: None,
            database: self.store.kind(),
            largest_body: LARGEST_WISH,
            at_once: WISHES,
            request_timeout: LONGEST_WISH,
            longest_stream: LONGEST_WISH,
            rates: api::Rates::default(),
        }
    }

    /// Waits until a server on the same data, if there is one, has noticed tools, rules and settings that
    /// were changed here beside it.
    pub async fn taken_up(&self) {
        if self.is_served().await && !self.holds() {
            tokio::time::sleep(refresh::TAKEN_UP).await;
        }
    }

    /// Frees the data folder.
    pub async fn close(self) {
        self.stop_servers();
        self.store.close().await;
    }
}

/// Whether some process may serve the data folder: its lock says so. A folder that can't be looked at
/// counts as held, and so does one whose database is elsewhere, since nobody locks it then.
pub fn is_held(config: &Config) -> bool {
    config.database.postgres().is_some() || store::sqlite::is_held(config.data.path())
}
