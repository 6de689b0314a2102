//! Server-to-server OAuth: tokens for account credentials, and checking them.

use axum::http::StatusCode;
use serde_json::json;

use super::{refuse, token_expired};
use crate::call::Call;
use crate::credentials::{ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID, ZOOM_CLIENT_SECRET};
use crate::reply::{self, Answer, Fail, Handled};
use crate::state::opaque;
use crate::world::World;

/// How long a token lives, in seconds.
const LIFETIME_S: u64 = 3_600;

/// `POST /oauth/token`, with its parameters in the query or in a form.
pub(super) fn token(world: &World, call: &Call) -> Handled {
    let mut sent = call.query.clone();
    sent.extend(call.form());
    let client = call.basic();
    let known = client.is_some_and(|(id, secret)| id == ZOOM_CLIENT_ID && secret == ZOOM_CLIENT_SECRET);
    if !known {
        return Ok(denied(
            StatusCode::BAD_REQUEST,
            "invalid_client",
            "Invalid client_id or client_secret",
        ));
    }
    if sent.get("grant_type").map(String::as_str) != Some("account_credentials") {
        return Ok(denied(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "unsupported grant type",
        ));
    }
    if sent.get("account_id").map(String::as_str) != Some(ZOOM_ACCOUNT_ID) {
        return Ok(denied(StatusCode::BAD_REQUEST, "invalid_request", "Bad Request"));
    }
    let expires = world.now() + LIFETIME_S * 1_000;
    let text = world.write(|state| {
        let text = format!("sandbox.{}", opaque("zoom-token", state.next()));
        state.zoom.tokens.give(&text, expires);
        Ok(text)
    })?;
    let body = json!({
        "access_token": text,
        "token_type": "bearer",
        "expires_in": LIFETIME_S,
        "scope": "meeting:write:admin room:read:admin room:write:admin dashboard_zr:read:admin webinar:write:admin",
        "api_url": format!("{}/zoom", world.public_url()),
    });
    Ok(reply::json(StatusCode::OK, &body))
}

/// Lets a call through, or says why not.
pub(super) fn authenticate(world: &World, call: &Call) -> Result<(), Fail> {
    let sent = call.bearer().unwrap_or("");
    match world.read(|state| state.zoom.tokens.expires(sent)) {
        Some(expires) if world.now() < expires => Ok(()),
        Some(_) => Err(token_expired().into()),
        None => Err(refuse(StatusCode::UNAUTHORIZED, 124, "Invalid access token.").into()),
    }
}

fn denied(status: StatusCode, error: &str, reason: &str) -> Answer {
    reply::json(status, &json!({"reason": reason, "error": error}))
}
