//! Where tools live and how to get in: the sandbox in mock mode, settings and secrets in real mode.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use ports::Store;
use sandbox::Vendor;
use serde_json::Value;
use services::secrets::origin_of;
use services::settings;
use tools::{Access, Credentials, Endpoint, Endpoints, Way};
use types::{Failure, Mode, TenantId};

use super::ServerFile;

/// Endpoints from the sandbox, the settings and the secrets as they are at the moment of the call.
pub(super) struct Places {
    store: Arc<dyn Store>,
    server: ServerFile,
    sandbox: RwLock<Option<Arc<sandbox::Handle>>>,
}

impl Places {
    pub(super) fn new(store: Arc<dyn Store>, server: ServerFile) -> Self {
        Self {
            store,
            server,
            sandbox: RwLock::default(),
        }
    }

    /// From here on mock calls go to this sandbox.
    pub(super) fn use_sandbox(&self, sandbox: Option<Arc<sandbox::Handle>>) {
        *self.sandbox.write().unwrap_or_else(PoisonError::into_inner) = sandbox;
    }

    /// The own sandbox, or that of the process which holds the data folder.
    fn mock(&self, tool: &str) -> Result<Endpoint, Failure> {
        let (vendor, path) = Vendor::of_tool(tool).ok_or_else(|| {
            let message =
                format!("the sandbox has no stand-in for {tool}, so it can't be called in mock mode");
            Failure::new("tool_not_configured", message).hint("call it in real mode: --mode real")
        })?;
        let own = self
            .sandbox
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (http, mut listeners) = match own {
            Some(sandbox) => (Some(sandbox.http_url().to_owned()), sandbox.listeners()),
            None => match self.server.read() {
                Some(server) => (server.sandbox, server.listeners),
                None => (None, BTreeMap::new()),
            },
        };
        let base_url = match vendor.own_scheme() {
            Some(_) => listeners.remove(&vendor.to_string()),
            None => http.map(|base| format!("{}{path}", base.trim_end_matches('/'))),
        };
        let base_url = base_url.ok_or_else(|| {
            Failure::new(
                "sandbox_off",
                format!("the sandbox doesn't run, so {tool} can't be called in mock mode"),
            )
            .hint("set sandbox.enabled to true, or run in real mode")
        })?;
        let values = vendor
            .secrets()
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        let credentials = Access::of(tool)
            .ways
            .iter()
            .find_map(|way| way.credentials(&values, None));
        Ok(Endpoint {
            base_url,
            credentials: credentials.unwrap_or(Credentials::None),
            ca_pem: None,
            allow_private: true,
        })
    }

    async fn real(&self, tenant: TenantId, tool: &str) -> Result<Endpoint, Failure> {
        let base_url = self.base_url(tenant, tool).await?.ok_or_else(|| {
            Failure::new(
                "tool_not_configured",
                format!("nothing says where {tool} lives in real mode"),
            )
            .hint(format!(
                "`agentops setting set {} '{{\"{tool}\": \"https://…\"}}'`",
                settings::BASE_URLS
            ))
        })?;
        let private: Vec<String> = self.stored(tenant, settings::PRIVATE).await?.unwrap_or_default();
        let credentials = self.credentials(tenant, tool, &base_url).await?;
        Ok(Endpoint {
            base_url,
            credentials,
            ca_pem: None,
            allow_private: private.iter().any(|name| name == tool),
        })
    }

    /// The setting, else what is said of a tool that people added, else the vendor's one place.
    async fn base_url(&self, tenant: TenantId, tool: &str) -> Result<Option<String>, Failure> {
        let urls: Option<BTreeMap<String, String>> = self.stored(tenant, settings::BASE_URLS).await?;
        if let Some(url) = urls.and_then(|mut urls| urls.remove(tool)) {
            return Ok(Some(url));
        }
        let rows = self.store.tools(tenant).await?;
        let row = rows.iter().find(|row| row.name == tool);
        let place = row.and_then(|row| match row.kind.as_str() {
            services::tools::HTTP => row.config.pointer("/manifest/base_url"),
            services::mcp::MCP => row.config.get("url"),
            _ => None,
        });
        let url = place.and_then(Value::as_str);
        Ok(url.or(Access::of(tool).base_url).map(str::to_owned))
    }

