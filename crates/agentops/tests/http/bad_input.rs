//! What a server on a network meets: bodies without end, clients without haste, wrong words, and names
//! of other people's things.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use reqwest::Method;
use serde_json::json;
use types::TenantId;

use crate::site::{Site, ask};

/// What a server answers to bytes, until it closes the connection.
pub fn raw(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).expect("connected");
    stream.write_all(bytes).expect("sent");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("an answer, then the end");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_50_mb_is_refused_before_it_is_read() {
    let site = Site::open().await;
    for (name, key) in [("", ""), ("idempotency-key", "big")] {
        let who = if name.is_empty() {
            site.admin.clone()
        } else {
            site.admin.with("idempotency-key", key)
        };
        let mut request = who
            .request(Method::POST, "/api/v1/recipes/check")
            .build()
            .expect("a request");
        let headers: String = request
            .headers_mut()
            .iter()
            .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().expect("text")))
            .collect();
        let head = format!(
            "POST /api/v1/recipes/check HTTP/1.1\r\nhost: x\r\n{headers}content-type: application/json\r\n\
             content-length: 52428800\r\nconnection: close\r\n\r\n"
        );
        let address = site.address.clone();
        let answer = tokio::task::spawn_blocking(move || raw(&address, head.as_bytes())).await;
        let answer = answer.expect("it ends");
        assert!(answer.starts_with("HTTP/1.1 413"), "{name}: {answer}");
        assert!(answer.contains("payload_too_large"), "{answer}");
    }
    site.admin.get("/api/v1/runs").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_told_the_same_however_it_comes() {
    let site = Site::open_with(&[("AGENTOPS_SERVER__LARGEST_BODY_KB", "16")]).await;
    let body = vec![b' '; 20_000];
    let mut said = Vec::new();
    for (chunked, key) in [(false, None), (true, None), (true, Some("k1"))] {
        let who = match key {
            Some(key) => site.admin.with("idempotency-key", key),
            None => site.admin.clone(),
        };
        let request = who
            .request(Method::POST, "/api/v1/recipes/check")
            .header("content-type", "application/json");
        let request = if chunked {
            let parts = body
                .chunks(4_000)
                .map(|part| Ok::<_, std::io::Error>(part.to_vec()));
            let parts: Vec<_> = parts.collect();
            request.body(reqwest::Body::wrap_stream(futures::stream::iter(parts)))
        } else {
            request.body(body.clone())
        };
        let problem = ask(request).await.refused(413, "payload_too_large");
        said.push(problem["detail"].as_str().expect("words").to_owned());
    }
    assert_eq!(said, ["a body has at most 16384 bytes"; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_ends_its_request_is_cut_off() {
    let env = [
        ("AGENTOPS_SERVER__HEAD_TIMEOUT_S", "1"),
        ("AGENTOPS_SERVER__REQUEST_TIMEOUT_S", "1"),
    ];
    let site = Site::open_with(&env).await;
    let address = site.address.clone();
    let head = b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ";
    let answer = tokio::task::spawn_blocking(move || raw(&address, head))
        .await
        .expect("it ends");
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    let address = site.address.clone();
    let half = b"POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                 content-length: 100\r\nconnection: close\r\n\r\n{\"name\":";
    let answer = tokio::task::spawn_blocking(move || raw(&address, half))
        .await
        .expect("it ends");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("request_timed_out"), "{answer}");
    site.admin.get("/api/v1/runs").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_a_tool_may_take_longer_than_other_requests() {
    let site = Site::open_with(&[("AGENTOPS_SERVER__REQUEST_TIMEOUT_S", "1")]).await;
    let silent = site.silent_server().await;
    let asking = site.admin.request(Method::POST, "/api/v1/tools/silent/refresh");
    let looking = tokio::spawn(ask(asking));
    let (reached, _) = silent.accept().await.expect("it is asked");
    // A request that began later is given up, and this one goes on until its server is gone.
    let address = site.address.clone();
    let half = b"POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                 content-length: 100\r\nconnection: close\r\n\r\n{\"name\":";
    let answer = tokio::task::spawn_blocking(move || raw(&address, half)).await;
    assert!(answer.expect("it ends").starts_with("HTTP/1.1 408"));
    drop((reached, silent));
    let got = looking.await.expect("it ends");
    // Whether the line broke before or after all of the request was on it is chance.
    let code = got.body["code"].as_str().unwrap_or_default().to_owned();
    assert!(
        ["tool_unreachable", "tool_failed"].contains(&code.as_str()),
        "{got:?}"
    );
    got.refused(422, &code);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_body_is_told_with_its_place() {
    let site = Site::open().await;
    let wrong = json!({"recipe": 7, "inputs": [], "colour": "red"});
    let problem = site
        .admin
        .post("/api/v1/runs", wrong)
        .await
        .refused(422, "body_invalid");
    let places: Vec<_> = problem["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|fault| fault["at"].as_str().expect("a pointer"))
        .collect();
    assert!(
        places.contains(&"/recipe") && places.contains(&"/inputs"),
        "{problem}"
    );
    let request = || site.admin.request(Method::POST, "/api/v1/runs");
    let broken = ask(request()
        .header("content-type", "application/json")
        .body("{\"recipe\": "))
    .await;
    broken.refused(400, "body_unreadable");
    ask(request().body("{}")).await.refused(415, "body_type_unknown");
    site.admin
        .get("/api/v1/nonsense")
        .await
        .refused(404, "route_unknown");
    site.admin
        .delete("/api/v1/runs")
        .await
        .refused(405, "method_unknown");
    site.admin
        .get("/api/v1/runs/run_zz")
        .await
        .refused(404, "not_found");
    let inputs = json!({"recipe": "zoom-room-hdmi-black", "inputs": {"colour": "red"}});
    site.admin
        .post("/api/v1/runs", inputs)
        .await
        .refused(422, "inputs_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_run_is_not_there() {
    let site = Site::open().await;
    let run = site
        .admin
        .post("/api/v1/actions/slack.auth_test/call", json!({"args": {}}))
        .await
        .ok(201);
    let id: types::RunId = run["run"].as_str().expect("an id").parse().expect("an id");
    let store = store::sqlite::open(store::sqlite::Options {
        folder: site.folder.path("."),
        clock: Arc::new(runtime::system::SystemClock),
        entropy: Arc::new(runtime::system::SystemEntropy),
        binary_version: env!("CARGO_PKG_VERSION").to_owned(),
        guest: true,
    })
    .expect("the store opens");
    let store: &dyn ports::Store = &store;
    let row = store.run(TenantId::DEFAULT, id).await.expect("it is there");
    let other = TenantId::from_bytes([9; 16]);
    let created = store
        .journal(TenantId::DEFAULT, id, 0, 1)
        .await
        .expect("its first event");
    let engine::Event::RunCreated(created) = created[0].event.clone() else {
        panic!("the first event is another: {created:?}");
    };
    let theirs = types::RunId::from_bytes([5; 16]);
    let new = ports::NewRun {
        created: engine::RunCreated {
            tenant: other,
            run: theirs,
            ..*created
        },
        at: row.created_at,
        more: Vec::new(),
        rows: engine::rows::Rows {
            run: engine::rows::RunRow {
                tenant: other,
                run: theirs,
                wake_at: types::Timestamp::MAX,
                ..row
            },
            steps: Vec::new(),
            artifacts: Vec::new(),
            approvals: Vec::new(),
            leaves: Vec::new(),
        },
        start_key: None,
        lease: None,
    };
    store.create_run(new).await.expect("created");
    let path = format!("/api/v1/runs/{theirs}");
    for path in [path.clone(), format!("{path}/journal"), format!("{path}/events")] {
        site.admin.get(&path).await.refused(404, "not_found");
    }
    site.admin
        .post(&format!("{path}/cancel"), json!({}))
        .await
        .refused(404, "not_found");
    let listed = site.admin.get("/api/v1/runs").await.ok(200);
    assert_eq!(listed["items"].as_array().expect("a list").len(), 1);
}
