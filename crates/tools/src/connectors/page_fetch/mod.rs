//! Reading pages of the web as plain text, from domains that an administrator has listed.
//!
//! The list is asked before every hop, the first one included, and the address that a name leads to is
//! checked as for every tool. What comes back is a stranger's words, and labelled so.

mod domain;

use async_trait::async_trait;
use reqwest::Url;
use serde_json::{Value, json};
use types::{Failure, Mode, ToolSpec};

use crate::arguments::{invalid, text};
use crate::connector::unknown_action;
use crate::http::{Request, Response, redirect};
use crate::{Access, Answer, CallContext, CallError, Connector, Way, load, origin_of, plain_text};
use domain::Domains;

/// The setting that lists the domains.
const DOMAINS: &str = "tools.page_fetch.domains";
/// The most redirects that are followed.
const MOST_HOPS: usize = 5;
/// The longest text that is given back unless the call asks for less, in characters.
const USUAL_CHARS: u64 = 20_000;

/// The connector.
pub(crate) struct PageFetch;

/// It lives at no place of its own: the base URL only stands for it, and has no address.
pub(crate) const ACCESS: Access = Access {
    base_url: Some("https://page-fetch.invalid"),
    ways: &[Way::Open],
};

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

#[async_trait]
impl Connector for PageFetch {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    fn origin(&self, args: &Value) -> Option<String> {
        origin_of(text(args, "url")?)
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        match action {
            "fetch_page" => fetch(ctx, args).await,
            other => Err(unknown_action(other)),
        }
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        let domains: Vec<String> = ctx.setting(DOMAINS).await?.unwrap_or_default();
        Ok(match domains.len() {
            0 => format!("built in; no domain is listed in {DOMAINS}, so it fetches nothing"),
            1 => "built in; 1 domain is listed".to_owned(),
            count => format!("built in; {count} domains are listed"),
        })
    }
}

async fn fetch(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let domains = Domains::new(ctx.setting(DOMAINS).await?.unwrap_or_default());
    let asked = text(args, "url").unwrap_or_default();
    let mut url = Url::parse(asked).map_err(|error| invalid(format!("'{asked}' is not a URL: {error}")))?;
    for _ in 0..=MOST_HOPS {
        domains.check(&url).map_err(CallError::refused)?;
        url.set_fragment(None);
        let request = Request::get_from(place(ctx, &url)?)
            .header("accept", "text/html, text/plain;q=0.9, application/json;q=0.8")
            .no_redirects();
        let mut response = ctx.send(&request).await?;
        // Redirects are relative to the page, wherever a rehearsal has really read it.
        response.url = url.clone();
        if !redirect::is_redirect(response.status) {
            return page(ctx, args, response).await;
        }
        url = redirect::location(&response)?;
    }
    Err(redirect::too_many(MOST_HOPS))
}

/// Where a page is read: at its own place, or in a rehearsal at the sandbox, which has pages of its own.
fn place(ctx: &CallContext, url: &Url) -> Result<String, CallError> {
    if ctx.mode == Mode::Real {
        return Ok(url.to_string());
    }
    let base = ctx.endpoint()?.base_url.trim_end_matches('/');
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Ok(format!(
        "{base}/{}/{host}{port}{}{query}",
        url.scheme(),
        url.path()
    ))
}

async fn page(ctx: &CallContext, args: &Value, response: Response) -> Result<Answer, CallError> {
    let response = response.accept(ctx.now(), |_| None)?;
    let url = response.url.to_string();
    let kind = response
        .header("content-type")
        .unwrap_or("text/html")
        .to_ascii_lowercase();
    let most = usize::try_from(args["max_chars"].as_u64().unwrap_or(USUAL_CHARS)).unwrap_or(usize::MAX);
    // A page of megabytes takes longer than others should wait for.
    let read = tokio::task::spawn_blocking(move || read(&kind, &response.body)).await;
    let (title, all, kind) = read.map_err(|_| unreadable("the page could not be read"))??;
    let (text, truncated) = plain_text::first(&all, most);
    Ok(Answer::new(json!({
        "url": url,
        "title": plain_text::first(&title, 300).0,
        "text": text,
        "truncated": truncated,
        "content_type": kind,
    })))
}

/// Title, text and kind of a body.
fn read(content_type: &str, body: &[u8]) -> Result<(String, String, String), CallError> {
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let kind = kind.trim().to_owned();
    let charset = parameters
        .split(';')
        .find_map(|part| part.trim().strip_prefix("charset="));
    let text = decode(charset.map(|name| name.trim_matches(['"', '\'', ' '])), body)?;
    match kind.as_str() {
        "text/html" | "application/xhtml+xml" => {
            let page = plain_text::of_html(&text);
            Ok((page.title, page.text, kind))
        }
        kind if kind.starts_with("text/") || kind == "application/json" || kind.ends_with("+json") => {
            Ok((String::new(), plain_text::of_text(&text), kind.to_owned()))
        }
        _ => Err(unreadable(&format!(
            "the address answers with {kind}, which holds no text"
        ))),
    }
}

fn decode(charset: Option<&str>, body: &[u8]) -> Result<String, CallError> {
    match charset {
        None | Some("utf-8" | "utf8" | "us-ascii" | "ascii") => {
            Ok(String::from_utf8_lossy(body).into_owned())
        }
        // The two differ in 27 signs of punctuation, which browsers read by the second.
        Some("iso-8859-1" | "latin1" | "windows-1252") => {
            Ok(body.iter().map(|byte| char::from(*byte)).collect())
        }
        Some(other) => Err(unreadable(&format!(
            "the page is written in {}",
            crate::http::clip(other)
        ))),
    }
}

fn unreadable(message: &str) -> CallError {
    CallError::refused(Failure::new("page_unreadable", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_by_its_kind_and_encoding() {
        let check = |kind: &str, body: &[u8], expected: Result<(&str, &str), &str>| {
            let got = read(kind, body);
            let got = got
                .as_ref()
                .map(|(title, text, _)| (title.as_str(), text.as_str()));
            assert_eq!(
                got.map_err(|error| error.failure().code.as_str()),
                expected,
                "{kind}"
            );
        };
        check("text/html", b"<title>t</title><p>a", Ok(("t", "a")));
        check(
            "text/html; charset=\"ISO-8859-1\"",
            b"<p>\xe9",
            Err("page_unreadable"),
        );
        check("text/html; charset=\"iso-8859-1\"", b"<p>\xe9", Ok(("", "é")));
        check("text/plain; charset=utf-8", "<p>é".as_bytes(), Ok(("", "<p>é")));
        check("application/json", b"{\"a\": 1}", Ok(("", "{\"a\": 1}")));
        check("application/pdf", b"%PDF", Err("page_unreadable"));
        check("text/html; charset=shift_jis", b"a", Err("page_unreadable"));
        check("text/html", b"\xff\xfea", Ok(("", "\u{fffd}\u{fffd}a")));
    }
}
