//! Ways out that must stay closed: redirects, name servers that change their mind, URLs with secrets
//! in them, answers that never end.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ports::Tools as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tools::{
    Answer, CallContext, CallError, Connector, Credentials, Endpoint, Endpoints, Names, Options, Registry,
    Request, Secret,
};
use types::{ActionSpec, Effect, Failure, Idempotency, Mode, Outcome, Risk, TenantId, ToolSpec};
use wiremock::ResponseTemplate;

use crate::support::{World, header, permit, told};

/// A tool with one read and one write, both of them a request of `/start`.
struct Probe;

#[async_trait]
impl Connector for Probe {
    fn spec(&self) -> ToolSpec {
        let action = |name: &str, effect| ActionSpec {
            tool: "probe".into(),
            action: name.into(),
            description: "asks".into(),
            aliases: Vec::new(),
            input: json!({"type": "object"}),
            output: json!({"type": "object"}),
            arg_classes: Default::default(),
            trust: Default::default(),
            effect,
            idempotency: Idempotency::Natural,
            risk: Risk::Low,
            notification: false,
            probe: false,
            timeout_ms: 5_000,
        };
        ToolSpec {
            name: "probe".into(),
            description: "A probe.".into(),
            version: "1".into(),
            actions: vec![action("read", Effect::Read), action("write", Effect::Write)],
        }
    }

    async fn call(&self, ctx: &CallContext, action: &str, _: &Value) -> Result<Answer, CallError> {
        let request = match action {
            "read" => Request::get(&["start"]).header("x-key", "k"),
            _ => Request::post(&["start"]).json(json!({})).effect(),
        };
        let response = ctx.send(&request).await?.accept(ctx.now(), |_| None)?;
        Ok(Answer::new(response.json()?))
    }

    async fn health(&self, _: &CallContext) -> Result<String, CallError> {
        Ok("ok".into())
    }
}

struct At(Endpoint);

#[async_trait]
impl Endpoints for At {
    async fn endpoint(&self, _: TenantId, _: &str, _: Mode) -> Result<Endpoint, Failure> {
        Ok(self.0.clone())
    }
}

/// Gives one answer after the other, the last one for good, and counts the questions.
struct Fickle {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Names for Fickle {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().expect("the answers");
        let next = if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        };
        Ok(next)
    }
}

fn names(answers: &[&[IpAddr]]) -> Arc<Fickle> {
    Arc::new(Fickle {
        answers: Mutex::new(answers.iter().map(|one| one.to_vec()).collect()),
        asked: AtomicUsize::new(0),
    })
}

fn registry(world: &World, base_url: &str, allow_private: bool, names: Arc<dyn Names>) -> Registry {
    let options = Options {
        clock: world.clock.clone(),
        endpoints: Arc::new(At(Endpoint {
            base_url: base_url.to_owned(),
            credentials: Credentials::Bearer(Secret::new("hush")),
            ca_pem: None,
            allow_private,
        })),
        sink: world.sink.clone(),
        desk: world.desk.clone(),
        http_tools: Vec::new(),
        extra: vec![Arc::new(Probe)],
    };
    Registry::with_names(options, names)
}

async fn perform(world: &World, registry: &Registry, action: &str, millis: u64) -> Outcome {
    let args = json!({});
    let permit = permit(&registry.catalog(), action, &args);
    registry.perform(permit, world.call_within(args, millis)).await
}

async fn asked(world: &World, base_url: &str, action: &str) -> Outcome {
    let registry = registry(world, base_url, true, Arc::new(tools::SystemNames));
    perform(world, &registry, action, 5_000).await
}

