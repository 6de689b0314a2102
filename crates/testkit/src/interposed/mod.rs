//! A store with something in between: planted bugs change appends, benchmarks watch them.

mod desk;
mod others;

use std::sync::Arc;

use async_trait::async_trait;
use engine::Recorded;
use engine::rows::{ApprovalRow, ArtifactRow, RunRow, StepRow};
use ports::{
    Append, ApprovalFilter, ArtifactFilter, Boot, Claim, Created, DeadLetter, InboxItem, JournalStore, Lease,
    LetterFilter, Loaded, NewRun, Post, RunFilter, Store, StoreError,
};
use types::{ApprovalId, ArtifactId, Failure, Millis, RunId, TenantId, Timestamp};

/// What stands between the runtime and its store.
#[async_trait]
pub trait Between: Send + Sync + 'static {
    /// Instead of an append.
    async fn append(&self, store: &dyn Store, append: Append) -> Result<(), StoreError> {
        store.append(append).await
    }

    /// Instead of a renewal.
    async fn renew(
        &self,
        store: &dyn Store,
        leases: Vec<Lease>,
        until: Timestamp,
    ) -> Result<Vec<Lease>, StoreError> {
        store.renew(leases, until).await
    }

    /// After runs were claimed.
    fn claimed(&self, _claims: &[Claim]) {}
}

/// A store and what stands before it.
pub struct Interposed<B> {
    inner: Arc<dyn Store>,
    between: Arc<B>,
}

impl<B: Between> Interposed<B> {
    /// Puts `between` before `inner`.
    pub fn new(inner: Arc<dyn Store>, between: Arc<B>) -> Self {
        Self { inner, between }
    }
}

#[async_trait]
impl<B: Between> JournalStore for Interposed<B> {
    fn boot(&self) -> Boot {
        self.inner.boot()
    }

    async fn hinted(&self) {
        self.inner.hinted().await;
    }

    async fn append(&self, append: Append) -> Result<(), StoreError> {
        self.between.append(self.inner.as_ref(), append).await
    }

    async fn renew(&self, leases: Vec<Lease>, until: Timestamp) -> Result<Vec<Lease>, StoreError> {
        self.between.renew(self.inner.as_ref(), leases, until).await
    }

    async fn claim(&self, now: Timestamp, lease_ms: Millis, limit: u32) -> Result<Vec<Claim>, StoreError> {
        let claims = self.inner.claim(now, lease_ms, limit).await?;
        self.between.claimed(&claims);
        Ok(claims)
    }

    async fn create_run(&self, new: NewRun) -> Result<Created, StoreError> {
        self.inner.create_run(new).await
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        self.inner.release(lease).await
    }

    async fn set_aside(
        &self,
        lease: Lease,
        until: Timestamp,
        why: Option<Failure>,
    ) -> Result<(), StoreError> {
        self.inner.set_aside(lease, until, why).await
    }

    async fn load(&self, tenant: TenantId, run: RunId) -> Result<Loaded, StoreError> {
        self.inner.load(tenant, run).await
    }

    async fn post(&self, post: Post) -> Result<(), StoreError> {
        self.inner.post(post).await
    }

    async fn pending_inbox(&self) -> Result<Vec<RunId>, StoreError> {
        self.inner.pending_inbox().await
    }

    async fn inbox(&self, tenant: TenantId, run: RunId) -> Result<Vec<InboxItem>, StoreError> {
        self.inner.inbox(tenant, run).await
    }

    async fn next_wake(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_wake().await
    }

    async fn journal(
        &self,
        tenant: TenantId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.inner.journal(tenant, run, after, limit).await
    }

    async fn run(&self, tenant: TenantId, run: RunId) -> Result<RunRow, StoreError> {
        self.inner.run(tenant, run).await
    }

    async fn runs(&self, tenant: TenantId, filter: RunFilter) -> Result<Vec<RunRow>, StoreError> {
        self.inner.runs(tenant, filter).await
    }

    async fn steps(&self, tenant: TenantId, run: RunId) -> Result<Vec<StepRow>, StoreError> {
        self.inner.steps(tenant, run).await
    }

    async fn artifacts(
        &self,
        tenant: TenantId,
        filter: ArtifactFilter,
    ) -> Result<Vec<ArtifactRow>, StoreError> {
        self.inner.artifacts(tenant, filter).await
    }

    async fn artifact(&self, tenant: TenantId, id: ArtifactId) -> Result<ArtifactRow, StoreError> {
        self.inner.artifact(tenant, id).await
    }

    async fn approvals(
        &self,
        tenant: TenantId,
        filter: ApprovalFilter,
    ) -> Result<Vec<ApprovalRow>, StoreError> {
        self.inner.approvals(tenant, filter).await
    }

    async fn approval(&self, tenant: TenantId, id: ApprovalId) -> Result<ApprovalRow, StoreError> {
        self.inner.approval(tenant, id).await
    }

    async fn dead_letters(
        &self,
        tenant: TenantId,
        filter: LetterFilter,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        self.inner.dead_letters(tenant, filter).await
    }
}
