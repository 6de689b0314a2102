//! Devices on TCP lines against a peer that says what a test tells it: addresses, credentials, chatter.

use std::sync::Arc;

use async_trait::async_trait;
use ports::Tools as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tools::{Credentials, Endpoint, Endpoints, Options, Registry, Secret};
use types::{Failure, Mode, TenantId};

use crate::support::World;

struct Fixed(Endpoint);

#[async_trait]
impl Endpoints for Fixed {
    async fn endpoint(&self, _: TenantId, _: &str, _: Mode) -> Result<Endpoint, Failure> {
        Ok(self.0.clone())
    }
}

fn endpoint(base_url: &str, credentials: Credentials) -> Endpoint {
    Endpoint {
        base_url: base_url.to_owned(),
        credentials,
        ca_pem: None,
        allow_private: true,
    }
}

/// What a health check says.
async fn health(tool: &str, endpoint: Endpoint) -> ports::Health {
    let world = World::new().await;
    let registry = Registry::new(Options {
        clock: world.clock.clone(),
        endpoints: Arc::new(Fixed(endpoint)),
        sink: world.sink.clone(),
        desk: world.desk.clone(),
        http_tools: Vec::new(),
        extra: Vec::new(),
    });
    registry.health(TenantId::DEFAULT, tool, Mode::Mock).await
}

/// A peer that says `first`, and then, each time something comes, the next of `answers`; it tells what
/// came.
async fn peer(first: &str, answers: &[&str]) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = format!("tcp://{}", listener.local_addr().expect("an address"));
    let first = first.as_bytes().to_vec();
    let answers: Vec<Vec<u8>> = answers.iter().map(|answer| answer.as_bytes().to_vec()).collect();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        stream.write_all(&first).await.expect("written");
        let mut came = Vec::new();
        for answer in answers {
            if stream.read_buf(&mut came).await.unwrap_or(0) == 0 {
                return came;
            }
            if stream.write_all(&answer).await.is_err() {
                return came;
            }
        }
        came
    });
    (address, task)
}

#[tokio::test]
async fn private_and_metadata_addresses_of_devices_are_closed() {
    for (base, allow_private, says) in [
        ("tcp://127.0.0.1:1", false, "address_refused"),
        ("tcp://[::1]:1", false, "address_refused"),
        ("tcp://localhost:1", false, "address_refused"),
        ("tcp://10.0.0.7:23", false, "address_refused"),
        ("tcp://169.254.169.254:23", true, "address_refused"),
        ("tcp://[::ffff:169.254.169.254]:23", true, "address_refused"),
        ("tcp://127.0.0.1:1", true, "tool_unreachable"),
        ("http://127.0.0.1:1", true, "tool_misconfigured"),
        ("tcp://", true, "tool_misconfigured"),
        ("tcp://127.0.0.1:1/path", true, "tool_misconfigured"),
        ("tcp://ann@127.0.0.1:1", true, "tool_misconfigured"),
    ] {
        for tool in ["qsys", "extron"] {
            let mut endpoint = endpoint(base, Credentials::None);
            endpoint.allow_private = allow_private;
            let health = health(tool, endpoint).await;
            assert!(
                !health.ok && health.detail.contains(says),
                "{tool} {base}: {health:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_core_may_chatter_and_cut_its_messages_anywhere() {
    let status = "{\"jsonrpc\":\"2.0\",\"method\":\"EngineStatus\",\"params\":{}}\0";
    let answer = format!(
        "{status}{}\0{}",
        r#"{"jsonrpc":"2.0","id":99,"result":{"DesignName":"another's"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"Platform":"Core 110f","DesignName":"Hall","Status":{"Code":0,"String":"OK"}}}"#
    );
    let (address, task) = peer(status, &[&format!("{answer}\0")]).await;
    let health = health("qsys", endpoint(&address, Credentials::None)).await;
    assert!(health.ok, "{health:?}");
    assert_eq!(health.detail, "Core 110f runs 'Hall': OK");
    let came = task.await.expect("the peer ends");
    assert_eq!(came.last(), Some(&0), "a message ends with a NUL byte");
    let asked: serde_json::Value = serde_json::from_slice(&came[..came.len() - 1]).expect("one message");
    assert_eq!(
        (&asked["jsonrpc"], &asked["method"], &asked["id"]),
        (&"2.0".into(), &"StatusGet".into(), &1.into())
    );
}

#[tokio::test]
async fn a_refused_user_is_named_and_the_pin_is_not() {
    let refusal = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":10,\"message\":\"Logon required\"}}\0";
    let (address, _task) = peer("", &[refusal]).await;
    let credentials = Credentials::Basic {
        user: "ann".into(),
        password: Secret::new("13579"),
    };
    let health = health("qsys", endpoint(&address, credentials)).await;
    assert!(health.detail.contains("credentials_refused"), "{health:?}");
    assert!(!health.detail.contains("13579"), "{health:?}");
}

#[tokio::test]
async fn a_switcher_is_let_in_with_or_without_a_password() {
    let banner = "\r\n(c) Copyright 2024, Extron Electronics, DXP 88, V1.23, 60-0000-01\r\n";
    let secret = || Credentials::Parts([("password".to_owned(), Secret::new("hush"))].into());
    let prompt = format!("{banner}\r\nPassword:");
    for (first, answers, credentials, says) in [
        (banner, vec!["1.23\r\n"], Credentials::None, "firmware is 1.23"),
        (
            &prompt,
            vec!["\r\nLogin Administrator\r\n", "Ver01*2.07\r\n"],
            secret(),
            "firmware is 2.07",
        ),
        (&prompt, vec!["\r\nPassword:"], secret(), "credentials_refused"),
        (
            &prompt,
            vec!["\r\nPassword:"],
            Credentials::None,
            "credentials_refused",
        ),
        (banner, vec!["E10\r\n"], Credentials::None, "device_refused"),
        (banner, vec!["1.2"], Credentials::None, "tool_failed"),
    ] {
        let (address, task) = peer(first, &answers).await;
        let health = health("extron", endpoint(&address, credentials)).await;
        assert!(health.detail.contains(says), "{says}: {health:?}");
        assert!(!health.detail.contains("hush"), "{health:?}");
        task.await.expect("the peer ends");
    }
}
