//! A store with something in between: planted bugs change appends, benchmarks watch them.

use std::sync::Arc;

use async_trait::async_trait;
use engine::Recorded;
use engine::rows::{ApprovalRow, ApprovalStatus, ArtifactRow, Leaf, RunRow, StepRow};
use ports::{
    AgentRecord, Append, Boot, Claim, Created, DeadLetter, InboxItem, JournalStore, LeafRecord, Lease,
    LibraryStore, Loaded, NewRun, NewVersion, Post, RecipeRecord, RunFilter, SavedVersion, SecretRecord,
    Store, StoreError, ToolRecord, VersionRecord,
};
use serde_json::Value;
use types::{ApprovalId, Failure, Millis, RecipeId, RunId, TenantId, Timestamp};

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
        run: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<ArtifactRow>, StoreError> {
        self.inner.artifacts(tenant, run, limit).await
    }

    async fn approvals(
        &self,
        tenant: TenantId,
        status: Option<ApprovalStatus>,
        limit: u32,
    ) -> Result<Vec<ApprovalRow>, StoreError> {
        self.inner.approvals(tenant, status, limit).await
    }

    async fn approval(&self, tenant: TenantId, id: ApprovalId) -> Result<ApprovalRow, StoreError> {
        self.inner.approval(tenant, id).await
    }

    async fn dead_letters(&self, tenant: TenantId, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        self.inner.dead_letters(tenant, limit).await
    }
}

#[async_trait]
impl<B: Between> LibraryStore for Interposed<B> {
    async fn put_agent(&self, tenant: TenantId, agent: AgentRecord, leaf: Leaf) -> Result<(), StoreError> {
        self.inner.put_agent(tenant, agent, leaf).await
    }

    async fn agents(&self, tenant: TenantId) -> Result<Vec<AgentRecord>, StoreError> {
        self.inner.agents(tenant).await
    }

    async fn agent(&self, tenant: TenantId, name: &str) -> Result<AgentRecord, StoreError> {
        self.inner.agent(tenant, name).await
    }

    async fn save_version(
        &self,
        tenant: TenantId,
        version: NewVersion,
        leaf: Leaf,
    ) -> Result<SavedVersion, StoreError> {
        self.inner.save_version(tenant, version, leaf).await
    }

    async fn activate_version(
        &self,
        tenant: TenantId,
        recipe: RecipeId,
        version: u32,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        self.inner.activate_version(tenant, recipe, version, leaf).await
    }

    async fn recipes(&self, tenant: TenantId) -> Result<Vec<RecipeRecord>, StoreError> {
        self.inner.recipes(tenant).await
    }

    async fn recipe(&self, tenant: TenantId, name: &str) -> Result<RecipeRecord, StoreError> {
        self.inner.recipe(tenant, name).await
    }

    async fn version(
        &self,
        tenant: TenantId,
        recipe: RecipeId,
        version: u32,
    ) -> Result<VersionRecord, StoreError> {
        self.inner.version(tenant, recipe, version).await
    }

    async fn versions(&self, tenant: TenantId, recipe: RecipeId) -> Result<Vec<VersionRecord>, StoreError> {
        self.inner.versions(tenant, recipe).await
    }

    async fn put_tool(&self, tenant: TenantId, tool: ToolRecord, leaf: Leaf) -> Result<(), StoreError> {
        self.inner.put_tool(tenant, tool, leaf).await
    }

    async fn tools(&self, tenant: TenantId) -> Result<Vec<ToolRecord>, StoreError> {
        self.inner.tools(tenant).await
    }

    async fn put_setting(
        &self,
        tenant: TenantId,
        key: &str,
        value: Value,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        self.inner.put_setting(tenant, key, value, leaf).await
    }

    async fn setting(&self, tenant: TenantId, key: &str) -> Result<Option<Value>, StoreError> {
        self.inner.setting(tenant, key).await
    }

    async fn settings(&self, tenant: TenantId) -> Result<Vec<(String, Value)>, StoreError> {
        self.inner.settings(tenant).await
    }

    async fn put_secret(
        &self,
        tenant: TenantId,
        secret: SecretRecord,
        value: &str,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        self.inner.put_secret(tenant, secret, value, leaf).await
    }

    async fn reveal_secret(
        &self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<(SecretRecord, String)>, StoreError> {
        self.inner.reveal_secret(tenant, name).await
    }

    async fn secrets(&self, tenant: TenantId) -> Result<Vec<SecretRecord>, StoreError> {
        self.inner.secrets(tenant).await
    }

    async fn remove_secret(&self, tenant: TenantId, name: &str, leaf: Leaf) -> Result<(), StoreError> {
        self.inner.remove_secret(tenant, name, leaf).await
    }

    async fn leaves(&self, tenant: TenantId, skip: u64, limit: u32) -> Result<Vec<LeafRecord>, StoreError> {
        self.inner.leaves(tenant, skip, limit).await
    }

    async fn backup(&self, to: &std::path::Path) -> Result<(), StoreError> {
        self.inner.backup(to).await
    }
}
