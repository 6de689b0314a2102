//! Recipes and what belongs to them, out as a bundle and in from files, over HTTP.

use std::io::{Cursor, Write};

use reqwest::Method;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::rig::Folder;
use crate::site::{Browser, Got, Site, ask};

/// Where bundles go in and out.
pub const BUNDLE: &str = "/api/v1/bundle";

pub fn tea(words: &str) -> String {
    format!(
        "name: Tea\nintake: []\nplan: []\nact:\n  - id: brew\n    action: local.note\n    with: {{text: {words}}}\nverify: []\n"
    )
}

/// A ZIP archive of these files.
pub fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in files {
        let options = SimpleFileOptions::default();
        writer.start_file(*path, options).expect("it packs");
        writer.write_all(text.as_bytes()).expect("it packs");
    }
    writer.finish().expect("it packs").into_inner()
}

/// Sends bytes of this media type.
pub async fn send(who: &Browser, query: &str, kind: &str, bytes: Vec<u8>) -> Got {
    let request = who.request(Method::POST, &format!("{BUNDLE}{query}"));
    ask(request.header("content-type", kind).body(bytes)).await
}

/// Sends a bundle.
pub async fn import(who: &Browser, query: &str, files: &[(&str, &str)]) -> Got {
    send(who, query, "application/zip", zipped(files)).await
}

/// Everything that an import could change, with the leaf that each change leaves.
pub async fn everything(site: &Site) -> Value {
    let get = async |path: &str| site.admin.get(&format!("/api/v1/{path}")).await.ok(200);
    let recipes = get("recipes?calls=true").await;
    let mut versions = Vec::new();
    for recipe in recipes["items"].as_array().expect("a list") {
        let slug = recipe["slug"].as_str().expect("a slug");
        versions.push(get(&format!("recipes/{slug}/versions")).await);
    }
    json!({
        "recipes": recipes,
        "versions": versions,
        "agents": get("agents").await,
        "tools": get("tools").await,
        "settings": get("settings").await,
        "leaves": get("audit/leaves?limit=500").await,
    })
}

/// Noun, name and what became of it, of each change.
pub fn changes(report: &Value) -> Vec<String> {
    let text = |change: &Value, key: &str| change[key].as_str().unwrap_or_default().to_owned();
    let changes = report["changes"].as_array().expect("changes").iter();
    changes
        .map(|change| ["noun", "name", "what"].map(|key| text(change, key)).join(" "))
        .collect()
}

