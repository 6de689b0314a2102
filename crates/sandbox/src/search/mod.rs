//! Search services that know the pages of the sandbox's small web: SearXNG's `/search?format=json` and
//! Brave's `/res/v1/web/search`, side by side.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::call::Call;
use crate::credentials::BRAVE_API_KEY;
use crate::reply::{self, Answer, Handled};
use crate::vendor;
use crate::web::{PAGES, Page};
use crate::world::World;

/// Answers for both.
pub(crate) struct Desk;

impl vendor::Desk for Desk {
    fn tools(&self) -> &'static [(&'static str, &'static str)] {
        &[("web_search", "")]
    }

    fn secrets(&self) -> &'static [(&'static str, &'static str)] {
        &[("api_key", BRAVE_API_KEY)]
    }

    fn handle(&self, _: &World, call: &Call) -> Handled {
        Ok(match (call.method.clone(), call.route().as_slice()) {
            (Method::GET, ["search"]) => searxng(call),
            (Method::GET, ["res", "v1", "web", "search"]) => brave(call),
            _ => reply::text(StatusCode::NOT_FOUND, "not found\n"),
        })
    }

    fn rate_limited(&self, retry_after_s: u32) -> Answer {
        let answer = error(
            StatusCode::TOO_MANY_REQUESTS,
            "RATE_LIMITED",
            "Request rate limit exceeded for plan.",
        );
        reply::with_header(answer, "retry-after", &retry_after_s.to_string())
    }

    fn token_expired(&self) -> Answer {
        let words = "The provided subscription token is invalid.";
        error(
            StatusCode::UNPROCESSABLE_ENTITY,
            "SUBSCRIPTION_TOKEN_INVALID",
            words,
        )
    }

    fn server_error(&self, status: StatusCode) -> Answer {
        error(status, "INTERNAL", "Internal error.")
    }

    fn too_large(&self) -> Answer {
        error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "VALIDATION",
            "Unable to validate request parameter(s)",
        )
    }
}

/// `GET /search?q=…&format=json`.
fn searxng(call: &Call) -> Answer {
    let Some(query) = call.query.get("q").filter(|query| !query.trim().is_empty()) else {
        return reply::text(StatusCode::BAD_REQUEST, "No query\n");
    };
    // Without JSON among the formats of its settings an instance refuses it; this one has nothing else.
    if call.query.get("format").map(String::as_str) != Some("json") {
        return reply::text(StatusCode::FORBIDDEN, "forbidden\n");
    }
    let results: Vec<Value> = found(query)
        .map(|page| {
            json!({"url": page.url, "title": page.title, "content": page.snippet, "engine": "sandbox",
                "engines": ["sandbox"], "category": "general", "template": "default.html", "score": 1.0})
        })
        .collect();
    let body = json!({"query": query, "number_of_results": results.len(), "results": results, "answers": [],
        "corrections": [], "infoboxes": [], "suggestions": [], "unresponsive_engines": []});
    reply::json(StatusCode::OK, &body)
}

/// `GET /res/v1/web/search?q=…` with `X-Subscription-Token`.
fn brave(call: &Call) -> Answer {
    if call.header("x-subscription-token") != Some(BRAVE_API_KEY) {
        return vendor::Desk::token_expired(&Desk);
    }
    let count = call.number("count", 20, 1, 20);
    let query = call.query.get("q").map_or("", |query| query.trim());
    if query.is_empty() || query.chars().count() > 400 {
        return error(
            StatusCode::UNPROCESSABLE_ENTITY,
            "VALIDATION",
            "Unable to validate request parameter(s)",
        );
    }
    let results: Vec<Value> = found(query)
        .take(count)
        .map(|page| json!({"type": "search_result", "title": page.title, "url": page.url, "description": page.snippet}))
        .collect();
    let mut body = json!({"type": "search", "query": {"original": query}});
    if !results.is_empty() {
        body["web"] = json!({"type": "search", "results": results});
    }
    reply::json(StatusCode::OK, &body)
}

/// The pages that hold a word of the query in their title or snippet, those with most words first.
fn found(query: &str) -> impl Iterator<Item = &'static Page> {
    let words: Vec<String> = query
        .to_lowercase()
        .split_whitespace()
        .take(50)
        .map(str::to_owned)
        .collect();
    let score = |page: &Page| {
        let text = format!("{} {}", page.title, page.snippet).to_lowercase();
        words.iter().filter(|word| text.contains(word.as_str())).count()
    };
    let mut pages: Vec<_> = PAGES.iter().map(|page| (score(page), page)).collect();
    pages.retain(|(score, page)| *score > 0 && page.moved_to.is_none());
    pages.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    pages.into_iter().map(|(_, page)| page)
}

fn error(status: StatusCode, code: &str, detail: &str) -> Answer {
    let error = json!({"code": code, "detail": detail, "status": status.as_u16()});
    reply::json(status, &json!({"type": "ErrorResponse", "error": error}))
}
