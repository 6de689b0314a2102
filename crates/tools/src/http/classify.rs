//! From a status code to what it says about the effect: refused before execution, or nobody knows.

use serde_json::Value;
use types::{Failure, Timestamp};

use crate::{CallError, Response};

/// The longest piece of a vendor's own words that is repeated, in characters.
const MOST_WORDS: usize = 300;

/// Success passes; a refusal that precedes execution is `Failed`; the rest is `Unknown`.
pub(super) fn accept(
    response: Response,
    now: Timestamp,
    say: fn(&Value) -> Option<String>,
) -> Result<Response, CallError> {
    let status = response.status;
    if (200..300).contains(&status) {
        return Ok(response);
    }
    let words = words(&response, say);
    let failure = |code: &str, what: &str| Failure::new(code, format!("{what} ({status}){words}"));
    Err(match status {
        429 => CallError::Failed {
            failure: failure("tool_rate_limited", "the tool asks us to slow down"),
            retryable: true,
            retry_after_ms: response.retry_after_ms(now),
        },
        401 => CallError::refused(credentials(failure(
            "credentials_refused",
            "the tool doesn't accept our credentials",
        ))),
        403 => CallError::refused(credentials(failure(
            "credentials_refused",
            "the tool doesn't let our credentials do this",
        ))),
        425 => CallError::retryable(failure("tool_refused", "the tool asks us to come back later")),
        // A proxy may say 408 after it has passed the request on.
        408 => CallError::unknown(failure("tool_failed", "the tool gave up waiting")),
        400..=499 => CallError::refused(failure("tool_refused", "the tool refused the request")),
        // These say "ask elsewhere" before doing anything; 302 and 303 may follow a deed.
        301 | 307 | 308 => CallError::refused(
            failure("tool_redirected", "the tool sends us to another address")
                .hint("set the tool's base URL to its final address"),
        ),
        300..=399 => CallError::unknown(failure("tool_redirected", "the tool sends us to another address")),
        _ => CallError::unknown(failure("tool_failed", "the tool failed")),
    })
}

fn credentials(failure: Failure) -> Failure {
    failure.hint("check the tool's secrets and its permissions with `agentops tool health`")
}

fn words(response: &Response, say: fn(&Value) -> Option<String>) -> String {
    let body: Option<Value> = serde_json::from_slice(&response.body).ok();
    match body.as_ref().and_then(say) {
        Some(text) if !text.trim().is_empty() => format!(": {}", clip(&text)),
        _ => String::new(),
    }
}

/// A vendor's words on one line, cut to a length that fits a message.
pub(crate) fn clip(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MOST_WORDS {
        return line;
    }
    let mut cut: String = line.chars().take(MOST_WORDS).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderMap, HeaderValue};

    fn response(status: u16, body: &str) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("3"));
        Response {
            status,
            url: reqwest::Url::parse("https://tool.example/").expect("a URL"),
            headers,
            body: body.as_bytes().to_vec(),
        }
    }

    fn say(body: &Value) -> Option<String> {
        body["message"].as_str().map(str::to_owned)
    }

    #[test]
    fn a_status_says_whether_anything_happened() {
        let kind = |status| match accept(response(status, ""), Timestamp::default(), say) {
            Ok(_) => "ok".to_owned(),
            Err(CallError::Failed {
                retryable,
                retry_after_ms,
                failure,
            }) => {
                format!("{} {retryable} {retry_after_ms:?}", failure.code)
            }
            Err(error) => format!("{} unknown", error.failure().code),
        };
        assert_eq!(kind(204), "ok");
        assert_eq!(kind(429), "tool_rate_limited true Some(3000)");
        assert_eq!(kind(401), "credentials_refused false None");
        assert_eq!(kind(404), "tool_refused false None");
        assert_eq!(kind(308), "tool_redirected false None");
        for doubtful in [302, 303, 408, 500, 502, 503, 504] {
            assert!(kind(doubtful).ends_with("unknown"), "{doubtful}");
        }
    }

    #[test]
    fn the_vendors_words_are_repeated_on_one_line() {
        let error = accept(
            response(400, r#"{"message":"no\n such  field"}"#),
            Timestamp::default(),
            say,
        )
        .expect_err("refused");
        assert_eq!(
            error.failure().message,
            "the tool refused the request (400): no such field"
        );
        assert_eq!(clip(&"x".repeat(400)).chars().count(), MOST_WORDS + 1);
    }
}
