//! A small world for the runtime: a real SQLite store in a folder of its own, and scripted tools.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::rows::{Leaf, RunRow};
use engine::{Event, Recorded, RunCreated};
use governance::{Facts, Permit};
use ports::*;
use runtime::system::{SystemClock, SystemEntropy};
use runtime::{Handle, Options, Runtime};
use serde_json::{Value, json};
use store::sqlite::SqliteStore;
use types::*;

/// What a scripted action does, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// Answers at once.
    Answer,
    /// Answers after that many milliseconds.
    Slow(u64),
    /// Never answers in its time.
    Hang,
}

pub struct FakeTools {
    catalog: Arc<Catalog>,
    scripts: Mutex<BTreeMap<String, Script>>,
    /// Every call that was really sent: action and key.
    pub sent: Mutex<Vec<(String, String)>>,
    /// Until when no call gets through.
    pub closed_until: Mutex<Option<Timestamp>>,
    running: AtomicUsize,
    pub most_at_once: AtomicUsize,
}

fn spec(action: &str, effect: Effect, idempotency: Idempotency) -> ActionSpec {
    ActionSpec {
        tool: "fake".into(),
        action: action.into(),
        description: action.into(),
        aliases: vec![],
        input: json!({"type": "object"}),
        output: json!({}),
        arg_classes: BTreeMap::new(),
        trust: BTreeMap::new(),
        effect,
        idempotency,
        risk: Risk::Low,
        notification: false,
        probe: false,
        timeout_ms: 2_000,
    }
}

impl FakeTools {
    pub fn new() -> Arc<Self> {
        let actions = vec![
            spec("read", Effect::Read, Idempotency::Natural),
            spec("keyed", Effect::Write, Idempotency::NativeKey),
            spec("unkeyed", Effect::Write, Idempotency::Unkeyed),
        ];
        let tool = ToolSpec {
            name: "fake".into(),
            description: String::new(),
            version: "1".into(),
            actions,
        };
        Arc::new(Self {
            catalog: Arc::new(Catalog::new([tool])),
            scripts: Mutex::default(),
            sent: Mutex::default(),
            closed_until: Mutex::default(),
            running: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        })
    }

    pub fn script(&self, action: &str, script: Script) {
        self.scripts
            .lock()
            .expect("lock")
            .insert(format!("fake.{action}"), script);
    }

    pub fn sent(&self, action: &str) -> Vec<String> {
        let sent = self.sent.lock().expect("lock");
        sent.iter()
            .filter(|(name, _)| *name == format!("fake.{action}"))
            .map(|(_, key)| key.clone())
            .collect()
    }
}

#[async_trait]
impl Tools for FakeTools {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    fn held_back(&self, _: TenantId, _: Mode) -> BTreeMap<String, HeldBack> {
        let closed = *self.closed_until.lock().expect("lock");
        closed
            .filter(|until| SystemClock.now() < *until)
            .map(|until| {
                let failure = Failure::new("circuit_open", "fake has failed 5 times in a row");
                ("fake".to_owned(), HeldBack { until, failure })
            })
            .into_iter()
            .collect()
    }

