//! GitHub: its actions on a well-behaved sandbox, its writes for the faults, and the real repository
//! behind it.

use sandbox::{Fault, FaultKind, Vendor};
use serde_json::{Value, json};
use types::Outcome;

use crate::faults::Case;
use crate::rig::{Rig, told};

/// Arguments with the sandbox's repository.
fn with(mut args: Value) -> Value {
    args["repo"] = "avops/runbooks".into();
    args
}

/// Every action.
pub async fn github(rig: &Rig) {
    let opened = rig
        .output(
            "github.create_issue",
            with(json!({"title": "Say more", "body": "About 4A.", "labels": ["docs"], "assignees": ["dana-reyes"]})),
        )
        .await;
    let number = opened["number"].clone();
    rig.output(
        "github.comment_issue",
        with(json!({"number": number, "body": "Yes."})),
    )
    .await;
    let read = rig
        .output("github.get_issue", with(json!({"number": number})))
        .await;
    assert_eq!(
        (&read["body"], &read["comments"], &read["assignees"]),
        (&json!("About 4A."), &json!(1), &json!(["dana-reyes"]))
    );
    let path = json!({"path": "rooms/boardroom-4a.md"});
    let file = rig.output("github.get_file", with(path.clone())).await;
    let old = file["content"].as_str().expect("text");
    assert!(old.starts_with("# Boardroom 4A"), "{old}");

    let branch = rig
        .output("github.create_branch", with(json!({"branch": "docs/4a"})))
        .await;
    assert_eq!(branch["created"], true);
    let content = format!("{old}3. Reset the display.\n");
    let put = with(
        json!({"branch": "docs/4a", "path": "rooms/boardroom-4a.md", "content": content, "message": "Say how"}),
    );
    let commit = rig.output("github.put_file", put).await;
    assert_ne!(commit["commit"], branch["commit"]);
    let pull = rig
        .output(
            "github.create_pull_request",
            with(json!({"title": "Say how", "head": "docs/4a", "body": "Closes the gap."})),
        )
        .await;
    let pull_number = json!({"number": pull["number"]});
    let whole = rig
        .output("github.get_pull_request", with(pull_number.clone()))
        .await;
    assert_eq!(
        (
            &whole["head_commit"],
            &whole["base"],
            &whole["additions"],
            &whole["changed_files"]
        ),
        (&commit["commit"], &json!("main"), &json!(1), &json!(1))
    );
    let diff = rig.output("github.get_diff", with(pull_number)).await;
    let text = diff["diff"].as_str().expect("text");
    assert!(text.contains("\n+3. Reset the display.\n"), "{text}");
    // What people see behind the link.
    let page = page(&pull["url"]).await;
    assert!(
        page.contains("docs/4a into main") && page.contains("+3. Reset the display."),
        "{page}"
    );

    let open = rig.output("github.list_issues", with(json!({}))).await;
    let numbers: Vec<&Value> = open["issues"]
        .as_array()
        .expect("issues")
        .iter()
        .map(|issue| &issue["number"])
        .collect();
    assert_eq!(numbers, [&number, &json!(1)], "newest first, no pull request");
    let closed = rig
        .output(
            "github.close_issue",
            with(json!({"number": number, "reason": "not_planned"})),
        )
        .await;
    assert_eq!(closed["state"], "closed");
    refusals(rig).await;
}

async fn refusals(rig: &Rig) {
    let file =
        |path: &str, branch: &str| json!({"path": path, "branch": branch, "content": "x", "message": "m"});
    for (action, args) in [
        ("github.get_issue", json!({"number": 999})),
        ("github.get_file", json!({"path": "nowhere.md"})),
        ("github.get_file", json!({"path": "rooms"})),
        ("github.put_file", file("a.md", "no-such-branch")),
        ("github.put_file", file("README.md/a.md", "docs/4a")),
        ("github.put_file", file("rooms", "docs/4a")),
        (
            "github.create_branch",
            json!({"branch": "x", "from": "no-such-branch"}),
        ),
        (
            "github.create_branch",
            json!({"branch": "x", "from": "f".repeat(40)}),
        ),
        (
            "github.create_branch",
            json!({"branch": "docs/4a", "from": "main"}),
        ),
        (
            "github.create_pull_request",
            json!({"title": "t", "head": "main", "base": "main"}),
        ),
        (
            "github.create_pull_request",
            json!({"title": "t", "head": "docs/4a", "base": "main"}),
        ),
        (
            "github.create_pull_request",
            json!({"title": "t", "head": "nowhere", "base": "main"}),
        ),
        (
            "github.create_issue",
            json!({"title": "t", "assignees": ["nobody"]}),
        ),
    ] {
        let refused = rig.perform("refused", action, &with(args.clone())).await;
        assert_eq!(told(&refused), "failed tool_refused", "{action} {args}");
    }
}

