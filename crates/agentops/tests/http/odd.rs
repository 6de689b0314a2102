//! Odd names and numbers at every route of the OpenAPI document: each is answered, or refused with a
//! problem document, and nothing fails inside.

use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{Browser, Site};

/// What nobody calls anything.
const NAMES: [&str; 9] = [
    "%FF",
    "%00",
    "%F0%9F%92%A9",
    "-1",
    "4294967296",
    "18446744073709551615",
    "99999999999999999999",
    "run_%27%20OR%201=1",
    "x%2Fy",
];

/// Sends it; streams of events aren't read to their end.
async fn check(who: &Browser, method: &Method, path: &str) {
    let mut request = who.request(method.clone(), path);
    if *method != Method::GET {
        request = request.json(&json!({}));
    }
    let answer = request.send().await.expect("an answer");
    let (status, kind) = (answer.status(), answer.headers().get("content-type").cloned());
    assert!(!status.is_server_error(), "{method} {path}: {status}");
    if status.is_client_error() {
        let kind = kind.expect("a type");
        assert_eq!(kind, "application/problem+json", "{method} {path}: {status}");
        let problem: Value = answer.json().await.expect("a problem");
        assert_eq!(problem["status"], status.as_u16(), "{method} {path}");
        assert!(problem["code"].as_str().is_some_and(|code| !code.is_empty()));
    }
}

/// The path with this name for everything that it names.
fn filled(path: &str, name: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { name } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_and_numbers_are_refused_with_a_problem_everywhere() {
    let site = Site::open().await;
    let document = site.nobody().get("/openapi.json").await.ok(200);
    let mut checked = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            if path.contains('{') {
                for name in NAMES {
                    check(&site.admin, &method, &filled(path, name)).await;
                    checked += 1;
                }
            }
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for parameter in parameters.iter().filter(|one| one["in"] == "query") {
                let query = parameter["name"].as_str().expect("a name");
                for value in NAMES {
                    let path = filled(path, "not-there");
                    check(&site.admin, &method, &format!("{path}?{query}={value}")).await;
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 400, "{checked}");
    let listed = site.admin.get("/api/v1/recipes/x/versions/4294967296").await;
    listed.refused(404, "not_found");
    let last = "18446744073709551615";
    let ahead = site.admin.with("last-event-id", last);
    check(&ahead, &Method::GET, "/api/v1/events").await;
    let path = format!("/api/v1/audit/leaves?after={last}");
    assert_eq!(site.admin.get(&path).await.ok(200)["items"], json!([]));
}