    async fn perform(&self, permit: Permit, call: Call) -> Outcome {
        if let Err(failure) = call.guard.may_send() {
            return Outcome::Failed {
                failure,
                retryable: true,
                retry_after_ms: None,
            };
        }
        self.sent
            .lock()
            .expect("lock")
            .push((permit.action().to_owned(), permit.key().to_owned()));
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        let script = self.scripts.lock().expect("lock").get(permit.action()).copied();
        match script.unwrap_or(Script::Answer) {
            Script::Answer => {}
            Script::Slow(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
            Script::Hang => std::future::pending().await,
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        Outcome::Succeeded {
            output: Labeled::new(call.args.value, Label::System),
            artifacts: vec![],
        }
    }

    async fn look_up(&self, _: Permit, _: Call) -> ProbeResult {
        ProbeResult::Absent
    }

    async fn health(&self, _: TenantId, tool: &str, mode: Mode) -> Health {
        Health {
            tool: tool.into(),
            ok: true,
            detail: String::new(),
            mode,
            latency_ms: 0,
        }
    }
}

pub struct Everything;

#[async_trait]
impl FactSource for Everything {
    async fn facts(&self, _: TenantId) -> Result<Facts, StoreError> {
        let mut facts = Facts::default();
        facts.matrix.rest = Some(governance::Rule::Run);
        Ok(facts)
    }
}

pub struct World {
    pub store: SqliteStore,
    pub tools: Arc<FakeTools>,
    pub runtime: Handle,
}

pub fn open(folder: &Path, guest: bool) -> SqliteStore {
    store::sqlite::open(store::sqlite::Options {
        folder: folder.to_owned(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        binary_version: "0.1.0".into(),
        guest,
    })
    .expect("the store opens")
}

pub fn world(folder: &Path, change: impl FnOnce(&mut Options)) -> World {
    world_with(folder, FakeTools::new(), change)
}

pub fn world_with(folder: &Path, tools: Arc<FakeTools>, change: impl FnOnce(&mut Options)) -> World {
    let store = open(folder, false);
    let mut options = Options::new(
        Arc::new(store.clone()),
        tools.clone(),
        Arc::new(Everything),
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    );
    options.poll = Duration::from_millis(20);
    change(&mut options);
    let runtime = Runtime::start(options).expect("the runtime starts");
    World {
        store,
        tools,
        runtime,
    }
}

pub fn leaf() -> Leaf {
    let id = LeafId::new(&SystemClock, &SystemEntropy);
    Leaf {
        id,
        at: SystemClock.now(),
        kind: "test".into(),
        actor: "test".into(),
        run: None,
        step: None,
        body: Value::Null,
        args: None,
    }
}

impl World {
    /// Saves a recipe of these act steps and returns a run of it, ready to be started.
    pub async fn prepare(&self, act: &str) -> NewRun {
        prepare(&self.store, &self.tools.catalog, act).await
    }

    pub async fn start(&self, act: &str) -> RunId {
        let new = self.prepare(act).await;
        self.runtime.start(new).await.expect("the run starts").run
    }

    pub async fn until(&self, run: RunId, what: impl Fn(&RunRow) -> bool) -> RunRow {
        until(&self.store, run, what).await
    }

    pub async fn ended(&self, run: RunId) -> RunRow {
        self.until(run, |row| row.status.is_final()).await
    }
}

/// Waits, within a generous bound, until a run is as wanted.
pub async fn until(store: &SqliteStore, run: RunId, what: impl Fn(&RunRow) -> bool) -> RunRow {
    for _ in 0..2_000 {
        let row = store.run(TenantId::DEFAULT, run).await.expect("the run is there");
        if what(&row) {
            return row;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!(
        "the run never came to what was waited for: {:?}",
        store.run(TenantId::DEFAULT, run).await
    );
}

pub async fn prepare(store: &SqliteStore, catalog: &Catalog, act: &str) -> NewRun {
    let text = format!("name: Test\nintake: []\nplan: []\nact:\n{act}\nverify: []\n");
    let checked = recipe::check(text.as_bytes(), &recipe::CheckContext::new(catalog));
    let tree = checked
        .recipe
        .unwrap_or_else(|| panic!("the recipe is sound: {:?}", checked.diagnostics));
    let now = SystemClock.now();
    let version = NewVersion {
        recipe: RecipeId::new(&SystemClock, &SystemEntropy),
        slug: format!("test-{}", Digest::of_bytes(text.as_bytes())),
        name: "Test".into(),
        description: String::new(),
        digest: Digest::of_bytes(text.as_bytes()).to_string(),
        text,
        tree: Some(serde_json::to_string(&tree).expect("a tree is JSON")),
        activate: true,
        seen: None,
        author: "test".into(),
        labels: types::Label::Author.into(),
        at: now,
    };
    let saved = store
        .save_version(TenantId::DEFAULT, version, leaf())
        .await
        .expect("saved");
    let created = RunCreated {
        tenant: TenantId::DEFAULT,
        run: RunId::new(&SystemClock, &SystemEntropy),
        recipe: engine::event::RecipeRef {
            id: saved.recipe,
            name: "Test".into(),
            version: saved.version,
        },
        agent: None,
        inputs: Labeled::object([]),
        mode: Mode::Mock,
        requester: Actor::user("ann"),
        seed: 7,
        parent: None,
        lineage: vec![],
        fork: None,
    };
    let event = Event::RunCreated(Box::new(created.clone()));
    let first = Recorded {
        seq: 1,
        at: now,
        v: engine::EVENT_VERSION,
        event,
    };
    let state = engine::evolve(None, &first).expect("a first event makes a state");
    let rows = engine::rows(&state, &[first], now, 0);
    NewRun {
        created,
        at: now,
        more: vec![],
        rows,
        start_key: None,
        lease: None,
    }
}
