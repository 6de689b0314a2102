//! A registry whose tools all live on one mock server, with a clock that is turned by hand.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use governance::{Facts, Granted, Permit, Request, Schemas, Verdict, decide, permit_look_up};
use ports::{Call, SendGuard, Tools};
use serde_json::{Value, json};
use store::sqlite::SqliteStore;
use tools::{
    Connector, Credentials, Endpoint, Endpoints, HttpTool, LocalSink, Options, Registry, Saved, Secret,
};
use types::{
    ActionSpec, Actor, ApprovalId, Catalog, Clock, Entropy, Failure, Label, Labeled, Labels, Lookup, Mode,
    Outcome, ProbeResult, RunId, TenantId, Timestamp,
};
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

use crate::peer::Peer;

/// When tests happen: 2023-11-14T22:13:20Z.
pub const NOW_MS: i64 = 1_700_000_000_000;
/// The idempotency key of every call.
pub const KEY: &str = "run_1-act-step";
/// How long a call may take unless a test says otherwise.
const CALL_MS: u64 = 10_000;

pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Says no from a certain question on.
#[derive(Default)]
pub struct Guard {
    pub refuses: AtomicBool,
    pub asked: AtomicI64,
}

impl SendGuard for Guard {
    fn may_send(&self) -> Result<(), Failure> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.refuses.load(Ordering::SeqCst) {
            return Err(Failure::new("lease_lost", "the worker has lost the run"));
        }
        Ok(())
    }
}

/// Bytes that differ at every call.
struct Counting(AtomicI64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            chunk.copy_from_slice(&count.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// The desk of all tests, as an installation has it; each world is a tenant of its own there.
fn desk() -> Arc<SqliteStore> {
    static DESK: OnceLock<Arc<SqliteStore>> = OnceLock::new();
    let open = || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("connectors-desk");
        if folder.exists() {
            std::fs::remove_dir_all(&folder).expect("the desk of an earlier test goes");
        }
        let opened = store::sqlite::open(store::sqlite::Options {
            folder,
            clock: Arc::new(TestClock(AtomicI64::new(NOW_MS))),
            entropy: Arc::new(Counting(AtomicI64::new(1))),
            binary_version: "0.1.0".to_owned(),
            guest: false,
        });
        Arc::new(opened.expect("the store opens"))
    };
    Arc::clone(DESK.get_or_init(open))
}

struct OneServer {
    base: String,
    /// Where tickets are kept.
    through: Arc<Mutex<String>>,
    settings: Arc<Mutex<BTreeMap<String, Value>>>,
}

#[async_trait]
impl Endpoints for OneServer {
    async fn endpoint(&self, _tenant: TenantId, tool: &str, mode: Mode) -> Result<Endpoint, Failure> {
        if mode == Mode::Real {
            return Err(Failure::new(
                "tool_not_configured",
                format!("{tool} has no settings"),
            ));
        }
        let credentials = match tool {
            "slack" => Credentials::Bearer(Secret::new("slack-token")),
            "zoom" => Credentials::Account {
                token_url: None,
                account_id: "account".into(),
                client_id: "client".into(),
                client_secret: Secret::new("client-secret"),
            },
            "github" => Credentials::Bearer(Secret::new("github-token")),
            "jira" => Credentials::Basic {
                user: "ann@avops.example".into(),
                password: Secret::new("jira-token"),
            },
            "pagerduty" => {
                Credentials::Parts([("routing_key".to_owned(), Secret::new("routing-key"))].into())
            }
            "google_drive" => Credentials::Parts(
                ["client_id", "client_secret", "refresh_token"]
                    .map(|name| (name.to_owned(), Secret::new(format!("google-{name}"))))
                    .into(),
            ),
            "servicenow" => Credentials::Basic {
                user: "agent".into(),
                password: Secret::new("pass"),
            },
            _ => Credentials::None,
        };
        Ok(Endpoint {
            base_url: self.base.clone(),
            credentials,
            ca_pem: None,
            allow_private: true,
        })
    }

    async fn through(&self, _: TenantId, _: &str) -> Result<String, Failure> {
        Ok(self.through.lock().expect("the setting").clone())
    }

    async fn setting(&self, _: TenantId, key: &str) -> Result<Option<Value>, Failure> {
        Ok(self.settings.lock().expect("the settings").get(key).cloned())
    }
}

/// What a sink kept: by key, as the trait demands.
#[derive(Default)]
pub struct Sink {
    pub kept: Mutex<BTreeMap<String, (String, Vec<u8>)>>,
    pub broken: AtomicBool,
    /// The labels of the last draft.
    pub labels: Mutex<Option<Labels>>,
}

impl Sink {
    fn keep(&self, key: &str, name: &str, bytes: Vec<u8>) -> Result<Saved, Failure> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(Failure::new("disk_full", "no space is left"));
        }
        let mut kept = self.kept.lock().expect("the sink");
        kept.entry(key.to_owned()).or_insert((name.to_owned(), bytes));
        Ok(Saved {
            id: format!("kept/{name}"),
            url: None,
        })
    }
}

