//! GitHub: markers in what is sent, refusals and limits told apart, and finding effects again.

use serde_json::{Value, json};
use types::{ArtifactKind, Outcome, ProbeResult};
use wiremock::ResponseTemplate;

use crate::support::{KEY, World, answer, body, header, told};

const ISSUES: &str = "/repos/avops/runbooks/issues";
const COMMENTS: &str = "/repos/avops/runbooks/issues/3/comments";
const REFS: &str = "/repos/avops/runbooks/git/refs";
const FILE: &str = "/repos/avops/runbooks/contents/rooms/4a.md";
const COMMITS: &str = "/repos/avops/runbooks/commits";
const PULLS: &str = "/repos/avops/runbooks/pulls";
const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

fn with(args: Value) -> Value {
    let mut all = json!({"repo": "avops/runbooks"});
    for (name, value) in args.as_object().expect("arguments") {
        all[name] = value.clone();
    }
    all
}

fn seen(result: &ProbeResult) -> &str {
    match result {
        ProbeResult::Happened { .. } => "happened",
        ProbeResult::Absent => "absent",
        ProbeResult::Unclear { failure } => &failure.code,
    }
}

#[tokio::test]
async fn an_issue_carries_the_marker_behind_its_words() {
    let world = World::new().await;
    let made =
        json!({"number": 3, "html_url": "https://github.com/avops/runbooks/issues/3", "state": "open"});
    world.answers("POST", ISSUES, answer(201, made), 0).await;
    let args = with(json!({"title": "No picture", "body": "In 4A.", "labels": ["av"]}));
    let Outcome::Succeeded { output, artifacts } = world.perform("github.create_issue", args).await else {
        panic!("not opened")
    };
    assert_eq!(
        (&output.value["number"], artifacts[0].kind),
        (&json!(3), ArtifactKind::Task)
    );
    let sent = &world.seen("POST", ISSUES).await[0];
    assert_eq!(header(sent, "authorization"), "Bearer github-token");
    assert_eq!(header(sent, "x-github-api-version"), "2022-11-28");
    assert_eq!(
        body(sent),
        json!({"title": "No picture", "body": format!("In 4A.\n\n<!-- agentops:{KEY} -->"), "labels": ["av"]})
    );
}

#[tokio::test]
async fn a_refusal_repeats_what_is_wrong_field_by_field() {
    let world = World::new().await;
    let refusal = json!({"message": "Validation Failed", "errors": [{"resource": "Issue", "field": "title", "code": "missing_field"}, {"resource": "Issue", "code": "custom", "message": "no more"}]});
    world.answers("POST", ISSUES, answer(422, refusal), 0).await;
    let outcome = world
        .perform("github.create_issue", with(json!({"title": "x"})))
        .await;
    let Outcome::Failed { failure, .. } = outcome else {
        panic!("not refused")
    };
    let said = "Validation Failed (Issue title: missing_field; no more)";
    assert!(failure.message.ends_with(said), "{}", failure.message);
}

#[tokio::test]
async fn limits_are_told_from_missing_rights() {
    let no = |status: u16, words: &str| answer(status, json!({ "message": words }));
    for (template, expected) in [
        (
            no(403, "Resource not accessible by integration"),
            "failed credentials_refused",
        ),
        // A reset that is told of a limit with room left says nothing.
        (
            no(403, "Must have admin rights")
                .insert_header("x-ratelimit-remaining", "4000")
                .insert_header("x-ratelimit-reset", "1700000009"),
            "failed credentials_refused",
        ),
        (
            no(403, "x").insert_header("retry-after", "7"),
            "retry tool_rate_limited after 7000",
        ),
        (
            no(403, "API rate limit exceeded")
                .insert_header("x-ratelimit-remaining", "0")
                .insert_header("x-ratelimit-reset", "1700000009"),
            "retry tool_rate_limited after 9000",
        ),
        (
            no(403, "You have exceeded a secondary rate limit")
                .insert_header("x-ratelimit-remaining", "4000")
                .insert_header("x-ratelimit-reset", "1700003000"),
            "retry tool_rate_limited after 60000",
        ),
        (no(429, ""), "retry tool_rate_limited after 60000"),
        (no(401, "Bad credentials"), "failed credentials_refused"),
    ] {
        let world = World::new().await;
        world.answers("POST", ISSUES, template, 0).await;
        let outcome = world
            .perform("github.create_issue", with(json!({"title": "x"})))
            .await;
        assert_eq!(told(&outcome), expected, "{outcome:?}");
    }
}

