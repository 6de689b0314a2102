//! Tools: the outside world behind the door.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use governance::Permit;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{
    Answers, Catalog, Failure, HeldBack, Labeled, Mode, Outcome, ProbeResult, TenantId, Timestamp, ToolSpec,
};

/// Asked by a connector directly before the first byte of a write leaves.
pub trait SendGuard: Send + Sync {
    /// # Errors
    /// The worker has lost the run, or the call's time is up: nothing may be sent.
    fn may_send(&self) -> Result<(), Failure>;
}

/// One call, as frozen in the journal. The permit says which action, key and mode.
#[derive(Clone)]
pub struct Call {
    /// Whose call.
    pub tenant: TenantId,
    /// The frozen arguments with labels, an object.
    pub args: Labeled,
    /// What people answered to the tool's questions of earlier attempts, if it asked any.
    pub answers: Option<Answers>,
    /// The call is given up at this instant.
    pub deadline: Timestamp,
    /// Asked before sending.
    pub guard: Arc<dyn SendGuard>,
}

/// How a tool is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The tool.
    pub tool: String,
    /// Whether it answers and lets us in.
    pub ok: bool,
    /// What was seen.
    pub detail: String,
    /// Mock or real.
    pub mode: Mode,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
}

/// The configured tools.
#[async_trait]
pub trait Tools: Send + Sync + 'static {
    /// Every action there is now.
    fn catalog(&self) -> Arc<Catalog>;

    /// What the manifest of a plain HTTP tool describes; it is not added.
    ///
    /// # Errors
    /// `manifest_invalid` with everything that is wrong with it, or because none can be added here.
    fn read_manifest(&self, manifest: &Value) -> Result<ToolSpec, Failure> {
        let _ = manifest;
        Err(Failure::new("manifest_invalid", "no tool can be added to these"))
    }

    /// Works from here on with the tools that people added and the limits of calls, as they are kept now.
    ///
    /// # Errors
    /// They can't be read.
    async fn take_up(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Looks at a server of the Model Context Protocol anew, has what it offers kept, and works with
    /// that from here on; the text says what was seen.
    ///
    /// # Errors
    /// The server can't be reached or worked with, or none can be looked at here.
    async fn look(&self, tenant: TenantId, tool: &str) -> Result<String, Failure> {
        let _ = tenant;
        let message = format!("nobody can look at {tool} from here");
        Err(Failure::new("tool_not_configured", message))
    }

    /// Performs one permitted attempt. It never panics on what the outside answers, keeps the
    /// call's deadline, sends the permit's idempotency key or marker, and tells known from unknown
    /// outcomes as [`Outcome`] says.
    async fn perform(&self, permit: Permit, call: Call) -> Outcome;

    /// Looks up what an earlier attempt did, by its marker or the connector's probe.
    async fn look_up(&self, permit: Permit, call: Call) -> ProbeResult;

    /// Tools that have no room for a call now or are closed to everybody, and when it is worth asking
    /// again. Runs begin no attempt on them, so that nothing is begun only to be held back.
    fn held_back(&self, tenant: TenantId, mode: Mode) -> BTreeMap<String, HeldBack> {
        let _ = (tenant, mode);
        BTreeMap::new()
    }

    /// Asks a tool how it is, with a cheap read.
    async fn health(&self, tenant: TenantId, tool: &str, mode: Mode) -> Health;
}