    /// The secrets of a tool, as far as they were set for the place that gets them. For Zoom that is
    /// where tokens are fetched (`https://zoom.us`), not its API.
    async fn credentials(
        &self,
        tenant: TenantId,
        tool: &str,
        base_url: &str,
    ) -> Result<Credentials, Failure> {
        let goes_to = tools::secrets_url(tool, base_url);
        let origin = origin_of(&goes_to).unwrap_or_default();
        let ways = Access::of(tool).ways;
        for way in ways {
            let mut values = BTreeMap::new();
            for name in way.secrets() {
                if let Some(value) = self.secret(tenant, tool, name, &origin).await? {
                    values.insert(name, value);
                }
            }
            if let Some(credentials) = way.credentials(&values, Some(goes_to.clone())) {
                return Ok(credentials);
            }
        }
        Err(no_secrets(tool, ways, &origin))
    }

    /// A secret, if it was set for this origin: it is sent nowhere else.
    async fn secret(
        &self,
        tenant: TenantId,
        tool: &str,
        field: &str,
        origin: &str,
    ) -> Result<Option<String>, Failure> {
        let name = format!("{tool}.{field}");
        let Some((record, value)) = self.store.reveal_secret(tenant, &name).await? else {
            return Ok(None);
        };
        if record.origin == origin {
            return Ok(Some(value));
        }
        let message = format!(
            "the secret {name} was set for {}, but {tool} takes it at {origin} now",
            record.origin
        );
        let hint = format!(
            "if that place is right, set it again: `agentops secret set {name} --origin {origin}`, with the value on standard input"
        );
        Err(Failure::new("secret_origin_mismatch", message).hint(hint))
    }

    /// Whether an admin has said that a server of the Model Context Protocol may be called in mock mode:
    /// the sandbox has no stand-in for it.
    async fn is_safe_in_rehearsals(&self, tenant: TenantId, tool: &str) -> Result<bool, Failure> {
        if Vendor::of_tool(tool).is_some() {
            return Ok(false);
        }
        let rows = self.store.tools(tenant).await?;
        let row = rows.iter().find(|row| row.name == tool);
        Ok(row
            .and_then(services::mcp::record_of)
            .is_some_and(|record| record.mock))
    }

    async fn stored<T: serde::de::DeserializeOwned>(
        &self,
        tenant: TenantId,
        key: &str,
    ) -> Result<Option<T>, Failure> {
        let Some(value) = self.store.setting(tenant, key).await? else {
            return Ok(None);
        };
        serde_json::from_value(value).map(Some).map_err(|error| {
            Failure::new(
                "setting_invalid",
                format!("the stored setting {key} can't be read: {error}"),
            )
        })
    }
}

#[async_trait]
impl Endpoints for Places {
    async fn endpoint(&self, tenant: TenantId, tool: &str, mode: Mode) -> Result<Endpoint, Failure> {
        match mode {
            Mode::Mock if self.is_safe_in_rehearsals(tenant, tool).await? => self.real(tenant, tool).await,
            Mode::Mock => self.mock(tool),
            Mode::Real => self.real(tenant, tool).await,
        }
    }

    async fn through(&self, tenant: TenantId, tool: &str) -> Result<String, Failure> {
        let chosen = self.stored(tenant, &format!("tools.{tool}.through")).await?;
        Ok(chosen.unwrap_or_else(|| settings::BUILT_IN.to_owned()))
    }

    async fn setting(&self, tenant: TenantId, key: &str) -> Result<Option<Value>, Failure> {
        Ok(self.store.setting(tenant, key).await?)
    }
}

/// Nothing opens the tool: which secrets would.
fn no_secrets(tool: &str, ways: &[Way], origin: &str) -> Failure {
    let ways: Vec<String> = ways
        .iter()
        .map(|way| {
            let names: Vec<_> = way
                .secrets()
                .iter()
                .map(|name| format!("{tool}.{name}"))
                .collect();
            names.join(" and ")
        })
        .collect();
    let first = ways.first().and_then(|way| way.split(' ').next()).unwrap_or(tool);
    Failure::new(
        "tool_not_configured",
        format!("{tool} needs {} in real mode", ways.join(", or ")),
    )
    .hint(format!(
        "`agentops secret set {first} --origin {origin}`, with the value on standard input"
    ))
}
