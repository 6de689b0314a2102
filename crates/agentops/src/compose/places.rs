//! Where tools live and how to get in: the sandbox in mock mode, settings and secrets in real mode.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use ports::Store;
use sandbox::Vendor;
use serde_json::Value;
use services::secrets::origin_of;
use services::settings;
use tools::{Credentials, Endpoint, Endpoints, Secret};
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
        let vendor = match tool {
            "slack" => Vendor::Slack,
            "zoom" => Vendor::Zoom,
            "servicenow" => Vendor::ServiceNow,
            tool if sandbox::DEVICE_TOOLS.contains(&tool) => Vendor::Devices,
            _ => {
                let message =
                    format!("the sandbox has no stand-in for {tool}, so it can't be called in mock mode");
                return Err(
                    Failure::new("tool_not_configured", message).hint("call it in real mode: --mode real")
                );
            }
        };
        let own = self
            .sandbox
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let base = match own {
            Some(sandbox) => sandbox.base_url(vendor),
            None => {
                let server = self.server.read().and_then(|server| server.sandbox);
                let url = server.ok_or_else(|| {
                    Failure::new(
                        "sandbox_off",
                        format!("the sandbox doesn't run, so {tool} can't be called in mock mode"),
                    )
                    .hint("set sandbox.enabled to true, or run in real mode")
                })?;
                format!("{}{}", url.trim_end_matches('/'), vendor.prefix())
            }
        };
        let base_url = if vendor == Vendor::Devices {
            format!("{base}/{tool}")
        } else {
            base
        };
        let credentials = match sandbox_credentials(vendor) {
            sandbox::Credentials::Bearer { token } => Credentials::Bearer(Secret::new(token)),
            sandbox::Credentials::Account {
                account_id,
                client_id,
                client_secret,
            } => Credentials::Account {
                token_url: None,
                account_id: account_id.to_owned(),
                client_id: client_id.to_owned(),
                client_secret: Secret::new(client_secret),
            },
            sandbox::Credentials::Basic { user, password, .. } => Credentials::Basic {
                user: user.to_owned(),
                password: Secret::new(password),
            },
            sandbox::Credentials::Open => Credentials::None,
        };
        Ok(Endpoint {
            base_url,
            credentials,
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
        let private: Vec<String> = self.setting(tenant, settings::PRIVATE).await?.unwrap_or_default();
        let credentials = self.credentials(tenant, tool, &base_url).await?;
        Ok(Endpoint {
            base_url,
            credentials,
            ca_pem: None,
            allow_private: private.iter().any(|name| name == tool),
        })
    }

    /// The setting, else the manifest of a plain HTTP tool, else the vendor's one place.
    async fn base_url(&self, tenant: TenantId, tool: &str) -> Result<Option<String>, Failure> {
        let urls: Option<BTreeMap<String, String>> = self.setting(tenant, settings::BASE_URLS).await?;
        if let Some(url) = urls.and_then(|mut urls| urls.remove(tool)) {
            return Ok(Some(url));
        }
        let rows = self.store.tools(tenant).await?;
        let manifest = rows
            .iter()
            .find(|row| row.name == tool && row.kind == services::tools::HTTP);
        let url = manifest
            .and_then(|row| row.config.pointer("/manifest/base_url"))
            .and_then(Value::as_str);
        Ok(url.or_else(|| tools::default_base_url(tool)).map(str::to_owned))
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
        if tool == "zoom" {
            return Ok(Credentials::Account {
                token_url: Some(goes_to),
                account_id: self.required(tenant, tool, "account_id", &origin).await?,
                client_id: self.required(tenant, tool, "client_id", &origin).await?,
                client_secret: Secret::new(self.required(tenant, tool, "client_secret", &origin).await?),
            });
        }
        if tool == "slack" {
            return Ok(Credentials::Bearer(Secret::new(
                self.required(tenant, tool, "token", &origin).await?,
            )));
        }
        if let Some(token) = self.secret(tenant, tool, "token", &origin).await? {
            return Ok(Credentials::Bearer(Secret::new(token)));
        }
        if tool == "servicenow" {
            if let Some(key) = self.secret(tenant, tool, "api_key", &origin).await? {
                return Ok(Credentials::Header {
                    name: "x-sn-apikey".to_owned(),
                    value: Secret::new(key),
                });
            }
            return Ok(Credentials::Basic {
                user: self.required(tenant, tool, "user", &origin).await?,
                password: Secret::new(self.required(tenant, tool, "password", &origin).await?),
            });
        }
        Ok(Credentials::None)
    }

    async fn required(
        &self,
        tenant: TenantId,
        tool: &str,
        field: &str,
        origin: &str,
    ) -> Result<String, Failure> {
        self.secret(tenant, tool, field, origin).await?.ok_or_else(|| {
            Failure::new(
                "tool_not_configured",
                format!("{tool} needs the secret {tool}.{field} in real mode"),
            )
            .hint(format!(
                "`agentops secret set {tool}.{field} --origin {origin}`, with the value on standard input"
            ))
        })
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

    async fn setting<T: serde::de::DeserializeOwned>(
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
            Mode::Mock => self.mock(tool),
            Mode::Real => self.real(tenant, tool).await,
        }
    }
}

/// The sandbox's credentials are fixed, so they hold for another process's sandbox too.
fn sandbox_credentials(vendor: Vendor) -> sandbox::Credentials {
    match vendor {
        Vendor::Slack => sandbox::Credentials::Bearer {
            token: sandbox::SLACK_TOKEN,
        },
        Vendor::Zoom => sandbox::Credentials::Account {
            account_id: sandbox::ZOOM_ACCOUNT_ID,
            client_id: sandbox::ZOOM_CLIENT_ID,
            client_secret: sandbox::ZOOM_CLIENT_SECRET,
        },
        Vendor::ServiceNow => sandbox::Credentials::Basic {
            user: sandbox::SERVICENOW_USER,
            password: sandbox::SERVICENOW_PASSWORD,
            token: sandbox::SERVICENOW_TOKEN,
            api_key: sandbox::SERVICENOW_API_KEY,
        },
        Vendor::Devices => sandbox::Credentials::Open,
    }
}
