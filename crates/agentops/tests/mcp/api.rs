//! Servers of the Model Context Protocol added, looked at and classified through the API.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::peers::{judge, peer, section};
use crate::rig::Folder;
use crate::site::{Browser, Site, ask};
use crate::web::{everything, python};

/// An action of a tool as the API answers it.
fn action<'a>(tool: &'a Value, name: &str) -> &'a Value {
    let mut actions = tool["actions"].as_array().expect("actions").iter();
    actions.find(|action| action["name"] == name).expect("the action")
}

async fn allow(site: &Site, names: &[&str]) {
    let path = "/api/v1/settings/tools.private";
    site.admin.put(path, json!({"value": names})).await.ok(200);
}

async fn refresh(who: &Browser, tool: &str) -> crate::site::Got {
    ask(who.request(Method::POST, &format!("/api/v1/tools/{tool}/refresh"))).await
}

/// The end of a call by hand in real mode.
async fn ended(site: &Site, name: &str, args: Value) -> Value {
    let wish = json!({"args": args, "mode": "real"});
    let path = format!("/api/v1/actions/{name}/call");
    let run = site.admin.post(&path, wish).await.ok(201)["run"].clone();
    let path = format!("/api/v1/runs/{}", run.as_str().expect("an id"));
    for _ in 0..600 {
        let view = site.admin.get(&path).await.ok(200);
        let status = view["run"]["status"].as_str().expect("a status");
        if ["succeeded", "failed", "waiting"].contains(&status) {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{name} did not end")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_added_looked_at_and_classified_over_http() {
    let site = Site::open().await;
    let server = python();
    let put = async |wish: Value| site.admin.put("/api/v1/tools/judge/mcp", wish).await;
    let added = put(json!({"url": server.url})).await.ok(200);
    assert_eq!(
        (&added["kind"], &added["mcp"]["url"]),
        (&json!("mcp"), &json!(server.url))
    );
    assert_eq!(added["mcp"]["protocol"], Value::Null, "nobody has looked");
    // Loopback is private, and nobody has allowed it yet; it stays added.
    refresh(&site.admin, "judge")
        .await
        .refused(422, "address_refused");
    allow(&site, &["judge"]).await;
    let seen = refresh(&site.admin, "judge").await.ok(200);
    assert_eq!(seen["mcp"]["protocol"], "2026-07-28");
    let add = action(&seen, "judge.add");
    assert_eq!(
        (&add["effect"], &add["rule"]),
        (&json!("destructive"), &json!("ask"))
    );
    let asked = ended(&site, "judge.add", json!({"a": 1, "b": 2})).await;
    assert_eq!(asked["run"]["status"], "waiting", "{asked}");

    let class = async |wish: Value| site.admin.put("/api/v1/actions/judge.add/class", wish).await;
    let said = class(json!({"effect": "read"})).await.ok(200);
    assert_eq!(action(&said, "judge.add")["rule"], "run");
    assert_eq!(said["mcp"]["standing"]["add"], "classified so by root");
    let sum = ended(&site, "judge.add", json!({"a": 1, "b": 2})).await;
    assert_eq!(sum["run"]["outputs"]["result"]["structured"]["total"], 3, "{sum}");
    // Changed words about the server leave what was seen and said.
    let trusted = put(json!({"url": server.url, "trusted": true, "mock": true}))
        .await
        .ok(200);
    assert_eq!(trusted["mcp"]["standing"]["add"], "classified so by root");
    assert_eq!(
        (&trusted["mcp"]["trusted"], &trusted["mcp"]["mock"]),
        (&json!(true), &json!(true))
    );
    let back = class(json!({"effect": null})).await.ok(200);
    assert_eq!(
        back["mcp"]["standing"]["add"],
        "its server, which is marked as trusted, doesn't say what it does, so it is taken as destructive"
    );

    let leaves = site.admin.get("/api/v1/audit/leaves?limit=500").await.ok(200);
    let leaves = leaves["items"].as_array().expect("leaves");
    for (kind, count) in [("tool_added", 2), ("tool_classified", 2), ("tool_offers", 1)] {
        let found = leaves.iter().filter(|leaf| leaf["kind"] == kind);
        assert_eq!(found.count(), count, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_cant_add_or_classify_is_refused() {
    let site = Site::open().await;
    let url = "https://mcp.example.com/mcp";
    let program = json!({"url": url, "command": "/bin/sh", "args": ["-c", "true"]});
    for (tool, wish, status, code) in [
        ("srv", program, 422, "body_invalid"),
        ("srv", json!({"trusted": true}), 422, "body_invalid"),
        ("srv", json!({"url": "/bin/sh"}), 422, "argument_invalid"),
        (
            "srv",
            json!({"url": "file:///etc/passwd"}),
            422,
            "argument_invalid",
        ),
        (
            "srv",
            json!({"url": "https://ann:word@mcp.example.com"}),
            422,
            "argument_invalid",
        ),
        ("Srv", json!({"url": url}), 422, "argument_invalid"),
        ("zoom", json!({"url": url}), 409, "tool_name_taken"),
    ] {
        let path = format!("/api/v1/tools/{tool}/mcp");
        let refused = site.admin.put(&path, wish).await.refused(status, code);
        if refused["detail"]
            .as_str()
            .is_some_and(|words| words.contains("/bin/sh"))
        {
            let hint = refused["hint"].as_str().expect("a hint");
            assert!(hint.contains("configuration file"), "{refused}");
        }
    }
    for (tool, status, code) in [("zoom", 422, "argument_invalid"), ("nothing", 404, "not_found")] {
        refresh(&site.admin, tool).await.refused(status, code);
    }
    for (name, wish, status, code) in [
        (
            "zoom.restart_room",
            json!({"effect": "read"}),
            422,
            "argument_invalid",
        ),
        ("srv.x", json!({"effect": "read"}), 404, "not_found"),
        ("srv.x", json!({}), 422, "body_invalid"),
        ("srv.x", json!({"effect": "harmless"}), 422, "body_invalid"),
    ] {
        let path = format!("/api/v1/actions/{name}/class");
        site.admin.put(&path, wish).await.refused(status, code);
    }
    let tools = site.admin.get("/api/v1/tools").await.ok(200);
    assert!(
        tools["items"]
            .as_array()
            .expect("tools")
            .iter()
            .all(|tool| tool["kind"] == "builtin")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_the_configuration_starts_can_only_be_looked_at() {
    let judge = judge();
    let path = judge.to_str().expect("UTF-8");
    let config = section("judge", &peer("py/bin/python"), &[path, "stdio"], "");
    let site = Site::open_configured(&config, &[]).await;
    let wish = json!({"url": "https://mcp.example.com/mcp"});
    let refused = site.admin.put("/api/v1/tools/judge/mcp", wish).await;
    refused.refused(409, "tool_name_taken");
    let seen = refresh(&site.admin, "judge").await.ok(200);
    assert_eq!(seen["mcp"]["url"], Value::Null);
    let wish = json!({"effect": "read"});
    site.admin
        .put("/api/v1/actions/judge.add/class", wish)
        .await
        .ok(200);
    let sum = ended(&site, "judge.add", json!({"a": 20, "b": 22})).await;
    assert_eq!(
        sum["run"]["outputs"]["result"]["structured"]["total"], 42,
        "{sum}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_beside_a_server_manage_mcp_servers_through_it() {
    let site = Site::open().await;
    let every = everything();
    let file = std::fs::read(site.folder.path("server.json")).expect("the file");
    let folder = Folder::empty();
    folder.file("server.json", file);
    let refused = folder.run(&["tool", "add-mcp", "every", &every.url]);
    assert!(
        refused.err.contains("[address_refused]") && refused.err.contains("tool refresh every"),
        "{refused:?}"
    );
    folder.ok(&["setting", "set", "tools.private", r#"["every"]"#]);
    let seen = folder.json(0, &["tool", "refresh", "every", "--as", "Jürgen"]);
    assert_eq!(seen["mcp"]["protocol"], "2025-11-25");
    let said = folder.json(
        0,
        &[
            "tool",
            "classify",
            "every.get-sum",
            "--effect",
            "read",
            "--as",
            "Jürgen",
        ],
    );
    assert_eq!((&said["effect"], &said["rule"]), (&json!("read"), &json!("run")));
    let shown = site.admin.get("/api/v1/tools/every").await.ok(200);
    assert_eq!(shown["mcp"]["standing"]["get-sum"], "classified so by Jürgen");
    let call = [
        "tool",
        "call",
        "every.get-sum",
        "-a",
        "a=20",
        "-a",
        "b=22",
        "--mode",
        "real",
        "--watch",
    ];
    let sum = folder.json(0, &call);
    assert_eq!(
        sum["run"]["outputs"]["result"]["text"],
        "The sum of 20 and 22 is 42."
    );
    folder.refused(
        4,
        "tool_name_taken",
        &["tool", "add-mcp", "zoom", "https://mcp.example.com/mcp"],
    );
    folder.refused(
        3,
        "not_found",
        &["tool", "classify", "every.nothing", "--effect", "read"],
    );
    let left: Vec<_> = std::fs::read_dir(folder.path("")).expect("reads").collect();
    assert_eq!(left.len(), 1, "nothing but server.json: {left:?}");
}

/// The state that is known of a server, and since when.
async fn known(who: &Browser, server: &str) -> (String, Value) {
    let tool = who.get(&format!("/api/v1/tools/{server}")).await.ok(200);
    let state = tool["mcp"]["state"].as_str().expect("a state").to_owned();
    (state, tool["mcp"]["since"].clone())
}

/// The state of a server once it has been looked at.
async fn looked_at(who: &Browser, server: &str) -> String {
    for _ in 0..600 {
        let (state, _) = known(who, server).await;
        if state != "unseen" {
            return state;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nobody has looked at {server}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_a_server_is_shown_with_since_when() {
    let config = section("gone", "no-such-program-anywhere", &[], "");
    let site = Site::open_configured(&config, &[]).await;
    let mut every = everything();
    let wish = json!({"url": every.url});
    site.admin.put("/api/v1/tools/every/mcp", wish).await.ok(200);
    assert_eq!(
        known(&site.admin, "every").await,
        ("unseen".to_owned(), Value::Null)
    );
    allow(&site, &["every"]).await;
    let list = || site.folder.ok(&["tool", "list"]);
    assert!(list().contains("not seen yet"), "{}", list());
    refresh(&site.admin, "every").await.ok(200);
    let (state, since) = known(&site.admin, "every").await;
    assert_eq!((state.as_str(), since.is_i64()), ("answers", true));
    refresh(&site.admin, "every").await.ok(200);
    assert_eq!(
        known(&site.admin, "every").await,
        (state, since.clone()),
        "it is known since then"
    );
    every.stop();
    let asked = "/api/v1/tools/every/health?mode=real";
    assert_eq!(site.admin.get(asked).await.ok(200)["ok"], false);
    let (state, gone) = known(&site.admin, "every").await;
    assert_eq!(state, "unreachable");
    assert!(gone.as_i64() > since.as_i64(), "{gone} {since}");

    // The server of the configuration was looked at when this one started.
    assert_eq!(looked_at(&site.admin, "gone").await, "unreachable");
    let listed = list();
    let line = |name: &str| {
        listed
            .lines()
            .find(|line| line.starts_with(name))
            .expect("a line")
    };
    for (name, part) in [
        ("gone", "the command 'no-such-program-anywhere' can't be started"),
        ("every", "It can't be worked with since 20"),
        ("zoom", "ready"),
    ] {
        assert!(line(name).contains(part), "{name}: {part}\n{listed}");
    }
    assert!(
        !line("gone").contains("ready") && !line("every").contains("ready"),
        "{listed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_keeps_no_other_from_being_looked_at() {
    let mut site = Site::open().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = |address: std::io::Result<std::net::SocketAddr>| {
        let url = format!("http://{}/mcp", address.expect("an address"));
        json!({"url": url, "mock": true})
    };
    // By their names the silent one comes first.
    let (first, second) = (at(silent.local_addr()), at(closed.local_addr()));
    drop(closed);
    site.admin.put("/api/v1/tools/a-silent/mcp", first).await.ok(200);
    site.admin.put("/api/v1/tools/b-closed/mcp", second).await.ok(200);
    allow(&site, &["a-silent", "b-closed"]).await;
    site.server.kill();
    let again = site
        .folder
        .stays_with(&["serve", "--listen", "127.0.0.1:0", "--json"], &[]);
    let admin = site
        .admin
        .at(again.document["address"].as_str().expect("an address"));
    let (_reached, _) = silent.accept().await.expect("it is looked at");
    assert_eq!(looked_at(&admin, "b-closed").await, "unreachable");
    assert_eq!(
        known(&admin, "a-silent").await.0,
        "unseen",
        "nothing is known of it yet"
    );

    let health = site
        .folder
        .run(&["tool", "health", "--mode", "mock", "--wait", "1", "--json"]);
    assert_eq!(health.code, 1, "{health:?}");
    let all: Value = serde_json::from_str(&health.out).expect("JSON");
    let of = |name: &str| {
        let mut all = all.as_array().expect("a list").iter();
        all.find(|one| one["tool"] == name).expect("it is listed").clone()
    };
    let words = of("a-silent")["detail"].as_str().expect("words").to_owned();
    assert!(words.contains("did not answer within 1 s"), "{words}");
    assert_eq!(of("local")["ok"], true, "{all}");
}
