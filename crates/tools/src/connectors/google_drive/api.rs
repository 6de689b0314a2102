//! Calls of the Drive API: a token on each, Google's error envelope, and pages of files.

use serde_json::{Value, json};
use types::Failure;

use super::token;
use crate::http::{Request, Response, clip};
use crate::tokens::Tokens;
use crate::{CallContext, CallError};

/// What is asked of a file.
pub(super) const FIELDS: &str =
    "id,name,mimeType,size,createdTime,modifiedTime,webViewLink,parents,appProperties";
/// What one page asks for at most.
const PAGE: usize = 100;
/// The most pages of a list that are read.
const MOST_PAGES: usize = 20;
/// Reasons of a 403 that only ask to slow down.
const TOO_FAST: &[&str] = &[
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "sharingRateLimitExceeded",
];
/// How long to wait after such a reason, which names no time, in milliseconds.
const SLOW_DOWN_MS: u64 = 60_000;

/// One call's way to Google.
#[derive(Clone, Copy)]
pub(super) struct Api<'a> {
    pub ctx: &'a CallContext,
    pub tokens: &'a Tokens,
}

impl Api<'_> {
    /// Sends; an expired token is replaced once.
    pub async fn send(&self, request: Request) -> Result<Response, CallError> {
        let grant = token::grant(self.ctx.endpoint()?)?;
        let response = self.tokens.send(self.ctx, grant.as_ref(), &request).await?;
        let accepted = match too_fast(&response) {
            Some(failure) => Err(CallError::Failed {
                failure,
                retryable: true,
                retry_after_ms: response.retry_after_ms(self.ctx.now()).or(Some(SLOW_DOWN_MS)),
            }),
            None => response.accept(self.ctx.now(), say),
        };
        accepted.inspect_err(|error| {
            if request.is_effect() && matches!(error, CallError::Failed { .. }) {
                self.ctx.refused();
            }
        })
    }

    /// Sends and reads the answer.
    pub async fn json(&self, request: Request) -> Result<Value, CallError> {
        self.send(request).await?.json()
    }

    /// The files that a query finds, at most `most`.
    pub async fn list(&self, query: &str, most: usize) -> Result<Vec<Value>, CallError> {
        let mut files = Vec::new();
        let mut next: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut request = Request::get(&["drive", "v3", "files"])
                .query("q", query)
                .query("pageSize", PAGE.min(most).to_string())
                .query(
                    "fields",
                    format!("nextPageToken,incompleteSearch,files({FIELDS})"),
                )
                .query("supportsAllDrives", "true")
                .query("includeItemsFromAllDrives", "true");
            if let Some(token) = next {
                request = request.query("pageToken", token);
            }
            let mut body = self.json(request).await?;
            let Some(Value::Array(page)) = body.get_mut("files").map(Value::take) else {
                return Err(unreadable("google answered without a list of files"));
            };
            if body["incompleteSearch"] == true {
                // A list that leaves something out can't say that something isn't there.
                let failure = Failure::new("look_up_unclear", "google has not searched all drives");
                return Err(CallError::unknown(failure));
            }
            files.extend(page);
            next = body["nextPageToken"].as_str().map(str::to_owned);
            if next.is_none() || files.len() >= most {
                break;
            }
        }
        files.truncate(most);
        Ok(files)
    }
}

/// A file as the actions show it.
pub(super) fn shown(file: &Value) -> Result<Value, CallError> {
    let Some(id) = file["id"].as_str() else {
        return Err(unreadable("google answered without the file's id"));
    };
    let size: Option<u64> = file["size"].as_str().and_then(|size| size.parse().ok());
    Ok(json!({
        "file_id": id,
        "name": file["name"],
        "mime_type": file["mimeType"],
        "size_bytes": size,
        "created_at": file["createdTime"],
        "link": file["webViewLink"],
    }))
}

/// A text of Drive's query language.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

pub(super) fn unreadable(message: &str) -> CallError {
    CallError::unknown(Failure::new("answer_unreadable", message))
}

fn too_fast(response: &Response) -> Option<Failure> {
    if response.status != 403 {
        return None;
    }
    let body = response.json().ok()?;
    let reasons = body["error"]["errors"].as_array()?;
    let slow_down = reasons
        .iter()
        .filter_map(|error| error["reason"].as_str())
        .any(|reason| TOO_FAST.contains(&reason));
    slow_down.then(|| {
        let words = clip(&say(&body).unwrap_or_default());
        Failure::new(
            "tool_rate_limited",
            format!("google asks us to slow down (403): {words}"),
        )
    })
}

fn say(body: &Value) -> Option<String> {
    body["error"]["message"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_one_text_of_a_query() {
        assert_eq!(quoted("a' or name != 'b"), r"'a\' or name != \'b'");
        assert_eq!(quoted(r"a\"), r"'a\\'");
    }
}
