//! Pages of lists: a bounded number of items and a cursor for the next. Cursors are opaque.

use std::fmt;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::{Answer, Fault, Refusal};

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

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Where to begin: what the page before gave as `next`.
    pub(crate) cursor: Option<String>,
    /// How many, 1 to 500; usually 50.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<u32>,
}

/// A cursor that holds two keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys<A, B>(pub(crate) A, pub(crate) B);

impl<A: Serialize, B: Serialize> fmt::Display for Keys<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(&(&self.0, &self.1)).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl<A: DeserializeOwned, B: DeserializeOwned> FromStr for Keys<A, B> {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text).map(|(a, b)| Self(a, b))
    }
}

impl<T> Page<T> {
    /// A page out of one item more than it holds: that one says whether there is a next page.
    pub(crate) fn cut<I: fmt::Display>(mut items: Vec<T>, limit: u32, id: impl Fn(&T) -> I) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let last = items.last().filter(|_| more);
        let next = last.map(|item| URL_SAFE_NO_PAD.encode(id(item).to_string()));
        Self { items, next }
    }

    /// The page that is asked for out of a list that is in memory whole, in the order of its names.
    ///
    /// # Errors
    /// `cursor_invalid`.
    pub(crate) fn of_whole(
        mut items: Vec<T>,
        query: &PageQuery,
        name: impl Fn(&T) -> String,
    ) -> Answer<Self> {
        items.sort_by_cached_key(&name);
        if let Some(after) = after::<String>(query.cursor.as_deref())? {
            items.retain(|item| name(item) > after);
        }
        Ok(Self::cut(items, limit(query.limit), name))
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
        let message = "the cursor is not one that this list gave";
        Refusal::new("cursor_invalid", message)
            .hint("leave it out to begin with the first page")
            .with(vec![Fault::new("?cursor", message)])
    })
}

/// The query of a request. What the document doesn't know of it was refused before, parameter by parameter
/// ([`super::query`]); what is left is what only the route knows.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(limit: u32) -> Vec<Vec<String>> {
        let all = ["b", "d", "a", "c", "e"].map(str::to_owned).to_vec();
        let mut pages = Vec::new();
        let mut cursor = None;
        loop {
            let query = PageQuery {
                cursor,
                limit: Some(limit),
            };
            let page = Page::of_whole(all.clone(), &query, String::clone).expect("its own cursor");
            pages.push(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn a_list_in_memory_is_handed_out_once_and_in_order() {
        assert_eq!(walk(2), [vec!["a", "b"], vec!["c", "d"], vec!["e"]]);
        assert_eq!(walk(5), [vec!["a", "b", "c", "d", "e"]]);
    }

    #[test]
    fn a_cursor_of_two_keys_comes_back_whatever_stands_in_it() {
        let keys = Keys("a \"name\", ü".to_owned(), 7_u64);
        let page = Page::cut(vec![1, 2], 1, |_| keys.clone());
        let read = after::<Keys<String, u64>>(page.next.as_deref());
        assert_eq!(read, Ok(Some(keys)));
        let other = after::<Keys<String, u64>>(Some(&URL_SAFE_NO_PAD.encode("[1]")));
        assert_eq!(
            other.map_err(|refusal| refusal.failure.code),
            Err("cursor_invalid".to_owned())
        );
    }
}
