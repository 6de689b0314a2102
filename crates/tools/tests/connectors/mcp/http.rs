//! Over streamable HTTP, against a server that answers as told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use types::Outcome;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::super::peer::Peer;
use super::super::support::{World, body, header, told};
use super::{Rig, answers, text};

/// What a server does.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// 2026-07-28.
    Newest,
    /// 2025-11-25: a session, and answers in streams of events.
    Older,
}

/// Tools that promise nothing of their answers.
const TOOLS: [&str; 9] = [
    "echo", "asks", "cut", "floods", "rambles", "nags", "asks_on", "pings", "deaf",
];

struct Server {
    kind: Kind,
    /// Forget the session at the next request that has one.
    forgets: Arc<AtomicBool>,
}

impl Respond for Server {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let message = body(request);
        let method = message["method"].as_str().unwrap_or_default();
        let id = &message["id"];
        let ok = |result: Value| json!({"jsonrpc": "2.0", "id": id, "result": result});
        match (self.kind, method) {
            (_, "") if message["id"] == "deaf" => ResponseTemplate::new(429),
            (_, "") | (Kind::Older, "notifications/initialized" | "notifications/cancelled") => {
                ResponseTemplate::new(202)
            }
            (Kind::Older, "initialize") => {
                let result = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "h", "version": "2"}});
                ResponseTemplate::new(200)
                    .insert_header("mcp-session-id", "s-1")
                    .set_body_json(ok(result))
            }
            (Kind::Older, "server/discover") => ResponseTemplate::new(400).set_body_json(
                json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32000, "message": "no session"}}),
            ),
            (Kind::Older, _) if self.forgets.swap(false, Ordering::SeqCst) => ResponseTemplate::new(404),
            (Kind::Older, _) if header(request, "mcp-session-id") != "s-1" => ResponseTemplate::new(400),
            (Kind::Older, _) => {
                let question = json!({"jsonrpc": "2.0", "id": "q", "method": "elicitation/create",
                    "params": {"message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}});
                let mut events = format!(
                    "event: message\nid: 1\ndata: {}\n\n",
                    json!({"method": "notifications/message"})
                );
                if message["params"]["name"] == "asks" {
                    events.push_str(&format!("data: {question}\n\n"));
                }
                events.push_str(&before_answering(&message));
                if message["params"]["name"] != "cut" {
                    events.push_str(&format!("data: {}\n\n", ok(answer(&message))));
                }
                ResponseTemplate::new(200).set_body_raw(events, "text/event-stream")
            }
            (Kind::Newest, "server/discover") => ResponseTemplate::new(200).set_body_json(ok(
                json!({"resultType": "complete", "supportedVersions": ["2026-07-28"]}),
            )),
            (Kind::Newest, _) if message["params"]["name"] == "cut" => ResponseTemplate::new(502),
            (Kind::Newest, _) => match before_answering(&message) {
                none if none.is_empty() => ResponseTemplate::new(200).set_body_json(ok(answer(&message))),
                mut events => {
                    events.push_str(&format!("data: {}\n\n", ok(answer(&message))));
                    ResponseTemplate::new(200).set_body_raw(events, "text/event-stream")
                }
            },
        }
    }
}

/// What a hostile server streams before the answer.
fn before_answering(message: &Value) -> String {
    let event = |message: Value| format!("data: {message}\n\n");
    let asks = |id: String, words: &str| {
        event(json!({"jsonrpc": "2.0", "id": id, "method": "elicitation/create",
            "params": {"message": words, "requestedSchema": {"type": "object", "properties": {}}}}))
    };
    let ping = |id: String| event(json!({"jsonrpc": "2.0", "id": id, "method": "ping"}));
    match message["params"]["name"].as_str().unwrap_or_default() {
        "floods" => event(json!({"jsonrpc": "2.0", "method": "notifications/message"})).repeat(10_001),
        "rambles" => format!("data: {}\n\n", "x".repeat(5 * 1024 * 1024)),
        "nags" => (0..1_000).map(|n| ping(format!("nag-{n}"))).collect(),
        "asks_on" => (0..1_000)
            .map(|n| asks(format!("nag-{n}"), &format!("Who is {n}?")))
            .collect(),
        "pings" => (0..32).map(|n| ping(format!("ping-{n}"))).collect(),
        "deaf" => ping("deaf".to_owned()),
        _ => String::new(),
    }
}

