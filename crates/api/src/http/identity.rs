//! Who asks: an API token, a session's cookie, or somebody at the machine.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum_extra::extract::cookie::CookieJar;
use services::principal::Principal;
use services::{people, sessions, tokens};
use types::{Actor, Failure};

use super::problem::{Answer, Refusal};
use crate::Api;

/// The cookie of a session. The prefix keeps other hosts and plain HTTP from setting it.
pub(crate) const COOKIE: &str = "__Host-agentops";
/// The header that a browser must send to change anything.
pub(crate) const CSRF: &str = "x-csrf-token";
/// The header by which commands at the machine say under which name they act.
pub const LOCAL_USER: &str = "x-agentops-user";

/// Whoever asks; the gate has let them in.
pub(crate) struct Caller(pub(crate) Principal);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let principal = parts.extensions.get::<Principal>().cloned();
        principal.map(Caller).ok_or_else(|| {
            // The gate puts it there for every route that isn't public.
            Refusal::new(
                "internal",
                "a route asked for a caller that the gate had not let in",
            )
        })
    }
}

/// Finds out who asks.
///
/// # Errors
/// `sign_in_needed`, `signed_out`, `token_refused`, `csrf_missing`, or the store can't be read.
pub(crate) async fn identify(api: &Api, method: &Method, headers: &HeaderMap) -> Answer<Principal> {
    if let Some(token) = bearer(headers) {
        if api.is_local(token) {
            return local(api, headers).await;
        }
        return Ok(tokens::authenticate(&api.services, token).await?);
    }
    let jar = CookieJar::from_headers(headers);
    let Some(cookie) = jar.get(COOKIE) else {
        return Err(
            Refusal::new("sign_in_needed", "this asks for somebody who is signed in")
                .hint("sign in, or send an API token as Authorization: Bearer …"),
        );
    };
    let secret = cookie.value();
    if !method.is_safe() {
        may_change(headers, secret)?;
    }
    Ok(sessions::authenticate(&api.services, secret).await?)
}

/// A page of another origin can send a cookie, but can't read what the session was told to send along.
fn may_change(headers: &HeaderMap, secret: &str) -> Answer<()> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let elsewhere = text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    if !elsewhere && text(CSRF) == Some(sessions::csrf_of(secret).as_str()) {
        return Ok(());
    }
    let message = format!("a change by a signed-in browser needs the header {CSRF}");
    Err(Refusal::new("csrf_missing", message).hint("GET /api/v1/session tells its value"))
}

async fn local(api: &Api, headers: &HeaderMap) -> Answer<Principal> {
    // Names are UTF-8, which a header may hold.
    let name = headers
        .get(LOCAL_USER)
        .and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let actor: Actor = match name.filter(|name| !name.is_empty() && name.len() <= 200) {
        Some(name) => people::actor(&api.services, name).await?,
        None => {
            return Err(Failure::new("sign_in_needed", format!("the header {LOCAL_USER} is missing")).into());
        }
    };
    Ok(Principal::local(actor))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let sent = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = sent.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
