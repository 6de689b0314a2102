//! The few pages that the server itself has: what it is, the API's reference, the pages of error codes and
//! the page that a one-time link opens. The console brings its own.

mod errors;
mod frame;
mod home;
mod reference;
mod reference_page;
mod text;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{MethodRouter, get};

pub use errors::{error_codes, error_page, near_codes};
pub use reference::markdown;

use crate::openapi;
use frame::{HTML, tagged};

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

fn all() -> [(&'static str, MethodRouter); 9] {
    [
        ("/", get(home::page)),
        ("/openapi.json", get(document)),
        ("/reference", get(reference_page::page)),
        ("/errors", get(errors::list)),
        ("/errors/{code}", get(errors::page_of)),
        ("/welcome", file(HTML, include_str!("welcome.html"))),
        ("/welcome.js", file(SCRIPT, include_str!("welcome.js"))),
        ("/page.js", file(SCRIPT, include_str!("page.js"))),
        (
            "/page.css",
            file("text/css; charset=utf-8", include_str!("page.css")),
        ),
    ]
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

async fn document(headers: HeaderMap) -> Response {
    let text = openapi::document_json().to_string();
    tagged(&headers, StatusCode::OK, "application/json", text)
}

fn file(kind: &'static str, text: &'static str) -> MethodRouter {
    get(async move |headers: HeaderMap| tagged(&headers, StatusCode::OK, kind, text.to_owned()))
}
