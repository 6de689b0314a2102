//! Every list of the document, walked page by page, and what a query or a body that doesn't fit is told.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::site::{Browser, Site};

/// Rows of a list, as texts that tell them apart.
fn items(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("a list");
    items.iter().map(Value::to_string).collect()
}

/// A path of the document with things that are there.
fn filled(path: &str, run: &str) -> String {
    path.replace("{recipe}", "lamp").replace("{run}", run)
}

/// Several of what a fresh server has few of; the run.
async fn furnished(site: &Site) -> String {
    for name in ["ann", "bob", "Cid"] {
        site.user(name, &["viewer"]).await;
        site.admin.make_token(&["read"]).await;
        let path = format!("/api/v1/secrets/{}.token", name.to_lowercase());
        let secret = json!({"origin": "https://a.example", "value": "x"});
        site.admin.put(&path, secret).await.ok(200);
        let wish = json!({"slug": "lamp", "text": recipe(name)});
        site.admin.post("/api/v1/recipes", wish).await.ok(201);
    }
    let mut run = String::new();
    for _ in 0..3 {
        let path = "/api/v1/actions/slack.auth_test/call";
        let started = site.admin.post(path, json!({"args": {}})).await.ok(201);
        run = started["run"].as_str().expect("an id").to_owned();
    }
    run
}

fn recipe(about: &str) -> String {
    format!(
        "name: Lamp\ndescription: {about}\nintake: []\nplan: []\nact:\n  - id: look\n    manual: look\nverify: []\n"
    )
}

/// All items of a list, two at a time.
async fn walk(who: &Browser, path: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    for _ in 0..500 {
        let page = who.get(&format!("{path}?limit=2{cursor}")).await.ok(200);
        let found = items(&page);
        assert!(found.len() <= 2, "{path}: {found:?}");
        all.extend(found);
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
    panic!("{path} has no end");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_walked_page_by_page() {
    let site = Site::open_with(&[("AGENTOPS_SERVER__REQUESTS_PER_SECOND", "1000")]).await;
    let run = furnished(&site).await;
    let document = site.nobody().get("/openapi.json").await.ok(200);
    let mut long = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let id = item["get"]["operationId"].as_str().unwrap_or_default();
        if !id.starts_with("list_") {
            continue;
        }
        let path = filled(path, &run);
        // Looking leaves nothing in these lists, and what the runs still do comes to its end by itself.
        let mut walked = walk(&site.admin, &path).await;
        if matches!(id, "list_runs" | "list_journal" | "list_audit_leaves") {
            // Their items change while runs go on: that each comes once is what counts.
            let unlike = walked.iter().collect::<BTreeSet<_>>().len();
            assert_eq!(unlike, walked.len(), "{id}");
        } else {
            let whole = site.admin.get(&format!("{path}?limit=500")).await.ok(200);
            assert_eq!(walked, items(&whole), "{id}");
            assert_eq!(whole.get("next"), None, "{id}");
        }
        walked.sort();
        walked.dedup();
        if walked.len() > 2 {
            long.insert(id.to_owned());
        }
        refusals(&site.admin, &path).await;
    }
    let walked: Vec<&str> = long.iter().map(String::as_str).collect();
    let expected = [
        "list_agents",
        "list_audit_leaves",
        "list_groups",
        "list_journal",
        "list_recipe_versions",
        "list_recipes",
        "list_runs",
        "list_sandbox_vendors",
        "list_secrets",
        "list_settings",
        "list_tokens",
        "list_tools",
        "list_users",
    ];
    assert_eq!(walked, expected, "lists with more than one page");
}

/// What every list refuses, with the place.
async fn refusals(who: &Browser, path: &str) {
    for (query, at) in [
        ("limit=0", "?limit"),
        ("limit=501", "?limit"),
        ("limit=ten", "?limit"),
        ("limit=1&limit=2", "?limit"),
        ("colour=red", "?colour"),
    ] {
        let problem = who.get(&format!("{path}?{query}")).await;
        let problem = problem.refused(400, "query_invalid");
        assert_eq!(problem["problems"][0]["at"], at, "{path}?{query}: {problem}");
    }
    let problem = who.get(&format!("{path}?cursor=!")).await;
    let problem = problem.refused(400, "cursor_invalid");
    assert_eq!(problem["problems"][0]["at"], "?cursor", "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_no_route_reads_is_refused() {
    let site = Site::open().await;
    let problem = site.admin.get("/api/v1/runs?mode=moc&limit=0&x=1").await;
    let problem = problem.refused(400, "query_invalid");
    let places: Vec<_> = problem["problems"].as_array().expect("a list").iter().collect();
    let places: Vec<_> = places.iter().filter_map(|fault| fault["at"].as_str()).collect();
    assert_eq!(places, ["?mode", "?limit", "?x"]);
    for path in [
        "/api/v1/about?x=1",
        "/api/v1/recipes/zoom-room-hdmi-black?limit=1",
    ] {
        site.admin.get(path).await.refused(400, "query_invalid");
    }
    let start = json!({"recipe": "zoom-room-hdmi-black"});
    let got = site.admin.post("/api/v1/runs?mode=real", start).await;
    got.refused(400, "query_invalid");
    site.nobody().get("/healthz?x=1").await.ok(200);
    let stranger = site.nobody().get("/api/v1/runs?x=1").await;
    stranger.refused(401, "sign_in_needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_mode_is_told_with_its_place() {
    let site = Site::open().await;
    let places = |problem: Value| {
        let faults = problem["problems"].as_array().expect("a list").clone();
        let places = faults
            .iter()
            .map(|fault| fault["at"].as_str().expect("a place").to_owned());
        // A word that is no text is none of the words either.
        places.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    let start = json!({"recipe": "zoom-room-hdmi-black", "mode": "moc"});
    let got = site.admin.post("/api/v1/runs", start).await;
    assert_eq!(places(got.refused(422, "body_invalid")), ["/mode"]);
    let call = json!({"args": {}, "mode": 7});
    let got = site
        .admin
        .post("/api/v1/actions/slack.auth_test/call", call)
        .await;
    assert_eq!(places(got.refused(422, "body_invalid")), ["/mode"]);
    let path = "/api/v1/settings/runs.mode";
    let got = site.admin.put(path, json!({"value": "moc"})).await;
    assert_eq!(places(got.refused(422, "setting_invalid")), ["/value"]);
    // What the document only calls a text is found by whoever reads it.
    let wish = json!({"name": "eve", "roles": ["viewer", "king"]});
    let got = site.admin.post("/api/v1/users", wish).await;
    assert_eq!(places(got.refused(422, "body_invalid")), ["/roles/1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_show_lists_of_more_than_one_page_whole() {
    let site = Site::open_with(&[("AGENTOPS_SERVER__REQUESTS_PER_SECOND", "1000")]).await;
    for number in 0..501 {
        let path = format!("/api/v1/secrets/tool.s{number}");
        let secret = json!({"origin": "https://a.example", "value": "x"});
        site.admin.put(&path, secret).await.ok(200);
    }
    let first = site.admin.get("/api/v1/secrets?limit=500").await.ok(200);
    assert!(items(&first).len() == 500 && first["next"].is_string());
    let listed = site.folder.json(0, &["secret", "list"]);
    assert_eq!(listed.as_array().expect("a list").len(), 501);
    let recipes = site.folder.json(0, &["recipe", "list"]);
    assert_eq!(recipes.as_array().expect("a list").len(), 5);
}
