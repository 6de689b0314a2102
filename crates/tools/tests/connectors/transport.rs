//! The outbound client: certificates, private addresses, and what is said about secrets.

use std::sync::Arc;

use async_trait::async_trait;
use ports::Tools as _;
use tools::{Credentials, Endpoint, Endpoints, Options, Registry, Secret};
use types::{Failure, Mode, TenantId};

use crate::support::{World, header};

struct Fixed(Endpoint);

#[async_trait]
impl Endpoints for Fixed {
    async fn endpoint(&self, _: TenantId, _: &str, _: Mode) -> Result<Endpoint, Failure> {
        Ok(self.0.clone())
    }
}

/// Slack at this address.
fn slack(base_url: String, allow_private: bool, ca_pem: Option<&str>, token: &str) -> Endpoint {
    Endpoint {
        base_url,
        credentials: Credentials::Bearer(Secret::new(token)),
        ca_pem: ca_pem.map(str::to_owned),
        allow_private,
    }
}

/// What Slack's health check says with this endpoint.
async fn health(base_url: &str, allow_private: bool, ca_pem: Option<&str>, token: &str) -> ports::Health {
    let world = World::new().await;
    let base_url = base_url.replace("SERVER", &world.server.uri());
    let endpoint = slack(base_url, allow_private, ca_pem, token);
    world
        .tells(
            "POST",
            "/api/auth.test",
            serde_json::json!({"ok": true, "team": "AV", "user": "bot"}),
        )
        .await;
    asked(&world, "slack", endpoint).await
}

/// What a tool's health check says with this endpoint.
async fn asked(world: &World, tool: &str, endpoint: Endpoint) -> ports::Health {
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

#[tokio::test]
async fn a_healthy_tool_says_so() {
    let health = health("SERVER", true, None, "t").await;
    assert!(health.ok, "{health:?}");
    assert_eq!(health.detail, "signed in as bot in AV");
}

#[tokio::test]
async fn private_addresses_are_reached_only_where_allowed() {
    for inner in [
        "SERVER",
        "http://localhost:1",
        "http://[::1]:1",
        "http://169.254.169.254",
    ] {
        let health = health(inner, false, None, "t").await;
        assert!(health.detail.contains("[address_refused]"), "{inner}: {health:?}");
    }
}

#[tokio::test]
async fn metadata_addresses_are_never_reached_however_they_are_written() {
    let world = World::new().await;
    for never in [
        "http://169.254.169.254",
        "https://169.254.169.254",
        "http://2852039166",
        "http://0xa9.0xfe.0xa9.0xfe",
        "http://169.254.169.254.",
        "http://100.100.100.200",
        "http://[fe80::1]",
        "http://[fd00:ec2::254]",
        "http://[::ffff:169.254.169.254]",
        "http://[::169.254.169.254]",
        "http://[64:ff9b::a9fe:a9fe]",
        "http://[2002:a9fe:a9fe::]",
        "http://0.0.0.0",
        "http://[::]",
        "http://255.255.255.255",
        "http://224.0.0.1",
    ] {
        for allow_private in [false, true] {
            let endpoint = slack(never.to_owned(), allow_private, None, "t");
            let health = asked(&world, "slack", endpoint).await;
            assert!(health.detail.contains("[address_refused]"), "{never}: {health:?}");
            assert!(!health.detail.contains("tools.private"), "{never}: {health:?}");
        }
    }
}

#[tokio::test]
async fn zooms_secret_goes_only_to_where_tokens_are_fetched() {
    let (api, sign_in) = (World::new().await, World::new().await);
    sign_in.gives_token("t1", 0).await;
    api.tells("GET", "/v2/rooms", serde_json::json!({"rooms": []}))
        .await;
    let endpoint = |token_url: String| Endpoint {
        base_url: api.server.uri(),
        credentials: Credentials::Account {
            token_url: Some(token_url),
            account_id: "account".to_owned(),
            client_id: "client".to_owned(),
            client_secret: Secret::new("hush"),
        },
        ca_pem: None,
        allow_private: true,
    };
    let token_url = format!("{}/oauth/token", sign_in.server.uri());
    let health = asked(&api, "zoom", endpoint(token_url)).await;
    assert!(health.ok, "{health:?}");
    let seen = &sign_in.seen("POST", "/oauth/token").await[0];
    assert_eq!(header(seen, "authorization"), "Basic Y2xpZW50Omh1c2g=");
    let all = api.server.received_requests().await.expect("recorded");
    assert!(!all.is_empty());
    assert!(
        all.iter()
            .all(|request| header(request, "authorization") == "Bearer t1"),
        "{all:?}"
    );
    let health = asked(
        &api,
        "zoom",
        endpoint("http://169.254.169.254/oauth/token".to_owned()),
    )
    .await;
    assert!(health.detail.contains("[address_refused]"), "{health:?}");
}

#[tokio::test]
async fn bad_settings_are_told_without_the_secret() {
    for (base, pem, token) in [
        ("not a url", None, "hush"),
        ("ftp://files.example", None, "hush"),
        ("SERVER", None, "hush\nhush"),
        ("SERVER", Some("no certificate"), "hush"),
        (
            "SERVER",
            Some("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
            "hush",
        ),
    ] {
        let health = health(base, true, pem, token).await;
        assert!(
            health.detail.contains("[tool_misconfigured]"),
            "{base}: {health:?}"
        );
        assert!(!health.detail.contains("hush"), "{health:?}");
    }
}

#[tokio::test]
async fn a_tool_that_is_not_there_is_not_healthy() {
    let world = World::new().await;
    let health = world.registry_health("fax").await;
    assert!(
        !health.ok && health.detail.contains("tool_not_configured"),
        "{health:?}"
    );
    assert!(world.registry_health("local").await.ok);
}
