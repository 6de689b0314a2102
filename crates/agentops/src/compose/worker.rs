//! Working on runs in this process: the runtime, the sandbox beside it, and the tools kept current.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use api::{Probes, Reason};
use async_trait::async_trait;
use ports::{Runs, Store};
use services::Services;
use services::facts::FromStore;
use tokio::task::JoinHandle;
use types::{Clock, Failure, TenantId};

use super::current::Current;
use super::refresh;
use super::sandbox_view::View;
use crate::config::Config;

/// The sandbox's memory, in the data folder.
const SANDBOX_STATE: &str = "sandbox.json";
/// The port that the sandbox had last, in the data folder.
const SANDBOX_PORT: &str = "sandbox.port";

/// A runtime at work. It stops when [`Worker::stop`] is called.
pub struct Worker {
    runtime: runtime::Handle,
    sandbox: Option<Arc<sandbox::Handle>>,
    refresher: JoinHandle<()>,
    /// `sqlite` or `postgresql`.
    database: &'static str,
}

impl Worker {
    pub(super) fn start(
        config: &Config,
        services: &Services,
        sandbox: Option<Arc<sandbox::Handle>>,
        current: &Arc<Current>,
        database: &'static str,
    ) -> Result<Self, Failure> {
        let store = Arc::clone(&services.store);
        let facts = Arc::new(FromStore(Arc::clone(&store)));
        let clock = Arc::clone(&services.clock);
        let entropy = Arc::clone(&services.entropy);
        let tools = Arc::clone(&services.tools);
        let mut options = runtime::Options::new(Arc::clone(&store), tools, facts, clock, entropy);
        options.lease_ms = u64::from(config.runtime.lease_s.max(1)) * 1000;
        options.active_runs = config.runtime.active_runs.max(1) as usize;
        options.calls_per_tool = config.runtime.calls_per_tool.max(1) as usize;
        options.calls_per_recipe = config.runtime.calls_per_recipe.max(1) as usize;
        options.poll = Duration::from_millis(u64::from(config.runtime.poll_ms.clamp(10, 60_000)));
        let runtime = runtime::Runtime::start(options)?;
        let refresher = tokio::spawn(refresh::keep_current(Arc::clone(current)));
        Ok(Self {
            runtime,
            sandbox,
            refresher,
            database,
        })
    }

    /// Where new runs and messages go.
    pub fn runs(&self) -> Arc<dyn Runs> {
        Arc::new(self.runtime.clone())
    }

    /// The sandbox, if one runs.
    pub fn sandbox(&self) -> Option<&Arc<sandbox::Handle>> {
        self.sandbox.as_ref()
    }

    /// The API over this worker's use cases; commands at the machine come with `local_secret`.
    pub fn api(&self, config: &Config, services: &Services, local_secret: String) -> axum::Router {
        let sandbox = self.sandbox.is_some().then(|| View::of(config));
        api::router(api::Options {
            services: services.clone(),
            probes: Arc::new(Checks {
                runtime: self.runtime.clone(),
                store: Arc::clone(&services.store),
                tenant: services.tenant,
            }),
            sandbox,
            local_secret: Some(local_secret),
            database: self.database,
            largest_body: config.server.largest_body_kb as usize * 1024,
            at_once: config.server.requests_at_once.max(1) as usize,
            request_timeout: Duration::from_secs(config.server.request_timeout_s.max(1)),
            longest_stream: Duration::from_secs(config.server.stream_s.max(1)),
            rates: api::Rates {
                per_second: config.server.requests_per_second,
                strangers_per_minute: config.server.strangers_per_minute,
                sign_ins_per_minute: config.server.sign_ins_per_minute,
            },
        })
    }

    /// Begins nothing new, lets what is under way end, and stops. Returns how many runs were still
    /// busy; they are recovered at the next start.
    pub async fn stop(self, grace: Duration) -> usize {
        let busy = self.runtime.shutdown(grace).await;
        self.refresher.abort();
        if let Some(sandbox) = self.sandbox {
            sandbox.shutdown().await;
        }
        busy
    }
}

