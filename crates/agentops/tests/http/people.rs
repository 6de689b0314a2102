//! Users, sessions and tokens, and what they decide.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use reqwest::Method;
use serde_json::json;

use crate::rig::{BINARY, Folder, Server};
use crate::site::{Browser, PASSWORD, Site, ask};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_link_works_once_and_the_session_is_safe() {
    let site = Site::open().await;
    let me = site.admin.get("/api/v1/session").await.ok(200);
    assert_eq!(me["name"], "root");
    assert_eq!(me["roles"], json!(["admin"]));
    assert!(
        me["groups"]
            .as_array()
            .expect("groups")
            .contains(&json!("approver"))
    );
    let used = json!({"secret": "nonsense", "name": "eve", "password": PASSWORD});
    site.nobody()
        .post("/api/v1/links/use", used)
        .await
        .refused(410, "link_invalid");

    let wish = json!({"name": "ROOT", "password": PASSWORD});
    let got = site.nobody().post("/api/v1/session", wish).await;
    let cookie = got.headers["set-cookie"].to_str().expect("text").to_owned();
    for part in [
        "__Host-agentops=",
        "HttpOnly",
        "Secure",
        "SameSite=Strict",
        "Path=/",
    ] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert_eq!(got.headers["cache-control"], "no-store");
    let browser = site.nobody().signed_in(&got);
    browser.without("x-csrf-token").get("/api/v1/runs").await.ok(200);
    let made = json!({"name": "Somebody"});
    let blind = browser.without("x-csrf-token");
    blind
        .post("/api/v1/agents", made.clone())
        .await
        .refused(403, "csrf_missing");
    let foreign = browser.with("sec-fetch-site", "cross-site");
    foreign
        .post("/api/v1/agents", made.clone())
        .await
        .refused(403, "csrf_missing");
    browser.post("/api/v1/agents", made).await.ok(201);

    assert_eq!(browser.delete("/api/v1/session").await.status, 204);
    browser.get("/api/v1/runs").await.refused(401, "signed_out");
    site.admin.get("/api/v1/runs").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_tried_a_few_times_only() {
    let site = Site::open_with(&[("AGENTOPS_SERVER__SIGN_INS_PER_MINUTE", "3")]).await;
    let wrong = json!({"name": "root", "password": "wrong"});
    for _ in 0..3 {
        let got = site.nobody().post("/api/v1/session", wrong.clone()).await;
        got.refused(401, "sign_in_failed");
    }
    let got = site.nobody().post("/api/v1/session", wrong).await;
    assert!(got.headers.contains_key("retry-after"), "{got:?}");
    got.refused(429, "rate_limited");
    site.admin.get("/api/v1/runs").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_changed_with_what_was_seen() {
    let site = Site::open().await;
    let bob = site.user("bob", &["operator"]).await;
    let got = site.admin.get("/api/v1/users/bob").await;
    let tag = got.headers["etag"].to_str().expect("text").to_owned();
    let seen = site.admin.with("if-match", tag.clone());
    seen.patch("/api/v1/users/bob", json!({"roles": ["viewer"]}))
        .await
        .ok(200);
    bob.get("/api/v1/runs").await.refused(401, "signed_out");
    let again = seen.patch("/api/v1/users/bob", json!({"roles": ["admin"]})).await;
    again.refused(412, "etag_stale");
    let unchanged = site
        .admin
        .with("if-none-match", tag)
        .get("/api/v1/users/bob")
        .await;
    assert_eq!(unchanged.status, 200, "it was changed meanwhile");
    let last = site
        .admin
        .patch("/api/v1/users/root", json!({"disabled": true}))
        .await;
    last.refused(409, "last_admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_decides_only_if_it_was_made_for_that() {
    let site = Site::open().await;
    let bob = site.user("bob", &["operator", "approver"]).await;
    let run = bob
        .post(
            "/api/v1/actions/zoom.restart_room/call",
            json!({"args": {"room_id": "ZR-101"}}),
        )
        .await
        .ok(201);
    let path = format!(
        "/api/v1/approvals?status=pending&run={}",
        run["run"].as_str().expect("an id")
    );
    let approval = loop {
        let page = site.admin.get(&path).await.ok(200);
        match page["items"].get(0) {
            Some(approval) => break approval.clone(),
            None => tokio::task::yield_now().await,
        }
    };
    assert_eq!(approval["args"], json!({"room_id": "ZR-101"}));
    let decision = format!(
        "/api/v1/approvals/{}/decision",
        approval["id"].as_str().expect("an id")
    );
    let yes = json!({"approve": true, "note": "fine"});
    bob.post(&decision, yes.clone())
        .await
        .refused(403, "self_approval_off");
    let admin = site.admin.make_token(&["admin"]).await;
    admin
        .post(&decision, yes.clone())
        .await
        .refused(403, "scope_missing");
    let approve = site.admin.make_token(&["approve"]).await;
    assert_eq!(approve.post(&decision, yes).await.status, 202);
    let detail = format!("/api/v1/runs/{}", run["run"].as_str().expect("an id"));
    loop {
        let view = site.admin.get(&detail).await.ok(200);
        if view["run"]["status"] == "succeeded" {
            break;
        }
        assert_ne!(view["run"]["status"], "failed", "{view}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_when_it_is_revoked() {
    let site = Site::open().await;
    let token = site.admin.make_token(&["read"]).await;
    token.get("/api/v1/agents").await.ok(200);
    let listed = site.admin.get("/api/v1/tokens").await.ok(200);
    assert!(listed["items"][0].get("secret").is_none(), "{listed}");
    let id = listed["items"][0]["id"].as_str().expect("an id");
    assert_eq!(
        site.admin.delete(&format!("/api/v1/tokens/{id}")).await.status,
        204
    );
    token.get("/api/v1/agents").await.refused(401, "token_refused");
    let rubbish = site.nobody().token("aops_nonsense");
    rubbish.get("/api/v1/agents").await.refused(401, "token_refused");
    let basic = ask(site
        .nobody()
        .request(Method::GET, "/api/v1/agents")
        .basic_auth("root", Some(PASSWORD)))
    .await;
    basic.refused(401, "sign_in_needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_at_the_machine_say_who_they_are() {
    let site = Site::open().await;
    let file = std::fs::read(site.folder.path("server.json")).expect("the file");
    let file: serde_json::Value = serde_json::from_slice(&file).expect("JSON");
    let local = site.nobody().token(file["secret"].as_str().expect("a secret"));
    local.get("/api/v1/session").await.refused(401, "sign_in_needed");
    let me = local
        .with("x-agentops-user", "ann")
        .get("/api/v1/session")
        .await
        .ok(200);
    assert_eq!(me["name"], "ann");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(site.folder.path("server.json"))
            .expect("the file")
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_first_link_works_and_the_server_says_so() {
    let folder = Folder::seeded();
    let secret = |server: &Server| {
        let welcome = server.document["welcome"].as_str().expect("a first link");
        welcome.split_once('#').expect("a secret").1.to_owned()
    };
    let mut server = folder.serve();
    let older = secret(&server);
    server.kill();
    let mut said = String::new();
    let mut told = Command::new(BINARY)
        .arg("--data")
        .arg(folder.path(""))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    for line in BufReader::new(told.stdout.take().expect("its output")).lines() {
        said.push_str(&line.expect("a line"));
        if said.contains("Ctrl-C ends it") {
            break;
        }
    }
    told.kill().expect("it is there");
    told.wait().expect("it ends");
    assert!(
        said.contains("links printed at earlier starts don't work any more: http"),
        "{said}"
    );

    let server = folder.serve();
    let nobody = Browser::nobody(server.document["address"].as_str().expect("an address"));
    let used = async |secret: &str| {
        let wish = json!({"secret": secret, "name": "root", "password": PASSWORD});
        nobody.post("/api/v1/links/use", wish).await
    };
    let refused = used(&older).await.refused(410, "link_invalid");
    let hint = refused["hint"].as_str().expect("a hint");
    assert!(hint.contains("a server has printed last"), "{hint}");
    used(&secret(&server)).await.ok(200);
    used(&secret(&server)).await.refused(410, "link_invalid");
}
