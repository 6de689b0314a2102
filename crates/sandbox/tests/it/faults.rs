//! Every kind of fault over a real connection, and how rules choose requests.

use reqwest::{Method, RequestBuilder};
use sandbox::{Fault, FaultKind, SLACK_TOKEN, Vendor};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::rig::{Rig, ask, header, until};

impl Rig {
    fn faults(&self, rules: Vec<Fault>) {
        self.sandbox.set_faults(rules).expect("usable rules");
    }

    fn post(&self) -> RequestBuilder {
        let body = json!({"channel": "#avops", "text": "hello"});
        self.as_user(Method::POST, "/slack/api/chat.postMessage")
            .json(&body)
    }

    fn messages(&self) -> usize {
        let channels = self.sandbox.state()["slack"]["channels"].clone();
        let count = |channel: &Value| channel["messages"].as_array().map_or(0, Vec::len);
        channels.as_array().expect("channels").iter().map(count).sum()
    }
}

#[tokio::test]
async fn rate_limits_are_in_each_vendors_shape() {
    let rig = Rig::start().await;
    let kind = FaultKind::RateLimit { retry_after_s: 7 };
    rig.faults(
        Vendor::ALL
            .into_iter()
            .filter(|vendor| vendor.own_scheme().is_none())
            .map(|vendor| Fault::new(vendor, kind))
            .collect(),
    );
    let paths = [
        "/slack/api/auth.test",
        "/zoom/v2/rooms",
        "/servicenow/api/now/table/task",
        "/devices/qsys_control/health",
    ];
    for path in paths {
        let answer = rig.bare(Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.status(), 429, "{path}");
        assert_eq!(header(&answer, "retry-after"), "7", "{path}");
        if path.starts_with("/servicenow") {
            assert_eq!(header(&answer, "x-ratelimit-reset"), "7");
        }
        let body: Value = answer.json().await.expect("JSON");
        let code = match path.split('/').nth(1) {
            Some("slack" | "devices") => body["ok"] == false,
            Some("zoom") => body["code"] == 429,
            _ => body["status"] == "failure",
        };
        assert!(code, "{path}: {body}");
    }
}

#[tokio::test]
async fn an_expired_token_is_in_each_vendors_shape() {
    let rig = Rig::start().await;
    let vendors = [Vendor::Slack, Vendor::ServiceNow];
    rig.faults(
        vendors
            .into_iter()
            .map(|vendor| Fault::new(vendor, FaultKind::ExpiredToken).times(1))
            .collect(),
    );
    let (status, body) = ask(rig.post()).await;
    assert_eq!((status.as_u16(), &body["error"]), (200, &json!("token_expired")));
    assert_eq!(ask(rig.post()).await.1["ok"], true);
    let get = || rig.as_user(Method::GET, "/servicenow/api/now/table/incident");
    assert_eq!(ask(get()).await.0, 401);
    assert_eq!(ask(get()).await.0, 200);
}

#[tokio::test]
async fn an_expired_zoom_token_stays_expired_and_a_new_one_works() {
    let rig = Rig::start().await;
    let token = rig.zoom_token().await;
    let me = |token: &str| rig.bare(Method::GET, "/zoom/v2/users/me").bearer_auth(token);
    rig.faults(vec![Fault::new(Vendor::Zoom, FaultKind::ExpiredToken).times(1)]);
    for _ in 0..2 {
        let (status, body) = ask(me(&token)).await;
        assert_eq!((status.as_u16(), &body["code"]), (401, &json!(124)));
    }
    let fresh = rig.zoom_token().await;
    assert_eq!(ask(me(&fresh)).await.0, 200);
}

