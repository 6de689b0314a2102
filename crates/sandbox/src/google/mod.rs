//! Google: the token endpoint and the Drive API, version 3.
//! Refusals are `{"error": {"code", "message", "errors": [{"domain", "reason", "message"}]}}`.

mod files;
mod multipart;
mod permissions;
mod query;
pub(crate) mod state;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::call::Call;
use crate::credentials::{GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET, GOOGLE_REFRESH_TOKEN, GOOGLE_USER};
use crate::reply::{self, Answer, Fail, Handled};
use crate::state::opaque;
use crate::vendor;
use crate::world::World;

/// How long a token lives, in seconds.
const LIFETIME_S: u64 = 3_599;

/// Answers for Google.
pub(crate) struct Desk;

impl vendor::Desk for Desk {
    fn tools(&self) -> &'static [(&'static str, &'static str)] {
        &[("google_drive", "")]
    }

    fn secrets(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("client_id", GOOGLE_CLIENT_ID),
            ("client_secret", GOOGLE_CLIENT_SECRET),
            ("refresh_token", GOOGLE_REFRESH_TOKEN),
        ]
    }

    fn handle(&self, world: &World, call: &Call) -> Handled {
        let route = call.route();
        if let (Method::POST, ["token"]) = (call.method.clone(), route.as_slice()) {
            return token(world, call);
        }
        authenticate(world, call)?;
        match (call.method.clone(), route.as_slice()) {
            (Method::GET, ["drive", "v3", "about"]) => about(call),
            (Method::POST, ["upload", "drive", "v3", "files"]) => files::upload(world, call),
            (Method::POST, ["drive", "v3", "files"]) => files::create(world, call),
            (Method::GET, ["drive", "v3", "files"]) => files::list(world, call),
            (Method::GET, ["drive", "v3", "files", id]) => files::get(world, call, id),
            (Method::DELETE, ["drive", "v3", "files", id]) => files::delete(world, id),
            (Method::POST, ["drive", "v3", "files", id, "permissions"]) => {
                permissions::create(world, call, id)
            }
            (Method::GET, ["drive", "v3", "files", id, "permissions"]) => permissions::list(world, call, id),
            _ => Ok(refuse(StatusCode::NOT_FOUND, "notFound", "Not Found")),
        }
    }

    fn rate_limited(&self, retry_after_s: u32) -> Answer {
        let answer = refuse(
            StatusCode::TOO_MANY_REQUESTS,
            "rateLimitExceeded",
            "Rate Limit Exceeded",
        );
        reply::with_header(answer, "retry-after", &retry_after_s.to_string())
    }

    fn token_expired(&self) -> Answer {
        refuse(StatusCode::UNAUTHORIZED, "authError", "Invalid Credentials")
    }

    fn server_error(&self, status: StatusCode) -> Answer {
        refuse(status, "backendError", "Backend Error")
    }

    fn too_large(&self) -> Answer {
        refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "uploadTooLarge",
            "The upload is too large",
        )
    }
}

/// A refusal in Google's envelope.
fn refuse(status: StatusCode, reason: &str, message: &str) -> Answer {
    let body = json!({"error": {
        "code": status.as_u16(),
        "message": message,
        "errors": [{"message": message, "domain": "global", "reason": reason}],
    }});
    reply::json(status, &body)
}

fn bad(message: &str) -> Answer {
    refuse(StatusCode::BAD_REQUEST, "badRequest", message)
}

fn no_file(id: &str) -> Answer {
    refuse(
        StatusCode::NOT_FOUND,
        "notFound",
        &format!("File not found: {id}."),
    )
}

/// The fields of `all` that the call's `fields` names, or the usual ones.
fn chosen(call: &Call, all: &Value, usual: &str) -> Value {
    let fields = call.query.get("fields").map_or(usual, String::as_str);
    if fields.trim() == "*" {
        return all.clone();
    }
    named(all, fields)
}

/// The fields of `all` that a list of names has.
fn named(all: &Value, names: &str) -> Value {
    let named = |name: &str| names.split(',').any(|field| field.trim() == name);
    let kept = all
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| named(name));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn about(call: &Call) -> Handled {
    // `fields` has no default here.
    if !call.query.contains_key("fields") {
        return Ok(bad("The 'fields' parameter is required for this method."));
    }
    let user = json!({"displayName": "AV operations", "emailAddress": GOOGLE_USER, "kind": "drive#user", "me": true});
    Ok(reply::json(StatusCode::OK, &json!({"user": user})))
}

/// `POST /token` with a refresh token.
fn token(world: &World, call: &Call) -> Handled {
    let form = call.form();
    let sent = |name: &str| form.get(name).map(String::as_str);
    if sent("client_id") != Some(GOOGLE_CLIENT_ID) || sent("client_secret") != Some(GOOGLE_CLIENT_SECRET) {
        return Ok(denied(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "The OAuth client was not found.",
        ));
    }
    if sent("grant_type") != Some("refresh_token") {
        let words = "Invalid grant_type: only refresh_token is served here";
        return Ok(denied(StatusCode::BAD_REQUEST, "unsupported_grant_type", words));
    }
    if sent("refresh_token") != Some(GOOGLE_REFRESH_TOKEN) {
        return Ok(denied(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "Token has been expired or revoked.",
        ));
    }
    let expires = world.now() + LIFETIME_S * 1_000;
    let text = world.write(|state| {
        let text = format!("ya29.sandbox-{}", opaque("google-token", state.next()));
        state.google.tokens.give(&text, expires);
        Ok(text)
    })?;
    let body = json!({
        "access_token": text,
        "expires_in": LIFETIME_S,
        "scope": "https://www.googleapis.com/auth/drive.file",
        "token_type": "Bearer",
    });
    Ok(reply::json(StatusCode::OK, &body))
}

fn denied(status: StatusCode, error: &str, words: &str) -> Answer {
    reply::json(status, &json!({"error": error, "error_description": words}))
}

fn authenticate(world: &World, call: &Call) -> Result<(), Fail> {
    let sent = call.bearer().unwrap_or("");
    match world.read(|state| state.google.tokens.expires(sent)) {
        Some(expires) if world.now() < expires => Ok(()),
        _ => Err(vendor::Desk::token_expired(&Desk).into()),
    }
}
