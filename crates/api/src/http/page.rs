//! Pages of lists: a bounded number of items and a cursor for the next. Cursors are opaque.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::{Answer, Refusal};

/// Items in a page unless asked otherwise.
const USUAL: u32 = 50;
/// Items in a page at most.
pub(crate) const MOST: u32 = 500;

/// One page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Send this as `cursor` for the next page; missing on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Everything there is.
    pub(crate) fn all(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// A page out of one item more than it holds: that one says whether there is a next page.
    pub(crate) fn cut<I: std::fmt::Display>(mut items: Vec<T>, limit: u32, id: impl Fn(&T) -> I) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let last = items.last().filter(|_| more);
        let next = last.map(|item| URL_SAFE_NO_PAD.encode(id(item).to_string()));
        Self { items, next }
    }
}

/// How many items a page shall hold.
pub(crate) fn limit(asked: Option<u32>) -> u32 {
    asked.unwrap_or(USUAL).clamp(1, MOST)
}

/// Where a page begins: after the item that the cursor names.
///
/// # Errors
/// `cursor_invalid`.
pub(crate) fn after<I: FromStr>(cursor: Option<&str>) -> Answer<Option<I>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let decoded = URL_SAFE_NO_PAD.decode(cursor).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let item = text.and_then(|text| text.parse().ok());
    item.map(Some).ok_or_else(|| {
        Refusal::new("cursor_invalid", "the cursor is not one that this list gave")
            .hint("leave it out to begin at the newest")
    })
}

/// The query of a request; what isn't known in it is refused.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => Err(Refusal::new("query_invalid", error.body_text())),
        }
    }
}
