//! Repeated requests and documents that changed meanwhile.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::site::{Site, ask};

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_start_starts_once_and_a_changed_one_is_refused() {
    let site = Site::open().await;
    let once = site.admin.with("idempotency-key", "k-1");
    let wish = json!({"recipe": "zoom-room-hdmi-black", "inputs": {"room": "Training Room 1"}});
    let first = once.post("/api/v1/runs", wish.clone()).await;
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let first = first.ok(201);
    let again = once.post("/api/v1/runs", wish.clone()).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.ok(201), first);
    let other = json!({"recipe": "zoom-room-hdmi-black", "inputs": {"room": "Training Room 2"}});
    once.post("/api/v1/runs", other)
        .await
        .refused(422, "idempotency_key_reused");
    let bob = site.user("bob", &["operator"]).await;
    let theirs = bob
        .with("idempotency-key", "k-1")
        .post("/api/v1/runs", wish)
        .await
        .ok(201);
    assert_ne!(theirs["run"], first["run"], "keys of two people never meet");
    let long = site.admin.with("idempotency-key", "x".repeat(201));
    long.post("/api/v1/runs", json!({}))
        .await
        .refused(422, "idempotency_key_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_for_a_repeated_request_holds_no_secret() {
    let site = Site::open().await;
    let once = site.admin.with("idempotency-key", "t-1");
    let wish = json!({"name": "ci", "scopes": ["read"], "days": 1});
    let made = once.post("/api/v1/tokens", wish.clone()).await.ok(201);
    assert!(made["secret"].as_str().expect("shown once").starts_with("aops_"));
    let again = once.post("/api/v1/tokens", wish).await.ok(201);
    assert_eq!(again["secret"], json!(null));
    assert_eq!(again["token"]["id"], made["token"]["id"]);
    let listed = site.admin.get("/api/v1/tokens").await.ok(200);
    assert_eq!(listed["items"].as_array().expect("a list").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_that_changed_meanwhile_is_neither_saved_over_nor_activated() {
    let site = Site::open().await;
    let text = |way: &str| format!("name: Tea\nintake: []\nplan: []\nact:\n  - manual: {way}\nverify: []\n");
    let save = |way: &str| json!({"text": text(way)});
    let unseen = site.admin.with("if-match", "\"0\"");
    unseen
        .post("/api/v1/recipes", save("brew"))
        .await
        .refused(412, "etag_stale");
    site.admin.post("/api/v1/recipes", save("brew")).await.ok(201);
    let seen = async || {
        let got = site.admin.get("/api/v1/recipes/tea").await;
        let tag = got.headers["etag"].to_str().expect("text").to_owned();
        site.admin.with("if-match", tag)
    };
    let (mine, theirs) = (seen().await, seen().await);
    mine.post("/api/v1/recipes", save("steep")).await.ok(201);
    theirs
        .post("/api/v1/recipes", save("boil"))
        .await
        .refused(412, "etag_stale");
    let activate = "/api/v1/recipes/tea/versions/2/activate";
    theirs.post(activate, json!({})).await.refused(412, "etag_stale");
    let done = seen().await.post(activate, json!({})).await;
    let tag = done.headers["etag"].to_str().expect("text").to_owned();
    assert_eq!(done.ok(200)["recipe"]["active"], 2);
    // What activating answered may be followed by the next change.
    let next = site.admin.with("if-match", tag);
    next.post("/api/v1/recipes", save("boil")).await.ok(201);
    let versions = site.admin.get("/api/v1/recipes/tea/versions").await.ok(200);
    assert_eq!(versions["items"].as_array().expect("a list").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_changed_meanwhile_is_not_overwritten() {
    let site = Site::open().await;
    let made = site
        .admin
        .post(
            "/api/v1/agents",
            json!({"name": "Night Watch", "tools": ["slack"]}),
        )
        .await;
    let tag = made.headers["etag"].to_str().expect("text").to_owned();
    made.ok(201);
    let path = "/api/v1/agents/night%20watch";
    let same = site.admin.with("if-none-match", tag.clone()).get(path).await;
    assert_eq!(same.status, 304);
    let mine = site.admin.with("if-match", tag);
    let change = |domain: &str| json!({"name": "Night Watch", "domain": domain, "tools": ["slack"]});
    mine.put(path, change("av")).await.ok(200);
    mine.put(path, change("it")).await.refused(412, "etag_stale");
    let twin = site
        .admin
        .post("/api/v1/agents", json!({"name": "NIGHT WATCH"}))
        .await;
    twin.refused(409, "conflict");
    let wrong = json!({"name": "", "tools": ["slak", "nonsense"]});
    let problem = site
        .admin
        .post("/api/v1/agents", wrong)
        .await
        .refused(422, "agent_invalid");
    let detail = problem["detail"].as_str().expect("words");
    for part in ["the name has", "did you mean 'slack'", "'nonsense'"] {
        assert!(detail.contains(part), "{part} in {detail}");
    }
    let setting = site.admin.get("/api/v1/settings/runs.mode").await;
    let tag = setting.headers["etag"].to_str().expect("text").to_owned();
    let seen = site.admin.with("if-match", tag);
    seen.put("/api/v1/settings/runs.mode", json!({"value": "real"}))
        .await
        .ok(200);
    let stale = seen
        .put("/api/v1/settings/runs.mode", json!({"value": "mock"}))
        .await;
    stale.refused(412, "etag_stale");
    assert_eq!(site.admin.delete(path).await.status, 204);
    site.admin.get(path).await.ok(200);
    let listed = site.admin.get("/api/v1/agents").await.ok(200);
    let names = listed["items"].as_array().expect("a list");
    assert!(!names.iter().any(|agent| agent["name"] == "Night Watch"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_without_gaps() {
    let site = Site::open().await;
    let mut started = Vec::new();
    for _ in 0..5 {
        let wish = json!({"args": {}});
        let run = site
            .admin
            .post("/api/v1/actions/slack.auth_test/call", wish)
            .await
            .ok(201);
        started.insert(0, run["run"].clone());
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = site
            .admin
            .get(&format!("/api/v1/runs?limit=2{cursor}"))
            .await
            .ok(200);
        seen.extend(
            page["items"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|run| run["run"].clone()),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, started);
    site.admin
        .get("/api/v1/runs?cursor=nonsense")
        .await
        .refused(400, "cursor_invalid");
    site.admin
        .get("/api/v1/runs?colour=red")
        .await
        .refused(400, "query_invalid");
    site.admin
        .get("/api/v1/runs?status=asleep")
        .await
        .refused(400, "query_invalid");
    let none = site.admin.get("/api/v1/runs?requester=nobody").await.ok(200);
    assert_eq!(none["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_paged_to_its_end() {
    let site = Site::open().await;
    let call = site
        .admin
        .post("/api/v1/actions/slack.auth_test/call", json!({"args": {}}))
        .await
        .ok(201);
    let run = call["run"].as_str().expect("an id").to_owned();
    let events = site
        .admin
        .request(Method::GET, &format!("/api/v1/runs/{run}/events"));
    // Its stream ends with the run, so from here on the journal stays as it is.
    events
        .send()
        .await
        .expect("an answer")
        .bytes()
        .await
        .expect("an end");
    let path = format!("/api/v1/runs/{run}/journal");
    let whole = site.admin.get(&path).await.ok(200);
    assert_eq!(whole.get("next"), None, "{whole}");
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = site.admin.get(&format!("{path}?limit=2{cursor}")).await.ok(200);
        let items = page["items"].as_array().expect("a list");
        assert!((1..=2).contains(&items.len()), "{page}");
        seen.extend(items.iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(seen.len() > 4, "{seen:?}");
    assert_eq!(json!(seen), whole["items"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_is_finished_though_the_client_hangs_up() {
    let site = Site::open().await;
    let silent = site.silent_server().await;
    let path = "/api/v1/tools/silent/refresh";
    let once = site.admin.with("idempotency-key", "r-1");
    let asking = tokio::spawn(ask(once.request(Method::POST, path)));
    let (reached, _) = silent.accept().await.expect("it has begun");
    asking.abort();
    assert!(asking.await.expect_err("the client is gone").is_cancelled());
    // By the time these are answered the server has heard of the end of that connection.
    for _ in 0..20 {
        site.nobody().get("/healthz").await.ok(200);
    }
    let again = once.request(Method::POST, path).send().await.expect("an answer");
    assert_eq!(again.status(), 409, "it is still under way");
    drop((reached, silent));
    let finished = async {
        loop {
            let got = ask(once.request(Method::POST, path)).await;
            if got.body["code"] != "request_under_way" && got.status != 429 {
                return got;
            }
        }
    };
    // Nobody would end the key of a request that was given up in the middle.
    let got = tokio::time::timeout(Duration::from_secs(45), finished)
        .await
        .expect("it ends");
    assert_eq!(got.headers["idempotency-replayed"], "true");
    // How the tool went away decides the code.
    assert_eq!(got.status, 422, "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_killed_server_held_is_free_at_once() {
    let mut site = Site::open().await;
    let silent = site.silent_server().await;
    let path = "/api/v1/tools/silent/refresh";
    let once = site.admin.with("idempotency-key", "r-1");
    let asking = tokio::spawn(once.request(Method::POST, path).send());
    let (reached, _) = silent.accept().await.expect("it has begun");
    let waiting = ask(once.request(Method::POST, path)).await;
    assert_eq!(waiting.headers["retry-after"], "1");
    waiting.refused(409, "request_under_way");
    site.server.kill();
    let cut_off = asking.await.expect("the task ends");
    assert!(cut_off.is_err(), "{cut_off:?}");
    drop((reached, silent));

    let again = site
        .folder
        .stays_with(&["serve", "--listen", "127.0.0.1:0", "--json"], &[]);
    let once = once.at(again.document["address"].as_str().expect("an address"));
    let got = ask(once.request(Method::POST, path)).await;
    assert!(!got.headers.contains_key("idempotency-replayed"), "{got:?}");
    assert_eq!(got.status, 422, "it was done, and the tool is gone: {got:?}");
}
