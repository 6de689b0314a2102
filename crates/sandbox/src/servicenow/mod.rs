//! ServiceNow: the Table API and the Attachment API under `/servicenow/api/now/`.

mod attachment;
mod query;
mod record;
mod schema;
mod table;
mod view;

use axum::http::StatusCode;
use base64::Engine as _;
use serde_json::{Value, json};

use crate::call::Call;
use crate::credentials::{SERVICENOW_API_KEY, SERVICENOW_PASSWORD, SERVICENOW_TOKEN, SERVICENOW_USER};
use crate::pages;
use crate::reply::{self, Answer, Fail, Handled};
use crate::state::{State, opaque};
use crate::vendor;
use crate::world::World;

pub(crate) use record::{Stamp, insert};

/// Requests an hour, as the rate limit headers say.
const HOURLY_LIMIT: u32 = 10_000;

/// Answers for it.
pub(crate) struct Desk;

impl vendor::Desk for Desk {
    fn tools(&self) -> &'static [(&'static str, &'static str)] {
        &[("servicenow", "")]
    }

    fn secrets(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("user", SERVICENOW_USER),
            ("password", SERVICENOW_PASSWORD),
            ("token", SERVICENOW_TOKEN),
            ("api_key", SERVICENOW_API_KEY),
        ]
    }

    fn handle(&self, world: &World, call: &Call) -> Handled {
        handle(world, call)
    }

    fn rate_limited(&self, retry_after_s: u32) -> Answer {
        rate_limited(retry_after_s)
    }

    fn token_expired(&self) -> Answer {
        not_authenticated()
    }

    fn server_error(&self, status: StatusCode) -> Answer {
        server_error(status)
    }

    fn too_large(&self) -> Answer {
        refuse(StatusCode::PAYLOAD_TOO_LARGE, "Request entity too large", None)
    }
}

/// Answers a call.
fn handle(world: &World, call: &Call) -> Handled {
    let route = call.route();
    let ["api", "now", rest @ ..] = route.as_slice() else {
        return Ok(pages::find(world, call).unwrap_or_else(no_resource));
    };
    if !authenticated(call) {
        return Ok(not_authenticated());
    }
    // The version may stand in the path: /api/now/v2/table/…
    let rest = match rest {
        ["v1" | "v2", below @ ..] => below,
        below => below,
    };
    let handled = match (call.method.as_str(), rest) {
        ("GET", ["table", table]) => table::list(world, call, table),
        ("POST", ["table", table]) => table::create(world, call, table),
        ("GET", ["table", table, id]) => table::get(world, call, table, id),
        ("PATCH" | "PUT", ["table", table, id]) => table::update(world, call, table, id),
        ("DELETE", ["table", table, id]) => table::delete(world, table, id),
        ("GET", ["attachment"]) => attachment::list(world, call),
        ("POST", ["attachment", "file"]) => attachment::upload(world, call),
        ("GET", ["attachment", id]) => attachment::get(world, id),
        ("GET", ["attachment", id, "file"]) => attachment::download(world, id),
        ("DELETE", ["attachment", id]) => attachment::delete(world, id),
        _ => Ok(no_resource()),
    };
    handled.map(|answer| limited(answer, world))
}

/// 401.
pub(crate) fn not_authenticated() -> Answer {
    let detail = "Required to provide Auth information";
    let answer = refuse(
        StatusCode::UNAUTHORIZED,
        "User is not authenticated",
        Some(detail),
    );
    reply::with_header(answer, "www-authenticate", "BASIC realm=\"Service-now\"")
}

/// 429 with `Retry-After` and the rule that was broken.
fn rate_limited(retry_after_s: u32) -> Answer {
    let detail = "The user has reached the limit of requests of the rule AgentOps sandbox";
    let answer = refuse(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded", Some(detail));
    let answer = reply::with_header(answer, "retry-after", &retry_after_s.to_string());
    rate_headers(answer, i64::from(retry_after_s))
}

/// Something broke.
fn server_error(status: StatusCode) -> Answer {
    refuse(status, "Transaction cancelled: the instance failed", None)
}

/// The error envelope.
pub(crate) fn refuse(status: StatusCode, message: &str, detail: Option<&str>) -> Answer {
    reply::json(
        status,
        &json!({"error": {"message": message, "detail": detail}, "status": "failure"}),
    )
}

/// 404 for a record or attachment that isn't there.
fn no_record() -> Fail {
    let detail = "Record doesn't exist or ACL restricts the record retrieval";
    refuse(StatusCode::NOT_FOUND, "No Record found", Some(detail)).into()
}

/// ServiceNow's answer to an unknown path: 400, not 404.
fn no_resource() -> Answer {
    refuse(
        StatusCode::BAD_REQUEST,
        "Requested URI does not represent any resource",
        None,
    )
}

/// An id as ServiceNow makes them: 32 hexadecimal digits.
fn new_sys_id(state: &mut State) -> String {
    let mut id = opaque("sys_id", state.next());
    id.truncate(32);
    id
}

fn authenticated(call: &Call) -> bool {
    if let Some(key) = call.header("x-sn-apikey") {
        return key == SERVICENOW_API_KEY;
    }
    if let Some(token) = call.bearer() {
        return token == SERVICENOW_TOKEN;
    }
    call.basic()
        .is_some_and(|(user, password)| user == SERVICENOW_USER && password == SERVICENOW_PASSWORD)
}

/// Every answer tells the limit; it resets at the full hour.
fn limited(answer: Answer, world: &World) -> Answer {
    let now_s = world.now().as_millis().div_euclid(1_000);
    rate_headers(answer, (now_s.div_euclid(3_600) + 1) * 3_600)
}

fn rate_headers(answer: Answer, reset: i64) -> Answer {
    let answer = reply::with_header(answer, "x-ratelimit-limit", &HOURLY_LIMIT.to_string());
    let answer = reply::with_header(answer, "x-ratelimit-reset", &reset.to_string());
    reply::with_header(answer, "x-ratelimit-rule", "AgentOps sandbox")
}

fn ok(status: StatusCode, result: &Value) -> Answer {
    reply::json(status, &json!({"result": result}))
}

fn encode(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn decode(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap_or_default()
}
