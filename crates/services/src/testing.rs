//! A bench for unit tests: services over a real SQLite store in a folder of its own, a clock that
//! the test moves, and a catalogue of a few actions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use async_trait::async_trait;
use engine::{Input, Limits, Program};
use governance::Permit;
use ports::{After, Append, Call, Health, Lease, Tools};
use serde_json::{Value, json};
use types::{
    ActionSpec, Actor, Catalog, Clock, Effect, Entropy, Failure, Idempotency, Label, Mode, Outcome,
    ProbeResult, Risk, Scope, TenantId, Timestamp, ToolSpec,
};

use crate::principal::{Principal, Proof};
use crate::recipes::{self, SaveRecipe};
use crate::{Services, ThroughStore};

/// Services and the folder they live in.
pub(crate) struct Bench {
    pub(crate) services: Services,
    clock: Arc<Ticking>,
    _folder: tempfile::TempDir,
}

pub(crate) fn ann() -> Actor {
    Actor::user("ann")
}

/// Ann, signed in or at the machine.
pub(crate) fn ann_there() -> Principal {
    Principal::local(ann())
}

/// Ann's token with every scope.
pub(crate) fn ann_token() -> Principal {
    Principal {
        proof: Proof::Token(vec![Scope::Admin, Scope::Approve]),
        ..ann_there()
    }
}

pub(crate) async fn bench() -> Bench {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ticking = Arc::new(Ticking(AtomicI64::new(1_700_000_000_000)));
    let clock: Arc<dyn Clock> = Arc::clone(&ticking) as Arc<dyn Clock>;
    let entropy: Arc<dyn Entropy> = Arc::new(Counting(AtomicU64::new(1)));
    let store = store::sqlite::open(store::sqlite::Options {
        folder: folder.path().to_owned(),
        clock: Arc::clone(&clock),
        entropy: Arc::clone(&entropy),
        binary_version: "0.1.0".to_owned(),
        guest: false,
    })
    .expect("the store opens");
    let store: Arc<dyn ports::Store> = Arc::new(store);
    let services = Services {
        tenant: TenantId::DEFAULT,
        runs: Arc::new(ThroughStore(Arc::clone(&store))),
        store,
        tools: Arc::new(Offered(Arc::new(catalog()))),
        clock,
        entropy,
    };
    Bench {
        services,
        clock: ticking,
        _folder: folder,
    }
}

impl Bench {
    /// Lets so many milliseconds pass.
    pub(crate) fn pass(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// Saves and activates a recipe.
    pub(crate) async fn save(&self, text: &str) {
        let wish = SaveRecipe {
            text: text.to_owned(),
            slug: None,
            activate: true,
            seen: None,
            by: ann(),
            person: true,
            labels: Label::Author.into(),
        };
        if let Err(failure) = recipes::save(&self.services, wish).await {
            panic!("{failure}");
        }
    }

    /// Works on every run that can be claimed, as the runtime does, with calls that always end as
    /// `outcome` says.
    pub(crate) async fn work(&self, outcome: &Outcome) {
        let services = &self.services;
        let claims = services
            .store
            .claim(services.clock.now(), 60_000, 10)
            .await
            .expect("claims");
        for claim in claims {
            self.drive(claim.lease, outcome).await;
        }
    }

    async fn drive(&self, lease: Lease, outcome: &Outcome) {
        let services = &self.services;
        let row = services.store.run(lease.tenant, lease.run).await.expect("a row");
        let version = services
            .store
            .version(lease.tenant, row.recipe, row.recipe_version)
            .await
            .expect("a version");
        let catalog = services.tools.catalog();
        let program = Program {
            recipe: recipes::tree(&version).expect("a tree"),
            schemas: Arc::new(governance::Schemas::new(&catalog)),
            catalog,
            children: BTreeMap::new(),
            facts: Arc::new(
                crate::facts::facts(services.store.as_ref(), lease.tenant)
                    .await
                    .expect("facts"),
            ),
            limits: Limits::default(),
        };
        let loaded = services.store.load(lease.tenant, lease.run).await.expect("loads");
        let mut state = loaded.events.iter().fold(None, engine::evolve).expect("a state");
        let mut inputs: Vec<Input> = loaded
            .inbox
            .iter()
            .map(|item| Input::Message(item.message.clone()))
            .collect();
        let mut consumed: Vec<_> = loaded.inbox.iter().map(|item| item.id).collect();
        loop {
            let now = services.clock.now();
            let expected_head = state.head;
            let mut events = Vec::new();
            let mut todo = Vec::new();
            // Every input is taken in by the state that the earlier ones have left.
            for input in inputs.drain(..) {
                let accepted = engine::accept(&state, &program, now, input);
                assert_eq!(
                    accepted.note, None,
                    "the engine takes what a use case let through"
                );
                let advanced = engine::advance(&mut state, &program, now, accepted.events);
                events.extend(advanced.events);
                todo.extend(advanced.actions);
            }
            let advanced = engine::advance(&mut state, &program, now, Vec::new());
            events.extend(advanced.events);
            todo.extend(advanced.actions);
            inputs.extend(todo.into_iter().filter_map(|action| match action {
                engine::Action::Perform { step, attempt, .. } => Some(Input::Finished {
                    step,
                    attempt,
                    outcome: outcome.clone(),
                }),
                _ => None,
            }));
            let after = if inputs.is_empty() {
                After::Release
            } else {
                After::Keep
            };
            let append = Append {
                lease,
                expected_head,
                rows: engine::rows(&state, &events, now, 5_000),
                events,
                snapshot: None,
                consumed: std::mem::take(&mut consumed),
                posts: Vec::new(),
                runs: Vec::new(),
                dead_letter: None,
                after,
            };
            services.store.append(append).await.expect("appends");
            if inputs.is_empty() {
                return;
            }
        }
    }
}

/// A clock that moves on by a millisecond whenever it is read.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Random bytes that are a counter.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let next = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            chunk.copy_from_slice(&next[8 - chunk.len()..]);
        }
    }
}

