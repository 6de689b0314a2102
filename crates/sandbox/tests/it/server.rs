//! Listeners, TLS, the state file, and stopping.

use std::path::Path;

use reqwest::Method;
use sandbox::{Error, Fault, FaultKind, Handle, Options, SLACK_TOKEN, Vendor};
use serde_json::{Value, json};

use crate::rig::{Rig, TestClock, ask, client, until};

async fn start_with(file: &Path) -> Result<Handle, Error> {
    sandbox::start(Options {
        state_file: Some(file.to_owned()),
        ..Options::new(TestClock::new())
    })
    .await
}

async fn post(url: &str, text: &str) -> (u16, Value) {
    let request = client(None)
        .post(format!("{url}/slack/api/chat.postMessage"))
        .bearer_auth(SLACK_TOKEN);
    let (status, body) = ask(request.json(&json!({"channel": "#avops", "text": text}))).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn tls_works_for_those_who_trust_the_authority() {
    let options = Options {
        tls: true,
        ..Options::new(TestClock::new())
    };
    let sandbox = sandbox::start(options).await.expect("a sandbox");
    let url = format!("{}/slack/api/auth.test", sandbox.https_url().expect("TLS"));
    let trusting = client(sandbox.ca_pem());
    for url in [url.clone(), url.replace("127.0.0.1", "localhost")] {
        let (_, body) = ask(trusting.post(&url).bearer_auth(SLACK_TOKEN)).await;
        assert_eq!(body["ok"], true, "{url}");
    }
    assert!(
        client(None).post(&url).send().await.is_err(),
        "nobody else gets in"
    );
    let pem = trusting
        .get(format!("{}/_sandbox/ca.pem", sandbox.http_url()))
        .send()
        .await
        .expect("an answer");
    assert_eq!(Some(pem.text().await.expect("text").as_str()), sandbox.ca_pem());

    // A lost answer drops the connection under TLS as well.
    sandbox
        .set_faults(vec![Fault::new(Vendor::Slack, FaultKind::LostAnswer)])
        .expect("a rule");
    assert!(trusting.post(&url).bearer_auth(SLACK_TOKEN).send().await.is_err());
    assert_eq!(sandbox.faults()[0].fired, 1);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn without_tls_there_is_no_authority() {
    let rig = Rig::start().await;
    assert_eq!((rig.sandbox.https_url(), rig.sandbox.ca_pem()), (None, None));
}

#[tokio::test]
async fn the_state_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sandbox.json");
    let first = start_with(&file).await.expect("a sandbox");
    assert_eq!(post(first.http_url(), "kept").await.0, 200);
    first.set_zoom_restart_reads(7).expect("a setting");
    let state = first.state();
    // As a killed process leaves it: no farewell, only what was written before each answer.
    let copy = folder.path().join("copy.json");
    std::fs::copy(&file, &copy).expect("a copy");
    let second = start_with(&copy).await.expect("a sandbox");
    assert_eq!(second.state(), state);
    let (_, body) = post(second.http_url(), "next").await;
    assert_eq!(body["ts"], "1700000000.000001", "stamps go on where they were");
    first.shutdown().await;
    second.shutdown().await;
    let names: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(names.len(), 2, "no temporary file is left: {names:?}");
}

#[tokio::test]
async fn a_zoom_token_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sandbox.json");
    let clock = TestClock::new();
    let options = Options {
        state_file: Some(file),
        ..Options::new(clock.clone())
    };
    let sandbox = sandbox::start(options.clone()).await.expect("a sandbox");
    let rig = Rig {
        sandbox,
        clock,
        client: client(None),
    };
    let token = rig.zoom_token().await;
    rig.sandbox.shutdown().await;
    let again = sandbox::start(options).await.expect("a sandbox");
    let request = rig
        .client
        .get(format!("{}/zoom/v2/users/me", again.http_url()))
        .bearer_auth(token);
    assert_eq!(ask(request).await.0, 200);
}

#[tokio::test]
async fn a_bad_state_file_is_named_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sandbox.json");
    let cases = [
        "",
        "{\"format\": 1, \"issu",
        "[]",
        "{}",
        "{\"format\": 1}",
        "{\"format\": 99}",
        "\u{0}\u{0}",
    ];
    for content in cases {
        std::fs::write(&file, content).expect("a file");
        let error = start_with(&file)
            .await
            .err()
            .unwrap_or_else(|| panic!("started with {content:?}"));
        assert_eq!(error.code(), "sandbox_state_corrupt", "{content:?}");
        assert!(error.to_string().contains("sandbox.json"), "{error}");
        assert_eq!(
            std::fs::read_to_string(&file).expect("a file"),
            content,
            "evidence is kept"
        );
    }
    let error = start_with(folder.path())
        .await
        .err()
        .expect("a folder is no file");
    assert_eq!(error.code(), "sandbox_state_unreadable");
}

#[tokio::test]
async fn what_cant_be_saved_didnt_happen() {
    let folder = tempfile::tempdir().expect("a folder");
    let inside = folder.path().join("data");
    std::fs::create_dir(&inside).expect("a folder");
    let sandbox = start_with(&inside.join("sandbox.json")).await.expect("a sandbox");
    let before = sandbox.state();
    std::fs::remove_dir_all(&inside).expect("removed");
    let (status, body) = post(sandbox.http_url(), "lost").await;
    assert_eq!((status, &body["error"]), (500, &json!("internal_error")));
    assert_eq!(sandbox.state(), before);
    assert_eq!(
        sandbox.reset().err().map(|error| error.code()),
        Some("sandbox_state_unwritable")
    );
    let unwritable = start_with(&inside.join("sandbox.json")).await.err();
    assert_eq!(
        unwritable.map(|error| error.code()),
        Some("sandbox_state_unwritable")
    );
}

#[tokio::test]
async fn a_taken_port_is_said() {
    let rig = Rig::start().await;
    let address = rig
        .sandbox
        .http_url()
        .trim_start_matches("http://")
        .parse()
        .expect("an address");
    let error = sandbox::start(Options {
        bind: address,
        ..Options::new(TestClock::new())
    })
    .await
    .err();
    let error = error.expect("the port is taken");
    assert_eq!(error.code(), "sandbox_listen_failed");
    assert!(error.to_string().contains(&address.to_string()));
}

#[tokio::test]
async fn after_shutdown_nobody_listens() {
    let rig = Rig::start().await;
    rig.sandbox
        .set_faults(vec![Fault::new(Vendor::Slack, FaultKind::Timeout)])
        .expect("a rule");
    let waiting = tokio::spawn(rig.bare(Method::POST, "/slack/api/auth.test").send());
    until(|| rig.sandbox.faults()[0].fired == 1).await;
    rig.sandbox.shutdown().await;
    assert!(waiting.await.expect("a task").is_err(), "a waiting request ends");
    let error = rig
        .bare(Method::POST, "/slack/api/auth.test")
        .send()
        .await
        .expect_err("nobody there");
    assert!(error.is_connect(), "{error:?}");
}

#[tokio::test]
async fn a_dropped_handle_stops_listening() {
    let sandbox = sandbox::start(Options::new(TestClock::new()))
        .await
        .expect("a sandbox");
    let address = sandbox.http_url().trim_start_matches("http://").to_owned();
    assert!(std::net::TcpStream::connect(&address).is_ok());
    drop(sandbox);
    until(|| std::net::TcpStream::connect(&address).is_err()).await;
}
