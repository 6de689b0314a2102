//! The tools of a chaos run: every call is a real HTTP request to the ledger's process, and known and
//! unknown outcomes are told apart as a connector must.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use governance::Permit;
use ports::{Call, Health, Tools};
use reqwest::{Client, StatusCode, redirect, retry};
use serde_json::{Value, json};
use types::{Catalog, Clock, Entropy, Failure, Labeled, Mode, Outcome, ProbeResult, TenantId};

use crate::ledger::{Found, Order};
use crate::ledger_catalog::catalog;
use crate::{Bug, Error};

/// How long a probe waits for requests that may still be on their way.
const PROBE_SETTLE: Duration = Duration::from_millis(150);

/// The tool `ledger`.
pub struct LedgerTools {
    base: String,
    client: Client,
    catalog: Arc<Catalog>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    bug: Bug,
}

impl LedgerTools {
    /// Tools that write to the ledger at `base`, such as `http://127.0.0.1:4711`.
    ///
    /// # Errors
    /// The HTTP client can't be built.
    pub fn new(
        base: impl Into<String>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        bug: Bug,
    ) -> Result<Self, Error> {
        Ok(Self {
            base: base.into(),
            client: client()?,
            catalog: Arc::new(catalog(bug)),
            clock,
            entropy,
            bug,
        })
    }

    fn key(&self, permit: &Permit) -> String {
        if self.bug != Bug::KeyNotPassed {
            return permit.key().to_owned();
        }
        let mut random = [0u8; 8];
        self.entropy.fill(&mut random);
        format!("{}#{:x}", permit.key(), u64::from_be_bytes(random))
    }

    /// A failure whose outcome nobody knows, unless the bug is to pretend otherwise.
    fn unknown(&self, code: &str, message: String) -> Outcome {
        let failure = Failure::new(code, message);
        if self.bug == Bug::RetryAfterTimeout {
            return Outcome::Failed {
                failure,
                retryable: true,
                retry_after_ms: None,
            };
        }
        Outcome::Unknown { failure }
    }

    async fn send(&self, permit: &Permit, call: &Call) -> Outcome {
        let operation = permit.action().rsplit('.').next().unwrap_or_default();
        let token = call.args.value["token"].as_str().unwrap_or_default().to_owned();
        let order = Order {
            token,
            key: self.key(permit),
            attempt: permit.attempt(),
        };
        let request = self
            .client
            .post(format!("{}/do/{operation}", self.base))
            .json(&order);
        let allowed = Duration::from_millis(call.deadline.since(self.clock.now()));
        if let Err(failure) = call.guard.may_send()
            && self.bug != Bug::NoFence
        {
            return refused(failure, true);
        }
        let exchange = async {
            let answer = request.send().await?;
            let status = answer.status();
            let body = answer.bytes().await?;
            Ok::<_, reqwest::Error>((status, body))
        };
        match tokio::time::timeout(allowed, exchange).await {
            Err(_) => self.unknown("tool_timed_out", "the ledger did not answer in time".to_owned()),
            Ok(Err(error)) if error.is_connect() || error.is_builder() => {
                refused(Failure::new("tool_unreachable", error.to_string()), true)
            }
            Ok(Err(error)) => self.unknown("tool_failed", error.to_string()),
            Ok(Ok((status, body))) => self.judge(status, &body),
        }
    }

    fn judge(&self, status: StatusCode, body: &[u8]) -> Outcome {
        let body: Option<Value> = serde_json::from_slice(body).ok();
        match (status.as_u16(), body) {
            (200, Some(output)) => succeeded(output),
            (429, body) => {
                let wait = body.and_then(|body| body["retry_after_ms"].as_u64());
                Outcome::Failed {
                    failure: Failure::new("rate_limited", "the ledger asks to wait"),
                    retryable: true,
                    retry_after_ms: wait,
                }
            }
            (400..=499, _) => refused(
                Failure::new("tool_refused", format!("the ledger refused: {status}")),
                false,
            ),
            _ => self.unknown("tool_failed", format!("the ledger answered {status}")),
        }
    }

    async fn find(&self, permit: &Permit, call: &Call) -> Result<Found, Error> {
        let allowed = Duration::from_millis(call.deadline.since(self.clock.now()));
        let request = self
            .client
            .post(format!("{}/find", self.base))
            .json(&json!({"key": permit.key()}))
            .timeout(allowed);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

#[async_trait]
impl Tools for LedgerTools {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    async fn perform(&self, permit: Permit, call: Call) -> Outcome {
        self.send(&permit, &call).await
    }

    async fn look_up(&self, permit: Permit, call: Call) -> ProbeResult {
        if permit.action() == "ledger.probed" {
            tokio::time::sleep(PROBE_SETTLE).await;
        }
        match self.find(&permit, &call).await {
            Ok(Found::Happened) => ProbeResult::Happened {
                output: labeled(json!({"token": call.args.value["token"], "value": 0, "seen": 1})),
                artifacts: Vec::new(),
            },
            Ok(Found::Absent) => ProbeResult::Absent,
            // A vendor that offers markers doesn't tell of what is under way: waiting for the settle
            // time must do.
            Ok(Found::Pending) if permit.action() == "ledger.marked" => ProbeResult::Absent,
            Ok(Found::Pending) => ProbeResult::Unclear {
                failure: Failure::new("tool_busy", "the effect is under way"),
            },
            Err(error) => ProbeResult::Unclear {
                failure: Failure::new("tool_failed", error.to_string()),
            },
        }
    }

    async fn health(&self, _tenant: TenantId, tool: &str, mode: Mode) -> Health {
        Health {
            tool: tool.to_owned(),
            ok: true,
            detail: self.base.clone(),
            mode,
            latency_ms: 0,
        }
    }
}

/// A client that never retries, never redirects and never reuses a connection, so that a failure
/// says exactly which request it hit.
pub(crate) fn client() -> Result<Client, Error> {
    // Another part of the process may have installed it: then this one is not needed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .pool_max_idle_per_host(0)
        .no_proxy()
        .build()?;
    Ok(client)
}

fn succeeded(output: Value) -> Outcome {
    Outcome::Succeeded {
        output: labeled(output),
        artifacts: Vec::new(),
    }
}

fn labeled(output: Value) -> Labeled {
    Labeled::new(output, types::Label::System)
}

fn refused(failure: Failure, retryable: bool) -> Outcome {
    Outcome::Failed {
        failure,
        retryable,
        retry_after_ms: None,
    }
}
