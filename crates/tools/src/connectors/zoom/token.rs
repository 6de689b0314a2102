//! Access tokens of server-to-server OAuth apps: fetched with account credentials, kept until shortly
//! before they expire, forgotten when Zoom refuses them. There is no refresh token.

use std::collections::HashMap;

use reqwest::Url;
use serde_json::Value;
use tokio::sync::Mutex;
use types::{Failure, Timestamp};

use crate::http::{Body, Request};
use crate::{CallContext, CallError, Credentials, Endpoint, Secret};

/// A token is renewed this long before it expires, in milliseconds.
const MARGIN_MS: u64 = 60_000;
/// How long a token lives if Zoom doesn't say, in seconds.
const DEFAULT_LIFE_S: u64 = 3600;
/// Apps whose tokens are kept at a time.
const MOST_APPS: usize = 64;

/// Token URL, account, client.
type App = (String, String, String);

struct Token {
    secret: Secret,
    expires: Timestamp,
}

/// The tokens by app. The lock is held while one is fetched, so that many calls fetch only one.
#[derive(Default)]
pub(super) struct Tokens {
    kept: Mutex<HashMap<App, Token>>,
}

impl Tokens {
    /// A token for the endpoint of this call; `None` if its credentials need none.
    pub(super) async fn get(&self, ctx: &CallContext) -> Result<Option<Secret>, CallError> {
        let endpoint = ctx.endpoint()?;
        let Credentials::Account {
            token_url,
            account_id,
            client_id,
            client_secret,
        } = &endpoint.credentials
        else {
            return Ok(None);
        };
        let url = match token_url {
            Some(url) => url.clone(),
            None => derived_url(endpoint)?,
        };
        let app: App = (url.clone(), account_id.clone(), client_id.clone());
        let mut kept = self.kept.lock().await;
        if let Some(token) = kept
            .get(&app)
            .filter(|token| ctx.now() + MARGIN_MS < token.expires)
        {
            return Ok(Some(token.secret.clone()));
        }
        let request = Request::post_to(url)
            .body(Body::Form(vec![
                ("grant_type".to_owned(), "account_credentials".to_owned()),
                ("account_id".to_owned(), account_id.clone()),
            ]))
            .credentials(Credentials::Basic {
                user: client_id.clone(),
                password: client_secret.clone(),
            });
        let token = fetch(ctx, &request).await?;
        let secret = token.secret.clone();
        if kept.len() >= MOST_APPS {
            kept.clear();
        }
        kept.insert(app, token);
        Ok(Some(secret))
    }

    /// Forgets a token that was refused.
    pub(super) async fn forget(&self, refused: &Secret) {
        self.kept.lock().await.retain(|_, token| token.secret != *refused);
    }
}

async fn fetch(ctx: &CallContext, request: &Request) -> Result<Token, CallError> {
    let response = ctx.send(request).await?;
    if matches!(response.status, 400 | 401 | 403) {
        let reason = response
            .json()
            .ok()
            .and_then(|body| say(&body))
            .unwrap_or_default();
        return Err(CallError::refused(
            Failure::new(
                "credentials_refused",
                format!("zoom gives no access token ({}) {reason}", response.status),
            )
            .hint("check account id, client id and client secret of the server-to-server app"),
        ));
    }
    let body = response.accept(ctx.now(), say)?.json()?;
    let Some(text) = body["access_token"].as_str().filter(|text| !text.is_empty()) else {
        return Err(CallError::unknown(Failure::new(
            "answer_unreadable",
            "zoom answered without an access token",
        )));
    };
    let life_s = body["expires_in"].as_u64().unwrap_or(DEFAULT_LIFE_S);
    Ok(Token {
        secret: Secret::new(text),
        expires: ctx.now() + life_s.saturating_mul(1000),
    })
}

fn say(body: &Value) -> Option<String> {
    body["reason"]
        .as_str()
        .or(body["error"].as_str())
        .map(str::to_owned)
}

/// Where tokens for an API at `base_url` are fetched. Zoom serves them from its web host, everything
/// else from its API host; elsewhere both live at one base URL.
pub(crate) fn token_url(base_url: &str) -> Option<String> {
    let mut url = Url::parse(base_url.trim_end_matches('/')).ok()?;
    if url.host_str() == Some("api.zoom.us") {
        return Some("https://zoom.us/oauth/token".to_owned());
    }
    url.set_path(&format!("{}/oauth/token", url.path().trim_end_matches('/')));
    Some(url.into())
}

fn derived_url(endpoint: &Endpoint) -> Result<String, CallError> {
    token_url(&endpoint.base_url).ok_or_else(|| {
        CallError::refused(Failure::new(
            "tool_misconfigured",
            format!("'{}' is not a URL", endpoint.base_url),
        ))
    })
}
