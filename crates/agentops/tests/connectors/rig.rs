//! A registry whose tools live in a sandbox of their own, permits from the real door, and a clock
//! that is turned by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use governance::{Facts, Granted, Permit, Request, Schemas, Verdict, decide, permit_look_up};
use ports::{Call, DeskStore, SendGuard, Tools};
use sandbox::{Fault, Handle, Vendor};
use serde_json::Value;
use tools::{Access, Endpoint, Endpoints, LocalSink, Options, Registry, Saved};
use types::{
    ActionSpec, Actor, ApprovalId, Clock, Failure, Label, Labeled, Labels, Lookup, Millis, Mode, Outcome,
    ProbeResult, RunId, TenantId, Timestamp,
};

/// When tests happen: 2025-01-06T08:00:00Z.
const NOW_MS: i64 = 1_736_150_400_000;
/// How long a call may take unless a test says otherwise.
const CALL_MS: Millis = 20_000;
/// A plain HTTP connector as a team would describe it.
const QSYS: &str = include_str!("../fixtures/qsys_control.json");

pub struct HandClock(AtomicI64);

impl HandClock {
    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Lets everything be sent.
struct Open;

impl SendGuard for Open {
    fn may_send(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// The sandbox's addresses and credentials, as a vendor's settings would give them.
struct Addresses {
    base: String,
    /// Of vendors with a listener of their own, by vendor.
    listeners: BTreeMap<String, String>,
    /// Who keeps tickets.
    keeper: Arc<Mutex<String>>,
    /// Who searches the web.
    engine: Arc<Mutex<Option<String>>>,
    ca_pem: Option<String>,
}

#[async_trait]
impl Endpoints for Addresses {
    async fn endpoint(&self, _: TenantId, tool: &str, _: Mode) -> Result<Endpoint, Failure> {
        let (vendor, path) = Vendor::of_tool(tool).unwrap_or_else(|| panic!("no stand-in for {tool}"));
        let values = vendor
            .secrets()
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        let mut ways = Access::of(tool).ways.iter();
        let credentials = ways.find_map(|way| way.credentials(&values, None));
        let own = self.listeners.get(&vendor.to_string());
        let base_url = own.cloned().unwrap_or_else(|| format!("{}{path}", self.base));
        Ok(Endpoint {
            base_url,
            credentials: credentials.expect("the sandbox has what opens the tool"),
            ca_pem: self.ca_pem.clone(),
            allow_private: true,
        })
    }

    async fn setting(&self, _: TenantId, key: &str) -> Result<Option<Value>, Failure> {
        Ok(match key {
            "tools.web_search.engine" => self.engine.lock().expect("the setting").clone().map(Value::from),
            "tools.page_fetch.domains" => Some(serde_json::json!(["*.av.example"])),
            _ => None,
        })
    }

    async fn through(&self, _: TenantId, _: &str) -> Result<String, Failure> {
        Ok(self.keeper.lock().expect("the setting").clone())
    }
}

/// Keeps what local actions make, once for each key.
#[derive(Default)]
pub struct Sink {
    pub kept: Mutex<BTreeMap<String, String>>,
}

impl Sink {
    fn keep(&self, name: &str, key: &str) -> Saved {
        self.kept
            .lock()
            .expect("the sink")
            .entry(key.to_owned())
            .or_insert_with(|| name.to_owned());
        Saved {
            id: name.to_owned(),
            url: None,
        }
    }
}

#[async_trait]
impl LocalSink for Sink {
    async fn save_recipe_draft(
        &self,
        _: TenantId,
        name: &str,
        _: &str,
        _: Labels,
        key: &str,
    ) -> Result<Saved, Failure> {
        Ok(self.keep(name, key))
    }

    async fn save_file(
        &self,
        _: TenantId,
        _: RunId,
        name: &str,
        _: Vec<u8>,
        key: &str,
    ) -> Result<Saved, Failure> {
        Ok(self.keep(name, key))
    }
}

/// Everything one test needs.
pub struct Rig {
    pub sandbox: Handle,
    pub clock: Arc<HandClock>,
    pub sink: Arc<Sink>,
    pub desk: Arc<dyn DeskStore>,
    pub registry: Registry,
    _folder: tempfile::TempDir,
    keeper: Arc<Mutex<String>>,
    engine: Arc<Mutex<Option<String>>>,
    pub tried: Mutex<BTreeSet<String>>,
}

impl Rig {
    /// Tools at the sandbox's plain address, or at its TLS one.
    pub async fn start(tls: bool) -> Self {
        Self::through(tls, async |base: &str| base.to_owned()).await
    }

    /// The same, with tools that go to where `way` leads instead of the sandbox's own address.
    pub async fn through(tls: bool, way: impl AsyncFnOnce(&str) -> String) -> Self {
        let clock = Arc::new(HandClock(AtomicI64::new(NOW_MS)));
        let options = sandbox::Options {
            tls,
            ..sandbox::Options::new(clock.clone())
        };
        let sandbox = sandbox::start(options).await.expect("the sandbox starts");
        let base = if tls {
            sandbox.https_url().expect("an address for TLS")
        } else {
            sandbox.http_url()
        };
        let keeper = Arc::new(Mutex::new("built_in".to_owned()));
        let engine: Arc<Mutex<Option<String>>> = Arc::default();
        let mut listeners = sandbox.listeners();
        if let Some(smtps) = sandbox.smtps_url() {
            listeners.insert(Vendor::Mail.to_string(), smtps.to_owned());
        }
        let addresses = Addresses {
            base: way(base).await,
            listeners,
            keeper: keeper.clone(),
            engine: engine.clone(),
            ca_pem: sandbox.ca_pem().map(str::to_owned),
        };
        let sink = Arc::new(Sink::default());
        let folder = tempfile::tempdir().expect("a folder");
        let desk: Arc<dyn DeskStore> = Arc::new(
            store::sqlite::open(store::sqlite::Options {
                folder: folder.path().join("data"),
                clock: clock.clone(),
                entropy: Arc::new(runtime::system::SystemEntropy),
                binary_version: "0.1.0".to_owned(),
                guest: false,
            })
            .expect("the store opens"),
        );
        let registry = Registry::new(Options {
            clock: clock.clone(),
            endpoints: Arc::new(addresses),
            sink: sink.clone(),
            desk: Arc::clone(&desk),
            http_tools: vec![tools::http_tool(QSYS).expect("the manifest reads")],
            extra: Vec::new(),
        });
        Self {
            sandbox,
            clock,
            sink,
            desk,
            registry,
            _folder: folder,
            keeper,
            engine,
            tried: Mutex::default(),
        }
    }

    /// From here on tickets are kept there.
    pub fn keep_tickets(&self, keeper: &str) {
        *self.keeper.lock().expect("the setting") = keeper.to_owned();
    }

    /// From here on this engine searches the web.
    pub fn search_by(&self, engine: &str) {
        *self.engine.lock().expect("the setting") = Some(engine.to_owned());
    }

    pub fn faults(&self, faults: Vec<Fault>) {
        self.sandbox.set_faults(faults).expect("the faults are good");
    }

    /// One attempt under this idempotency key.
    pub async fn perform(&self, key: &str, action: &str, args: &Value) -> Outcome {
        self.perform_within(key, action, args, CALL_MS).await
    }

    /// One attempt that is given up after so many milliseconds.
    pub async fn perform_within(&self, key: &str, action: &str, args: &Value, millis: Millis) -> Outcome {
        let permit = self.permit(key, action, args);
        self.tried.lock().expect("the list").insert(action.to_owned());
        self.registry.perform(permit, self.call(args, millis)).await
    }

    pub async fn look_up(&self, key: &str, action: &str, args: &Value) -> ProbeResult {
        let permit = self.ask(key, action, args, |request, _| permit_look_up(request));
        self.registry.look_up(permit, self.call(args, CALL_MS)).await
    }

    /// The output of an attempt that must succeed; the action's name is the key.
    pub async fn output(&self, action: &str, args: Value) -> Value {
        match self.perform(&format!("key-{action}"), action, &args).await {
            Outcome::Succeeded { output, .. } => output.value,
            other => panic!("{action} {args}: {other:?}"),
        }
    }

    pub fn spec(&self, action: &str) -> ActionSpec {
        match self.registry.catalog().find(action) {
            Lookup::Found(spec) => spec.clone(),
            other => panic!("{action}: {other:?}"),
        }
    }

    /// How many things the vendors hold that a call can have added.
    pub fn effects(&self) -> usize {
        let state = self.sandbox.state();
        let count = |pointer: &str| {
            state
                .pointer(pointer)
                .and_then(Value::as_object)
                .map_or(0, serde_json::Map::len)
        };
        let messages: usize = state["slack"]["channels"]
            .as_array()
            .expect("channels")
            .iter()
            .map(|channel| channel["messages"].as_array().map_or(0, Vec::len))
            .sum();
        let restarts: u64 = state["zoom"]["rooms"]
            .as_array()
            .expect("rooms")
            .iter()
            .filter_map(|room| room["restarts"].as_u64())
            .sum();
        let tracked: usize = state["jira"]["issues"]
            .as_object()
            .expect("issues")
            .values()
            .map(|issue| {
                let comments = issue["comments"].as_array().map_or(0, Vec::len);
                1 + comments + issue["properties"].as_object().map_or(0, serde_json::Map::len)
            })
            .sum();
        messages
            + tracked
            + posts(&state["github"])
            + state["pagerduty"]["alerts"].as_array().map_or(0, Vec::len)
            + usize::try_from(restarts).expect("few restarts")
            + count("/zoom/sessions")
            + count("/servicenow/records")
            + count("/servicenow/attachments")
            + count("/google/files")
            + state["mail"]["messages"].as_array().map_or(0, Vec::len)
            + state["devices"]["log"].as_array().map_or(0, Vec::len)
    }

    pub fn call(&self, args: &Value, millis: Millis) -> Call {
        Call {
            answers: None,
            tenant: TenantId::DEFAULT,
            args: Labeled::new(args.clone(), Label::Author),
            deadline: self.clock.now() + millis,
            guard: Arc::new(Open),
        }
    }

    /// A permit as the door gives it once the call has been approved.
    pub fn permit(&self, key: &str, action: &str, args: &Value) -> Permit {
        self.ask(key, action, args, |request, schemas| {
            match decide(request, &Facts::default(), schemas) {
                Verdict::Permit(permit) => permit,
                other => panic!("{action} {args}: {other:?}"),
            }
        })
    }

    fn ask<T>(
        &self,
        key: &str,
        action: &str,
        args: &Value,
        ask: impl FnOnce(&Request<'_>, &Schemas) -> T,
    ) -> T {
        let spec = self.spec(action);
        let labeled = Labeled::new(args.clone(), Label::Author);
        let digest = types::digest(args);
        let requester = Actor::user("ann");
        let granted = Granted {
            approval: ApprovalId::from_bytes([7; 16]),
            digest: digest.clone(),
            mode: Mode::Mock,
            policy_version: Facts::default().matrix.version,
            expires_at: Timestamp::MAX,
            approvers: 1,
        };
        let request = Request {
            run: RunId::derive(Timestamp::from_millis(NOW_MS), &["connectors"]),
            step: "act/step",
            attempt: 1,
            action: &spec,
            args: &labeled,
            digest: &digest,
            key,
            mode: Mode::Mock,
            requester: &requester,
            now: Timestamp::from_millis(NOW_MS),
            author: None,
            granted: Some(&granted),
        };
        ask(&request, &Schemas::new(&self.registry.catalog()))
    }
}

/// An outcome in a few words: `ok`, `failed <code>`, `retry <code> after <ms>`, `unknown <code>`.
pub fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded { .. } => "ok".to_owned(),
        Outcome::Failed {
            failure,
            retryable: false,
            ..
        } => format!("failed {}", failure.code),
        Outcome::Failed {
            failure,
            retry_after_ms: None,
            ..
        } => format!("retry {}", failure.code),
        Outcome::Failed {
            failure,
            retry_after_ms: Some(ms),
            ..
        } => format!("retry {} after {ms}", failure.code),
        Outcome::HeldBack {
            failure,
            retry_after_ms,
        } => format!("held back {} for {retry_after_ms}", failure.code),
        Outcome::Unknown { failure } => format!("unknown {}", failure.code),
        Outcome::NeedsInput { needed, .. } => format!("asks {}", needed.questions.len()),
    }
}

/// Issues, pull requests, comments, branches and commits that calls have added.
fn posts(github: &Value) -> usize {
    let issues = github["issues"].as_object().expect("issues").values();
    let talk: usize = issues
        .map(|issue| 1 + issue["comments"].as_array().map_or(0, Vec::len))
        .sum();
    talk + github["pushes"].as_array().map_or(0, Vec::len)
}
