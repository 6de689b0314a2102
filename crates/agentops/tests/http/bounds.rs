//! What one client may hold: connections, streams of events, and the server's patience.

use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::{Client, Method};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::site::Site;

/// After this long a server that should have closed something counts as one that never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// A recipe that waits for somebody.
const WAITS: &str =
    "name: Waits\nintake: []\nplan: []\nact:\n  - id: gate\n    wait: {signal: go}\nverify: []\n";

/// What a server says on a connection until it closes it.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await;
    // An end by a reset is one, too.
    let _ = end.expect("the server closes the connection");
    String::from_utf8_lossy(&said).into_owned()
}

/// A connection from one of this machine's own addresses.
async fn connect(site: &Site, from: &str) -> TcpStream {
    let to: SocketAddr = site
        .address
        .trim_start_matches("http://")
        .parse()
        .expect("an address");
    let socket = TcpSocket::new_v4().expect("a socket");
    let from = format!("{from}:0").parse().expect("an address");
    socket.bind(from).expect("an address of this machine");
    socket.connect(to).await.expect("connected")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_nothing_or_half_a_word_is_cut_off() {
    let site = Site::open_with(&[("AGENTOPS_SERVER__HEAD_TIMEOUT_S", "1")]).await;
    let shapes = [
        "",
        "P",
        "PRI * HTT",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ",
        "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nG",
    ];
    let tries = shapes.map(|shape| {
        let site = &site;
        async move {
            let mut stream = connect(site, "127.0.0.1").await;
            stream.write_all(shape.as_bytes()).await.expect("sent");
            (shape, until_closed(stream).await)
        }
    });
    for (shape, said) in futures::future::join_all(tries).await {
        let answers = said.matches("HTTP/1.1 200").count();
        assert_eq!(
            answers,
            usize::from(shape.ends_with("\r\n\r\nG")),
            "{shape:?}: {said}"
        );
    }
    site.admin.get("/api/v1/runs").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cant_take_every_connection() {
    let env = [
        ("AGENTOPS_SERVER__HEAD_TIMEOUT_S", "600"),
        ("AGENTOPS_SERVER__CONNECTIONS", "9"),
        ("AGENTOPS_SERVER__CONNECTIONS_PER_ADDRESS", "4"),
    ];
    let site = Site::open_with(&env).await;
    let mut silent = tokio::task::JoinSet::new();
    for _ in 0..5 {
        silent.spawn(until_closed(connect(&site, "127.0.0.2").await));
    }
    // Which of them comes too late is not said.
    let closed = silent.join_next().await.expect("one of them");
    assert_eq!(closed.expect("it ends"), "");
    let other = Client::builder()
        .no_proxy()
        .local_address("127.0.0.3".parse::<std::net::IpAddr>().expect("an address"))
        .build()
        .expect("a client");
    let health = format!("{}/healthz", site.address);
    let answer = other.get(&health).send().await.expect("somebody else is heard");
    assert_eq!(answer.status(), 200);
    silent.shutdown().await;
    let same = Client::builder()
        .no_proxy()
        .local_address("127.0.0.2".parse::<std::net::IpAddr>().expect("an address"))
        .build()
        .expect("a client");
    // The server hears of the ends in its own time.
    let again = async {
        while same.get(&health).send().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, again)
        .await
        .expect("what was held is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_has_a_bound_and_large_ones_have_few_places() {
    let site = Site::open_with(&[("AGENTOPS_SERVER__HEAD_TIMEOUT_S", "600")]).await;
    let head = |bytes: usize| format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-pad: {}", "a".repeat(bytes));
    // All of a head within the bound is read, and what is too much is not.
    for (bytes, status) in [(40_000, "HTTP/1.1 200"), (380_000, "HTTP/1.1 431")] {
        let mut stream = connect(&site, "127.0.0.1").await;
        let text = format!("{}\r\nconnection: close\r\n\r\n", head(bytes));
        // The server may close before it has all of it.
        let _ = stream.write_all(text.as_bytes()).await;
        let mut said = [0; 12];
        let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut said)).await;
        read.expect("an answer").expect("read");
        assert_eq!(String::from_utf8_lossy(&said), status, "{bytes}");
    }
    // Of those that never end one address has so many, and the others are closed at once.
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let mut stream = connect(&site, "127.0.0.2").await;
        let _ = stream.write_all(head(20_000).as_bytes()).await;
        waiting.spawn(until_closed(stream));
    }
    for _ in 0..4 {
        let closed = waiting.join_next().await.expect("one of them");
        assert_eq!(closed.expect("it ends"), "");
    }
    let answered = tokio::time::timeout(Duration::ZERO, waiting.join_next()).await;
    assert!(answered.is_err(), "the others wait on: {answered:?}");
    // Meanwhile usual heads are read from there too, and large ones from elsewhere.
    for (from, bytes) in [("127.0.0.2", 100), ("127.0.0.3", 40_000)] {
        let mut stream = connect(&site, from).await;
        let text = format!("{}\r\nconnection: close\r\n\r\n", head(bytes));
        stream.write_all(text.as_bytes()).await.expect("sent");
        assert!(until_closed(stream).await.starts_with("HTTP/1.1 200"), "{from}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_all_streams_of_events() {
    let site = Site::open().await;
    let eve = site.user("eve", &["viewer"]).await;
    let token = eve.make_token(&["read"]).await;
    let mut streams = Vec::new();
    for turn in 0..16 {
        let who = if turn % 2 == 0 { &eve } else { &token };
        let answer = who
            .request(Method::GET, "/api/v1/events")
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200, "{turn}");
        streams.push(answer);
    }
    for who in [&eve, &token] {
        let refused = who.get("/api/v1/events").await;
        assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
        refused.refused(429, "rate_limited");
    }
    let admin = site.admin.request(Method::GET, "/api/v1/events").send().await;
    assert_eq!(admin.expect("an answer").status(), 200);
    drop(streams);
    let again = async {
        let ask = || eve.request(Method::GET, "/api/v1/events").send();
        while ask().await.expect("an answer").status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, again)
        .await
        .expect("places come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_by_the_clock_however_much_there_is_to_tell() {
    let site = Site::open_with(&[("AGENTOPS_SERVER__STREAM_S", "2")]).await;
    let wish = json!({"text": WAITS, "slug": "waits", "activate": true});
    site.admin.post("/api/v1/recipes", wish).await.ok(201);
    let started = site
        .admin
        .post("/api/v1/runs", json!({"recipe": "waits"}))
        .await
        .ok(201);
    let run = started["run"].as_str().expect("an id").to_owned();
    for path in [format!("/api/v1/runs/{run}/events"), "/api/v1/events".to_owned()] {
        let telling = async {
            // A run keeps only so many signals, but can be held and released for ever.
            loop {
                for what in ["pause", "resume"] {
                    let path = format!("/api/v1/runs/{run}/{what}");
                    site.admin.post(&path, json!({})).await;
                }
            }
        };
        // On a busy machine little may be told within a stream's time: then another one is watched.
        let watching = async {
            loop {
                let request = site.admin.request(Method::GET, &path);
                let mut bytes = request.send().await.expect("an answer").bytes_stream();
                let mut said = String::new();
                while let Some(chunk) = bytes.next().await {
                    said.push_str(&String::from_utf8_lossy(&chunk.expect("bytes")));
                }
                assert!(!said.contains("event: end"), "its run goes on: {said}");
                if said.matches("data:").count() > 5 {
                    return;
                }
            }
        };
        let ended = async {
            tokio::select! {
                () = watching => (),
                () = telling => (),
            }
        };
        tokio::time::timeout(PATIENCE, ended)
            .await
            .expect("streams end while there is much to tell");
    }
    site.admin
        .post(&format!("/api/v1/runs/{run}/kill"), json!({}))
        .await
        .ok(202);
}

/// A request that has shown its head, and whose body the server is now waiting for: it has said so.
async fn slow_body(site: &Site, path: &str, headers: &str) -> TcpStream {
    let mut stream = connect(site, "127.0.0.1").await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\
         {headers}expect: 100-continue\r\n\r\n{{\"name\": "
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut said = [0; 25];
    let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut said)).await;
    read.expect("the server asks for the body").expect("read");
    assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_come_slowly_take_no_place() {
    let site = Site::open_with(&[("AGENTOPS_SERVER__REQUESTS_AT_ONCE", "2")]).await;
    let token = site.admin.make_token(&["read", "write"]).await;
    let shown = token
        .request(Method::GET, "/")
        .build()
        .expect("a request")
        .headers()["authorization"]
        .to_str()
        .expect("text")
        .to_owned();
    let mut slow = Vec::new();
    for _ in 0..5 {
        slow.push(slow_body(&site, "/api/v1/session", "").await);
        let known = format!("authorization: {shown}\r\nidempotency-key: slow\r\n");
        slow.push(slow_body(&site, "/api/v1/agents", &known).await);
    }
    site.nobody().get("/healthz").await.ok(200);
    site.admin.get("/api/v1/runs").await.ok(200);
    let agent = json!({"name": "Night Watch", "tools": ["slack"]});
    token.post("/api/v1/agents", agent).await.ok(201);
    // Whoever needs credentials and shows none isn't asked for a body at all.
    let mut stranger = connect(&site, "127.0.0.1").await;
    let head = "POST /api/v1/agents HTTP/1.1\r\nhost: x\r\ncontent-length: 90\r\nexpect: 100-continue\r\n\
                connection: close\r\n\r\n";
    stranger.write_all(head.as_bytes()).await.expect("sent");
    assert!(until_closed(stranger).await.starts_with("HTTP/1.1 401"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_free_place_says_so_and_still_tells_that_it_lives() {
    let site = Site::open_with(&[("AGENTOPS_SERVER__REQUESTS_AT_ONCE", "1")]).await;
    let silent = site.silent_server().await;
    let looks = site.admin.request(Method::POST, "/api/v1/tools/silent/refresh");
    let looking = tokio::spawn(looks.send());
    let (reached, _) = silent.accept().await.expect("it has begun");

    let busy = site.admin.get("/api/v1/runs").await;
    assert_eq!(busy.headers["retry-after"], "1");
    busy.refused(503, "server_busy");
    site.nobody().get("/healthz").await.ok(200);
    drop((reached, silent));
    let looked = looking.await.expect("the task ends").expect("an answer");
    assert_eq!(looked.status(), 422);
    site.admin.get("/api/v1/runs").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_have_little_to_say() {
    let site = Site::open().await;
    let wish = json!({"name": "root", "password": "x".repeat(20_000)});
    let got = site.nobody().post("/api/v1/session", wish).await;
    got.refused(413, "payload_too_large");
}
