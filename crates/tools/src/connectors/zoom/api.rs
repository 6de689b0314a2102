//! Calls of Zoom's REST API, version 2: a token on each, fetched anew once if it is refused.

use serde_json::Value;

use super::token;
use crate::http::{Request, Response};
use crate::tokens::Tokens;
use crate::{CallContext, CallError};

/// What one page asks for at most.
pub(super) const PAGE: &str = "300";
/// The most pages of a list that are read.
pub(super) const MOST_PAGES: usize = 20;

/// One call's way to Zoom.
#[derive(Clone, Copy)]
pub(super) struct Api<'a> {
    pub ctx: &'a CallContext,
    pub tokens: &'a Tokens,
}

impl Api<'_> {
    /// Sends; an expired token is replaced once, for the refusal precedes any effect.
    pub async fn send(&self, request: Request) -> Result<Response, CallError> {
        let grant = token::grant(self.ctx.endpoint()?)?;
        let response = self.tokens.send(self.ctx, grant.as_ref(), &request).await?;
        response.accept(self.ctx.now(), say).inspect_err(|error| {
            if request.is_effect() && matches!(error, CallError::Failed { .. }) {
                self.ctx.refused();
            }
        })
    }

    /// Sends and reads the answer.
    pub async fn json(&self, request: Request) -> Result<Value, CallError> {
        self.send(request).await?.json()
    }
}

/// The token of the next page, if there is one.
pub(super) fn next_page(body: &Value) -> Option<String> {
    body["next_page_token"]
        .as_str()
        .filter(|token| !token.is_empty())
        .map(str::to_owned)
}

fn say(body: &Value) -> Option<String> {
    let message = body["message"].as_str()?;
    let fields: Vec<String> = body["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|error| {
            Some(format!(
                "{}: {}",
                error["field"].as_str()?,
                error["message"].as_str()?
            ))
        })
        .collect();
    Some(if fields.is_empty() {
        message.to_owned()
    } else {
        format!("{message} {}", fields.join("; "))
    })
}
