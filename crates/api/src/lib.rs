//! HTTP: the API for every noun under `/api/v1`, changes as server-sent events, whether the process is
//! well, the OpenAPI document with its reference page, the pages of error codes, and the page that a
//! one-time link opens.
//!
//! Boundary: [`router`] makes the routes over the use cases, [`serve`] answers on a bound listener.
//! A route parses, calls a use case and converts; who may call it stands in its OpenAPI annotation and
//! is enforced from there (`http/needs.rs`). Deliberately absent: business rules (they are in
//! `services`), SQL, and the concrete store, tools and sandbox.

mod connections;
mod headers;
mod heads;
mod http;
mod listen;
mod openapi;
mod pages;
mod places;
mod routes;
pub mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::MatchedPath;
use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use services::Services;
use services::principal::Principal;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use types::Failure;
use utoipa::ToSchema;

use http::etag::Heeding;
use http::limits::Limits;
use http::needs::{Asks, Needs};
use http::problem::{Answer, Refusal};
use http::query::Queries;
use places::{Full, Place, Places};
use wire::sandbox::PullDiff;

pub use connections::Connections;
pub use http::identity::LOCAL_USER;
pub use http::limits::Rates;
pub use http::page::Page;
pub use http::problem::{Fault, Problem};
pub use listen::serve;
pub use openapi::document_json;
pub use pages::{error_codes, error_page, markdown, near_codes, page_paths};
pub use routes::health::{About, Alive, Ready};

/// Streams of events at a time.
const SEATS: usize = 512;
/// Streams of events of one person at a time, whatever tokens and browsers they have.
const SEATS_EACH: usize = 16;
/// The largest body of whoever needs no credentials, in bytes.
const STRANGERS: usize = 16 * 1024;
/// Bundles taken over at a time: each may take tens of megabytes while it is read.
const IMPORTS: usize = 4;

/// What readiness is judged by.
#[async_trait]
pub trait Probes: Send + Sync + 'static {
    /// What isn't well now, in words; empty if all is. Asked for every request to
    /// `/readyz`, so it should answer within a second.
    async fn trouble(&self) -> Vec<Reason>;
}

/// One part that isn't well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// The part, such as `store` or `workers`.
    pub part: String,
    /// What is wrong with it.
    pub message: String,
    /// Whether the process takes no work because of it. If not, a person should look all the same.
    pub blocking: bool,
}

/// A look at the vendors' sandbox.
pub trait SandboxView: Send + Sync + 'static {
    /// What each vendor knows, by the vendor's name, without credentials. It may read from a disk.
    ///
    /// # Errors
    /// What is kept can't be read.
    fn vendors(&self) -> Result<BTreeMap<String, Value>, Failure>;

    /// What a pull request of the sandbox's repository changes; the newest one if none is named. It reads
    /// from a disk.
    ///
    /// # Errors
    /// `sandbox_pull_unknown`, or the repository can't be read.
    fn pull_diff(&self, number: Option<u64>) -> Result<PullDiff, Failure>;
}

/// What the API works with.
pub struct Options {
    /// The use cases.
    pub services: Services,
    /// What readiness is judged by.
    pub probes: Arc<dyn Probes>,
    /// The sandbox, if there is one.
    pub sandbox: Option<Arc<dyn SandboxView>>,
    /// The bearer token of commands at the machine, who may do everything.
    pub local_secret: Option<String>,
    /// `sqlite` or `postgresql`.
    pub database: &'static str,
    /// The largest body, in bytes; a bundle has a bound of its own.
    pub largest_body: usize,
    /// How many requests are worked on at a time; one whose body is still on its way isn't yet.
    pub at_once: usize,
    /// How long a request may take, its body included. Streams of events have answered long before.
    pub request_timeout: Duration,
    /// How long a stream of events lasts at most; its client comes back and is asked again who it is.
    pub longest_stream: Duration,
    /// How often somebody may ask.
    pub rates: Rates,
}

/// What handlers work with; clones share it.
#[derive(Clone)]
pub(crate) struct Api(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) services: Services,
    pub(crate) probes: Arc<dyn Probes>,
    pub(crate) sandbox: Option<Arc<dyn SandboxView>>,
    pub(crate) database: &'static str,
    largest_body: usize,
    pub(crate) needs: Needs,
    pub(crate) queries: Queries,
    pub(crate) heeding: Heeding,
    pub(crate) limits: Limits,
    local_secret: Option<String>,
    pub(crate) longest_stream: Duration,
    seats: Places<String>,
    imports: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    at_once: usize,
}

impl std::ops::Deref for Api {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    /// Whether a bearer token is that of commands at the machine. Compared by digest, so that the time
    /// it takes says nothing.
    pub(crate) fn is_local(&self, token: &str) -> bool {
        let digest = |text: &str| types::Digest::of_bytes(text.as_bytes());
        self.local_secret
            .as_deref()
            .is_some_and(|secret| digest(secret) == digest(token))
    }

    /// The largest body of a route, in bytes. Strangers have little to say.
    pub(crate) fn largest_body(&self, path: Option<&MatchedPath>) -> usize {
        let Some(path) = path.map(MatchedPath::as_str) else {
            return self.largest_body;
        };
        match self.needs.of(&Method::POST, path) {
            _ if path == routes::BUNDLE => routes::LARGEST_BUNDLE,
            Some(Asks::Public) => self.largest_body.min(STRANGERS),
            _ => self.largest_body,
        }
    }

    /// A place for one more stream of events.
    pub(crate) fn seat(&self, caller: &Principal) -> Answer<Place<String>> {
        let name = caller.actor.name.clone();
        self.seats.take(name).map_err(|full| {
            let (code, message) = match full {
                Full::All => (
                    "server_busy",
                    format!("{SEATS} streams of events are open already"),
                ),
                Full::Each => (
                    "rate_limited",
                    format!(
                        "{SEATS_EACH} streams of events of {} are open already",
                        caller.actor.name
                    ),
                ),
            };
            Refusal {
                retry_after_s: Some(10),
                ..Refusal::new(code, message)
            }
        })
    }

    /// A turn for one more request.
    pub(crate) fn turn(&self) -> Answer<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.turns).try_acquire_owned();
        turn.map_err(|_| Refusal {
            retry_after_s: Some(1),
            ..Refusal::new(
                "server_busy",
                format!("{} requests are being answered", self.at_once),
            )
        })
    }

    /// A turn to take over one more bundle.
    pub(crate) fn import_turn(&self) -> Answer<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.imports).try_acquire_owned();
        turn.map_err(|_| Refusal {
            retry_after_s: Some(2),
            ..Refusal::new(
                "server_busy",
                format!("{IMPORTS} bundles are being taken over already"),
            )
        })
    }
}

/// The routes over the use cases.
pub fn router(options: Options) -> axum::Router {
    let (routes, document) = openapi::router();
    let at_once = options.at_once.clamp(1, Semaphore::MAX_PERMITS);
    let api = Api(Arc::new(Inner {
        services: options.services,
        probes: options.probes,
        sandbox: options.sandbox,
        database: options.database,
        largest_body: options.largest_body,
        needs: Needs::read(&document),
        queries: Queries::read(openapi::document_json()),
        heeding: Heeding::read(openapi::document_json()),
        limits: Limits::new(options.rates),
        local_secret: options.local_secret,
        longest_stream: options.longest_stream,
        seats: Places::new(SEATS, SEATS_EACH),
        imports: Arc::new(Semaphore::new(IMPORTS)),
        turns: Arc::new(Semaphore::new(at_once)),
        at_once,
    }));
    listen::finish(routes, api, options.request_timeout)
}
