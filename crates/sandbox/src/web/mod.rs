//! A small web: a few pages of a company that has no other, read as `/web/<scheme>/<host>/<path>`, one
//! of them with an attempt to give orders to whoever reads it.

mod site;

use axum::http::{Method, StatusCode};

use crate::call::Call;
use crate::reply::{self, Answer, Handled};
use crate::vendor;
use crate::world::World;

pub(crate) use site::{PAGES, Page};

/// Answers for every site.
pub(crate) struct Desk;

impl vendor::Desk for Desk {
    fn tools(&self) -> &'static [(&'static str, &'static str)] {
        &[("page_fetch", "")]
    }

    fn secrets(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn handle(&self, _: &World, call: &Call) -> Handled {
        if call.method != Method::GET {
            return Ok(reply::text(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET is served\n",
            ));
        }
        let [scheme, host, path @ ..] = call.parts.as_slice() else {
            return Ok(index());
        };
        let url = format!("{scheme}://{host}/{}", path.join("/"));
        Ok(site::find(&url).map_or_else(not_found, answer))
    }

    fn rate_limited(&self, retry_after_s: u32) -> Answer {
        let answer = reply::text(StatusCode::TOO_MANY_REQUESTS, "too many requests\n");
        reply::with_header(answer, "retry-after", &retry_after_s.to_string())
    }

    fn token_expired(&self) -> Answer {
        reply::text(StatusCode::UNAUTHORIZED, "sign in first\n")
    }

    fn server_error(&self, status: StatusCode) -> Answer {
        reply::text(status, "out of order\n")
    }

    fn too_large(&self) -> Answer {
        reply::text(StatusCode::PAYLOAD_TOO_LARGE, "too large\n")
    }
}

fn answer(page: &Page) -> Answer {
    if let Some(to) = page.moved_to {
        let answer = reply::empty(StatusCode::MOVED_PERMANENTLY);
        return reply::with_header(answer, "location", to);
    }
    // A browser that comes here by a link must not run what stands in a page.
    let answer = reply::with_body(StatusCode::OK, page.kind, page.body);
    let answer = reply::with_header(answer, "content-security-policy", "sandbox; default-src 'none'");
    reply::with_header(answer, "x-content-type-options", "nosniff")
}

fn not_found() -> Answer {
    reply::text(StatusCode::NOT_FOUND, "there is no such page\n")
}

fn index() -> Answer {
    let lines: String = PAGES.iter().map(|page| format!("{}\n", page.url)).collect();
    reply::text(StatusCode::OK, lines)
}
