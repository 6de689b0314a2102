//! Reading bodies: bounded by the router; JSON typed, and with every fault at once when one doesn't fit.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::Segment;
use utoipa::ToSchema;

use super::problem::{Fault, Refusal};
use crate::openapi;

/// The most faults told at once.
const MOST_FAULTS: usize = 20;

/// The most bytes that the body of this request may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Largest(pub(crate) usize);

impl Largest {
    /// That there are more.
    pub(crate) fn exceeded(self) -> Refusal {
        Refusal::new(
            "payload_too_large",
            format!("a body has at most {} bytes", self.0),
        )
    }
}

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
    let largest = request.extensions().get::<Largest>().copied();
    let read = Bytes::from_request(request, state).await;
    read.map_err(|error| match (error.status(), largest) {
        (StatusCode::PAYLOAD_TOO_LARGE, Some(largest)) => largest.exceeded(),
        (StatusCode::PAYLOAD_TOO_LARGE, None) => Refusal::new("payload_too_large", error.body_text()),
        _ => Refusal::new("body_unreadable", error.body_text()),
    })
}

fn read<T: DeserializeOwned + ToSchema>(bytes: &[u8]) -> Result<Body<T>, Refusal> {
    let wrong = match serde_json::from_slice::<T>(bytes) {
        Ok(value) => return Ok(Body(value)),
        Err(error) => error,
    };
    let faults = match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => match faults(&T::name(), &value) {
            // The document can't say everything: the reader knows where it stumbled.
            faults if faults.is_empty() => vec![first_fault::<T>(bytes)],
            faults => faults,
        },
        Err(_) => {
            return Err(Refusal::new(
                "body_unreadable",
                format!("the body is no JSON: {wrong}"),
            ));
        }
    };
    let message = format!("the body doesn't fit {}: {wrong}", T::name());
    Err(Refusal::new("body_invalid", message)
        .hint("the reference at /reference shows its form")
        .with(faults))
}

/// Where reading a body ended.
fn first_fault<T: DeserializeOwned>(bytes: &[u8]) -> Fault {
    let mut text = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, T>(&mut text) {
        Ok(_) => Fault::new("", "something follows the body"),
        Err(error) => Fault::new(pointer(error.path()), error.inner().to_string()),
    }
}

/// A JSON Pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    let segments = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    segments.map(|segment| format!("/{segment}")).collect()
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
        .map(|error| {
            let message: String = error.to_string().chars().take(300).collect();
            Fault::new(error.instance_path().to_string(), message)
        })
        .collect()
}
