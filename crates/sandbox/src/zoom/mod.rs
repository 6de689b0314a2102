//! Zoom: `/zoom/oauth/token` and the REST API under `/zoom/v2/`.
//!
//! Shapes are those of Zoom's published API. Two things are the sandbox's own: `basic.email` in a
//! room's profile, and the object `metrics` (load and line quality) beside a room's health.

mod metrics;
mod oauth;
mod paging;
mod rooms;
mod sessions;
mod users;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::call::Call;
use crate::credentials::{ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID, ZOOM_CLIENT_SECRET};
use crate::pages;
use crate::reply::{self, Answer, Fail, Handled};
use crate::state::SessionKind;
use crate::vendor;
use crate::world::World;

/// Answers for it.
pub(crate) struct Desk;

impl vendor::Desk for Desk {
    fn tools(&self) -> &'static [(&'static str, &'static str)] {
        &[("zoom", "")]
    }

    fn secrets(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("account_id", ZOOM_ACCOUNT_ID),
            ("client_id", ZOOM_CLIENT_ID),
            ("client_secret", ZOOM_CLIENT_SECRET),
        ]
    }

    fn handle(&self, world: &World, call: &Call) -> Handled {
        handle(world, call)
    }

    fn rate_limited(&self, retry_after_s: u32) -> Answer {
        rate_limited(retry_after_s)
    }

    fn token_expired(&self) -> Answer {
        token_expired()
    }

    fn server_error(&self, status: StatusCode) -> Answer {
        server_error(status)
    }

    fn too_large(&self) -> Answer {
        refuse(StatusCode::PAYLOAD_TOO_LARGE, 413, "Request entity too large.")
    }
}

/// Answers a call.
fn handle(world: &World, call: &Call) -> Handled {
    let route = call.route();
    match (call.method.as_str(), route.as_slice()) {
        ("POST", ["oauth", "token"]) => oauth::token(world, call),
        (_, ["v2", rest @ ..]) => {
            oauth::authenticate(world, call)?;
            api(world, call, rest).map(|answer| labelled(answer, rest))
        }
        _ => Ok(pages::find(world, call).unwrap_or_else(unknown_path)),
    }
}

fn api(world: &World, call: &Call, path: &[&str]) -> Handled {
    let method = &call.method;
    match path {
        ["users", user] if *method == Method::GET => users::get(world, user),
        ["users", user, "meetings"] => sessions::of_user(world, call, user, SessionKind::Meeting),
        ["users", user, "webinars"] => sessions::of_user(world, call, user, SessionKind::Webinar),
        ["meetings", number] => sessions::one(world, call, number, SessionKind::Meeting),
        ["webinars", number] => sessions::one(world, call, number, SessionKind::Webinar),
        ["rooms"] if *method == Method::GET => rooms::list(world, call),
        ["rooms", id] if *method == Method::GET => rooms::profile(world, id),
        ["rooms", id] if *method == Method::PATCH => rooms::change_profile(world, call, id),
        ["rooms", id, "settings"] if *method == Method::GET => rooms::settings(world, call, id),
        ["rooms", id, "devices"] if *method == Method::GET => rooms::devices(world, id),
        ["rooms", id, "events"] if *method == Method::PATCH => rooms::control(world, call, id),
        ["metrics", "zoomrooms"] if *method == Method::GET => metrics::list(world, call),
        ["metrics", "zoomrooms", id] if *method == Method::GET => metrics::one(world, call, id),
        _ => Ok(unknown_path()),
    }
}

/// 429 with `Retry-After` and Zoom's own headers.
fn rate_limited(retry_after_s: u32) -> Answer {
    let message = "You have reached the maximum per-second rate limit for this API. Try again later.";
    let answer = refuse(StatusCode::TOO_MANY_REQUESTS, 429, message);
    let answer = reply::with_header(answer, "retry-after", &retry_after_s.to_string());
    let answer = reply::with_header(answer, "x-ratelimit-type", "QPS");
    reply::with_header(answer, "x-ratelimit-remaining", "0")
}

/// The answer to a token that has expired.
fn token_expired() -> Answer {
    refuse(StatusCode::UNAUTHORIZED, 124, "Access token is expired.")
}

/// Something broke.
fn server_error(status: StatusCode) -> Answer {
    refuse(status, u32::from(status.as_u16()), "Internal Server Error.")
}

/// An error: status, Zoom's code, words.
pub(crate) fn refuse(status: StatusCode, code: u32, message: &str) -> Answer {
    reply::json(status, &json!({"code": code, "message": message}))
}

/// 400, code 300, with the fields that are wrong.
fn invalid(fields: &[(&str, String)]) -> Fail {
    let errors: Vec<Value> = fields
        .iter()
        .map(|(field, message)| json!({"field": field, "message": message}))
        .collect();
    let body = json!({"code": 300, "message": "Validation Failed.", "errors": errors});
    reply::json(StatusCode::BAD_REQUEST, &body).into()
}

/// A body that must be a JSON object.
fn object(call: &Call) -> Result<serde_json::Map<String, Value>, Fail> {
    let refusal = || {
        refuse(
            StatusCode::BAD_REQUEST,
            300,
            "Request Body should be a valid JSON object.",
        )
        .into()
    };
    call.json_object().ok_or_else(refusal)
}

fn unknown_path() -> Answer {
    refuse(
        StatusCode::NOT_FOUND,
        2300,
        "This API endpoint is not recognized.",
    )
}

/// Zoom names the rate limit class of each request in a header.
fn labelled(answer: Answer, path: &[&str]) -> Answer {
    let label = match path {
        ["metrics", "zoomrooms"] => "Resource-intensive",
        ["metrics", ..] => "Heavy",
        ["rooms"] | ["users", _, _] | ["rooms", _, "events"] => "Medium",
        _ => "Light",
    };
    reply::with_header(answer, "x-ratelimit-category", label)
}
