//! Runs and their journals: creation, leases, appends, inbox, and the rows that lists show.

use async_trait::async_trait;
use engine::rows::{ApprovalRow, ApprovalStatus, ArtifactRow, Rows, RunRow, StepRow};
use engine::{Message, Recorded, RunCreated};
use serde::{Deserialize, Serialize};
use types::{
    ApprovalId, ArtifactId, Failure, InboxId, Millis, Mode, NodeId, RecipeId, RunId, RunStatus, TenantId,
    Timestamp,
};

use crate::{Boot, DeadLetter, LetterFilter, StoreError};

/// A run to be created: its first events and rows.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// What is fixed; also the first event, at sequence 1.
    pub created: RunCreated,
    /// When.
    pub at: Timestamp,
    /// Further events (a fork brings a prefix), with sequences from 2.
    pub more: Vec<Recorded>,
    /// The rows to begin with.
    pub rows: Rows,
    /// Creating twice with one key creates once.
    pub start_key: Option<String>,
    /// Take the lease at once, in the same transaction.
    pub lease: Option<LeaseRequest>,
}

/// A wish to hold a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseRequest {
    /// Who.
    pub node: NodeId,
    /// Until when.
    pub until: Timestamp,
}

/// What creating a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The run: the new one, or the older one with the same start key.
    pub run: RunId,
    /// False if it was there.
    pub new: bool,
    /// The lease, if one was asked for and the run is new.
    pub claim: Option<Claim>,
}

/// The right to append to a run's journal, while its epoch is the run's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The tenant.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// Grows with every claim of the run.
    pub epoch: u64,
}

/// A claimed run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The lease.
    pub lease: Lease,
    /// When it ends unless renewed.
    pub until: Timestamp,
    /// How often the run was claimed since a holder last appended or gave it back: a run that brings
    /// its worker down again and again shows here.
    pub claims: u32,
}

/// A message for a run's inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// Its id.
    pub id: InboxId,
    /// The tenant.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub message: Message,
}

/// A message waiting in an inbox, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct InboxItem {
    /// Its id.
    pub id: InboxId,
    /// When it was posted.
    pub at: Timestamp,
    /// What.
    pub message: Message,
}

/// A state as of a position in the journal; the text is what `engine::snapshot` writes and reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The last event folded in.
    pub seq: u64,
    /// The state.
    pub state: String,
}

/// Whether the holder goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It keeps the lease.
    Keep,
    /// It gives the lease back; the run may be claimed again from its `wake_at`.
    Release,
}

/// One append: everything in it becomes durable together, or nothing does.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// The right to append.
    pub lease: Lease,
    /// The journal's head that the events follow.
    pub expected_head: u64,
    /// The events, with sequences from `expected_head + 1`. May be empty (then only inbox items are
    /// consumed or the lease given back).
    pub events: Vec<Recorded>,
    /// Rows to bring up to date.
    pub rows: Rows,
    /// A snapshot to keep.
    pub snapshot: Option<Snapshot>,
    /// Inbox messages that these events consume.
    pub consumed: Vec<InboxId>,
    /// Messages to other runs.
    pub posts: Vec<Post>,
    /// Child runs to create.
    pub runs: Vec<NewRun>,
    /// A dead letter to write.
    pub dead_letter: Option<DeadLetter>,
    /// Whether the lease is kept. If messages arrived that are not consumed, a released run is
    /// claimable at once, whatever its `wake_at`.
    pub after: After,
}

/// A run's journal, from its newest snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The newest snapshot, if any.
    pub snapshot: Option<Snapshot>,
    /// The events after it.
    pub events: Vec<Recorded>,
    /// The whole inbox, oldest first.
    pub inbox: Vec<InboxItem>,
}

/// Which runs to list: newest first, all conditions together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFilter {
    /// Any of these states; empty is all.
    pub statuses: Vec<RunStatus>,
    /// Of this recipe.
    pub recipe: Option<RecipeId>,
    /// Children of this run.
    pub parent: Option<RunId>,
    /// Only those at which a person must look.
    pub needs_attention: bool,
    /// Of this agent.
    pub agent: Option<String>,
    /// Mock or real.
    pub mode: Option<Mode>,
    /// Started by this person.
    pub requester: Option<String>,
    /// Created at this instant or later.
    pub created_from: Option<Timestamp>,
    /// Created before this instant.
    pub created_to: Option<Timestamp>,
    /// Only runs older than this one: the cursor of the next page.
    pub before: Option<RunId>,
    /// At most so many; the store allows up to 1,000.
    pub limit: u32,
}

