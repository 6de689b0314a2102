//! Google Drive: what goes over the wire, whose token, and how an upload is found again.

use serde_json::{Value, json};
use types::{Outcome, ProbeResult};
use wiremock::ResponseTemplate;

use crate::support::{World, answer, body, form, header, told};

const UPLOAD: &str = "/upload/drive/v3/files";
const FILES: &str = "/drive/v3/files";

fn query(request: &wiremock::Request, name: &str) -> String {
    let mut pairs = request.url.query_pairs();
    pairs
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn file() -> Value {
    json!({"id": "f1", "name": "a.txt", "mimeType": "text/plain", "size": "3", "webViewLink": "https://drive.example/f1"})
}

#[tokio::test]
async fn a_file_goes_up_with_its_marker() {
    let world = World::new().await;
    world.gives_token("t1", 0).await;
    world.tells("POST", UPLOAD, file()).await;
    let args = json!({"name": "a.txt", "content": "abc", "folder_id": "d1"});
    let outcome = world.perform("google_drive.upload_file", args).await;
    let Outcome::Succeeded { output, artifacts } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(output.value["file_id"], "f1");
    assert_eq!(output.value["size_bytes"], 3);
    assert_eq!(artifacts[0].url.as_deref(), Some("https://drive.example/f1"));

    let token = &world.seen("POST", "/token").await[0];
    let sent = form(token);
    assert_eq!(sent["grant_type"], "refresh_token");
    assert_eq!(sent["refresh_token"], "google-refresh_token");
    assert_eq!(header(token, "authorization"), "");

    let request = &world.seen("POST", UPLOAD).await[0];
    assert_eq!(query(request, "uploadType"), "multipart");
    assert_eq!(header(request, "authorization"), "Bearer t1");
    let boundary = header(request, "content-type")
        .strip_prefix("multipart/related; boundary=")
        .expect("two related parts")
        .to_owned();
    let text = String::from_utf8(request.body.clone()).expect("a text");
    let parts: Vec<&str> = text.split(&format!("--{boundary}")).collect();
    assert_eq!(parts.len(), 4);
    let metadata = parts[1].split("\r\n\r\n").nth(1).expect("metadata");
    let metadata: Value = serde_json::from_str(metadata).expect("JSON");
    assert_eq!(metadata["appProperties"]["agentops"], crate::support::KEY);
    assert_eq!(metadata["parents"], json!(["d1"]));
    assert_eq!(parts[2].split("\r\n\r\n").nth(1), Some("abc\r\n"));
}

#[tokio::test]
async fn an_upload_is_found_by_its_marker_or_is_known_to_be_absent() {
    let ours = json!({"id": "f1", "name": "a", "appProperties": {"agentops": crate::support::KEY}});
    let other = json!({"id": "f2", "name": "a", "appProperties": {"agentops": "other"}});
    for (answered, expected) in [
        (json!({"files": [ours]}), "happened"),
        (json!({"files": []}), "absent"),
        (json!({"files": [other]}), "look_up_unclear"),
        (json!({"files": [], "incompleteSearch": true}), "look_up_unclear"),
        (json!({}), "answer_unreadable"),
    ] {
        let world = World::new().await;
        world.gives_token("t1", 0).await;
        world.tells("GET", FILES, answered.clone()).await;
        let found = world
            .look_up("google_drive.upload_file", json!({"name": "a", "content": "b"}))
            .await;
        let got = match &found {
            ProbeResult::Happened { output, .. } => {
                assert_eq!(output.value["file_id"], "f1");
                "happened"
            }
            ProbeResult::Absent => "absent",
            ProbeResult::Unclear { failure } => failure.code.as_str(),
        };
        assert_eq!(got, expected, "{answered}");
        let asked = query(&world.seen("GET", FILES).await[0], "q");
        let marker = crate::support::KEY;
        let expected =
            format!("appProperties has {{ key='agentops' and value='{marker}' }} and trashed = false");
        assert_eq!(asked, expected);
    }
}

#[tokio::test]
async fn a_token_is_kept_and_replaced_when_it_is_refused() {
    let world = World::new().await;
    world.gives_token("t1", 1).await;
    world.gives_token("t2", 0).await;
    let expired = json!({"error": {"code": 401, "message": "Invalid Credentials", "errors": [{"reason": "authError"}]}});
    world
        .answers("GET", "/drive/v3/files/f1", answer(200, file()), 1)
        .await;
    world
        .answers("GET", "/drive/v3/files/f1", answer(401, expired), 1)
        .await;
    world.tells("GET", "/drive/v3/files/f1", file()).await;
    for _ in 0..2 {
        world
            .output("google_drive.get_file", json!({"file_id": "f1"}))
            .await;
    }
    let tokens: Vec<String> = world
        .seen("GET", "/drive/v3/files/f1")
        .await
        .iter()
        .map(|request| header(request, "authorization").to_owned())
        .collect();
    assert_eq!(tokens, ["Bearer t1", "Bearer t1", "Bearer t2"]);
    world.clock.advance(3_600_000);
    world
        .output("google_drive.get_file", json!({"file_id": "f1"}))
        .await;
    assert_eq!(world.seen("POST", "/token").await.len(), 3);
}

#[tokio::test]
async fn refusals_are_told_in_googles_words() {
    let envelope = |code: u16, reason: &str| {
        let error = json!({"domain": "global", "reason": reason, "message": "in words"});
        answer(
            code,
            json!({"error": {"code": code, "message": "in words", "errors": [error]}}),
        )
    };
    for (template, expected) in [
        (envelope(404, "notFound"), "failed tool_refused"),
        (
            envelope(403, "insufficientFilePermissions"),
            "failed credentials_refused",
        ),
        (
            envelope(403, "userRateLimitExceeded"),
            "retry tool_rate_limited after 60000",
        ),
        (
            envelope(403, "rateLimitExceeded").insert_header("retry-after", "7"),
            "retry tool_rate_limited after 7000",
        ),
        (
            envelope(429, "rateLimitExceeded").insert_header("retry-after", "9"),
            "retry tool_rate_limited after 9000",
        ),
        (envelope(500, "backendError"), "unknown tool_failed"),
    ] {
        let world = World::new().await;
        world.gives_token("t1", 0).await;
        world
            .answers("POST", "/drive/v3/files/f1/permissions", template, 0)
            .await;
        let args = json!({"file_id": "f1", "anyone": true});
        let outcome = world.perform("google_drive.share_file", args).await;
        assert_eq!(told(&outcome), expected);
        assert!(format!("{outcome:?}").contains("in words"), "{outcome:?}");
    }
    let world = World::new().await;
    let gone = json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."});
    world.answers("POST", "/token", answer(400, gone), 0).await;
    let outcome = world.perform("google_drive.list_files", json!({})).await;
    assert_eq!(told(&outcome), "failed credentials_refused");
    let words = format!("{outcome:?}");
    assert!(
        words.contains("expired or revoked") && !words.contains("google-refresh_token"),
        "{words}"
    );
}

#[tokio::test]
async fn sharing_tells_nobody_and_gives_the_link() {
    let world = World::new().await;
    world.gives_token("t1", 0).await;
    world
        .tells("POST", "/drive/v3/files/f1/permissions", json!({"id": "p1"}))
        .await;
    world.tells("GET", "/drive/v3/files/f1", file()).await;
    let args = json!({"file_id": "f1", "email": "ann@a.example"});
    let output = world.output("google_drive.share_file", args).await;
    assert_eq!(output["link"], "https://drive.example/f1");
    let request = &world.seen("POST", "/drive/v3/files/f1/permissions").await[0];
    assert_eq!(query(request, "sendNotificationEmail"), "false");
    let sent = json!({"type": "user", "role": "reader", "emailAddress": "ann@a.example"});
    assert_eq!(body(request), sent);

    // That its address can't be told doesn't make it look unshared.
    let world = World::new().await;
    world.gives_token("t1", 0).await;
    world
        .tells("POST", "/drive/v3/files/f1/permissions", json!({"id": "p1"}))
        .await;
    world
        .answers("GET", "/drive/v3/files/f1", ResponseTemplate::new(500), 0)
        .await;
    let output = world
        .output(
            "google_drive.share_file",
            json!({"file_id": "f1", "anyone": true}),
        )
        .await;
    assert_eq!(output["link"], Value::Null);
}

#[tokio::test]
async fn long_lists_are_read_page_by_page() {
    let world = World::new().await;
    world.gives_token("t1", 0).await;
    let page = |from: usize, next: Option<&str>| {
        let files: Vec<Value> = (from..from + 100)
            .map(|n| json!({"id": format!("f{n}"), "name": "n"}))
            .collect();
        json!({"files": files, "nextPageToken": next})
    };
    world
        .answers("GET", FILES, answer(200, page(0, Some("p2"))), 1)
        .await;
    world
        .answers("GET", FILES, answer(200, page(100, Some("p3"))), 1)
        .await;
    let output = world
        .output("google_drive.list_files", json!({"limit": 150, "name": "it's"}))
        .await;
    assert_eq!(output["files"].as_array().map(Vec::len), Some(150));
    let seen = world.seen("GET", FILES).await;
    assert_eq!(query(&seen[1], "pageToken"), "p2");
    assert_eq!(query(&seen[0], "q"), r"trashed = false and name = 'it\'s'");
}
