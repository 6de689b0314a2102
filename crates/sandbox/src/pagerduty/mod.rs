//! PagerDuty: the Events API, version 2, under `/pagerduty/v2/`, and the REST API's reads of the
//! incidents that come of events under `/pagerduty/incidents`.

mod events;
mod incidents;
pub(crate) mod state;

use axum::http::StatusCode;
use serde_json::json;

use crate::call::Call;
use crate::credentials::{PAGERDUTY_API_TOKEN, PAGERDUTY_ROUTING_KEY};
use crate::reply::{self, Answer, Handled};
use crate::vendor;
use crate::world::World;

/// Answers for it.
pub(crate) struct Desk;

impl vendor::Desk for Desk {
    fn tools(&self) -> &'static [(&'static str, &'static str)] {
        &[("pagerduty", "")]
    }

    fn secrets(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("routing_key", PAGERDUTY_ROUTING_KEY),
            ("api_token", PAGERDUTY_API_TOKEN),
        ]
    }

    fn handle(&self, world: &World, call: &Call) -> Handled {
        let authorized = call.header("authorization") == Some(&format!("Token token={PAGERDUTY_API_TOKEN}"));
        match (call.method.as_str(), call.route().as_slice()) {
            ("POST", ["v2", "enqueue"]) => events::enqueue(world, call),
            ("GET", ["pages", "incidents", id]) => Ok(incidents::page(world, id).unwrap_or_else(not_found)),
            ("GET", ["incidents", ..]) if !authorized => Ok(unauthorized()),
            ("GET", ["incidents"]) => Ok(incidents::list(world, call)),
            ("GET", ["incidents", id]) => Ok(incidents::get(world, id).unwrap_or_else(not_found)),
            _ => Ok(not_found()),
        }
    }

    fn rate_limited(&self, retry_after_s: u32) -> Answer {
        let answer = with_status(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
        reply::with_header(answer, "retry-after", &retry_after_s.to_string())
    }

    fn token_expired(&self) -> Answer {
        with_status(StatusCode::BAD_REQUEST, "Invalid routing key")
    }

    fn server_error(&self, status: StatusCode) -> Answer {
        with_status(status, "Internal server error")
    }

    fn too_large(&self) -> Answer {
        with_status(StatusCode::PAYLOAD_TOO_LARGE, "Event is too large")
    }
}

/// The refusal of an event with the list of what is wrong with it.
fn refuse(errors: &[String]) -> Answer {
    let body = json!({ "status": "invalid event", "message": "Event object is invalid", "errors": errors });
    reply::json(StatusCode::BAD_REQUEST, &body)
}

/// The refusals without a list.
fn with_status(status: StatusCode, message: &str) -> Answer {
    let name = status.canonical_reason().unwrap_or("error");
    reply::json(status, &json!({ "status": name, "message": message }))
}

fn unauthorized() -> Answer {
    let error = json!({ "error": { "message": "Authentication failed", "code": 2006 } });
    reply::json(StatusCode::UNAUTHORIZED, &error)
}

fn not_found() -> Answer {
    let error = json!({ "error": { "message": "Not Found", "code": 2100 } });
    reply::json(StatusCode::NOT_FOUND, &error)
}
