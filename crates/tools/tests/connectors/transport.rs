//! The outbound client: certificates, private addresses, and what is said about secrets.

use std::sync::Arc;

use async_trait::async_trait;
use ports::Tools as _;
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

/// What Slack's health check says with this endpoint.
async fn health(base_url: &str, allow_private: bool, ca_pem: Option<&str>, token: &str) -> ports::Health {
    let world = World::new().await;
    let endpoint = Endpoint {
        base_url: base_url.replace("SERVER", &world.server.uri()),
        credentials: Credentials::Bearer(Secret::new(token)),
        ca_pem: ca_pem.map(str::to_owned),
        allow_private,
    };
    let registry = Registry::new(Options {
        clock: world.clock.clone(),
        endpoints: Arc::new(Fixed(endpoint)),
        sink: world.sink.clone(),
        http_tools: Vec::new(),
        extra: Vec::new(),
    })
    .expect("a registry");
    world
        .tells(
            "POST",
            "/api/auth.test",
            serde_json::json!({"ok": true, "team": "AV", "user": "bot"}),
        )
        .await;
    registry.health(TenantId::DEFAULT, "slack", Mode::Mock).await
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
