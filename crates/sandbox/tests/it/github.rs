//! GitHub: what it refuses, and the real git repository behind it.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use reqwest::{Method, RequestBuilder, StatusCode};
use sandbox::{Error, GITHUB_TOKEN, Handle, Options, pull_diff, start};
use serde_json::{Value, json};

use crate::rig::{Rig, TestClock, ask, client, header};

fn request(sandbox: &Handle, method: Method, path: &str) -> RequestBuilder {
    let url = format!("{}/github/repos/avops/runbooks{path}", sandbox.http_url());
    client(None).request(method, url).bearer_auth(GITHUB_TOKEN)
}

async fn put(sandbox: &Handle, path: &str, body: &Value) -> (StatusCode, Value) {
    ask(request(sandbox, Method::PUT, &format!("/contents/{path}")).json(body)).await
}

async fn post(sandbox: &Handle, path: &str, body: &Value) -> (StatusCode, Value) {
    ask(request(sandbox, Method::POST, path).json(body)).await
}

async fn head(sandbox: &Handle, branch: &str) -> Value {
    let (_, told) = ask(request(sandbox, Method::GET, &format!("/git/ref/heads/{branch}"))).await;
    told["object"]["sha"].clone()
}

fn encoded(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("--git-dir")
        .arg(folder)
        .args(arguments)
        .output();
    let output = output.expect("git runs");
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
async fn tokens_are_checked_and_limits_told() {
    let rig = Rig::start().await;
    let user = "/github/user";
    for (request, message) in [
        (rig.bare(Method::GET, user), "Requires authentication"),
        (rig.bare(Method::GET, user).bearer_auth("x"), "Bad credentials"),
    ] {
        let (status, body) = ask(request).await;
        assert_eq!((status.as_u16(), &body["message"]), (401, &json!(message)));
    }
    let answer = rig
        .bare(Method::GET, user)
        .bearer_auth(GITHUB_TOKEN)
        .send()
        .await
        .expect("an answer");
    assert_eq!(header(&answer, "x-ratelimit-remaining"), "4999");
    let other = rig
        .bare(Method::GET, "/github/repos/avops/other")
        .bearer_auth(GITHUB_TOKEN);
    assert_eq!(ask(other).await.0, 404);
}

#[tokio::test]
async fn a_pull_request_is_a_difference_in_a_real_repository_that_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sandbox.json");
    let options = Options {
        state_file: Some(file.clone()),
        ..Options::new(TestClock::new())
    };
    let sandbox = start(options.clone()).await.expect("a sandbox");
    assert!(matches!(
        pull_diff(&file, None),
        Err(Error::NoPull { number: None })
    ));
    let main = head(&sandbox, "main").await;
    let (status, _) = post(
        &sandbox,
        "/git/refs",
        &json!({"ref": "refs/heads/fix/4a", "sha": main}),
    )
    .await;
    assert_eq!(status, 201);
    let new = json!({"message": "Add\n\nKey: 1", "content": encoded("one\ntwo\n"), "branch": "fix/4a"});
    let (status, made) = put(&sandbox, "notes/a \"quoted\" näme.txt", &new).await;
    assert_eq!(status, 201, "{made}");
    let pull = json!({"title": "Notes", "head": "fix/4a", "base": "main"});
    let (_, opened) = post(&sandbox, "/pulls", &pull).await;
    assert_eq!((&opened["number"], &opened["additions"]), (&json!(2), &json!(2)));

    // Read by git itself.
    let repository = folder.path().join("sandbox.git");
    let log = git(&repository, &["log", "--format=%s|%an", "fix/4a"]);
    assert_eq!(log, "Add|AgentOps\nWhat every room needs to know|AgentOps\n");
    let shown = git(&repository, &["show", "fix/4a:notes/a \"quoted\" näme.txt"]);
    assert_eq!(shown, "one\ntwo\n");
    assert!(!repository.join("hooks").exists(), "no hooks are brought along");
    git(&repository, &["fsck", "--strict"]);

    let found = pull_diff(&file, Some(2)).expect("the pull request");
    assert_eq!((found.head.as_str(), found.base.as_str()), ("fix/4a", "main"));
    assert!(found.diff.contains("+one\n+two\n"), "{}", found.diff);
    assert!(matches!(
        pull_diff(&file, Some(1)),
        Err(Error::NoPull { number: Some(1) })
    ));

    sandbox.shutdown().await;
    let sandbox = start(options.clone()).await.expect("a sandbox");
    assert_eq!(head(&sandbox, "fix/4a").await, made["commit"]["sha"]);
    sandbox.reset().expect("the seeds");
    assert!(!repository.exists());
    assert_eq!(head(&sandbox, "fix/4a").await, Value::Null);
    assert_eq!(
        head(&sandbox, "main").await,
        main,
        "the first commit is always the same"
    );
    sandbox.shutdown().await;

    // A state that is gone takes its repository along.
    post_branch(&options, &main).await;
    std::fs::remove_file(&file).expect("removed");
    let sandbox = start(options).await.expect("a sandbox");
    assert_eq!(head(&sandbox, "left").await, Value::Null);
}

