//! GitHub: every exchange of the connector against GitHub's own OpenAPI document, and a round trip by
//! PyGithub.

use sandbox::Vendor;
use serde_json::{Value, json};

use crate::openapi::OpenApi;
use crate::peers::Tls;
use crate::recorder::Recorded;

const DOCUMENT: &str = "npm/node_modules/@octokit/openapi/generated/api.github.com.json";

fn with(mut args: Value) -> Value {
    args["repo"] = "avops/runbooks".into();
    args
}

/// Uses every action, every look-up, and some refusals.
async fn exchange(rig: &Recorded) {
    let issue = with(
        json!({"title": "Say more", "body": "About 4A.", "labels": ["docs"], "assignees": ["dana-reyes"]}),
    );
    let number = rig.output("github.create_issue", issue.clone()).await["number"].clone();
    let comment = with(json!({"number": number, "body": "Yes."}));
    rig.output("github.comment_issue", comment.clone()).await;
    rig.output("github.get_issue", with(json!({"number": number})))
        .await;
    rig.output(
        "github.list_issues",
        with(json!({"state": "all", "labels": ["docs"]})),
    )
    .await;
    rig.output(
        "github.close_issue",
        with(json!({"number": number, "reason": "duplicate"})),
    )
    .await;
    rig.output("github.create_branch", with(json!({"branch": "docs/4a"})))
        .await;
    let file = with(json!({"branch": "docs/4a", "path": "rooms/new.md", "content": "x\n", "message": "New"}));
    rig.output("github.put_file", file.clone()).await;
    rig.perform("second", "github.put_file", &file).await;
    rig.output(
        "github.get_file",
        with(json!({"path": "rooms/new.md", "ref": "docs/4a"})),
    )
    .await;
    let pull = with(json!({"title": "New", "head": "docs/4a", "draft": true}));
    let opened = rig.output("github.create_pull_request", pull.clone()).await["number"].clone();
    rig.output("github.get_pull_request", with(json!({"number": opened})))
        .await;
    rig.output("github.get_diff", with(json!({"number": opened})))
        .await;
    rig.output("github.list_issues", with(json!({}))).await;
    for (action, args) in [
        ("github.create_issue", &issue),
        ("github.comment_issue", &comment),
        ("github.put_file", &file),
        ("github.create_pull_request", &pull),
    ] {
        rig.look_up("nobody", action, args).await;
    }
    for (action, args) in [
        ("github.get_issue", json!({"number": 999})),
        (
            "github.create_branch",
            json!({"branch": "docs/4a", "from": "main"}),
        ),
        (
            "github.create_pull_request",
            json!({"title": "New", "head": "docs/4a", "base": "main"}),
        ),
        (
            "github.create_issue",
            json!({"title": "t", "assignees": ["nobody"]}),
        ),
        ("github.get_file", json!({"path": "rooms"})),
    ] {
        rig.perform("refused", action, &with(args)).await;
    }
}

#[tokio::test]
async fn every_exchange_fits_githubs_document() {
    let rig = Recorded::start().await;
    exchange(&rig).await;
    let judge = OpenApi::open(DOCUMENT);
    let exchanges = rig.exchanges("/github");
    assert!(exchanges.len() > 25, "{} exchanges", exchanges.len());
    let problems: Vec<String> = exchanges
        .iter()
        .flat_map(|exchange| judge.problems(exchange, "/github"))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");

    // The same exchanges with one thing broken each are found out.
    let made = |path: &str| {
        let found = exchanges
            .iter()
            .find(|exchange| exchange.method == "POST" && exchange.path.ends_with(path));
        found.expect("the exchange").clone()
    };
    let (mut nameless, mut stray, mut odd) = (made("/issues"), made("/pulls"), made("/issues"));
    nameless.sent = json!({"body": "no title"}).to_string().into();
    stray.told = json!({"number": 1}).to_string().into();
    odd.status = 202;
    for broken in [nameless, stray, odd] {
        assert!(!judge.problems(&broken, "/github").is_empty(), "{broken:?}");
    }
}

#[tokio::test]
async fn pygithub_completes_a_round_trip() {
    let tls = Tls::start().await;
    let told = tls.sdk("github", Vendor::GitHub).await;
    let state = tls.sandbox.state();
    let issues = &state["github"]["issues"];
    let number = |name: &str| told[name].as_u64().expect("a number").to_string();
    assert_eq!(issues[number("issue")]["reason"], "completed");
    assert_eq!(issues[number("pull")]["pull"]["head"], "sdk");
    assert_eq!(state["github"]["pushes"].as_array().map(Vec::len), Some(3));
}
