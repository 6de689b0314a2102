//! The page at the root: what this server is, and where to go. It is the same for everybody.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::frame::{HTML, framed, tagged};

/// `/`.
pub(super) async fn page(headers: HeaderMap) -> Response {
    let links = [
        (
            "/reference",
            "API reference",
            "every request with its parameters, bodies, answers and refusals",
        ),
        (
            "/openapi.json",
            "openapi.json",
            "the same for programs and generators of clients",
        ),
        (
            "/errors",
            "Error codes",
            "what each means, and what to do about it",
        ),
        ("/healthz", "/healthz", "whether the process lives"),
        ("/readyz", "/readyz", "whether it takes work, and if not, why"),
    ];
    let links: String = links
        .iter()
        .map(|(path, name, about)| format!("<li><a href=\"{path}\">{name}</a><span>{about}</span></li>"))
        .collect();
    let body = format!(
        "<main id=\"main\" class=\"text\"><h1>AgentOps</h1><p class=\"lead\">This server runs operational procedures, \
         step by step, and asks a person where it counts.</p>\
         <p>Programs and the <code>agentops</code> command ask it under <code>/api/v1</code>. There is no console \
         to sign in to yet: it comes with a later version.</p><ul class=\"ways\">{links}</ul>\
         <p class=\"quiet\">Version {}. Whoever has a one-time link opens it here and chooses a password.</p></main>",
        env!("CARGO_PKG_VERSION")
    );
    tagged(&headers, StatusCode::OK, HTML, framed("AgentOps", "/", &body))
}