async fn page(url: &Value) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build();
    let answer = client
        .expect("a client")
        .get(url.as_str().expect("an address"))
        .send()
        .await;
    answer.expect("a page").text().await.expect("text")
}

/// Its writes, and how to hit exactly the request that does each.
pub async fn writes(rig: &Rig) -> Vec<Case> {
    for branch in ["there", "work"] {
        rig.output(
            "github.create_branch",
            with(json!({"branch": branch, "from": "main"})),
        )
        .await;
    }
    let file = |path: &str| with(json!({"branch": "work", "path": path, "content": "x", "message": "m"}));
    rig.output("github.put_file", file("new.md")).await;
    let main = rig
        .output(
            "github.create_branch",
            with(json!({"branch": "main", "from": "main"})),
        )
        .await;
    let case = |action, method, path, args: Value| Case {
        action,
        args: with(args),
        vendor: Vendor::GitHub,
        method,
        path,
    };
    vec![
        case(
            "github.create_issue",
            "POST",
            "/repos/avops/runbooks/issues",
            json!({"title": "t"}),
        ),
        case(
            "github.comment_issue",
            "POST",
            "/repos/avops/runbooks/issues/1/comments",
            json!({"number": 1, "body": "b"}),
        ),
        case(
            "github.close_issue",
            "PATCH",
            "/repos/avops/runbooks/issues/1",
            json!({"number": 1}),
        ),
        case(
            "github.create_branch",
            "POST",
            "/repos/avops/runbooks/git/refs",
            json!({"branch": "there", "from": main["commit"]}),
        ),
        case(
            "github.put_file",
            "PUT",
            "/repos/avops/runbooks/contents",
            file("again.md"),
        ),
        case(
            "github.create_pull_request",
            "POST",
            "/repos/avops/runbooks/pulls",
            json!({"title": "t", "head": "work", "base": "main"}),
        ),
    ]
}

/// Closes what is open: GitHub refuses a second pull request between the same branches.
pub async fn close_pull_requests(rig: &Rig) {
    let state = rig.sandbox.state();
    for (number, issue) in state["github"]["issues"].as_object().expect("issues") {
        if issue["pull"].is_object() && issue["open"] == true {
            let number: u64 = number.parse().expect("a number");
            rig.output("github.close_issue", with(json!({"number": number})))
                .await;
        }
    }
}

#[tokio::test]
async fn a_branch_whose_answer_was_lost_is_made_once() {
    let rig = Rig::start(false).await;
    let args = with(json!({"branch": "fix/lost", "from": "main"}));
    let lost = Fault::new(Vendor::GitHub, FaultKind::LostAnswer)
        .method("POST")
        .times(1);
    rig.faults(vec![lost]);
    let before = rig.effects();
    let first = rig.perform("k", "github.create_branch", &args).await;
    assert_eq!(told(&first), "unknown tool_failed");
    let Outcome::Succeeded { output, .. } = rig.perform("k", "github.create_branch", &args).await else {
        panic!("not made")
    };
    assert_eq!(
        (&output.value["created"], rig.effects()),
        (&json!(false), before + 1)
    );
}

#[tokio::test]
async fn a_reset_brings_the_first_repository_back() {
    let rig = Rig::start(false).await;
    let branch = with(json!({"branch": "gone", "from": "main"}));
    rig.output("github.create_branch", branch.clone()).await;
    rig.sandbox.reset().expect("the seeds");
    assert_eq!(rig.output("github.create_branch", branch).await["created"], true);
}