/// Tools that are offered; services never call them.
struct Offered(Arc<Catalog>);

#[async_trait]
impl Tools for Offered {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.0)
    }

    async fn perform(&self, _: Permit, _: Call) -> Outcome {
        Outcome::Unknown {
            failure: not_called(),
        }
    }

    async fn look_up(&self, _: Permit, _: Call) -> ProbeResult {
        ProbeResult::Unclear {
            failure: not_called(),
        }
    }

    async fn health(&self, _: TenantId, tool: &str, mode: Mode) -> Health {
        Health {
            tool: tool.to_owned(),
            ok: true,
            detail: String::new(),
            mode,
            latency_ms: 0,
        }
    }
}

fn not_called() -> Failure {
    Failure::new("internal", "use cases never call tools")
}

fn catalog() -> Catalog {
    let object = |names: &[&str]| {
        let properties: serde_json::Map<String, Value> = names
            .iter()
            .map(|name| ((*name).to_owned(), json!({"type": "string"})))
            .collect();
        json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false})
    };
    let action = |tool: &str, action: &str, alias: &str, effect: Effect, input: Value| ActionSpec {
        tool: tool.to_owned(),
        action: action.to_owned(),
        description: format!("{action} of {tool}"),
        aliases: vec![alias.to_owned()],
        input,
        output: json!({"type": "object", "properties": {"ts": {"type": "string"}}}),
        arg_classes: BTreeMap::new(),
        trust: BTreeMap::new(),
        effect,
        idempotency: if effect == Effect::Read {
            Idempotency::Natural
        } else {
            Idempotency::Unkeyed
        },
        risk: Risk::Low,
        notification: tool == "slack",
        probe: false,
        timeout_ms: 1_000,
    };
    let tool = |name: &str, actions: Vec<ActionSpec>| ToolSpec {
        name: name.to_owned(),
        description: format!("the tool {name}"),
        version: "1".to_owned(),
        actions,
    };
    Catalog::new([
        tool(
            "zoom",
            vec![
                action(
                    "zoom",
                    "find_room",
                    "lookup_zoom_room",
                    Effect::Read,
                    object(&["query"]),
                ),
                action(
                    "zoom",
                    "restart_room",
                    "reboot_room",
                    Effect::Destructive,
                    object(&["room_id"]),
                ),
            ],
        ),
        tool(
            "slack",
            vec![action(
                "slack",
                "post_message",
                "post_message",
                Effect::Write,
                object(&["channel", "text"]),
            )],
        ),
        tool(
            "pager",
            vec![action(
                "pager",
                "page",
                "page_somebody",
                Effect::Write,
                object(&["who"]),
            )],
        ),
    ])
}