fn answer(message: &Value) -> Value {
    if message["method"] == "tools/list" {
        let field = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"}, "inner": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}}}});
        let tool = |name: &str| json!({"name": name, "inputSchema": field, "annotations": {"readOnlyHint": false, "destructiveHint": false}});
        let mut tools: Vec<Value> = TOOLS.iter().map(|name| tool(name)).collect();
        for promises in ["lies", "leaves_out"] {
            let mut tool = tool(promises);
            tool["outputSchema"] =
                json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
            tools.push(tool);
        }
        return json!({"resultType": "complete", "tools": tools});
    }
    let params = &message["params"];
    if params["name"] == "asks" && params["inputResponses"].is_null() && params["_meta"].is_object() {
        let question = json!({"method": "elicitation/create", "params": {"message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}});
        return json!({"resultType": "input_required", "inputRequests": {"who": question}, "requestState": "st"});
    }
    let mut result = json!({"resultType": "complete", "content": [{"type": "text", "text": params["arguments"].to_string()}]});
    if params["name"] == "lies" {
        result["structuredContent"] = json!({"n": "many"});
    }
    result
}

async fn rig(kind: Kind) -> (Rig, Peer, Arc<AtomicBool>) {
    let server = Peer::start().await;
    let forgets = Arc::new(AtomicBool::new(false));
    let respond = Server {
        kind,
        forgets: Arc::clone(&forgets),
    };
    Mock::given(method("POST"))
        .respond_with(respond)
        .mount(&server)
        .await;
    let world = World::elsewhere(format!("{}/mcp", server.uri())).await;
    (Rig::of(world, None).await, server, forgets)
}

async fn last(server: &MockServer, method: &str) -> Request {
    let all = server.received_requests().await.expect("recorded");
    let found = all
        .into_iter()
        .rev()
        .find(|request| body(request)["method"] == method);
    found.unwrap_or_else(|| panic!("no {method}"))
}

#[tokio::test]
async fn each_request_of_the_newest_revision_stands_alone() {
    let (rig, server, _) = rig(Kind::Newest).await;
    let args = json!({"region": "Zürich", "inner": {"n": 5}});
    assert_eq!(text(&rig.perform("echo", args.clone()).await), args.to_string());
    let sent = last(&server, "tools/call").await;
    assert_eq!(sent.url.path(), "/mcp");
    for (name, value) in [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "echo"),
        ("mcp-param-region", "=?base64?WsO8cmljaA==?="),
        ("mcp-param-n", "5"),
        ("mcp-session-id", ""),
        ("accept", "application/json, text/event-stream"),
    ] {
        assert_eq!(header(&sent, name), value, "{name}");
    }
    let meta = &body(&sent)["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "agentops");
    let outcome = rig.perform("asks", json!({})).await;
    assert_eq!(told(&outcome), "asks 1");
    let Outcome::NeedsInput { needed, .. } = outcome else {
        panic!("it asks")
    };
    rig.with(
        "asks",
        json!({}),
        answers(needed.resume.as_deref(), &[("who", json!({}))]),
    )
    .await;
    let params = body(&last(&server, "tools/call").await)["params"].take();
    assert_eq!(params["requestState"], "st");
    assert_eq!(
        params["inputResponses"],
        json!({"who": {"action": "accept", "content": {}}})
    );
    assert_eq!(told(&rig.perform("cut", json!({})).await), "unknown tool_failed");
}

#[tokio::test]
async fn an_older_server_keeps_a_session_and_answers_in_events() {
    let (rig, server, forgets) = rig(Kind::Older).await;
    assert_eq!(text(&rig.perform("echo", json!({})).await), "{}");
    let sent = last(&server, "tools/call").await;
    assert_eq!(header(&sent, "mcp-session-id"), "s-1");
    assert_eq!(header(&sent, "mcp-protocol-version"), "2025-11-25");
    let outcome = rig.perform("asks", json!({})).await;
    assert!(
        matches!(&outcome, Outcome::NeedsInput { doubt: Some(_), .. }),
        "{outcome:?}"
    );
    let all = server.received_requests().await.expect("recorded");
    let replies: Vec<Value> = all.iter().map(body).filter(|sent| sent["id"] == "q").collect();
    assert_eq!(replies.len(), 1);
    assert_eq!(replies[0]["result"], json!({"action": "cancel"}));
    assert_eq!(told(&rig.perform("cut", json!({})).await), "unknown tool_failed");
    forgets.store(true, Ordering::SeqCst);
    assert_eq!(
        told(&rig.perform("echo", json!({})).await),
        "ok",
        "a new session was opened"
    );
}

/// How many requests of the server whose names begin so were answered.
async fn answered(server: &MockServer, beginning: &str) -> usize {
    let all = server.received_requests().await.expect("recorded");
    let ours = |sent: &Value| sent["method"].is_null();
    let of = |sent: &Value| sent["id"].as_str().is_some_and(|id| id.starts_with(beginning));
    all.iter().map(body).filter(|sent| ours(sent) && of(sent)).count()
}

#[tokio::test]
async fn a_server_that_floods_or_lies_over_http_is_bounded_and_told_apart() {
    for kind in [Kind::Newest, Kind::Older] {
        let (rig, server, _) = rig(kind).await;
        for (action, expected, words) in [
            ("floods", "unknown tool_flooded", "10000 messages"),
            ("rambles", "unknown tool_flooded", "4194304 bytes"),
            ("nags", "unknown tool_flooded", "more than 32 things"),
            ("asks_on", "unknown tool_flooded", "more than 32 things"),
            ("lies", "unknown answer_unreadable", "doesn't fit the schema"),
            (
                "leaves_out",
                "unknown answer_unreadable",
                "leaves out the structured",
            ),
            // The call is under way, whatever becomes of our answer to a ping.
            ("deaf", "unknown tool_rate_limited", "429"),
        ] {
            let outcome = rig.perform(action, json!({})).await;
            assert_eq!(told(&outcome), expected, "{action}");
            let Outcome::Unknown { failure } = outcome else {
                panic!("unknown")
            };
            assert!(failure.message.contains(words), "{action}: {failure}");
        }
        assert_eq!(answered(&server, "nag-").await, 2 * 32);
        assert_eq!(told(&rig.perform("pings", json!({})).await), "ok");
        assert_eq!(answered(&server, "ping-").await, 32, "as many as may be");
        assert_eq!(told(&rig.perform("echo", json!({})).await), "ok");
    }
}

#[tokio::test]
async fn a_server_that_floods_before_any_call_is_no_server() {
    let server = Peer::start().await;
    let ping = json!({"jsonrpc": "2.0", "id": "nag-1", "method": "ping"});
    let flood = ResponseTemplate::new(200)
        .set_body_raw(format!("data: {ping}\n\n").repeat(1_000), "text/event-stream");
    Mock::given(method("POST"))
        .respond_with(flood)
        .mount(&server)
        .await;
    let rig = Rig::of(World::elsewhere(server.uri()).await, None).await;
    let health = rig.world.registry_health("srv").await;
    assert!(
        !health.ok && health.detail.contains("tool_flooded"),
        "{}",
        health.detail
    );
    // The look and the check; each asks once and answers what may be answered.
    assert_eq!(answered(&server, "nag-").await, 2 * 32);
}

#[tokio::test]
async fn refusals_of_the_transport_are_told_apart() {
    for (status, expected) in [
        (401, "credentials_refused"),
        (403, "credentials_refused"),
        (308, "tool_redirected"),
        (429, "tool_rate_limited"),
    ] {
        let server = Peer::start().await;
        let template = ResponseTemplate::new(status).insert_header("location", "http://169.254.169.254/");
        Mock::given(method("POST"))
            .respond_with(template)
            .mount(&server)
            .await;
        let rig = Rig::of(World::elsewhere(server.uri()).await, None).await;
        let health = rig.world.registry_health("srv").await;
        assert!(
            !health.ok && health.detail.contains(expected),
            "{status}: {}",
            health.detail
        );
        if status == 401 {
            let open = server.received_requests().await.expect("recorded");
            assert_eq!(open.len(), 2, "nothing else is tried");
        }
    }
    let rig = Rig::of(World::elsewhere("http://169.254.169.254/mcp".into()).await, None).await;
    let health = rig.world.registry_health("srv").await;
    assert!(health.detail.contains("address_refused"), "{}", health.detail);
}
