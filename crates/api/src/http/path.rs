//! The names in a request's path. One that can't be a name of the kind names nothing.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Refusal;

/// What the route's `{…}` stand for in this request.
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(names)) => Ok(Self(names)),
            Err(error) if error.status().is_server_error() => {
                Err(Refusal::new("internal", error.body_text()))
            }
            Err(error) => Err(Refusal::new("not_found", error.body_text())),
        }
    }
}
