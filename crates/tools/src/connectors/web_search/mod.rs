//! Searching the web: a SearXNG instance of one's own, or Brave's API, behind one action. What is
//! found is what strangers wrote, and labelled so.

use async_trait::async_trait;
use serde_json::{Value, json};
use types::{Failure, ToolSpec};

use crate::arguments::text;
use crate::connector::unknown_action;
use crate::http::Request;
use crate::{Access, Answer, CallContext, CallError, Connector, Way, load, plain_text};

/// The setting that says which service answers.
const ENGINE: &str = "tools.web_search.engine";
/// Where Brave's API is, which no SearXNG instance is.
const BRAVE: &str = "https://api.search.brave.com";
const USUAL_COUNT: u64 = 10;
/// What is kept of a result, in characters.
const MOST_TITLE: usize = 300;
const MOST_SNIPPET: usize = 1_000;
const MOST_URL: usize = 2_000;

/// The connector.
pub(crate) struct WebSearch;

/// Brave takes a token; a SearXNG instance usually takes nothing.
pub(crate) const ACCESS: Access = Access {
    base_url: Some(BRAVE),
    ways: &[
        Way::Header {
            name: "x-subscription-token",
            before: "",
            secret: "api_key",
        },
        Way::Open,
    ],
};

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    SearXng,
    Brave,
}

impl Engine {
    const fn name(self) -> &'static str {
        match self {
            Engine::SearXng => "searxng",
            Engine::Brave => "brave",
        }
    }
}

#[async_trait]
impl Connector for WebSearch {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        match action {
            "search" => search(ctx, args).await,
            other => Err(unknown_action(other)),
        }
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        let engine = engine(ctx).await?;
        let found = ask(ctx, engine, "agentops", 1, None).await?;
        Ok(format!("{} answers; {} found", engine.name(), found.len()))
    }
}

async fn search(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let engine = engine(ctx).await?;
    let count = args["count"].as_u64().unwrap_or(USUAL_COUNT);
    let query = text(args, "query").unwrap_or_default();
    let results = ask(ctx, engine, query, count, text(args, "language")).await?;
    Ok(Answer::new(
        json!({ "engine": engine.name(), "query": query, "results": results }),
    ))
}

async fn engine(ctx: &CallContext) -> Result<Engine, CallError> {
    let set: Option<String> = ctx.setting(ENGINE).await?;
    let engine = match set.as_deref() {
        Some("brave") => Engine::Brave,
        _ => Engine::SearXng,
    };
    if engine == Engine::SearXng && ctx.endpoint()?.base_url.starts_with(BRAVE) {
        let failure = Failure::new(
            "tool_not_configured",
            "nothing says where the SearXNG instance is",
        );
        let hint = format!(
            "`agentops setting set tools.base_urls '{{\"web_search\": \"https://…\"}}'`, or set {ENGINE} to \"brave\""
        );
        return Err(CallError::refused(failure.hint(hint)));
    }
    Ok(engine)
}

/// Sends a query and reads the results.
async fn ask(
    ctx: &CallContext,
    engine: Engine,
    query: &str,
    count: u64,
    language: Option<&str>,
) -> Result<Vec<Value>, CallError> {
    let request = match engine {
        Engine::SearXng => {
            let request = Request::get(&["search"])
                .query("q", query)
                .query("format", "json");
            language
                .into_iter()
                .fold(request, |request, code| request.query("language", code))
        }
        Engine::Brave => {
            let request = Request::get(&["res", "v1", "web", "search"])
                .query("q", query)
                .query("count", count.to_string());
            language.into_iter().fold(request, |request, code| {
                request.query("search_lang", brave_language(code))
            })
        }
    };
    let response = ctx.send(&request.header("accept", "application/json")).await?;
    if engine == Engine::SearXng && response.status == 403 {
        let failure = Failure::new("tool_refused", "the SearXNG instance gives no JSON (403)");
        return Err(CallError::refused(
            failure.hint("add json to search.formats in its settings.yml"),
        ));
    }
    let body = response.accept(ctx.now(), say)?.json()?;
    let (list, snippet) = match engine {
        Engine::SearXng => (&body["results"], "content"),
        // Without a hit there is no `web` at all.
        Engine::Brave if body["web"].is_null() && body["type"] == "search" => return Ok(Vec::new()),
        Engine::Brave => (&body["web"]["results"], "description"),
    };
    let Some(list) = list.as_array() else {
        let message = format!("{} answered without a list of results", engine.name());
        return Err(CallError::unknown(Failure::new("answer_unreadable", message)));
    };
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    Ok(list
        .iter()
        .filter_map(|item| result(item, snippet))
        .take(most)
        .collect())
}

/// Brave's own name of a language: some have a region, and Japanese and Norwegian are called otherwise.
fn brave_language(code: &str) -> String {
    let code = code.to_lowercase();
    let name = match code.as_str() {
        "en-gb" | "pt-br" => code.as_str(),
        "zh-tw" | "zh-hk" | "zh-mo" => "zh-hant",
        _ => match code.get(..2).unwrap_or_default() {
            "ja" => "jp",
            "no" => "nb",
            "pt" => "pt-pt",
            "zh" => "zh-hans",
            plain => plain,
        },
    };
    name.to_owned()
}

/// One result; `None` if its address isn't one that could be read.
fn result(item: &Value, snippet: &str) -> Option<Value> {
    let url = item["url"].as_str().filter(|url| url.len() <= MOST_URL)?;
    let url = reqwest::Url::parse(url).ok()?;
    let readable =
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    let words = |name: &str, most| {
        let text = plain_text::of_html(item[name].as_str().unwrap_or_default()).text;
        plain_text::first(&plain_text::one_line(&text), most).0
    };
    readable.then(|| {
        json!({
            "title": words("title", MOST_TITLE),
            "url": url.as_str(),
            "snippet": words(snippet, MOST_SNIPPET),
        })
    })
}

/// Brave's words on an error.
fn say(body: &Value) -> Option<String> {
    let error = &body["error"];
    error["detail"]
        .as_str()
        .or(error["code"].as_str())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_plain_and_lead_somewhere() {
        let item = json!({
            "title": "A <strong>room</strong>\u{202e}",
            "url": "https://a.example/x",
            "description": "one\n<script>x</script> two",
        });
        let expected = json!({"title": "A room", "url": "https://a.example/x", "snippet": "one two"});
        assert_eq!(result(&item, "description"), Some(expected));
        for url in [
            "javascript:alert(1)",
            "ftp://a.example",
            "https://a:b@a.example",
            "nowhere",
            "",
        ] {
            assert_eq!(
                result(&json!({"title": "t", "url": url}), "content"),
                None,
                "{url}"
            );
        }
        let long = format!("https://a.example/{}", "x".repeat(MOST_URL));
        assert_eq!(result(&json!({"url": long}), "content"), None);
    }
}