fn sends_to(location: &str) -> ResponseTemplate {
    ResponseTemplate::new(302).insert_header("location", location)
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[tokio::test]
async fn reads_are_redirected_and_what_opens_one_origin_stays_there() {
    let (home, other) = (World::new().await, World::new().await);
    other.tells("GET", "/end", json!({"at": "other"})).await;
    home.answers("GET", "/start", sends_to("/middle"), 0).await;
    let away = format!("{}/end", other.server.uri());
    home.answers("GET", "/middle", sends_to(&away), 0).await;
    let outcome = asked(&home, &home.server.uri(), "probe.read").await;
    let Outcome::Succeeded { output, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(output.value, json!({"at": "other"}));
    let middle = home.seen("GET", "/middle").await;
    assert_eq!(header(&middle[0], "authorization"), "Bearer hush");
    let end = other.seen("GET", "/end").await;
    assert_eq!(
        (header(&end[0], "authorization"), header(&end[0], "x-key")),
        ("", "")
    );
}

#[tokio::test]
async fn no_hop_leads_inside() {
    for to in [
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
        "http://0xa9.0xfe.0xa9.0xfe/",
        // Private addresses may be reached at the endpoint's own host, and nowhere else.
        "http://10.0.0.1/",
        "http://[::1]:9/",
        "http://localhost:9/",
        "http://[fd00::1]/",
        "http://100.64.0.1:8080/",
    ] {
        let world = World::new().await;
        world.answers("GET", "/start", sends_to(to), 0).await;
        let outcome = asked(&world, &world.server.uri(), "probe.read").await;
        assert_eq!(told(&outcome), "failed address_refused", "{to}");
    }
    for to in [
        "http://ann:hush@127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://",
    ] {
        let world = World::new().await;
        world.answers("GET", "/start", sends_to(to), 0).await;
        let outcome = asked(&world, &world.server.uri(), "probe.read").await;
        assert_eq!(told(&outcome), "failed tool_redirected", "{to}");
        assert!(!format!("{outcome:?}").contains("hush"), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_read_is_redirected_five_times_and_a_write_never() {
    let world = World::new().await;
    for (from, to) in [
        ("/start", "/2"),
        ("/2", "/3"),
        ("/3", "/4"),
        ("/4", "/5"),
        ("/5", "/6"),
    ] {
        world.answers("GET", from, sends_to(to), 0).await;
    }
    world.answers("GET", "/6", sends_to("/7"), 1).await;
    world.tells("GET", "/6", json!({"at": 6})).await;
    let base = world.server.uri();
    assert_eq!(
        told(&asked(&world, &base, "probe.read").await),
        "failed tool_redirected"
    );
    assert_eq!(world.seen("GET", "/7").await.len(), 0);
    assert_eq!(told(&asked(&world, &base, "probe.read").await), "ok");

    world.answers("POST", "/start", sends_to("/2"), 0).await;
    assert_eq!(
        told(&asked(&world, &base, "probe.write").await),
        "unknown tool_redirected"
    );
    assert_eq!(world.seen("POST", "/2").await.len(), 0);
}

#[tokio::test]
async fn what_is_connected_to_is_what_was_checked() {
    let world = World::new().await;
    world.tells("GET", "/start", json!({})).await;
    let port = world.server.address().port();
    let base = format!("http://tool.example:{port}");
    let outer = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    // Public at the first question, private at the next: neither question leads inside.
    let fickle = names(&[&[outer], &[LOOPBACK]]);
    let registry_of = |names| registry(&world, &base, false, names);
    let registry = registry_of(fickle.clone());
    let first = told(&perform(&world, &registry, "probe.read", 300).await);
    assert_ne!(first, "ok");
    assert_eq!(fickle.asked.load(Ordering::SeqCst), 1, "a connection asks once");
    let second = told(&perform(&world, &registry, "probe.read", 5_000).await);
    assert_eq!(second, "failed address_refused");

    // Both at once: only the public one is tried.
    let both = registry_of(names(&[&[LOOPBACK, outer]]));
    assert_ne!(told(&perform(&world, &both, "probe.read", 300).await), "ok");
    assert_eq!(world.seen("GET", "/start").await.len(), 0);

    // The name is what leads there, where private addresses are allowed.
    let inside = crate::egress::registry(&world, &base, true, names(&[&[LOOPBACK]]));
    assert_eq!(told(&perform(&world, &inside, "probe.read", 5_000).await), "ok");
}

#[tokio::test]
async fn a_url_with_a_user_or_a_password_is_no_place_for_a_tool() {
    let world = World::new().await;
    world.tells("GET", "/start", json!({})).await;
    let port = world.server.address().port();
    for base in [
        "http://ann:hush@127.0.0.1",
        "http://ann@127.0.0.1",
        "http://:hush@127.0.0.1",
    ] {
        let outcome = asked(&world, &format!("{base}:{port}"), "probe.read").await;
        assert_eq!(told(&outcome), "failed tool_misconfigured", "{base}");
        assert!(!format!("{outcome:?}").contains("hush"));
    }
    // Another port is another origin, and is reached as asked for.
    let base = "http://127.0.0.1:1";
    assert_eq!(
        told(&asked(&world, base, "probe.read").await),
        "retry tool_unreachable"
    );
}

/// A server that answers each connection with `head`, and then `more` without an end.
async fn raw(head: &'static [u8], more: &'static [u8]) -> (String, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = [0; 1024];
                let _ = stream.read(&mut asked).await;
                if stream.write_all(head).await.is_err() {
                    return;
                }
                if more.is_empty() {
                    // Nothing more comes, and the connection stays.
                    let _ = stream.read(&mut asked).await;
                }
                while !more.is_empty() && stream.write_all(more).await.is_ok() {}
            });
        }
    });
    (base, task)
}

#[tokio::test]
async fn answers_without_an_end_are_cut_off() {
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    static MEGABYTE: [u8; 1 << 20] = [b' '; 1 << 20];
    let world = World::new().await;
    for (what, head, more, expected) in [
        ("a body that never ends", OK, &MEGABYTE[..], "unknown answer_unreadable"),
        ("a body that stops in the middle", OK, b"", "unknown call_timed_out"),
        ("headers that stop in the middle", b"HTTP/1.1 200 OK\r\nx-a: b", b"", "unknown call_timed_out"),
        ("headers that never end", b"HTTP/1.1 200 OK\r\n", b"x-a: bbbbbbbbbbbbbbbbbbbbbbbb\r\n", "unknown tool_failed"),
        ("one header that never ends", b"HTTP/1.1 200 OK\r\nx-a: ", &MEGABYTE[..], "unknown tool_failed"),
        ("something else than HTTP", b"220 mail.example ESMTP\r\n", b"", "unknown tool_failed"),
        // 10 MB of zeros in ten kilobytes, if anybody unpacked it: nobody asked for it, nobody does.
        (
            "a compressed answer",
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 10\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03",
            b"",
            "unknown answer_unreadable",
        ),
    ] {
        let (base, server) = raw(head, more).await;
        let registry = registry(&world, &base, true, Arc::new(tools::SystemNames));
        let outcome = perform(&world, &registry, "probe.read", 2_500).await;
        assert_eq!(told(&outcome), expected, "{what}");
        server.abort();
    }
}
