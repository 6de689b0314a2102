//! The pages that the server itself has, as browsers and programs without a sign-in get them.

use reqwest::{Method, StatusCode, header};

use crate::site::{Browser, Site};

/// An answer as text.
struct Page {
    status: StatusCode,
    headers: header::HeaderMap,
    text: String,
}

async fn open(who: &Browser, path: &str) -> Page {
    let answer = who.request(Method::GET, path).send().await.expect("an answer");
    Page {
        status: answer.status(),
        headers: answer.headers().clone(),
        text: answer.text().await.expect("a text"),
    }
}

fn header<'p>(page: &'p Page, name: &str) -> &'p str {
    page.headers[name].to_str().expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_leads_to_a_page_that_the_server_shows() {
    let site = Site::open().await;
    let browser = site
        .nobody()
        .with("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let problem = site
        .nobody()
        .get("/api/v1/runs")
        .await
        .refused(401, "sign_in_needed");
    let path = problem["type"].as_str().expect("a path");
    assert_eq!(path, "/errors/sign_in_needed");

    let page = open(&browser, path).await;
    assert_eq!(
        (page.status, header(&page, "content-type")),
        (StatusCode::OK, "text/html; charset=utf-8")
    );
    for part in [
        "<h2>Cause</h2>",
        "<h2>Cure</h2>",
        "agentops explain sign_in_needed",
    ] {
        assert!(page.text.contains(part), "{part} in {}", page.text);
    }
    let policy = header(&page, "content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(
        !page.text.contains("<style") && !page.text.contains(" style="),
        "the policy would drop it"
    );
    let tag = header(&page, "etag").to_owned();
    let known = open(&browser.with("if-none-match", tag.clone()), path).await;
    assert_eq!(
        (known.status, known.text.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    let other = open(&browser.with("if-none-match", tag), "/errors/not_found").await;
    assert_eq!(other.status, 200, "each page has a tag of its own");

    let text = open(&site.nobody(), path).await;
    assert_eq!(header(&text, "content-type"), "text/markdown; charset=utf-8");
    assert_eq!(header(&text, "vary"), "accept");
    assert!(text.text.starts_with("# sign_in_needed\n"), "{}", text.text);
    assert_eq!(
        site.folder.ok(&["explain", "sign_in_needed"]).trim(),
        plain(&text.text)
    );
}

/// Markdown without the signs of its headings, as a terminal without colours shows it.
fn plain(markdown: &str) -> String {
    let lines = markdown
        .trim()
        .lines()
        .map(|line| match line.trim_start_matches('#') {
            heading if heading.len() < line.len() => heading.trim(),
            _ => line,
        });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_code_is_not_there_and_near_ones_are_told() {
    let site = Site::open().await;
    let browser = site.nobody().with("accept", "text/html");
    let page = open(&browser, "/errors/sign_in_neded").await;
    assert_eq!(page.status, 404);
    assert!(
        page.text.contains("href=\"/errors/sign_in_needed\""),
        "{}",
        page.text
    );
    let page = open(&browser, "/errors/%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
    assert!(
        page.status == 404 && !page.text.contains("<script>alert"),
        "{}",
        page.text
    );
    let problem = site
        .nobody()
        .get("/errors/sign_in_neded")
        .await
        .refused(404, "not_found");
    assert_eq!(problem["hint"], "did you mean 'sign_in_needed'?");
    site.nobody()
        .get("/errors/..%2f..%2fCargo")
        .await
        .refused(404, "not_found");
    let posted = site
        .nobody()
        .post("/errors/not_found", serde_json::json!({}))
        .await;
    posted.refused(405, "method_unknown");
    let list = open(&browser, "/errors").await;
    assert_eq!(list.text.matches("<dt>").count(), types::CODES.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_see_at_the_root_what_this_is_and_nothing_private() {
    let site = Site::open().await;
    site.user("olga-the-operator", &["operator"]).await;
    for who in [site.nobody(), site.admin.clone()] {
        let page = open(&who, "/").await;
        assert_eq!(page.status, 200);
        assert!(!page.headers.contains_key("location") && !page.headers.contains_key("set-cookie"));
        for path in ["/reference", "/errors", "/healthz", "/openapi.json"] {
            assert!(page.text.contains(&format!("href=\"{path}\"")), "{path}");
            assert_eq!(open(&site.nobody(), path).await.status, 200, "{path}");
        }
        assert!(page.text.contains("There is no console"), "{}", page.text);
        assert!(
            !page.text.contains("root") && !page.text.contains("olga"),
            "{}",
            page.text
        );
    }
    for path in [
        "/reference",
        "/welcome",
        "/page.css",
        "/page.js",
        "/welcome.js",
        "/openapi.json",
    ] {
        let page = open(&site.nobody(), path).await;
        let tag = header(&page, "etag").to_owned();
        let known = open(&site.nobody().with("if-none-match", tag), path).await;
        assert_eq!(known.status, 304, "{path}");
    }
}