#[async_trait]
impl LocalSink for Sink {
    async fn save_recipe_draft(
        &self,
        _: TenantId,
        name: &str,
        text: &str,
        labels: Labels,
        key: &str,
    ) -> Result<Saved, Failure> {
        *self.labels.lock().expect("the sink") = Some(labels);
        self.keep(key, name, text.as_bytes().to_vec())
    }

    async fn save_file(
        &self,
        _: TenantId,
        _: RunId,
        name: &str,
        bytes: Vec<u8>,
        key: &str,
    ) -> Result<Saved, Failure> {
        self.keep(key, name, bytes)
    }
}

/// Everything one test needs.
pub struct World {
    pub server: Peer,
    pub clock: Arc<TestClock>,
    pub guard: Arc<Guard>,
    pub sink: Arc<Sink>,
    pub desk: Arc<SqliteStore>,
    pub tenant: TenantId,
    through: Arc<Mutex<String>>,
    pub settings: Arc<Mutex<BTreeMap<String, Value>>>,
    pub registry: Registry,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Vec::new(), Vec::new()).await
    }

    pub async fn with(http_tools: Vec<HttpTool>, extra: Vec<Arc<dyn Connector>>) -> Self {
        let server = Peer::start().await;
        let base = server.uri();
        Self::at(server, base, http_tools, extra)
    }

    /// With tools that live at `base`, whatever the server hears.
    pub async fn elsewhere(base: String) -> Self {
        Self::at(Peer::start().await, base, Vec::new(), Vec::new())
    }

    fn at(server: Peer, base: String, http_tools: Vec<HttpTool>, extra: Vec<Arc<dyn Connector>>) -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(NOW_MS)));
        let sink = Arc::new(Sink::default());
        static WORLDS: AtomicU64 = AtomicU64::new(0);
        let mut tenant = *TenantId::DEFAULT.as_bytes();
        tenant[..6].copy_from_slice(&WORLDS.fetch_add(1, Ordering::SeqCst).to_be_bytes()[2..]);
        let desk = desk();
        let through = Arc::new(Mutex::new("built_in".to_owned()));
        let settings = Arc::new(Mutex::default());
        let endpoints = OneServer {
            base,
            through: through.clone(),
            settings: Arc::clone(&settings),
        };
        let options = Options {
            clock: clock.clone(),
            endpoints: Arc::new(endpoints),
            sink: sink.clone(),
            desk: desk.clone(),
            http_tools,
            extra,
        };
        let registry = Registry::new(options);
        Self {
            server,
            clock,
            guard: Arc::default(),
            sink,
            desk,
            tenant: TenantId::from_bytes(tenant),
            through,
            settings,
            registry,
        }
    }

    /// From here on tickets are kept there.
    pub fn keep_tickets(&self, through: &str) {
        *self.through.lock().expect("the setting") = through.to_owned();
    }

    /// Somebody has set a setting.
    pub fn set(&self, key: &str, value: Value) {
        self.settings
            .lock()
            .expect("the settings")
            .insert(key.to_owned(), value);
    }

    /// The server answers `verb route` with `template`, `times` times at most if that isn't 0.
    pub async fn answers(&self, verb: &str, route: &str, template: ResponseTemplate, times: u64) {
        let mock = Mock::given(method(verb)).and(path(route)).respond_with(template);
        let mock = if times > 0 {
            mock.up_to_n_times(times)
        } else {
            mock
        };
        mock.mount(&self.server).await;
    }

    /// The server answers with 200 and this JSON.
    pub async fn tells(&self, verb: &str, route: &str, body: Value) {
        self.answers(verb, route, ResponseTemplate::new(200).set_body_json(body), 0)
            .await;
    }

    /// Zoom's token endpoint, and Google's, give out `token`, `times` times at most if that isn't 0.
    pub async fn gives_token(&self, token: &str, times: u64) {
        let body = json!({"access_token": token, "token_type": "bearer", "expires_in": 3600});
        for route in ["/oauth/token", "/token"] {
            let template = ResponseTemplate::new(200).set_body_json(body.clone());
            self.answers("POST", route, template, times).await;
        }
    }

    /// How many requests of this kind the server has seen.
    pub async fn seen(&self, verb: &str, route: &str) -> Vec<wiremock::Request> {
        let all = self
            .server
            .received_requests()
            .await
            .expect("requests are recorded");
        all.into_iter()
            .filter(|request| request.method.as_str() == verb && request.url.path() == route)
            .collect()
    }

    pub fn call(&self, args: Value) -> Call {
        self.call_within(args, CALL_MS)
    }

    pub fn call_within(&self, args: Value, millis: u64) -> Call {
        Call {
            answers: None,
            tenant: self.tenant,
            args: Labeled::new(args, Label::Author),
            deadline: self.clock.now() + millis,
            guard: self.guard.clone(),
        }
    }

    pub async fn perform(&self, action: &str, args: Value) -> Outcome {
        let permit = permit(&self.registry.catalog(), action, &args);
        self.registry.perform(permit, self.call(args)).await
    }

    /// The same under a key of its own.
    pub async fn perform_keyed(&self, key: &str, action: &str, args: Value) -> Outcome {
        let permit = permit_for(&self.registry.catalog(), action, &args, Mode::Mock, key);
        self.registry.perform(permit, self.call(args)).await
    }

    pub async fn look_up(&self, action: &str, args: Value) -> ProbeResult {
        let permit = look_up_permit(&self.registry.catalog(), action, &args);
        self.registry.look_up(permit, self.call(args)).await
    }

    pub async fn registry_health(&self, tool: &str) -> ports::Health {
        self.registry.health(self.tenant, tool, Mode::Mock).await
    }

    /// The output of an action that must succeed.
    pub async fn output(&self, action: &str, args: Value) -> Value {
        match self.perform(action, args).await {
            Outcome::Succeeded { output, .. } => output.value,
            other => panic!("{action}: {other:?}"),
        }
    }
}

