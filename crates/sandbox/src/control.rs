//! `/_sandbox/...`: steering the sandbox from outside the process.
//!
//! | request | effect |
//! |---|---|
//! | `GET /_sandbox/faults` | the rules with how often they matched and fired |
//! | `PUT /_sandbox/faults` | replaces the rules by the list in the body |
//! | `DELETE /_sandbox/faults` | no rules |
//! | `GET /_sandbox/state` | a snapshot of everything the vendors know |
//! | `PUT /_sandbox/settings` | `{"zoom_restart_reads": n}` |
//! | `POST /_sandbox/reset` | back to the seeds, without faults |
//! | `GET /_sandbox/ca.pem` | the authority to trust for TLS |
//!
//! What changes something is refused to web pages of other origins, which reach any address of the machine
//! that their browser runs on.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State as Shared};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::{self, Next};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::MAX_BODY_BYTES;
use crate::reply::{self, Answer, Fail};
use crate::world::World;
use crate::{Error, Fault, gate};

/// The most reads that a restarting Zoom room may stay offline for.
const MAX_RESTART_READS: u32 = 1_000;

/// What can be set while the sandbox runs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    zoom_restart_reads: u32,
}

/// All routes of the sandbox.
pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new()
        .route(
            "/_sandbox/faults",
            get(list_faults).put(put_faults).delete(delete_faults),
        )
        .route("/_sandbox/state", get(state))
        .route("/_sandbox/settings", axum::routing::put(put_settings))
        .route("/_sandbox/reset", axum::routing::post(reset))
        .route("/_sandbox/ca.pem", get(ca_pem))
        .route_layer(middleware::from_fn(no_strange_pages))
        .fallback(gate::vendor_request)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(world)
}

/// Everything the vendors know, as JSON.
pub(crate) fn snapshot(world: &World) -> Value {
    // The state is plain data with text keys, so it always has a JSON form.
    world.read(|state| serde_json::to_value(state).unwrap_or(Value::Null))
}

/// Sets after how many reads a restarting Zoom room is available again.
pub(crate) fn set_restart_reads(world: &World, reads: u32) -> Result<(), Error> {
    if reads > MAX_RESTART_READS {
        let reason = format!("{reads} reads; give at most {MAX_RESTART_READS}");
        return Err(Error::BadSetting {
            name: "zoom_restart_reads",
            reason,
        });
    }
    let set = world.write(|state| {
        state.settings.zoom_restart_reads = reads;
        Ok::<(), Fail>(())
    });
    let reason = "the state file can't be written".to_owned();
    set.map_err(|_| Error::BadSetting {
        name: "zoom_restart_reads",
        reason,
    })
}

/// Refuses changes that a browser sends for a page of another origin.
async fn no_strange_pages(request: Request, next: Next) -> Answer {
    if request.method().is_safe() || !is_strange(request.headers()) {
        return next.run(request).await;
    }
    let told = "a page of another origin can't change the sandbox";
    reply::json(
        StatusCode::FORBIDDEN,
        &json!({"code": "sandbox_origin_refused", "error": told}),
    )
}

/// Whether a browser says that the request comes from a page of another origin: in `Sec-Fetch-Site` (Fetch
/// Metadata Request Headers) and, older ones too, in `Origin` (RFC 6454, section 7).
fn is_strange(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let host = text(header::HOST).unwrap_or_default();
    let own = |origin: &str| origin.split_once("://").is_some_and(|(_, own)| own == host);
    site.is_some_and(|site| !["same-origin", "none"].contains(&site))
        || text(header::ORIGIN).is_some_and(|origin| !own(origin))
}

async fn list_faults(Shared(world): Shared<Arc<World>>) -> Answer {
    faults(&world)
}

async fn put_faults(Shared(world): Shared<Arc<World>>, body: Bytes) -> Answer {
    let rules: Vec<Fault> = match serde_json::from_slice(&body) {
        Ok(rules) => rules,
        Err(error) => {
            return refuse(&Error::BadFault {
                position: 0,
                reason: error.to_string(),
            });
        }
    };
    let set = world.faults().set(rules);
    match set {
        Ok(()) => faults(&world),
        Err(error) => refuse(&error),
    }
}

async fn delete_faults(Shared(world): Shared<Arc<World>>) -> Answer {
    let cleared = world.faults().set(Vec::new());
    cleared.map_or_else(|error| refuse(&error), |()| reply::empty(StatusCode::NO_CONTENT))
}

async fn state(Shared(world): Shared<Arc<World>>) -> Answer {
    reply::json(StatusCode::OK, &snapshot(&world))
}

async fn put_settings(Shared(world): Shared<Arc<World>>, body: Bytes) -> Answer {
    let settings: Settings = match serde_json::from_slice(&body) {
        Ok(settings) => settings,
        Err(error) => {
            return refuse(&Error::BadSetting {
                name: "settings",
                reason: error.to_string(),
            });
        }
    };
    match set_restart_reads(&world, settings.zoom_restart_reads) {
        Ok(()) => reply::json(
            StatusCode::OK,
            &json!({"zoom_restart_reads": settings.zoom_restart_reads}),
        ),
        Err(error) => refuse(&error),
    }
}

async fn reset(Shared(world): Shared<Arc<World>>) -> Answer {
    world
        .reset()
        .map_or_else(|error| refuse(&error), |()| reply::empty(StatusCode::NO_CONTENT))
}

async fn ca_pem(Shared(world): Shared<Arc<World>>) -> Answer {
    match world.ca_pem() {
        Some(pem) => reply::text(StatusCode::OK, pem.to_owned()),
        None => reply::text(StatusCode::NOT_FOUND, "the sandbox runs without TLS\n"),
    }
}

fn faults(world: &World) -> Answer {
    let list = serde_json::to_value(world.faults().list()).unwrap_or(Value::Null);
    reply::json(StatusCode::OK, &list)
}

fn refuse(error: &Error) -> Answer {
    let status = match error {
        Error::BadFault { .. } | Error::BadSetting { .. } => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    reply::json(status, &json!({"code": error.code(), "error": error.to_string()}))
}