async fn post_branch(options: &Options, commit: &Value) {
    let sandbox = start(options.clone()).await.expect("a sandbox");
    let (status, _) = post(
        &sandbox,
        "/git/refs",
        &json!({"ref": "refs/heads/left", "sha": commit}),
    )
    .await;
    assert_eq!(status, 201);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn files_are_replaced_only_by_who_has_seen_them() {
    let rig = Rig::start().await;
    let body = |sha: Option<&str>| {
        let mut body = json!({"message": "m", "content": encoded("new\n"), "branch": "main"});
        if let Some(sha) = sha {
            body["sha"] = sha.into();
        }
        body
    };
    let (_, old) = ask(request(&rig.sandbox, Method::GET, "/contents/README.md")).await;
    let sha = old["sha"].as_str().expect("an id");
    for (body, expected) in [
        (body(None), 422),
        (body(Some("0".repeat(40).as_str())), 409),
        (body(Some(sha)), 200),
        (body(Some(sha)), 409),
    ] {
        assert_eq!(
            put(&rig.sandbox, "README.md", &body).await.0.as_u16(),
            expected,
            "{body}"
        );
    }
    let commits = "/commits?path=README.md&per_page=1";
    let (_, list) = ask(request(&rig.sandbox, Method::GET, commits)).await;
    assert_eq!(
        (list.as_array().map(Vec::len), &list[0]["commit"]["message"]),
        (Some(1), &json!("m"))
    );
    let (_, folder) = ask(request(&rig.sandbox, Method::GET, "/contents/rooms")).await;
    assert_eq!(
        (&folder[0]["path"], &folder[0]["type"]),
        (&json!("rooms/boardroom-4a.md"), &json!("file"))
    );
}

#[tokio::test]
async fn names_that_lead_elsewhere_reach_no_repository() {
    let rig = Rig::start().await;
    let main = head(&rig.sandbox, "main").await;
    for name in [
        "refs/heads/a..b",
        "refs/heads/--help",
        "refs/tags/v1",
        "refs/heads/.a",
        "main",
        "refs/heads/a b",
        "refs/heads/a\nb",
    ] {
        let (status, body) = post(&rig.sandbox, "/git/refs", &json!({"ref": name, "sha": main})).await;
        assert_eq!(status, 422, "{name:?} {body}");
    }
    for sha in ["", "main", "--all", "HEAD", "zz"] {
        let (status, _) = post(
            &rig.sandbox,
            "/git/refs",
            &json!({"ref": "refs/heads/x", "sha": sha}),
        )
        .await;
        assert_eq!(status, 422, "{sha}");
    }
    let file = json!({"message": "m", "content": "", "branch": "main"});
    for path in [
        "..%2Fx",
        "a/..%2F..%2Fx",
        ".git/config",
        "a%0Ab",
        "README.md/below",
        "rooms",
    ] {
        let (status, body) = put(&rig.sandbox, path, &file).await;
        assert_eq!(status, 422, "{path} {body}");
    }
    for branch in ["--help", "a..b", "nowhere"] {
        let mut other = file.clone();
        other["branch"] = branch.into();
        assert_eq!(put(&rig.sandbox, "x", &other).await.0, 404, "{branch}");
    }
    for path in [
        "/contents/README.md?ref=--help",
        "/commits?sha=--all",
        "/contents/..%2F..%2Fetc",
    ] {
        assert_eq!(
            ask(request(&rig.sandbox, Method::GET, path)).await.0,
            404,
            "{path}"
        );
    }
    assert_eq!(rig.sandbox.state()["github"]["pushes"], json!([]));
}

#[tokio::test]
async fn wrong_requests_are_refused_as_github_refuses_them() {
    let rig = Rig::start().await;
    let mut long = json!({"title": "x".repeat(257)});
    for (path, body, code, field) in [
        ("/issues", json!({}), "missing_field", "title"),
        ("/issues", long.take(), "custom", "title"),
        (
            "/issues",
            json!({"title": "t", "assignees": ["nobody"]}),
            "invalid",
            "assignees",
        ),
        (
            "/issues/1/comments",
            json!({"body": " "}),
            "missing_field",
            "body",
        ),
        (
            "/pulls",
            json!({"title": "t", "head": "nowhere", "base": "main"}),
            "invalid",
            "head",
        ),
        (
            "/pulls",
            json!({"title": "t", "head": "main", "base": "nowhere"}),
            "invalid",
            "base",
        ),
    ] {
        let (status, told) = post(&rig.sandbox, path, &body).await;
        let error = &told["errors"][0];
        assert_eq!(
            (status.as_u16(), &error["code"], &error["field"]),
            (422, &json!(code), &json!(field)),
            "{path} {body}"
        );
    }
    let (_, same) = post(
        &rig.sandbox,
        "/pulls",
        &json!({"title": "t", "head": "main", "base": "main"}),
    )
    .await;
    assert_eq!(same["errors"][0]["message"], "No commits between main and main");
    let patch = |body: Value| ask(request(&rig.sandbox, Method::PATCH, "/issues/1").json(&body));
    assert_eq!(patch(json!({"state": "gone"})).await.0, 422);
    assert_eq!(
        patch(json!({"state": "closed", "state_reason": "bored"})).await.0,
        422
    );
    let (_, closed) = patch(json!({"state": "closed", "state_reason": "not_planned"})).await;
    assert_eq!(
        (&closed["state"], &closed["state_reason"]),
        (&json!("closed"), &json!("not_planned"))
    );
    let (_, open) = patch(json!({"state": "open", "state_reason": "reopened"})).await;
    assert_eq!(
        (&open["state"], &open["closed_at"]),
        (&json!("open"), &Value::Null)
    );
    let broken = request(&rig.sandbox, Method::POST, "/issues").body("{no");
    assert_eq!(ask(broken).await.0, 400);
    assert_eq!(
        ask(request(&rig.sandbox, Method::GET, "/issues?since=soon"))
            .await
            .0,
        422
    );
}