pub fn spec(catalog: &Catalog, action: &str) -> ActionSpec {
    match catalog.find(action) {
        Lookup::Found(spec) => spec.clone(),
        other => panic!("{action}: {other:?}"),
    }
}

/// A run created at [`NOW_MS`].
pub fn run() -> RunId {
    RunId::derive(Timestamp::from_millis(NOW_MS), &["test"])
}

fn asked<T>(
    catalog: &Catalog,
    action: &str,
    args: &Value,
    (mode, key): (Mode, &str),
    ask: impl FnOnce(&Request<'_>) -> T,
) -> T {
    let spec = spec(catalog, action);
    let labeled = Labeled::new(args.clone(), Label::Author);
    let digest = types::digest(args);
    let requester = Actor::user("ann");
    let granted = Granted {
        approval: ApprovalId::from_bytes([7; 16]),
        digest: digest.clone(),
        mode,
        policy_version: Facts::default().matrix.version,
        expires_at: types::Timestamp::MAX,
        approvers: 1,
    };
    ask(&Request {
        run: run(),
        step: "act/step",
        attempt: 1,
        action: &spec,
        args: &labeled,
        digest: &digest,
        key,
        mode,
        requester: &requester,
        now: types::Timestamp::from_millis(0),
        author: None,
        granted: Some(&granted),
    })
}

/// A permit as the door gives it once the call is approved.
pub fn permit(catalog: &Catalog, action: &str, args: &Value) -> Permit {
    permit_in(catalog, action, args, Mode::Mock)
}

pub fn permit_in(catalog: &Catalog, action: &str, args: &Value, mode: Mode) -> Permit {
    permit_for(catalog, action, args, mode, KEY)
}

fn permit_for(catalog: &Catalog, action: &str, args: &Value, mode: Mode, key: &str) -> Permit {
    asked(catalog, action, args, (mode, key), |request| {
        match decide(request, &Facts::default(), &lenient(catalog)) {
            Verdict::Permit(permit) => permit,
            other => panic!("{action}: {other:?}"),
        }
    })
}

/// Schemas that let everything pass, so that what the connectors' own check refuses can be seen.
fn lenient(catalog: &Catalog) -> Schemas {
    let mut tools: Vec<_> = catalog.tools().cloned().collect();
    for action in tools.iter_mut().flat_map(|tool| &mut tool.actions) {
        action.input = json!(true);
    }
    Schemas::new(&Catalog::new(tools))
}

pub fn look_up_permit(catalog: &Catalog, action: &str, args: &Value) -> Permit {
    asked(catalog, action, args, (Mode::Mock, KEY), permit_look_up)
}

/// An outcome in a few words: `ok`, `failed <code>`, `retry <code>`, `retry <code> after <ms>`, `unknown <code>`.
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

/// A JSON answer.
pub fn answer(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

/// A request's JSON body.
pub fn body(request: &wiremock::Request) -> Value {
    serde_json::from_slice(&request.body).expect("a JSON body")
}

/// A request's form body.
pub fn form(request: &wiremock::Request) -> BTreeMap<String, String> {
    let text = String::from_utf8(request.body.clone()).expect("a text body");
    let url = reqwest::Url::parse(&format!("http://form/?{text}")).expect("a form");
    url.query_pairs().into_owned().collect()
}

/// A header's text.
pub fn header<'a>(request: &'a wiremock::Request, name: &str) -> &'a str {
    request
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}