/// Which approvals to list: newest first, all conditions together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ApprovalFilter {
    /// In this state.
    pub status: Option<ApprovalStatus>,
    /// Of this run.
    pub run: Option<RunId>,
    /// Only approvals older than this one: the cursor of the next page.
    pub before: Option<ApprovalId>,
    /// At most so many; the store allows up to 1,000.
    pub limit: u32,
}

/// Which artifacts to list: newest first, all conditions together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArtifactFilter {
    /// Of this run.
    pub run: Option<RunId>,
    /// Of this kind, such as `kb` or `incident`.
    pub kind: Option<String>,
    /// Only artifacts older than this one: the cursor of the next page.
    pub before: Option<ArtifactId>,
    /// At most so many; the store allows up to 1,000.
    pub limit: u32,
}

/// Runs and journals.
#[async_trait]
pub trait JournalStore: Send + Sync + 'static {
    /// Who this process is.
    fn boot(&self) -> Boot;

    /// Creates a run with its first events, once per start key.
    async fn create_run(&self, new: NewRun) -> Result<Created, StoreError>;

    /// Claims up to `limit` runs whose `wake_at` has come and that nobody holds, earliest first.
    /// A lease of an older boot epoch, or that ended before `now`, holds nothing.
    async fn claim(&self, now: Timestamp, lease_ms: Millis, limit: u32) -> Result<Vec<Claim>, StoreError>;

    /// Renews leases to `until`; returns those that are gone.
    async fn renew(&self, leases: Vec<Lease>, until: Timestamp) -> Result<Vec<Lease>, StoreError>;

    /// Gives a lease back without appending; a lease that is gone is no error.
    async fn release(&self, lease: Lease) -> Result<(), StoreError>;

    /// Gives a lease back without appending, and lets the run alone until `until`, whatever its inbox
    /// holds now; the claim counts no longer. With `why`, the run's row shows that a person must look
    /// and what for, until the next append writes the row anew. A lease that is gone is no error.
    async fn set_aside(&self, lease: Lease, until: Timestamp, why: Option<Failure>)
    -> Result<(), StoreError>;

    /// Appends to a run's journal. Each append of a group commit succeeds or fails alone.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] if the epoch has changed, [`StoreError::HeadMoved`] if it hasn't but
    /// the head has, [`StoreError::Full`] if the disk is; nothing is kept then.
    async fn append(&self, append: Append) -> Result<(), StoreError>;

    /// Loads a run from its newest snapshot that can be read at all.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if an event is missing or can't be read.
    async fn load(&self, tenant: TenantId, run: RunId) -> Result<Loaded, StoreError>;

    /// Puts a message into a run's inbox and makes the run claimable now. Posting an id twice posts once.
    async fn post(&self, post: Post) -> Result<(), StoreError>;

    /// Runs held by this node whose inbox isn't empty: messages that came from other processes.
    async fn pending_inbox(&self) -> Result<Vec<RunId>, StoreError>;

    /// The inbox of a run, oldest first, at most 1,000.
    async fn inbox(&self, tenant: TenantId, run: RunId) -> Result<Vec<InboxItem>, StoreError>;

    /// The earliest `wake_at` of any run that nobody holds.
    async fn next_wake(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Completes when another process may have written something that is worth a look, or never. A hint:
    /// whoever waits for it must look from time to time as well. One at a time may wait.
    async fn hinted(&self) {
        std::future::pending().await
    }

    /// Events of a run with sequences after `after`, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if an event is missing or can't be read.
    async fn journal(
        &self,
        tenant: TenantId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Recorded>, StoreError>;

    /// One run.
    async fn run(&self, tenant: TenantId, run: RunId) -> Result<RunRow, StoreError>;

    /// Runs, newest first.
    async fn runs(&self, tenant: TenantId, filter: RunFilter) -> Result<Vec<RunRow>, StoreError>;

    /// Steps of a run in the order they were scheduled.
    async fn steps(&self, tenant: TenantId, run: RunId) -> Result<Vec<StepRow>, StoreError>;

    /// Artifacts, newest first.
    async fn artifacts(
        &self,
        tenant: TenantId,
        filter: ArtifactFilter,
    ) -> Result<Vec<ArtifactRow>, StoreError>;

    /// One artifact.
    async fn artifact(&self, tenant: TenantId, id: ArtifactId) -> Result<ArtifactRow, StoreError>;

    /// Approvals, newest first.
    async fn approvals(
        &self,
        tenant: TenantId,
        filter: ApprovalFilter,
    ) -> Result<Vec<ApprovalRow>, StoreError>;

    /// One approval.
    async fn approval(&self, tenant: TenantId, id: ApprovalId) -> Result<ApprovalRow, StoreError>;

    /// Runs that were given up, newest first.
    async fn dead_letters(
        &self,
        tenant: TenantId,
        filter: LetterFilter,
    ) -> Result<Vec<DeadLetter>, StoreError>;
}
