//! Slack's Web API: methods under `/slack/api/`, errors inside answers with status 200.
//!
//! Read methods take query or form arguments, write methods also JSON, as Slack documents them.

mod chat;
mod conversations;
mod message;

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::credentials::SLACK_TOKEN;
use crate::pages;
use crate::reply::{self, Answer, Handled};
use crate::vendor;
use crate::world::World;

pub(crate) use message::stamp;

pub(crate) const TEAM_ID: &str = "T0SANDBOX1";
pub(crate) const USER_ID: &str = "U0AGENTOPS";
pub(crate) const BOT_ID: &str = "B0AGENTOPS";

/// The arguments of a method, whichever way they came.
struct Arguments(Map<String, Value>);

/// Answers for it.
pub(crate) struct Desk;

impl vendor::Desk for Desk {
    fn tools(&self) -> &'static [(&'static str, &'static str)] {
        &[("slack", "")]
    }

    fn secrets(&self) -> &'static [(&'static str, &'static str)] {
        &[("token", SLACK_TOKEN)]
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
        refuse_with(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large")
    }
}

/// Answers a call.
fn handle(world: &World, call: &Call) -> Handled {
    let route = call.route();
    let ["api", method] = route.as_slice() else {
        let missing = || reply::text(StatusCode::NOT_FOUND, "page_not_found\n");
        return Ok(pages::find(world, call).unwrap_or_else(missing));
    };
    let takes_json = matches!(*method, "chat.postMessage" | "auth.test");
    let known = takes_json
        || matches!(
            *method,
            "conversations.history" | "conversations.list" | "conversations.replies" | "chat.getPermalink"
        );
    if !known {
        return Ok(ok_false(json!({"error": "unknown_method", "req_method": method})));
    }
    if call.method != Method::POST && (call.method != Method::GET || *method == "chat.postMessage") {
        return Ok(refuse_with(
            StatusCode::METHOD_NOT_ALLOWED,
            "invalid_request_method",
        ));
    }
    let arguments = match Arguments::read(call, takes_json) {
        Ok(arguments) => arguments,
        Err(code) => return Ok(refuse(code)),
    };
    if let Err(code) = authenticate(call, &arguments) {
        return Ok(refuse(code));
    }
    match *method {
        "chat.postMessage" => chat::post_message(world, &arguments),
        "chat.getPermalink" => Ok(chat::get_permalink(world, &arguments)),
        "conversations.history" => Ok(conversations::history(world, &arguments)),
        "conversations.replies" => Ok(conversations::replies(world, &arguments)),
        "conversations.list" => Ok(conversations::list(world, &arguments)),
        _ => Ok(auth_test(world)),
    }
}

/// 429 with `Retry-After`.
fn rate_limited(retry_after_s: u32) -> Answer {
    let answer = refuse_with(StatusCode::TOO_MANY_REQUESTS, "ratelimited");
    reply::with_header(answer, "retry-after", &retry_after_s.to_string())
}

/// The answer to a token that has expired.
fn token_expired() -> Answer {
    refuse("token_expired")
}

/// Something broke.
fn server_error(status: StatusCode) -> Answer {
    refuse_with(
        status,
        if status == StatusCode::SERVICE_UNAVAILABLE {
            "service_unavailable"
        } else {
            "internal_error"
        },
    )
}

/// An error with a status of its own.
pub(crate) fn refuse_with(status: StatusCode, code: &str) -> Answer {
    reply::json(status, &json!({"ok": false, "error": code}))
}

fn refuse(code: &str) -> Answer {
    refuse_with(StatusCode::OK, code)
}

fn ok(body: Value) -> Answer {
    answer(true, body)
}

fn ok_false(body: Value) -> Answer {
    answer(false, body)
}

fn answer(ok: bool, body: Value) -> Answer {
    let mut all = Map::new();
    all.insert("ok".to_owned(), Value::Bool(ok));
    if let Value::Object(fields) = body {
        all.extend(fields);
    }
    reply::json(StatusCode::OK, &Value::Object(all))
}

fn auth_test(world: &World) -> Answer {
    ok(json!({
        "url": format!("{}/slack/", world.public_url()),
        "team": "AV Operations Sandbox",
        "user": "agentops",
        "team_id": TEAM_ID,
        "user_id": USER_ID,
        "bot_id": BOT_ID,
        "is_enterprise_install": false,
    }))
}

fn authenticate(call: &Call, arguments: &Arguments) -> Result<(), &'static str> {
    match call.bearer().or_else(|| arguments.text("token")) {
        None | Some("") => Err("not_authed"),
        Some(SLACK_TOKEN) => Ok(()),
        Some(_) => Err("invalid_auth"),
    }
}

impl Arguments {
    fn read(call: &Call, takes_json: bool) -> Result<Self, &'static str> {
        let mut all: Map<String, Value> = texts(call.query.clone());
        if call.body.is_empty() {
            return Ok(Arguments(all));
        }
        match call.media_type().as_str() {
            "application/json" if takes_json => {
                let sent: Value = serde_json::from_slice(&call.body).map_err(|_| "invalid_json")?;
                let Value::Object(fields) = sent else {
                    return Err("json_not_object");
                };
                all.extend(fields);
            }
            // A method without JSON support doesn't look into the body at all.
            "application/json" => {}
            "application/x-www-form-urlencoded" => all.extend(texts(call.form())),
            "" => return Err("missing_post_type"),
            _ => return Err("invalid_post_type"),
        }
        Ok(Arguments(all))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn flag(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => matches!(text.as_str(), "true" | "1"),
            _ => false,
        }
    }

    /// A count between 1 and `most`.
    fn count(&self, name: &str, default: usize, most: usize) -> Result<usize, &'static str> {
        let Some(value) = self.0.get(name) else {
            return Ok(default);
        };
        let count = value
            .as_u64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        let count = count
            .and_then(|count| usize::try_from(count).ok())
            .ok_or("invalid_limit")?;
        if count == 0 {
            Ok(default)
        } else {
            Ok(count.min(most))
        }
    }

    /// A structure: itself in JSON, text holding JSON in a form. `Err` if it isn't one.
    fn structure(&self, name: &str) -> Result<Option<Value>, ()> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(|_| ()),
            Some(value) => Ok(Some(value.clone())),
        }
    }
}

fn texts(parameters: crate::call::Params) -> Map<String, Value> {
    parameters
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect()
}
