//! One request to GitHub: its headers, its way of saying no, and what a limit looks like.

use serde_json::Value;
use types::{Failure, Millis};

use crate::arguments::{invalid, text};
use crate::http::{Request, Response, clip};
use crate::{CallContext, CallError};

/// How long to wait when GitHub doesn't say.
const LIMIT_WAIT_MS: Millis = 60_000;
/// How many things a page has.
pub(super) const PAGE: usize = 100;
/// The most pages that a look-up reads; what lies beyond leaves it in doubt.
pub(super) const MOST_PAGES: usize = 20;

/// The repository of a call.
pub(super) struct Repository<'a> {
    pub owner: &'a str,
    pub name: &'a str,
}

impl<'a> Repository<'a> {
    /// From `owner/name`, which the schema has checked the form of.
    pub(super) fn of(args: &'a Value) -> Result<Self, CallError> {
        let repository = text(args, "repo").unwrap_or_default();
        let (owner, name) = repository
            .split_once('/')
            .ok_or_else(|| invalid(format!("'{repository}' isn't of the form owner/name")))?;
        Ok(Self { owner, name })
    }

    /// The path of something below the repository.
    pub(super) fn path<'b>(&self, below: &[&'b str]) -> Vec<&'b str>
    where
        'a: 'b,
    {
        let mut path = vec!["repos", self.owner, self.name];
        path.extend(below);
        path
    }
}

/// Sends; a refusal of an effect is known not to have happened.
pub(super) async fn send(ctx: &CallContext, request: Request, media: &str) -> Result<Response, CallError> {
    let effect = request.is_effect();
    let request = request
        .header("accept", media)
        .header("x-github-api-version", "2022-11-28");
    accept(ctx, ctx.send(&request).await?).inspect_err(|error| {
        if effect && matches!(error, CallError::Failed { .. }) {
            ctx.refused();
        }
    })
}

/// The same answer if it is a success.
pub(super) fn accept(ctx: &CallContext, response: Response) -> Result<Response, CallError> {
    match limit(ctx, &response) {
        Some(error) => Err(error),
        None => response.accept(ctx.now(), say),
    }
}

/// Sends and reads a JSON answer.
pub(super) async fn json(ctx: &CallContext, request: Request) -> Result<Value, CallError> {
    send(ctx, request, "application/vnd.github+json").await?.json()
}

/// Reads a list in pages until `found` gives something, or the list ends.
pub(super) async fn search<T>(
    ctx: &CallContext,
    request: impl Fn() -> Request,
    found: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, CallError> {
    for page in 1..=MOST_PAGES {
        let request = request()
            .query("per_page", PAGE.to_string())
            .query("page", page.to_string());
        let Value::Array(things) = json(ctx, request).await? else {
            return Err(unreadable("github answered without a list"));
        };
        if let Some(thing) = things.iter().find_map(&found) {
            return Ok(Some(thing));
        }
        if things.len() < PAGE {
            return Ok(None);
        }
    }
    Err(CallError::unknown(Failure::new(
        "look_up_unclear",
        format!(
            "there are more than {} of them since the run began",
            PAGE * MOST_PAGES
        ),
    )))
}

/// The branch that pull requests and branches start from unless somebody says otherwise.
pub(super) async fn default_branch(
    ctx: &CallContext,
    repository: &Repository<'_>,
) -> Result<String, CallError> {
    let told = json(ctx, Request::get(&repository.path(&[]))).await?;
    told["default_branch"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| unreadable("github told a repository without its default branch"))
}

pub(super) fn unreadable(message: &str) -> CallError {
    CallError::unknown(Failure::new("answer_unreadable", message))
}

/// A limit: 429, or a 403 that says so in a header or in words. The wait is `retry-after`, else until
/// the limit ends if it is used up, else a minute.
fn limit(ctx: &CallContext, response: &Response) -> Option<CallError> {
    let header = |name: &str| response.header(name);
    let words = response
        .json()
        .ok()
        .and_then(|body| say(&body))
        .unwrap_or_default();
    let used_up = header("x-ratelimit-remaining") == Some("0");
    let limited = match response.status {
        429 => true,
        403 => header("retry-after").is_some() || used_up || words.to_lowercase().contains("rate limit"),
        _ => false,
    };
    if !limited {
        return None;
    }
    // A reset stands on every answer; it says something only about a limit that is used up.
    let reset_counts = used_up || header("x-ratelimit-remaining").is_none();
    let told = match header("retry-after").is_some() || reset_counts {
        true => response.retry_after_ms(ctx.now()),
        false => None,
    };
    let said = match words.is_empty() {
        true => String::new(),
        false => format!(": {}", clip(&words)),
    };
    Some(CallError::Failed {
        failure: Failure::new(
            "tool_rate_limited",
            format!("github asks us to slow down ({}){said}", response.status),
        ),
        retryable: true,
        retry_after_ms: Some(told.unwrap_or(LIMIT_WAIT_MS)),
    })
}

fn say(body: &Value) -> Option<String> {
    let message = body["message"].as_str()?;
    let errors: Vec<String> = body["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| match error["message"].as_str().or(error.as_str()) {
            Some(words) => words.to_owned(),
            None => {
                let word = |name: &str| error[name].as_str().unwrap_or_default();
                format!("{} {}: {}", word("resource"), word("field"), word("code"))
            }
        })
        .collect();
    Some(match errors.is_empty() {
        true => message.to_owned(),
        false => format!("{message} ({})", errors.join("; ")),
    })
}
