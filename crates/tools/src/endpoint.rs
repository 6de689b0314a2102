//! Where a tool lives and how to get in: what the composition root tells connectors.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use serde_json::Value;
use types::{Failure, Mode, TenantId};

use crate::connectors;

/// A secret in the clear, which never shows itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the header or form that carries it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How to authenticate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The tool asks for nothing.
    None,
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// `Authorization: Basic …`.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A header of the vendor's own, such as `x-sn-apikey`.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: Secret,
    },
    /// OAuth with account credentials (Zoom's server-to-server apps): tokens are fetched and kept.
    Account {
        /// Where tokens are fetched; `None` follows from the base URL.
        token_url: Option<String>,
        /// The account.
        account_id: String,
        /// The app.
        client_id: String,
        /// The app's secret.
        client_secret: Secret,
    },
    /// Named secrets that the connector puts where they belong by itself.
    Parts(BTreeMap<String, Secret>),
}

/// One tool's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The URL before the vendor's own paths (`https://slack.com`, before `/api/…`).
    pub base_url: String,
    /// How to authenticate.
    pub credentials: Credentials,
    /// If set, the only certificate authorities trusted for this endpoint, PEM.
    pub ca_pem: Option<String>,
    /// Whether the address may be private or loopback. Link-local and metadata addresses are never reached.
    pub allow_private: bool,
}

/// Gives the endpoint of a tool: from settings and secrets in real mode, the sandbox in mock mode.
#[async_trait]
pub trait Endpoints: Send + Sync + 'static {
    /// The endpoint of `tool` for `tenant`.
    ///
    /// # Errors
    /// `tool_not_configured`, or whatever kept settings and secrets from being read; the call then
    /// fails without having been sent.
    async fn endpoint(&self, tenant: TenantId, tool: &str, mode: Mode) -> Result<Endpoint, Failure>;

    /// Where the calls of a tool with several routes go: another tool's name, or `built_in`.
    ///
    /// # Errors
    /// Whatever kept settings from being read.
    async fn through(&self, tenant: TenantId, tool: &str) -> Result<String, Failure> {
        let _ = (tenant, tool);
        Ok(connectors::ticketing::BUILT_IN.to_owned())
    }

    /// A setting that a connector goes by, such as `tools.page_fetch.domains`, if somebody has set it.
    ///
    /// # Errors
    /// Whatever kept settings from being read; the call then fails without having been sent.
    async fn setting(&self, tenant: TenantId, key: &str) -> Result<Option<Value>, Failure> {
        let _ = (tenant, key);
        Ok(None)
    }
}

/// Scheme, host and port of a URL; `None` if it has none.
pub(crate) fn origin_of(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}", url.scheme(), url.host_str()?))
}

/// Where a tool that lives at `base_url` sends its secrets. That is the base URL itself, but for Zoom and
/// Google, whose secrets go to the place where tokens are fetched.
pub fn secrets_url(tool: &str, base_url: &str) -> String {
    let elsewhere = match tool {
        "google_drive" => connectors::google_drive::token_url(base_url),
        "zoom" => connectors::zoom::token_url(base_url),
        _ => None,
    };
    elsewhere.unwrap_or_else(|| base_url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_to_where_tokens_are_fetched() {
        for (tool, base_url, goes_to) in [
            ("zoom", "https://api.zoom.us", "https://zoom.us/oauth/token"),
            ("zoom", "https://API.zoom.us/", "https://zoom.us/oauth/token"),
            (
                "zoom",
                "http://127.0.0.1:5/zoom",
                "http://127.0.0.1:5/zoom/oauth/token",
            ),
            (
                "zoom",
                "https://api.zoom.us.evil.example",
                "https://api.zoom.us.evil.example/oauth/token",
            ),
            ("zoom", "nowhere", "nowhere"),
            ("slack", "https://slack.com", "https://slack.com"),
            (
                "google_drive",
                "https://www.googleapis.com",
                "https://oauth2.googleapis.com/token",
            ),
            (
                "google_drive",
                "http://127.0.0.1:5/google",
                "http://127.0.0.1:5/google/token",
            ),
        ] {
            assert_eq!(secrets_url(tool, base_url), goes_to, "{base_url}");
        }
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let endpoint = Endpoint {
            base_url: "https://slack.com".into(),
            credentials: Credentials::Bearer(Secret::new("xoxb-hush")),
            ca_pem: None,
            allow_private: false,
        };
        assert!(!format!("{endpoint:?}").contains("hush"));
        let Credentials::Bearer(secret) = endpoint.credentials else {
            panic!("a bearer")
        };
        assert_eq!(secret.reveal(), "xoxb-hush");
    }
}
