//! Whether the process is alive and takes work, and what it is.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::problem::{Answer, Problem};
use crate::{Api, Reason};

/// That the process lives.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Alive {
    /// Always `alive`.
    pub status: String,
    /// The binary's version.
    pub version: String,
}

/// Whether the process takes work.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// Whether it does.
    pub ready: bool,
    /// What isn't well, blocking or not.
    pub reasons: Vec<Reason>,
}

/// What the server is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct About {
    /// The binary's version.
    pub version: String,
    /// What it is licensed under.
    pub license: String,
    /// `sqlite` or `postgresql`.
    pub database: String,
    /// `mock` or `real`, for runs that don't say.
    pub mode: String,
}

/// Whether the process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "get_health",
    tag = "health",
    extensions(("x-role" = json!("public"))),
    responses((status = 200, body = Alive), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_health() -> Json<Alive> {
    Json(Alive {
        status: "alive".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Whether the process takes work; 503 with reasons if not. Reasons that don't keep it from work are shown too.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "get_readiness",
    tag = "health",
    extensions(("x-role" = json!("public"))),
    responses((status = 200, body = Ready), (status = 503, body = Ready), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_readiness(State(api): State<Api>) -> (StatusCode, Json<Ready>) {
    let reasons = api.probes.trouble().await;
    let ready = !reasons.iter().any(|reason| reason.blocking);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Ready { ready, reasons }))
}

/// What the server is.
#[utoipa::path(
    get,
    path = "/about",
    operation_id = "get_about",
    tag = "health",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    responses((status = 200, body = About), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_about(State(api): State<Api>) -> Answer<Json<About>> {
    let mode: types::Mode = services::settings::read(&api.services, services::settings::MODE).await?;
    Ok(Json(About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        license: env!("CARGO_PKG_LICENSE").to_owned(),
        database: api.database.to_owned(),
        mode: mode.as_str().to_owned(),
    }))
}
