//! The tool `bench`: in this process, at once, or after a pause for runs that must be under way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use governance::Permit;
use ports::{Call, Health, Tools};
use serde_json::json;
use tokio::sync::mpsc;
use types::{
    ActionSpec, Catalog, Effect, Idempotency, Label, Labeled, Mode, Outcome, ProbeResult, Risk, TenantId,
    ToolSpec,
};

/// The tool; every call is told to the receiver, if there is one.
pub(super) struct BenchTools {
    catalog: Arc<Catalog>,
    pause: Duration,
    called: Option<mpsc::UnboundedSender<()>>,
}

impl BenchTools {
    pub(super) fn new(pause: Duration, called: Option<mpsc::UnboundedSender<()>>) -> Self {
        let step = ActionSpec {
            tool: "bench".to_owned(),
            action: "step".to_owned(),
            description: "does nothing".to_owned(),
            aliases: Vec::new(),
            input: json!({"type": "object", "required": ["n"], "additionalProperties": false,
                "properties": {"n": {"type": "integer"}}}),
            output: json!({"type": "object", "properties": {"n": {"type": "integer"}}}),
            arg_classes: BTreeMap::new(),
            trust: BTreeMap::from([("/n".to_owned(), Label::System)]),
            effect: Effect::Write,
            idempotency: Idempotency::Natural,
            risk: Risk::Low,
            notification: false,
            probe: false,
            timeout_ms: 10_000,
        };
        let tool = ToolSpec {
            name: "bench".to_owned(),
            description: "does nothing".to_owned(),
            version: "1".to_owned(),
            actions: vec![step],
        };
        Self {
            catalog: Arc::new(Catalog::new([tool])),
            pause,
            called,
        }
    }
}

#[async_trait]
impl Tools for BenchTools {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    async fn perform(&self, _permit: Permit, call: Call) -> Outcome {
        if let Some(called) = &self.called {
            // Nobody listening means that enough was heard.
            let _ = called.send(());
        }
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        if let Err(failure) = call.guard.may_send() {
            return Outcome::Failed {
                failure,
                retryable: true,
                retry_after_ms: None,
            };
        }
        Outcome::Succeeded {
            output: Labeled::new(call.args.value, Label::System),
            artifacts: Vec::new(),
        }
    }

    async fn look_up(&self, _permit: Permit, _call: Call) -> ProbeResult {
        ProbeResult::Absent
    }

    async fn health(&self, _tenant: TenantId, tool: &str, mode: Mode) -> Health {
        Health {
            tool: tool.to_owned(),
            ok: true,
            detail: "in this process".to_owned(),
            mode,
            latency_ms: 0,
        }
    }
}
