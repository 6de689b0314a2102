//! What comes back: a record, or a problem that becomes the failure it was.

use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;
use types::Failure;

/// An answer, read.
pub(super) struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The session's cookie, if it sets one.
    pub cookie: Option<String>,
    /// The tag of what was answered, if it has one.
    pub etag: Option<String>,
    /// The body.
    pub body: Vec<u8>,
    /// The failure itself, if it was made in this process.
    pub failure: Option<Failure>,
}

impl Answer {
    /// The answer, or the failure that it is.
    pub fn or_failure(self) -> Result<Self, Failure> {
        if self.status.is_success() {
            return Ok(self);
        }
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let problem: api::Problem = serde_json::from_slice(&self.body).map_err(|_| {
            let message = format!("the server answered {} without saying why", self.status);
            Failure::new("server_unreachable", message)
        })?;
        Err(Failure {
            code: problem.code,
            message: problem.detail,
            hint: problem.hint,
        })
    }

    /// The record that it holds; nothing reads as `()`.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Failure> {
        let body: &[u8] = if self.body.is_empty() { b"null" } else { &self.body };
        serde_json::from_slice(body).map_err(|error| unreadable(&error))
    }
}

/// What checking found, as the recipe language holds it.
///
/// # Errors
/// `server_unreachable` if the server is of another version and means something else by it.
pub fn checked(wire: api::wire::recipes::Checked) -> Result<recipe::Checked, Failure> {
    fn read<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
        serde_json::from_value(value).map_err(|error| unreadable(&error))
    }
    Ok(recipe::Checked {
        recipe: wire.tree.map(read).transpose()?,
        name: wire.name,
        description: wire.description,
        dialect: read(wire.dialect)?,
        diagnostics: wire.diagnostics.into_iter().map(read).collect::<Result<_, _>>()?,
        bindings: wire.bindings.into_iter().map(read).collect::<Result<_, _>>()?,
        slug: wire.slug,
        brings: wire.brings.into_iter().map(read).collect::<Result<_, _>>()?,
    })
}

fn unreadable(error: &serde_json::Error) -> Failure {
    Failure::new(
        "server_unreachable",
        format!("the server's answer can't be read: {error}"),
    )
    .hint("is it of another version than this command? `agentops --version` and /api/v1/about say")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: StatusCode, body: &str) -> Answer {
        Answer {
            status,
            cookie: None,
            etag: None,
            body: body.as_bytes().to_vec(),
            failure: None,
        }
    }

    #[test]
    fn a_problem_is_the_failure_it_was() {
        let problem = r#"{"type": "/errors/not_found", "title": "Not Found", "status": 404,
                          "detail": "there is no run x", "code": "not_found", "hint": "see `agentops run list`"}"#;
        let failure = answer(StatusCode::NOT_FOUND, problem).or_failure().err();
        let expected = Failure::new("not_found", "there is no run x").hint("see `agentops run list`");
        assert_eq!(failure, Some(expected));
        for body in ["", "<html>", "{}"] {
            let failure = answer(StatusCode::BAD_GATEWAY, body).or_failure().err();
            let failure = failure.expect("a failure");
            assert_eq!(failure.code, "server_unreachable", "{body}");
            assert!(failure.message.contains("502"), "{failure:?}");
        }
    }

    #[test]
    fn nothing_reads_as_nothing_and_rubbish_as_a_failure() {
        assert_eq!(answer(StatusCode::NO_CONTENT, "").read::<()>(), Ok(()));
        let rubbish = answer(StatusCode::OK, "{").read::<Value>();
        assert_eq!(
            rubbish.map_err(|failure| failure.code),
            Err("server_unreachable".to_owned())
        );
    }
}
