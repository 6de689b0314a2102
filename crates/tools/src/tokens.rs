//! Access tokens that are fetched and kept: until shortly before they expire, or until the vendor
//! refuses them. What fetches one (OAuth's `client_credentials`, `refresh_token`, Zoom's own grant) is
//! the connector's to say.

use std::collections::HashMap;

use serde_json::Value;
use tokio::sync::Mutex;
use types::{Failure, Timestamp};

use crate::http::{Request, Response};
use crate::{CallContext, CallError, Secret};

/// A token is renewed this long before it expires, in milliseconds.
const MARGIN_MS: u64 = 60_000;
/// How long a token lives if the vendor doesn't say, in seconds.
const DEFAULT_LIFE_S: u64 = 3600;
/// Owners whose tokens are kept at a time.
const MOST_OWNERS: usize = 64;

/// How a token is come by.
pub(crate) struct Grant {
    /// The vendor, for messages.
    pub(crate) vendor: &'static str,
    /// Whose token it is: everything that makes it another one, such as URL, account and client.
    pub(crate) owner: Vec<String>,
    /// What fetches it.
    pub(crate) request: Request,
    /// What to check if the vendor gives none.
    pub(crate) hint: &'static str,
}

struct Token {
    secret: Secret,
    expires: Timestamp,
}

/// The tokens by owner. The lock is held while one is fetched, so that many calls fetch only one.
#[derive(Default)]
pub(crate) struct Tokens {
    kept: Mutex<HashMap<Vec<String>, Token>>,
}

impl Tokens {
    /// Sends with a token; one that is refused is replaced once, for the refusal precedes any effect.
    /// Without a grant nothing signs the request.
    pub(crate) async fn send(
        &self,
        ctx: &CallContext,
        grant: Option<&Grant>,
        request: &Request,
    ) -> Result<Response, CallError> {
        let Some(grant) = grant else {
            return ctx.send(request).await;
        };
        let token = self.get(ctx, grant).await?;
        let response = ctx.send(&request.clone().bearer(token.clone())).await?;
        if response.status != 401 {
            return Ok(response);
        }
        if request.is_effect() {
            ctx.refused();
        }
        self.kept.lock().await.retain(|_, kept| kept.secret != token);
        let fresh = self.get(ctx, grant).await?;
        ctx.send(&request.clone().bearer(fresh)).await
    }

    async fn get(&self, ctx: &CallContext, grant: &Grant) -> Result<Secret, CallError> {
        let mut kept = self.kept.lock().await;
        let good = kept
            .get(&grant.owner)
            .filter(|token| ctx.now() + MARGIN_MS < token.expires);
        if let Some(token) = good {
            return Ok(token.secret.clone());
        }
        let token = fetch(ctx, grant).await?;
        let secret = token.secret.clone();
        if kept.len() >= MOST_OWNERS {
            kept.clear();
        }
        kept.insert(grant.owner.clone(), token);
        Ok(secret)
    }
}

async fn fetch(ctx: &CallContext, grant: &Grant) -> Result<Token, CallError> {
    let response = ctx.send(&grant.request).await?;
    if matches!(response.status, 400 | 401 | 403) {
        let reason = response
            .json()
            .ok()
            .and_then(|body| say(&body))
            .unwrap_or_default();
        let message = format!(
            "{} gives no access token ({}) {reason}",
            grant.vendor, response.status
        );
        return Err(CallError::refused(
            Failure::new("credentials_refused", message).hint(grant.hint),
        ));
    }
    let body = response.accept(ctx.now(), say)?.json()?;
    let Some(text) = body["access_token"].as_str().filter(|text| !text.is_empty()) else {
        let message = format!("{} answered without an access token", grant.vendor);
        return Err(CallError::unknown(Failure::new("answer_unreadable", message)));
    };
    let life_s = body["expires_in"].as_u64().unwrap_or(DEFAULT_LIFE_S);
    Ok(Token {
        secret: Secret::new(text),
        expires: ctx.now() + life_s.saturating_mul(1000),
    })
}

fn say(body: &Value) -> Option<String> {
    let words = body["reason"].as_str().or(body["error_description"].as_str());
    words.or(body["error"].as_str()).map(crate::http::clip)
}