#[tokio::test]
async fn a_server_error_does_nothing() {
    let rig = Rig::start().await;
    rig.faults(vec![
        Fault::new(Vendor::Slack, FaultKind::ServerError { status: 502 }).times(1),
    ]);
    assert_eq!(ask(rig.post()).await.0, 502);
    assert_eq!(rig.messages(), 0);
    assert_eq!(ask(rig.post()).await.0, 200);
    assert_eq!(rig.messages(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_a_closed_connection_after_the_write() {
    let rig = Rig::start().await;
    rig.faults(vec![Fault::new(Vendor::Slack, FaultKind::LostAnswer).times(1)]);
    let address = rig.sandbox.http_url().trim_start_matches("http://").to_owned();
    let mut socket = TcpStream::connect(&address).await.expect("a connection");
    let body = r##"{"channel":"#avops","text":"hello"}"##;
    let request = format!(
        "POST /slack/api/chat.postMessage HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer {SLACK_TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = Vec::new();
    socket
        .read_to_end(&mut answer)
        .await
        .expect("an end, not an error");
    assert_eq!(answer, b"", "not a byte of an answer");
    assert_eq!(rig.messages(), 1, "but the write took effect");
}

#[tokio::test]
async fn a_lost_answer_on_a_warm_connection_isnt_sent_twice() {
    let rig = Rig::start().await;
    assert_eq!(ask(rig.post()).await.0, 200);
    rig.faults(vec![Fault::new(Vendor::Slack, FaultKind::LostAnswer)]);
    let error = rig.post().send().await.expect_err("no answer");
    assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
    assert_eq!(rig.messages(), 2);
    assert_eq!(rig.sandbox.faults()[0].fired, 1);
}

#[tokio::test]
async fn rubbish_is_an_answer_nobody_can_read_after_the_write() {
    let rig = Rig::start().await;
    rig.faults(vec![Fault::new(Vendor::Slack, FaultKind::Rubbish)]);
    let answer = rig.post().send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(serde_json::from_str::<Value>(&answer.text().await.expect("text")).is_err());
    assert_eq!(rig.messages(), 1);
}

#[tokio::test]
async fn latency_still_answers() {
    let rig = Rig::start().await;
    rig.faults(vec![Fault::new(Vendor::Slack, FaultKind::Latency { ms: 1 })]);
    assert_eq!(ask(rig.post()).await.1["ok"], true);
    assert_eq!((rig.messages(), rig.sandbox.faults()[0].fired), (1, 1));
}

#[tokio::test]
async fn a_time_out_lasts_until_the_client_leaves() {
    let rig = Rig::start().await;
    rig.faults(vec![Fault::new(Vendor::Slack, FaultKind::Timeout)]);
    let waiting = tokio::spawn(rig.post().send());
    until(|| rig.sandbox.faults()[0].fired == 1).await;
    assert!(!waiting.is_finished());
    waiting.abort();
    rig.faults(Vec::new());
    assert_eq!(ask(rig.post()).await.1["ok"], true);
    assert_eq!(rig.messages(), 1, "the abandoned request did nothing");
}

#[tokio::test]
async fn rules_choose_by_path_method_and_count() {
    let rig = Rig::start().await;
    let broken = FaultKind::ServerError { status: 500 };
    rig.faults(vec![
        Fault::new(Vendor::Slack, broken).on("/api/chat.").every(3),
        Fault::new(Vendor::ServiceNow, broken)
            .on("/servicenow/api/now/table/incident")
            .method("post")
            .times(1),
    ]);
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(ask(rig.post()).await.0.as_u16());
    }
    assert_eq!(statuses, [200, 200, 500, 200, 200, 500]);
    assert_eq!(
        ask(rig.as_user(Method::POST, "/slack/api/auth.test")).await.0,
        200
    );

    let table = "/servicenow/api/now/table/incident";
    let create = || rig.as_user(Method::POST, table).json(&json!({}));
    assert_eq!(ask(rig.as_user(Method::GET, table)).await.0, 200);
    assert_eq!(ask(create()).await.0, 500);
    assert_eq!(ask(create()).await.0, 201);
    let counts: Vec<(u64, u64)> = rig
        .sandbox
        .faults()
        .iter()
        .map(|rule| (rule.seen, rule.fired))
        .collect();
    assert_eq!(counts, [(6, 2), (1, 1)]);
}

#[tokio::test]
async fn credentials_are_told_per_vendor() {
    let rig = Rig::start().await;
    assert_eq!(Vendor::Slack.secrets(), [("token", SLACK_TOKEN)]);
    assert_eq!(Vendor::Devices.secrets(), []);
    assert_eq!(
        Vendor::of_tool("qsys_control"),
        Some((Vendor::Devices, "/devices/qsys_control".to_owned()))
    );
    assert_eq!(
        rig.sandbox.base_url(Vendor::Zoom),
        format!("{}/zoom", rig.sandbox.http_url())
    );
}