/// One document of every kind, which need each other: the recipe uses the tool.
const ALL: &[(&str, &str)] = &[
    (
        "recipes/blink.yaml",
        "name: Blink\nintake: []\nplan: []\nact:\n  - id: blink\n    action: lamp_box.blink\n    with: {times: 3}\nverify: []\n",
    ),
    (
        "agents/keeper.json",
        r#"{"name": "Lamp Keeper", "role": "Keeps lamps", "tools": ["mcp-zoom", "lamp_box"], "recipes": ["blink"]}"#,
    ),
    (
        "guardrails/limits.json",
        r#"{"id": "lamps-v1", "allow_tools": ["mcp-zoom"], "deny_actions": ["zoom.restart_room"], "on_violation": "halt"}"#,
    ),
    (
        "workflows/nightly.json",
        r#"{"id": "nightly-v1", "name": "Nightly", "trigger": {"cron": "0 6 * * *"},
            "graph": [{"id": "each", "run": {"agent": "agent-lamp-keeper-v1", "recipe": "blink"}}, {"id": "done", "terminal": true}]}"#,
    ),
    (
        "tools/lamp_box.json",
        r#"{"name": "lamp_box", "description": "Lamps", "actions": {"blink": {"description": "Blink", "parameters": {"times": "number"}}}}"#,
    ),
    ("README.md", "not read"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_changes_nothing_and_says_what_will_be() {
    let site = Site::open().await;
    let before = everything(&site).await;
    let planned = import(&site.admin, "?dry_run=true&activate=true", ALL)
        .await
        .ok(200);
    assert_eq!(everything(&site).await, before);
    assert_eq!(
        (&planned["ok"], &planned["dry_run"], &planned["changed"]),
        (&json!(true), &json!(true), &json!(false)),
        "{planned:#}"
    );
    let done = import(&site.admin, "?activate=true", ALL).await.ok(200);
    assert_eq!(done["changed"], true);
    assert_eq!(done["skipped"], json!(["README.md"]));
    let mut told = changes(&done);
    assert_eq!(changes(&planned), told, "what was said is what was done");
    told.sort();
    assert_eq!(
        told,
        [
            "agent Lamp Keeper new",
            "guardrails lamps new",
            "recipe blink new",
            "recipe nightly new",
            "rule zoom.restart_room: deny new",
            "tool lamp_box new",
            "workflow nightly new",
        ]
    );
    // What was reported is there.
    let after = everything(&site).await;
    let blink = site.admin.get("/api/v1/recipes/blink").await.ok(200);
    assert_eq!(
        (&blink["recipe"]["active"], &blink["version"]["text"]),
        (&json!(1), &json!(ALL[0].1))
    );
    let keeper = site.admin.get("/api/v1/agents/Lamp%20Keeper").await.ok(200);
    assert_eq!(keeper["tools"], json!(["zoom", "lamp_box"]), "{keeper}");
    let rule = site.admin.get("/api/v1/actions/zoom.restart_room").await.ok(200);
    assert_eq!(rule["rule"], "deny");
    site.admin.get("/api/v1/actions/lamp_box.blink").await.ok(200);

    // Once more there is nothing to be done, and nothing is.
    for query in ["?activate=true&dry_run=true", "?activate=true"] {
        let again = import(&site.admin, query, ALL).await.ok(200);
        assert_eq!(again["changed"], false, "{again:#}");
        let told = changes(&again);
        assert!(
            told.iter()
                .all(|change| change.ends_with(" same") || change.ends_with(" there")),
            "{told:?}"
        );
        assert_eq!(everything(&site).await, after, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_shown_first_and_followed_only_if_that_is_asked() {
    let site = Site::open().await;
    let post = async |query: &str, words: &str| {
        let name = format!("?name=tea.yaml{query}");
        send(&site.admin, &name, "application/yaml", tea(words).into_bytes())
            .await
            .ok(200)
    };
    let first = post("", "Brew").await;
    let change = &first["changes"][0];
    assert_eq!(
        (&change["what"], &change["version"], &change["activated"]),
        (&json!("new"), &json!(1), &json!(false))
    );
    let planned = post("&dry_run=true&activate=true", "Brew well").await;
    let change = &planned["changes"][0];
    let diff = change["diff"].as_str().expect("a difference");
    assert!(
        diff.contains("-    with: {text: Brew}") && diff.contains("+    with: {text: Brew well}"),
        "{diff}"
    );
    assert_eq!(
        (&change["what"], &change["version"], &change["activated"]),
        (&json!("changed"), &Value::Null, &json!(true))
    );
    let active = async || site.admin.get("/api/v1/recipes/tea").await.ok(200)["recipe"]["active"].clone();
    assert_eq!(active().await, Value::Null);
    let done = post("&activate=true", "Brew well").await;
    assert_eq!(done["changes"][0]["version"], 2);
    assert_eq!(active().await, 2);
    let same = post("&activate=true", "Brew well").await;
    assert_eq!(
        (&same["changed"], &same["changes"][0]["what"]),
        (&json!(false), &json!("same"))
    );
    // The same file as one of a folder, and what isn't in it.
    let folder = import(&site.admin, "?from=folder", &[("tea.yaml", &tea("Brew well"))])
        .await
        .ok(200);
    assert_eq!(folder["changed"], false);
    let absent = folder["absent"].as_array().expect("a list");
    assert!(absent.contains(&json!("zoom-room-hdmi-black")), "{folder:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_is_what_is_done_or_nothing() {
    let site = Site::open().await;
    let mine = tea("Brew");
    let files = [("tea.yaml", mine.as_str())];
    let shown = import(&site.admin, "?dry_run=true", &files).await;
    let tag = shown.headers["etag"].to_str().expect("text").to_owned();
    let seen = site.admin.with("if-match", tag.clone());
    // Meanwhile somebody else has saved another one under that name.
    import(&site.admin, "", &[("tea.yaml", &tea("Pour"))])
        .await
        .ok(200);
    let before = everything(&site).await;
    import(&seen, "", &files).await.refused(412, "etag_stale");
    assert_eq!(everything(&site).await, before);
    let shown = import(&seen, "?dry_run=true", &files).await;
    let now = shown.headers["etag"].to_str().expect("text").to_owned();
    assert_ne!(now, tag);
    let seen = site.admin.with("if-match", now);
    assert_eq!(import(&seen, "", &files).await.ok(200)["changed"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_an_error_refuses_all_of_them_with_every_place() {
    let site = Site::open().await;
    let before = everything(&site).await;
    let broken = tea("Brew").replace("action: local.note", "action: local.nope");
    let bad_tool = r#"{"name": "t", "actions": {"go": {"description": 7}}}"#;
    let taken = r#"{"name": "zoom", "description": "Z", "actions": {"go": {"description": "Go"}}}"#;
    let files = [
        ("good.yaml", tea("Brew")),
        ("deep/one.yaml", broken),
        ("tools/two.json", bad_tool.to_owned()),
        ("tools/three.json", taken.to_owned()),
        (
            "tool-call-x.yaml",
            tea("x").replace("name: Tea", "name: Tool call x"),
        ),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let problem = import(&site.admin, "", &files)
        .await
        .refused(422, "bundle_invalid");
    let report = import(&site.admin, "?dry_run=true", &files).await.ok(200);
    assert_eq!(
        (&report["ok"], &report["changed"]),
        (&json!(false), &json!(false))
    );
    let listed = problem["problems"].as_array().expect("a list");
    let told = report["problems"].as_array().expect("a list");
    assert_eq!(listed.len(), told.len());
    for (at, code) in [
        ("deep/one.yaml:6:13", "unknown_action"),
        ("tools/two.json", "manifest_invalid"),
        ("tools/three.json", "tool_name_taken"),
        ("tool-call-x.yaml", "recipe_name_invalid"),
    ] {
        assert!(
            told.iter().any(|one| one["at"] == at && one["code"] == code),
            "{at} {code} in {told:#?}"
        );
        assert!(listed.iter().any(|one| one["at"] == at), "{at} in {listed:#?}");
    }
    assert_eq!(everything(&site).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_taken_over_elsewhere_as_it_was() {
    let (site, other) = (Site::open().await, Site::open().await);
    import(&site.admin, "?activate=true", ALL).await.ok(200);
    let viewer = site.user("vera", &["viewer"]).await;
    let exported = viewer
        .request(Method::GET, BUNDLE)
        .send()
        .await
        .expect("an answer");
    assert_eq!(exported.headers()["content-type"], "application/zip");
    let all = exported.bytes().await.expect("a body");
    let read = services::recipes::bundle::unpack(&all).expect("a bundle");
    let paths: Vec<&str> = read.iter().map(|piece| piece.path.as_str()).collect();
    for path in [
        "recipes/blink.yaml",
        "agents.json",
        "workflows.json",
        "guardrails.json",
    ] {
        assert!(paths.contains(&path), "{path} in {paths:?}");
    }
    // Tools are no part of it, so they are taken over first.
    import(&other.admin, "", &ALL[4..]).await.ok(200);
    let done = send(&other.admin, "?activate=true", "application/zip", all.into()).await;
    assert_eq!(done.ok(200)["changed"], true);
    for path in ["recipes/blink", "recipes/nightly", "agents/Lamp%20Keeper"] {
        let shown = async |site: &Site| site.admin.get(&format!("/api/v1/{path}")).await.ok(200);
        let (here, there) = (shown(&site).await, shown(&other).await);
        let part = |value: &Value| (value["version"]["text"].clone(), value["tools"].clone());
        assert_eq!(part(&here), part(&there), "{path}");
    }
    // Some of them only, each once.
    let some = format!("{BUNDLE}?recipe=blink&recipe=Zoom%20Room%20HDMI%20Black&recipe=BLINK");
    let some = viewer
        .request(Method::GET, &some)
        .send()
        .await
        .expect("an answer");
    let some = some.bytes().await.expect("a body");
    let read = services::recipes::bundle::unpack(&some).expect("a bundle");
    let paths: Vec<&str> = read.iter().map(|piece| piece.path.as_str()).collect();
    assert_eq!(paths, ["recipes/blink.yaml", "recipes/zoom-room-hdmi-black.yaml"]);
    for (query, status, code) in [
        ("?recipe=nothing", 404, "not_found"),
        ("?colour=red", 400, "query_invalid"),
        ("?calls=perhaps", 400, "query_invalid"),
    ] {
        let refused = viewer.get(&format!("{BUNDLE}{query}")).await;
        refused.refused(status, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_beside_a_server_exchange_recipes_through_it() {
    let site = Site::open().await;
    let file = std::fs::read(site.folder.path("server.json")).expect("the file");
    let folder = Folder::empty();
    folder.file("server.json", file);
    let work = tempfile::tempdir().expect("a folder");
    let path = |name: &str| work.path().join(name).to_str().expect("UTF-8").to_owned();
    let mine = path("mine");
    let exported = folder.json(0, &["recipe", "export", &mine]);
    assert_eq!(
        exported["files"].as_array().map(Vec::len),
        site.admin.get("/api/v1/recipes").await.ok(200)["items"]
            .as_array()
            .map(Vec::len)
    );
    std::fs::write(work.path().join("mine/tea.yaml"), tea("Brew")).expect("writes");
    let before = everything(&site).await;
    folder.ok(&["recipe", "sync", &mine, "--dry-run"]);
    folder.refused_json(2, "argument_invalid", &["recipe", "sync", &mine]);
    assert_eq!(everything(&site).await, before);
    let done = folder.json(
        0,
        &["recipe", "sync", &mine, "--yes", "--activate", "--as", "Jürgen"],
    );
    assert_eq!(done["changed"], true);
    let tea = site.admin.get("/api/v1/recipes/tea").await.ok(200);
    assert_eq!(tea["version"]["author"], "Jürgen");

    let zip = path("all.zip");
    folder.ok(&["recipe", "export", &zip]);
    let other = Folder::seeded();
    let news = other.json(0, &["recipe", "import", &zip]);
    assert!(changes(&news).contains(&"recipe tea new".to_owned()), "{news:#}");
    let broken = path("broken.yaml");
    std::fs::write(&broken, "name: Broken\nact: 7\n").expect("writes");
    let refused = folder.json(4, &["recipe", "import", &broken]);
    assert!(!refused["problems"].as_array().expect("problems").is_empty());
    let told = folder.run(&["recipe", "import", &broken]);
    assert!(told.out.contains("nothing was taken over"), "{told:?}");
    folder.refused(3, "not_found", &["recipe", "export", &path("none"), "nothing"]);
    let left: Vec<_> = std::fs::read_dir(folder.path("")).expect("reads").collect();
    assert_eq!(left.len(), 1, "nothing but server.json: {left:?}");
}