/// The sandbox with its memory in the data folder, if it is enabled. With a free port it takes the one of
/// last time again if it can, so that the links it gave out lead somewhere.
pub(super) async fn sandbox(
    config: &Config,
    clock: Arc<dyn Clock>,
) -> Result<Option<Arc<sandbox::Handle>>, Failure> {
    if !config.sandbox.enabled {
        return Ok(None);
    }
    let (state, free) = (Some(sandbox_state(config)), config.sandbox.listen.port() == 0);
    let handle = match port_of_last_time(config).filter(|_| free) {
        Some(port) => {
            let mut again = config.clone();
            again.sandbox.listen.set_port(port);
            match start_sandbox(&again, state.clone(), Arc::clone(&clock)).await {
                Ok(handle) => handle,
                // Somebody else has it now.
                Err(_) => start_sandbox(config, state, clock).await?,
            }
        }
        None => start_sandbox(config, state, clock).await?,
    };
    if free {
        keep_port(config, &handle);
    }
    Ok(Some(Arc::new(handle)))
}

fn port_of_last_time(config: &Config) -> Option<u16> {
    let kept = std::fs::read_to_string(config.data.path().join(SANDBOX_PORT)).ok()?;
    kept.trim().parse().ok().filter(|port| *port != 0)
}

/// Keeps the sandbox's port for the next time. If that fails, only its links are lost.
fn keep_port(config: &Config, handle: &sandbox::Handle) {
    let Some((_, port)) = handle.http_url().rsplit_once(':') else {
        return;
    };
    let kept = std::fs::write(config.data.path().join(SANDBOX_PORT), format!("{port}\n"));
    if let Err(error) = kept {
        tracing::warn!(%error, "the sandbox's port can't be kept; links that it gives out end with this process");
    }
}

/// Where the data folder keeps the sandbox's memory.
pub fn sandbox_state(config: &Config) -> PathBuf {
    config.data.path().join(SANDBOX_STATE)
}

/// A sandbox as configured, with its memory in a file or none.
///
/// # Errors
/// It can't listen, or its memory can't be read.
pub async fn start_sandbox(
    config: &Config,
    state_file: Option<PathBuf>,
    clock: Arc<dyn Clock>,
) -> Result<sandbox::Handle, Failure> {
    let options = sandbox::Options {
        bind: config.sandbox.listen,
        tls: config.sandbox.tls,
        state_file,
        clock,
    };
    sandbox::start(options)
        .await
        .map_err(|error| Failure::new(error.code(), error.to_string()))
}

/// A process that only asks takes no work, and nobody asks it how it is.
pub(super) struct Unwatched;

#[async_trait]
impl Probes for Unwatched {
    async fn trouble(&self) -> Vec<Reason> {
        Vec::new()
    }
}

struct Checks {
    runtime: runtime::Handle,
    store: Arc<dyn Store>,
    tenant: TenantId,
}

#[async_trait]
impl Probes for Checks {
    async fn trouble(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let asked = tokio::time::timeout(
            Duration::from_secs(1),
            self.store.setting(self.tenant, "runs.mode"),
        )
        .await;
        match asked {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => reasons.push(Reason {
                part: "store".to_owned(),
                message: error.to_string(),
                blocking: true,
            }),
            Err(_) => reasons.push(Reason {
                part: "store".to_owned(),
                message: "it does not answer within a second".to_owned(),
                blocking: true,
            }),
        }
        if let Some(message) = self.runtime.trouble() {
            reasons.push(Reason {
                part: "workers".to_owned(),
                message,
                blocking: true,
            });
        }
        reasons.extend(self.runtime.unreadable().into_iter().map(|message| Reason {
            part: "runs".to_owned(),
            message,
            blocking: false,
        }));
        reasons
    }
}
