//! The pages of error codes: `docs/errors`, embedded, for browsers, programs and the command line.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::frame::{HTML, framed, tagged};
use super::text::{blocks, escaped, inline};
use crate::http::problem::Refusal;

/// Every code with its page.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/error_pages.rs"));
/// Near names told at most.
const NEAR: usize = 3;

/// The page of a code, as it stands in `docs/errors`.
pub fn error_page(code: &str) -> Option<&'static str> {
    let found = PAGES.binary_search_by_key(&code, |(known, _)| *known).ok()?;
    PAGES.get(found).map(|(_, page)| *page)
}

/// Every code with the first sentences of its page, by name.
pub fn error_codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGES.iter().map(|(code, page)| (*code, gist(page)))
}

/// The codes most like a word that is none, the nearest first.
pub fn near_codes(word: &str) -> Vec<&'static str> {
    let word: String = word.chars().take(100).collect::<String>().to_lowercase();
    let mut scored: Vec<(f64, &str)> = PAGES
        .iter()
        .map(|(code, _)| (strsim::jaro_winkler(&word, code), *code))
        .filter(|(score, _)| *score >= 0.8)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(NEAR).map(|(_, code)| code).collect()
}

/// The first paragraph of a page: what happened, or what brings it about.
fn gist(page: &'static str) -> &'static str {
    let paragraphs = page.split("\n\n").flat_map(|part| part.split('\n'));
    let mut texts = paragraphs
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    texts.next().unwrap_or_default()
}

/// `/errors/{code}`: a page for browsers, its Markdown for everybody else.
pub(super) async fn page_of(headers: HeaderMap, Path(code): Path<String>) -> Response {
    let browser = wants_html(&headers);
    let mut answer = match error_page(&code) {
        Some(page) if browser => {
            let body = format!(
                "<main id=\"main\" class=\"text\"><h1><code>{code}</code></h1>{}<p class=\"quiet\">On the command \
                 line: <code>agentops explain {code}</code></p></main>",
                blocks(page)
            );
            tagged(&headers, StatusCode::OK, HTML, framed(&code, "", &body))
        }
        Some(page) => tagged(
            &headers,
            StatusCode::OK,
            "text/markdown; charset=utf-8",
            page.to_owned(),
        ),
        None if browser => tagged(&headers, StatusCode::NOT_FOUND, HTML, unknown(&code)),
        None => {
            let shown: String = code.chars().take(100).collect();
            let refusal = Refusal::new("not_found", format!("there is no error code '{shown}'"));
            let near = near_codes(&code);
            match near.first() {
                Some(near) => refusal.hint(format!("did you mean '{near}'?")),
                None => refusal.hint("GET /errors lists them"),
            }
            .into_response()
        }
    };
    let headers = answer.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    answer
}

/// `/errors`: every code.
pub(super) async fn list(headers: HeaderMap) -> Response {
    static PAGE: OnceLock<String> = OnceLock::new();
    let page = PAGE.get_or_init(|| {
        let rows: String = error_codes()
            .map(|(code, gist)| {
                format!(
                    "<div data-one><dt><a href=\"/errors/{code}\"><code>{code}</code></a></dt><dd>{}</dd></div>",
                    inline(gist)
                )
            })
            .collect();
        let body = format!(
            "<main id=\"main\" class=\"text\"><h1>Error codes</h1><p>Each refusal, failed step and failed command \
             carries one of these. Codes keep their meaning; messages may be reworded.</p>\
             <label class=\"search\" hidden>Find <input id=\"search\" type=\"search\" autocomplete=\"off\"></label>\
             <dl class=\"codes\" data-search>{rows}</dl></main>"
        );
        framed("Error codes", "/errors", &body)
    });
    tagged(&headers, StatusCode::OK, HTML, page.clone())
}

fn unknown(code: &str) -> String {
    let shown: String = code.chars().take(100).collect();
    let near: Vec<String> = near_codes(code)
        .iter()
        .map(|code| format!("<li><a href=\"/errors/{code}\"><code>{code}</code></a></li>"))
        .collect();
    let near = match near.is_empty() {
        true => String::new(),
        false => format!("<p>Did you mean one of these?</p><ul>{}</ul>", near.concat()),
    };
    let body = format!(
        "<main id=\"main\" class=\"text\"><h1>No such code</h1><p>There is no error code <code>{}</code>.</p>{near}\
         <p><a href=\"/errors\">All error codes</a></p></main>",
        escaped(&shown)
    );
    framed("No such code", "", &body)
}

/// Whether somebody would rather have a page than text.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter();
    let mut kinds = accepts
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    kinds.any(|kind| kind.split(';').next().unwrap_or_default().trim() == "text/html")
}

#[cfg(test)]
mod tests {
    use types::CODES;

    use super::*;

    #[test]
    fn every_code_is_explained_in_the_binary() {
        assert_eq!(PAGES.len(), CODES.len());
        for code in CODES {
            let page = error_page(code).unwrap_or_else(|| panic!("{code} has no page"));
            assert!(page.starts_with(&format!("# {code}\n")), "{code}");
        }
        for (code, gist) in error_codes() {
            assert!(!gist.is_empty(), "{code}");
            assert!(
                !blocks(error_page(code).expect("a page")).contains("```"),
                "{code}"
            );
        }
        assert_eq!(error_page("README"), None);
    }

    #[test]
    fn near_codes_are_told_and_nonsense_has_none() {
        assert_eq!(near_codes("Query_invald").first(), Some(&"query_invalid"));
        assert!(near_codes("xyz").is_empty() && near_codes("").is_empty());
    }
}
