//! The configured tools, kept current: the registry, and the tools that people added or the
//! configuration names taken up into it, one change after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use governance::Permit;
use ports::{Call, Health, Store};
use serde_json::Value;
use tokio::sync::Mutex;
use tools::Registry;
use types::{Catalog, Failure, HeldBack, Mode, Outcome, ProbeResult, TenantId, ToolSpec};

use super::mcp::Commands;
use super::refresh::{self, Mark, Set};

/// The registry with what it is made from.
pub(super) struct Current {
    registry: Arc<Registry>,
    store: Arc<dyn Store>,
    tenant: TenantId,
    /// How servers of the Model Context Protocol are started.
    commands: Commands,
    /// What the registry holds. Whoever changes it has the turn, so that nobody puts back what they
    /// read before somebody else's change.
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    tools: Option<Mark>,
    settings: Option<Set>,
}

impl Current {
    pub fn new(registry: Arc<Registry>, store: Arc<dyn Store>, tenant: TenantId, commands: Commands) -> Self {
        Self {
            registry,
            store,
            tenant,
            commands,
            held: Mutex::default(),
        }
    }

    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    pub fn commands(&self) -> &Commands {
        &self.commands
    }

    /// Takes up the tools as they are kept now, if they aren't what the registry holds, or whatever
    /// it holds; and the limits of calls.
    ///
    /// # Errors
    /// They can't be read.
    pub async fn take_up(&self, whatever: bool) -> Result<(), Failure> {
        let mut held = self.held.lock().await;
        let store = self.store.as_ref();
        let added = refresh::added(store, self.tenant).await?;
        let mark = refresh::mark(&added);
        if whatever || held.tools.as_ref() != Some(&mark) {
            refresh::replace(&self.registry, &self.commands, &added);
            held.tools = Some(mark);
        }
        refresh::take_up_settings(store, self.tenant, &self.registry, &mut held.settings).await
    }
}

#[async_trait]
impl ports::Tools for Current {
    fn catalog(&self) -> Arc<Catalog> {
        self.registry.catalog()
    }

    fn read_manifest(&self, manifest: &Value) -> Result<ToolSpec, Failure> {
        self.registry.read_manifest(manifest)
    }

    async fn take_up(&self) -> Result<(), Failure> {
        Current::take_up(self, true).await
    }

    async fn look(&self, tenant: TenantId, tool: &str) -> Result<String, Failure> {
        let seen = self.registry.look(tenant, tool, Mode::Real).await?;
        Current::take_up(self, true).await?;
        Ok(seen)
    }

    async fn perform(&self, permit: Permit, call: Call) -> Outcome {
        self.registry.perform(permit, call).await
    }

    async fn look_up(&self, permit: Permit, call: Call) -> ProbeResult {
        self.registry.look_up(permit, call).await
    }

    fn held_back(&self, tenant: TenantId, mode: Mode) -> BTreeMap<String, HeldBack> {
        self.registry.held_back(tenant, mode)
    }

    async fn health(&self, tenant: TenantId, tool: &str, mode: Mode) -> Health {
        self.registry.health(tenant, tool, mode).await
    }
}