#[tokio::test]
async fn issues_and_comments_are_found_again_by_their_marker() {
    let thing =
        |body: String| json!({"id": 5, "number": 3, "html_url": "https://github.com/x", "body": body});
    let ours = thing(format!("words\n\n<!-- agentops:{KEY} -->"));
    let other = thing("words\n\n<!-- agentops:another -->".to_owned());
    let mut pull = ours.clone();
    pull["pull_request"] = json!({});
    for (list, issue, comment) in [
        (json!([other, ours]), "happened", "happened"),
        (json!([other]), "absent", "absent"),
        (json!([pull]), "absent", "happened"),
        (json!({}), "answer_unreadable", "answer_unreadable"),
    ] {
        let world = World::new().await;
        world.tells("GET", ISSUES, list.clone()).await;
        world.tells("GET", COMMENTS, list).await;
        let found = world
            .look_up("github.create_issue", with(json!({"title": "x"})))
            .await;
        assert_eq!(seen(&found), issue);
        let args = with(json!({"number": 3, "body": "words"}));
        assert_eq!(seen(&world.look_up("github.comment_issue", args).await), comment);
        let asked = world.seen("GET", ISSUES).await[0]
            .url
            .query()
            .unwrap_or("")
            .to_owned();
        assert!(
            asked.contains("state=all") && asked.contains("since=2023-11-14T22%3A08"),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn a_list_that_never_ends_leaves_it_in_doubt() {
    let world = World::new().await;
    let full: Vec<Value> = (0..100)
        .map(|number| json!({"number": number, "body": ""}))
        .collect();
    world.tells("GET", ISSUES, json!(full)).await;
    let found = world
        .look_up("github.create_issue", with(json!({"title": "x"})))
        .await;
    assert_eq!(seen(&found), "look_up_unclear");
    assert_eq!(world.seen("GET", ISSUES).await.len(), 20);
}

#[tokio::test]
async fn a_branch_that_is_there_at_the_same_commit_is_what_was_asked_for() {
    let other = "f".repeat(40);
    for (there, expected) in [(SHA, "ok"), (other.as_str(), "failed tool_refused")] {
        let world = World::new().await;
        let refusal = json!({"message": "Reference already exists"});
        world.answers("POST", REFS, answer(422, refusal), 0).await;
        let head = json!({"ref": "refs/heads/fix/4a", "object": {"sha": there}});
        world
            .tells("GET", "/repos/avops/runbooks/git/ref/heads/fix/4a", head)
            .await;
        let args = with(json!({"branch": "fix/4a", "from": SHA}));
        let outcome = world.perform("github.create_branch", args).await;
        assert_eq!(told(&outcome), expected);
        if let Outcome::Succeeded { output, .. } = outcome {
            assert_eq!(output.value["created"], false);
        }
    }
}

#[tokio::test]
async fn a_branch_starts_from_the_default_branch() {
    let world = World::new().await;
    world
        .tells("GET", "/repos/avops/runbooks", json!({"default_branch": "trunk"}))
        .await;
    let head = json!({"object": {"sha": SHA}});
    world
        .tells("GET", "/repos/avops/runbooks/git/ref/heads/trunk", head.clone())
        .await;
    world.answers("POST", REFS, answer(201, head), 0).await;
    let made = world
        .output("github.create_branch", with(json!({"branch": "fix"})))
        .await;
    assert_eq!((&made["commit"], &made["created"]), (&json!(SHA), &json!(true)));
    let sent = body(&world.seen("POST", REFS).await[0]);
    assert_eq!(sent, json!({"ref": "refs/heads/fix", "sha": SHA}));
}

#[tokio::test]
async fn a_file_is_replaced_by_the_version_that_was_seen_and_signed_in_the_message() {
    let world = World::new().await;
    world
        .tells("GET", FILE, json!({"type": "file", "sha": "blob1"}))
        .await;
    let written =
        json!({"content": {"sha": "blob2"}, "commit": {"sha": SHA, "html_url": "https://github.com/c"}});
    world.tells("PUT", FILE, written).await;
    let args =
        with(json!({"branch": "fix", "path": "rooms/4a.md", "content": "new\n", "message": "Say more"}));
    let output = world.output("github.put_file", args).await;
    assert_eq!(
        (&output["commit"], &output["sha"]),
        (&json!(SHA), &json!("blob2"))
    );
    assert_eq!(
        body(&world.seen("PUT", FILE).await[0]),
        json!({"message": format!("Say more\n\nAgentOps-Key: {KEY}\n"), "content": "bmV3Cg==", "branch": "fix", "sha": "blob1"})
    );
}

#[tokio::test]
async fn a_commit_is_found_again_by_its_trailer() {
    let commit = |message: String| json!({"sha": SHA, "html_url": "https://github.com/c", "commit": {"message": message}});
    let args = || with(json!({"branch": "fix", "path": "rooms/4a.md", "content": "new", "message": "m"}));
    for (message, expected) in [
        (format!("m\n\nAgentOps-Key: {KEY}"), "happened"),
        (format!("about AgentOps-Key: {KEY}"), "absent"),
        (format!("m\n\nAgentOps-Key: {KEY}0"), "absent"),
    ] {
        let world = World::new().await;
        world.tells("GET", COMMITS, json!([commit(message)])).await;
        assert_eq!(seen(&world.look_up("github.put_file", args()).await), expected);
        let asked = world.seen("GET", COMMITS).await[0]
            .url
            .query()
            .unwrap_or("")
            .to_owned();
        assert!(
            !asked.contains("path="),
            "a commit that changes nothing is in no path's list: {asked}"
        );
    }
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_refused_before_anything_is_sent() {
    let world = World::new().await;
    let file = |path: &str, branch: &str| {
        with(json!({"branch": branch, "path": path, "content": "x", "message": "m"}))
    };
    for (action, args) in [
        ("github.put_file", file("../secrets", "fix")),
        ("github.put_file", file(".git/config", "fix")),
        ("github.put_file", file("a.md", "--upload-pack=x")),
        (
            "github.put_file",
            with(json!({"branch": "fix", "path": "a.md", "message": "m"})),
        ),
        (
            "github.create_branch",
            with(json!({"branch": "a..b", "from": SHA})),
        ),
        (
            "github.create_pull_request",
            with(json!({"title": "t", "head": "a b", "base": "main"})),
        ),
        ("github.get_issue", json!({"repo": "avops/../x", "number": 1})),
        ("github.get_issue", json!({"repo": "avops", "number": 1})),
    ] {
        let outcome = world.perform(action, args.clone()).await;
        assert_eq!(told(&outcome), "failed arguments_invalid", "{action} {args}");
    }
    assert!(
        world
            .server
            .received_requests()
            .await
            .expect("recorded")
            .is_empty()
    );
}

#[tokio::test]
async fn a_pull_request_is_opened_and_found_again() {
    let world = World::new().await;
    let ours =
        json!({"number": 9, "html_url": "https://github.com/p", "body": format!("<!-- agentops:{KEY} -->")});
    world.answers("POST", PULLS, answer(201, ours.clone()), 0).await;
    world.tells("GET", PULLS, json!([ours])).await;
    let args = || with(json!({"title": "Say more", "head": "fix", "base": "main"}));
    assert_eq!(
        world.output("github.create_pull_request", args()).await["number"],
        9
    );
    let sent = body(&world.seen("POST", PULLS).await[0]);
    assert_eq!((&sent["head"], &sent["draft"]), (&json!("fix"), &json!(false)));
    assert_eq!(
        seen(&world.look_up("github.create_pull_request", args()).await),
        "happened"
    );
    let asked = world.seen("GET", PULLS).await[0]
        .url
        .query()
        .unwrap_or("")
        .to_owned();
    assert!(asked.contains("head=avops%3Afix"), "{asked}");
}

#[tokio::test]
async fn what_is_read_is_without_our_marker_and_long_differences_are_cut() {
    let world = World::new().await;
    let issue = json!({"number": 3, "html_url": "u", "title": "t", "body": "words\n\n<!-- agentops:k -->", "labels": [{"name": "av"}, "b"]});
    world.tells("GET", "/repos/avops/runbooks/issues/3", issue).await;
    let read = world.output("github.get_issue", with(json!({"number": 3}))).await;
    assert_eq!(
        (&read["body"], &read["labels"]),
        (&json!("words"), &json!(["av", "b"]))
    );
    let template = ResponseTemplate::new(200).set_body_raw("+".repeat(200_001), "text/plain");
    world
        .answers("GET", "/repos/avops/runbooks/pulls/9", template, 0)
        .await;
    let diff = world.output("github.get_diff", with(json!({"number": 9}))).await;
    assert_eq!(
        (diff["diff"].as_str().map(str::len), &diff["truncated"]),
        (Some(200_000), &json!(true))
    );
    let file = json!({"type": "file", "encoding": "base64", "content": "b25l\nCg==\n", "path": "a.md"});
    world
        .tells("GET", "/repos/avops/runbooks/contents/a.md", file)
        .await;
    let file = world
        .output("github.get_file", with(json!({"path": "a.md"})))
        .await;
    assert_eq!(file["content"], "one\n");
}
