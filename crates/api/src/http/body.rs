//! Reading bodies: bounded by the router; JSON typed, and with every fault at once when one doesn't fit.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::problem::{Fault, Refusal};
use crate::openapi;

/// The most faults told at once.
const MOST_FAULTS: usize = 20;

/// A JSON body of a declared form.
pub(crate) struct Body<T>(pub(crate) T);

impl<S, T> FromRequest<S> for Body<T>
where
    S: Send + Sync,
    T: DeserializeOwned + ToSchema,
{
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        if kind_of(request.headers()) != "application/json" {
            return Err(Refusal::new("body_type_unknown", "the body is read as JSON only")
                .hint("send it with Content-Type: application/json"));
        }
        read(&bytes_of(request, state).await?)
    }
}

/// The media type of a body, in lower case and without its parameters.
pub(crate) fn kind_of(headers: &HeaderMap) -> String {
    let sent = headers.get(header::CONTENT_TYPE);
    let kind = sent.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// The bytes of a body, as many as the router allows here.
///
/// # Errors
/// `payload_too_large`, `body_unreadable`.
pub(crate) async fn bytes_of<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Refusal> {
    Bytes::from_request(request, state).await.map_err(|error| {
        let code = if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
            "payload_too_large"
        } else {
            "body_unreadable"
        };
        Refusal::new(code, error.body_text())
    })
}

fn read<T: DeserializeOwned + ToSchema>(bytes: &[u8]) -> Result<Body<T>, Refusal> {
    let wrong = match serde_json::from_slice::<T>(bytes) {
        Ok(value) => return Ok(Body(value)),
        Err(error) => error,
    };
    let faults = match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => faults(&T::name(), &value),
        Err(_) => {
            return Err(Refusal::new(
                "body_unreadable",
                format!("the body is no JSON: {wrong}"),
            ));
        }
    };
    let mut refusal = Refusal::new(
        "body_invalid",
        format!("the body doesn't fit {}: {wrong}", T::name()),
    )
    .hint("the reference at /reference shows its form");
    refusal.problems = faults;
    Err(refusal)
}

/// Everything by which a value differs from a schema of the document.
fn faults(name: &str, value: &Value) -> Vec<Fault> {
    let document = openapi::document_json();
    let schema = json!({
        "$ref": format!("#/components/schemas/{name}"),
        "components": document["components"],
    });
    let Ok(validator) = jsonschema::validator_for(&schema) else {
        return Vec::new();
    };
    let found = validator.iter_errors(value).take(MOST_FAULTS);
    found
        .map(|error| Fault {
            at: error.instance_path().to_string(),
            message: error.to_string().chars().take(300).collect(),
        })
        .collect()
}
