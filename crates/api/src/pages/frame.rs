//! What all pages share: the head, the way from one to the other, and how a page is sent.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use types::Digest;

use super::text::escaped;
use crate::http::etag;

/// A page may load its own script and style, and ask its own server.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The kind of a page.
pub(super) const HTML: &str = "text/html; charset=utf-8";

/// Where a page stands, for the marks at its top.
const PLACES: [(&str, &str); 3] = [
    ("/", "AgentOps"),
    ("/reference", "Reference"),
    ("/errors", "Error codes"),
];

/// A page around what it says. `body` is HTML.
pub(super) fn framed(title: &str, place: &str, body: &str) -> String {
    let links = PLACES.map(|(path, name)| {
        let here = if path == place {
            " aria-current=\"page\""
        } else {
            ""
        };
        format!("<a href=\"{path}\"{here}>{name}</a>")
    });
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{}</title><link rel=\"stylesheet\" href=\"/page.css\">\
         <script src=\"/page.js\" defer></script></head><body>\
         <a class=\"skip\" href=\"#main\">Skip to the text</a>\
         <header class=\"top\"><nav aria-label=\"Pages\">{}</nav></header>{body}</body></html>",
        escaped(title),
        links.concat()
    )
}

/// A text of some kind, or 304 if whoever asks has it already.
pub(super) fn tagged(headers: &HeaderMap, status: StatusCode, kind: &'static str, text: String) -> Response {
    let tag = format!("\"{}\"", &Digest::of_bytes(text.as_bytes()).as_str()[..32]);
    let known = status == StatusCode::OK && etag::is_known(headers, &tag);
    let mut answer = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        (status, [(header::CONTENT_TYPE, kind)], text).into_response()
    };
    let headers = answer.headers_mut();
    // It may be kept, and is asked for again each time.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if kind == HTML {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(PAGE_POLICY),
        );
    }
    answer
}
