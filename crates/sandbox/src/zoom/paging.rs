//! `page_size` and `next_page_token`, the same for nearly every list; webinars are in numbered pages.

use serde_json::{Value, json};

use super::invalid;
use crate::call::Call;
use crate::reply::Fail;

/// Entries on a page, unless asked otherwise, and at most.
const PAGE: usize = 30;
const MAX_PAGE: usize = 300;

/// A page of `all` under `name`, with Zoom's paging fields around it.
pub(super) fn page<T>(
    call: &Call,
    name: &str,
    all: &[T],
    show: impl FnMut(&T) -> Value,
) -> Result<Value, Fail> {
    let size = call.number("page_size", PAGE, 1, MAX_PAGE);
    let start = match call
        .query
        .get("next_page_token")
        .filter(|token| !token.is_empty())
    {
        None => 0,
        Some(token) => read_token(token)
            .filter(|start| *start <= all.len())
            .ok_or_else(|| {
                invalid(&[(
                    "next_page_token",
                    "The next page token is invalid or expired.".to_owned(),
                )])
            })?,
    };
    let shown: Vec<Value> = all.iter().skip(start).take(size).map(show).collect();
    let end = start + shown.len();
    let next = if end < all.len() {
        write_token(end)
    } else {
        String::new()
    };
    let mut body = json!({"page_size": size, "next_page_token": next, "total_records": all.len()});
    body[name] = Value::Array(shown);
    Ok(body)
}

/// A page of `all` under `name` by `page_number`, with the count of pages.
pub(super) fn numbered<T>(call: &Call, name: &str, all: &[T], show: impl FnMut(&T) -> Value) -> Value {
    let size = call.number("page_size", PAGE, 1, MAX_PAGE);
    let number = call.number("page_number", 1, 1, usize::MAX);
    let start = (number - 1).saturating_mul(size);
    let shown: Vec<Value> = all.iter().skip(start).take(size).map(show).collect();
    let mut body = json!({
        "page_size": size,
        "page_number": number,
        "page_count": all.len().div_ceil(size),
        "total_records": all.len(),
    });
    body[name] = Value::Array(shown);
    body
}

fn write_token(start: usize) -> String {
    format!("sbx{start:x}t")
}

fn read_token(token: &str) -> Option<usize> {
    let digits = token.strip_prefix("sbx")?.strip_suffix('t')?;
    usize::from_str_radix(digits, 16).ok()
}
