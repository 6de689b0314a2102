//! What must not be got by a trick: another's key, another's documents, and a person's word by a token.

use serde_json::{Value, json};

use crate::site::Site;

const RECIPE: &str = "zoom-room-hdmi-black";

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_anothers_key() {
    let site = Site::open().await;
    let eve = site.user("eve", &["operator"]).await;
    let wish = |room: &str| json!({"recipe": RECIPE, "inputs": {"room": room}});
    let mut trap = wish("Training Room 1");
    for key in ["root k-77", "k-77", "[\"request\",\"root\",\"k-77\"]"] {
        trap["start_key"] = json!(key);
        eve.post("/api/v1/runs", trap.clone()).await.ok(201);
    }
    let once = site.admin.with("idempotency-key", "k-77");
    let started = once.post("/api/v1/runs", wish("Training Room 2")).await.ok(201);
    assert_eq!(started["new"], true, "eve's runs are not root's");

    // In the body, too, a key stands for what was asked with it.
    trap["start_key"] = json!("k-77");
    assert_eq!(eve.post("/api/v1/runs", trap.clone()).await.ok(201)["new"], false);
    for (field, value) in [
        ("inputs", json!({"room": "Training Room 2"})),
        ("mode", json!("real")),
        ("recipe", json!("slack-post")),
    ] {
        let mut other = trap.clone();
        other[field] = value;
        let got = eve.post("/api/v1/runs", other).await;
        let code = got.body["code"].as_str().unwrap_or_default().to_owned();
        assert!(
            ["idempotency_key_reused", "not_found", "tool_not_configured"].contains(&code.as_str()),
            "{field}: {got:?}"
        );
        assert_eq!(code == "not_found", field == "recipe", "{field}");
    }
    for wrong in ["", "\u{0}", "a\nb"] {
        trap["start_key"] = json!(wrong);
        eve.post("/api/v1/runs", trap.clone())
            .await
            .refused(422, "idempotency_key_invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_makes_no_approver() {
    let site = Site::open().await;
    site.user("bob", &["viewer"]).await;
    let token = site.admin.make_token(&["admin"]).await;
    let eve = json!({"name": "eve", "roles": ["admin"]});
    let roles = json!({"roles": ["approver"]});
    token
        .post("/api/v1/users", eve)
        .await
        .refused(403, "human_needed");
    token
        .post("/api/v1/users/root/link", json!(null))
        .await
        .refused(403, "human_needed");
    token
        .patch("/api/v1/users/bob", roles.clone())
        .await
        .refused(403, "human_needed");
    for (key, value) in [
        ("approvals.self_approval", json!(true)),
        ("approvals.groups", json!({"Support_L2": ["root"]})),
        ("approvals.rest", json!("run")),
        ("approvals.rules", json!({"zoom.restart_room": "run"})),
    ] {
        let (path, body) = (format!("/api/v1/settings/{key}"), json!({"value": value}));
        token.put(&path, body.clone()).await.refused(403, "human_needed");
        site.admin.put(&path, body).await.ok(200);
    }
    let rule = "/api/v1/actions/zoom.restart_room/rule";
    let run = json!({"rule": "run"});
    token.put(rule, run.clone()).await.refused(403, "human_needed");
    site.admin.put(rule, run).await.ok(204);
    // Whatever is stricter is anybody's to say.
    token.put(rule, json!({"rule": "deny"})).await.ok(204);
    let class = json!({"effect": "read", "idempotent": true});
    let path = "/api/v1/actions/zoom.restart_room/class";
    token.put(path, class).await.refused(403, "human_needed");
    let path = "/api/v1/tools/theirs/mcp";
    let server = json!({"url": "https://mcp.example.com/mcp", "trusted": true});
    token.put(path, server).await.refused(403, "human_needed");
    let manifest = include_str!("../fixtures/qsys_control.json");
    let manifest: Value = serde_json::from_str(manifest).expect("JSON");
    let wish = json!({"manifest": manifest});
    // One of its actions is said to read, and so would run unasked.
    token
        .post("/api/v1/tools", wish.clone())
        .await
        .refused(403, "human_needed");
    let careful = json!({"manifest": {"name": "careful", "description": "Asks.", "actions":
        {"open": {"description": "Opens a door.", "parameters": {"door": "string"}}}}});
    token.post("/api/v1/tools", careful).await.ok(201);
    let made = site.admin.post("/api/v1/tools", wish).await.ok(201);
    let tool = format!("/api/v1/tools/{}", made["tool"].as_str().expect("a name"));
    let rule = format!(
        "/api/v1/actions/{}/rule",
        made["actions"][0].as_str().expect("an action")
    );
    site.admin.put(&rule, json!({"rule": "deny"})).await.ok(204);
    // What denies would go with it.
    token.delete(&tool).await.refused(403, "human_needed");
    site.admin.put(&rule, json!({"rule": null})).await.ok(204);
    token.delete(&tool).await.ok(204);
    site.admin.patch("/api/v1/users/bob", roles).await.ok(200);
    token
        .patch("/api/v1/users/bob", json!({"disabled": true}))
        .await
        .ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_if_match_that_nothing_heeds_is_refused() {
    let site = Site::open().await;
    let stale = site.admin.with("if-match", "\"0\"");
    stale
        .put("/api/v1/actions/slack.post_message/rule", json!({"rule": "run"}))
        .await
        .refused(422, "if_match_unheeded");
    stale
        .put("/api/v1/settings/runs.mode", json!({"value": "mock"}))
        .await
        .refused(412, "etag_stale");
    stale.get("/api/v1/settings/runs.mode").await.ok(200);
}
