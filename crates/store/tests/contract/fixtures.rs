//! What the contract's tests are made of: a simulated clock, counted randomness, and small records.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use async_trait::async_trait;
use engine::event::{AgentRef, RecipeRef};
use engine::rows::{ApprovalRow, ApprovalStatus, ArtifactRow, Leaf, Rows, RunRow, StepRow};
use engine::{EVENT_VERSION, Event, Message, Recorded, RunCreated, StepKey};
use ports::{
    After, Append, ApprovalFilter, ArtifactFilter, ByName, Claim, Lease, LeaseRequest, LetterFilter, NewRun,
    Post, RecipeFilter, Store, StoreError, TokenFilter, VersionFilter,
};
use serde_json::{Value, json};
use types::{
    Actor, AgentId, ApprovalId, ArtifactId, Clock, Entropy, InboxId, Label, Labeled, LeafId, Mode, Phase,
    RecipeId, RunId, RunStatus, StepStatus, TenantId, Timestamp, digest,
};

/// The tenant of every test that doesn't need two.
pub const TENANT: TenantId = TenantId::DEFAULT;

/// Time that moves only when a test says so.
#[derive(Debug)]
pub struct SimulatedClock(AtomicI64);

impl SimulatedClock {
    pub fn advance(&self, millis: i64) -> Timestamp {
        Timestamp::from_millis(self.0.fetch_add(millis, Ordering::SeqCst) + millis)
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Bytes that differ at every call and are the same in every test.
#[derive(Debug, Default)]
pub struct CountedEntropy(AtomicU64);

impl Entropy for CountedEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            let spread = count.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&spread.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Time and randomness that a test and its store share.
#[derive(Clone)]
pub struct World {
    pub clock: Arc<SimulatedClock>,
    pub entropy: Arc<CountedEntropy>,
}

impl World {
    pub fn new() -> Self {
        Self {
            clock: Arc::new(SimulatedClock(AtomicI64::new(1_700_000_000_000))),
            entropy: Arc::new(CountedEntropy::default()),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn run_id(&self) -> RunId {
        RunId::new(self.clock.as_ref(), self.entropy.as_ref())
    }

    pub fn recipe_id(&self) -> RecipeId {
        RecipeId::new(self.clock.as_ref(), self.entropy.as_ref())
    }

    pub fn leaf(&self, kind: &str) -> Leaf {
        Leaf {
            id: LeafId::new(self.clock.as_ref(), self.entropy.as_ref()),
            at: self.now(),
            kind: kind.to_owned(),
            actor: "tester".to_owned(),
            run: None,
            step: None,
            body: json!({"b": 1, "a": [1.5, "x"]}),
            args: Some(json!({"room": "only committed to"})),
        }
    }

    pub fn post(&self, run: RunId) -> Post {
        Post {
            id: InboxId::new(self.clock.as_ref(), self.entropy.as_ref()),
            tenant: TENANT,
            run,
            at: self.now(),
            message: Message::Nudge,
        }
    }

    /// A run that may be claimed at once.
    pub fn new_run(&self) -> NewRun {
        let run = self.run_id();
        let recipe = RecipeRef {
            id: self.recipe_id(),
            name: "Restart a room".to_owned(),
            version: 3,
        };
        let agent = AgentRef {
            id: AgentId::new(self.clock.as_ref(), self.entropy.as_ref()),
            name: "Support".to_owned(),
        };
        let row = RunRow {
            tenant: TENANT,
            run,
            recipe: recipe.id,
            recipe_name: recipe.name.clone(),
            recipe_version: recipe.version,
            agent: Some(agent.name.clone()),
            mode: Mode::Mock,
            status: RunStatus::Queued,
            phase: None,
            needs_attention: false,
            requester: "sam".to_owned(),
            parent: None,
            created_at: self.now(),
            finished_at: None,
            failure: None,
            outputs: Value::Null,
            waiting_for: String::new(),
            wake_at: self.now(),
            head: 1,
        };
        let created = RunCreated {
            tenant: TENANT,
            run,
            recipe,
            agent: Some(agent),
            inputs: Labeled::new(json!({"room": "Boardroom", "gain": 0.1}), Label::User),
            mode: Mode::Mock,
            requester: Actor::user("sam"),
            seed: u64::MAX,
            parent: None,
            lineage: Vec::new(),
            fork: None,
        };
        NewRun {
            created,
            at: self.now(),
            more: Vec::new(),
            rows: only(row),
            start_key: None,
            lease: None,
        }
    }

    /// The same, held from the start.
    pub async fn held_run(&self, store: &dyn Store) -> (RunRow, Claim) {
        let mut new = self.new_run();
        new.lease = Some(LeaseRequest {
            node: store.boot().node,
            until: self.now() + 30_000,
        });
        let row = new.rows.run.clone();
        let created = store.create_run(new).await.expect("the run is created");
        (row, created.claim.expect("the lease was asked for"))
    }

    /// An append of `count` events that keeps the lease.
    pub fn append(&self, lease: Lease, row: &RunRow, head: u64, count: u64) -> Append {
        let events = (head + 1..=head + count).map(|seq| self.event(seq)).collect();
        let mut row = row.clone();
        row.head = head + count;
        Append {
            lease,
            expected_head: head,
            events,
            rows: only(row),
            snapshot: None,
            consumed: Vec::new(),
            posts: Vec::new(),
            runs: Vec::new(),
            dead_letter: None,
            after: After::Keep,
        }
    }

    pub fn event(&self, seq: u64) -> Recorded {
        Recorded {
            seq,
            at: self.now(),
            v: EVENT_VERSION,
            event: Event::PhaseEntered { phase: Phase::Act },
        }
    }

    pub fn step(&self, id: &str, position: u32, status: StepStatus) -> StepRow {
        StepRow {
            step: StepKey::new("act", id),
            position,
            title: format!("Do {id}"),
            kind: "action".to_owned(),
            action: Some("zoom.restart".to_owned()),
            status,
            attempts: 1,
            scheduled_at: self.now(),
            finished_at: None,
            failure: None,
            waiting_for: String::new(),
        }
    }

    pub fn artifact(&self, run: RunId) -> ArtifactRow {
        ArtifactRow {
            id: ArtifactId::new(self.clock.as_ref(), self.entropy.as_ref()),
            run,
            step: StepKey::new("act", "write"),
            kind: "kb".to_owned(),
            name: "article".to_owned(),
            external_id: "KB0012345".to_owned(),
            url: Some("https://example.invalid/kb".to_owned()),
            data: json!({"pages": 2}),
            labels: types::Labels::UNTRUSTED.union(types::Label::System.into()),
            created_at: self.now(),
        }
    }

    pub fn approval(&self, run: RunId) -> ApprovalRow {
        ApprovalRow {
            id: ApprovalId::new(self.clock.as_ref(), self.entropy.as_ref()),
            run,
            recipe_name: "Restart a room".to_owned(),
            step: StepKey::new("act", "restart"),
            action: "zoom.restart".to_owned(),
            args: Labeled::new(json!({"room_id": "r1"}), Label::System),
            digest: digest(&json!({"room_id": "r1"})),
            mode: Mode::Mock,
            groups: vec!["Support_L2".to_owned()],
            quorum: 1,
            requester: Actor::user("sam"),
            reason: "a restart interrupts people".to_owned(),
            policy: "default@1".to_owned(),
            status: ApprovalStatus::Pending,
            votes: Vec::new(),
            requested_at: self.now(),
            expires_at: self.now() + 60_000,
            undo: vec![engine::frozen::ShownUndo {
                step: "act/a!undo/back".into(),
                title: "take it back".into(),
                action: "x.back".into(),
                connector: "1".into(),
                args: None,
            }],
        }
    }
}

/// Rows with nothing but the run.
pub fn only(run: RunRow) -> Rows {
    Rows {
        run,
        steps: Vec::new(),
        artifacts: Vec::new(),
        approvals: Vec::new(),
        leaves: Vec::new(),
    }
}

/// The same wish with the run never waking by itself.
pub fn asleep(mut append: Append) -> Append {
    append.rows.run.wake_at = Timestamp::MAX;
    append
}

/// One place where a store's data lies, opened again and again.
#[async_trait]
pub trait Bench: Send + Sync {
    /// Time and randomness of this bench.
    fn world(&self) -> &World;
    /// Boots: opens the data as its holder. The store that held it before is closed first.
    async fn boot(&self) -> Arc<dyn Store>;
    /// Opens the data beside its holder.
    async fn guest(&self) -> Result<Arc<dyn Store>, StoreError>;
    /// Copies the data as it is now into a new file, while the store is in use.
    async fn back_up(&self, store: &dyn Store, to: &Path);
    /// Opens a backup as its holder.
    async fn restore(&self, backup: &Path) -> Arc<dyn Store>;
    /// Every byte that the store has on disk, keys excluded.
    fn bytes(&self) -> Vec<u8>;
    /// The feed, once every change made so far has its position.
    async fn settled_feed(&self, store: &dyn Store) -> Vec<ports::Change> {
        store.feed(TENANT, 0, 1_000).await.expect("the feed is read")
    }
    /// A path where nothing is.
    fn scratch(&self, name: &str) -> std::path::PathBuf;
}

/// Artifacts of a run, or of all.
pub fn artifacts(run: Option<RunId>, limit: u32) -> ArtifactFilter {
    ArtifactFilter {
        run,
        limit,
        ..ArtifactFilter::default()
    }
}

/// Approvals in a state, or all.
pub fn approvals(status: Option<ApprovalStatus>, limit: u32) -> ApprovalFilter {
    ApprovalFilter {
        status,
        limit,
        ..ApprovalFilter::default()
    }
}

/// The first page of a list by name.
pub fn by_name(limit: u32) -> ByName {
    ByName { after: None, limit }
}

/// The first page of recipes.
pub fn recipes(limit: u32) -> RecipeFilter {
    RecipeFilter {
        limit,
        ..RecipeFilter::default()
    }
}

/// The newest versions.
pub fn versions(limit: u32) -> VersionFilter {
    VersionFilter { before: None, limit }
}

/// Tokens of one user, or all.
pub fn tokens(user: Option<types::UserId>) -> TokenFilter {
    TokenFilter {
        user,
        limit: 10,
        ..TokenFilter::default()
    }
}

/// The newest dead letters.
pub fn letters(limit: u32) -> LetterFilter {
    LetterFilter { before: None, limit }
}
