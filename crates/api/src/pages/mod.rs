//! The few pages that the server itself has: the API's reference and the page that a one-time link
//! opens. The console brings its own.

mod reference;

use axum::Router;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodRouter, get};

pub use reference::markdown;

use crate::openapi;

/// A page may load its own script and style, and ask its own server.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes, all public: they hold nothing that isn't the same everywhere. The OpenAPI document describes
/// only the API; the test of all routes names these.
pub(crate) fn router() -> Router {
    let pages = all().into_iter();
    pages.fold(Router::new(), |router, (path, page)| router.route(path, page))
}

/// The paths that are public and not in the OpenAPI document.
pub fn page_paths() -> Vec<&'static str> {
    all().into_iter().map(|(path, _)| path).collect()
}

fn all() -> [(&'static str, MethodRouter); 5] {
    [
        ("/openapi.json", get(document)),
        ("/reference", get(async || page(reference::html()))),
        (
            "/welcome",
            get(async || page(include_str!("welcome.html").to_owned())),
        ),
        (
            "/welcome.js",
            get(async || file("text/javascript; charset=utf-8", include_str!("welcome.js"))),
        ),
        (
            "/page.css",
            get(async || file("text/css; charset=utf-8", include_str!("page.css"))),
        ),
    ]
}

async fn document() -> Response {
    axum::Json(openapi::document_json()).into_response()
}

fn page(html: String) -> Response {
    ([(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)], Html(html)).into_response()
}

fn file(kind: &'static str, text: &'static str) -> Response {
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "max-age=300"),
        ],
        text,
    )
        .into_response()
}
