//! Runs and journals, on either database: each call prepares its records here and leaves the SQL to the
//! tables.

use async_trait::async_trait;
use engine::Recorded;
use engine::rows::{ApprovalRow, ArtifactRow, RunRow, StepRow};
use ports::{
    Append, ApprovalFilter, ArtifactFilter, Boot, Claim, Created, DeadLetter, InboxItem, JournalStore, Lease,
    LetterFilter, Loaded, NewRun, Post, RunFilter, StoreError,
};
use types::{ApprovalId, ArtifactId, Failure, Millis, RunId, TenantId, Timestamp};

use crate::db::{Backend, Db, Kind};
use crate::table::append::PreparedAppend;
use crate::table::feed::Note;
use crate::table::inbox::PreparedPost;
use crate::table::leases::PreparedReason;
use crate::table::rows::PreparedNew;
use crate::table::{approvals, artifacts, dead_letters, inbox, journal, leases, runs, snapshots, steps};

/// Rows in one page.
const PAGE: u32 = 1_000;
/// Events in one page.
const EVENTS: u32 = 10_000;

#[async_trait]
impl<B: Backend> JournalStore for Db<B> {
    fn boot(&self) -> Boot {
        self.core().boot
    }

    async fn create_run(&self, new: NewRun) -> Result<Created, StoreError> {
        let lease = match new.lease {
            None => None,
            Some(request) => Some(self.core().grantable(request)?),
        };
        let prepared = PreparedNew::new(new, self.core().entropy.as_ref())?;
        self.backend.create(prepared, lease).await
    }

    async fn claim(&self, now: Timestamp, lease_ms: Millis, limit: u32) -> Result<Vec<Claim>, StoreError> {
        self.core().held_boot()?;
        self.backend.claim(now, lease_ms, limit.min(leases::MOST)).await
    }

    async fn renew(&self, leases: Vec<Lease>, until: Timestamp) -> Result<Vec<Lease>, StoreError> {
        self.core().held_boot()?;
        let mut gone = Vec::new();
        for slice in leases.chunks(leases::MOST as usize) {
            gone.extend(self.backend.renew(slice.to_vec(), until).await?);
        }
        Ok(gone)
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let boot = self.core().held_boot()?;
        self.write(Kind::Lease, move |connection| {
            leases::release(connection, boot, &lease)
        })
        .await
    }

    async fn set_aside(
        &self,
        lease: Lease,
        until: Timestamp,
        why: Option<Failure>,
    ) -> Result<(), StoreError> {
        let boot = self.core().held_boot()?;
        let why = why.map(PreparedReason::new).transpose()?;
        let note = Note::new(self.core().clock.now(), "run", lease.run, "set_aside");
        self.write(Kind::Lease, move |connection| {
            leases::set_aside(connection, boot, &lease, until, why.as_ref())?;
            note.put(connection, lease.tenant)
        })
        .await
    }

    async fn append(&self, append: Append) -> Result<(), StoreError> {
        let core = self.core();
        let prepared = PreparedAppend::new(append, core.held_boot()?, core.entropy.as_ref())?;
        self.backend.append(prepared).await
    }

    async fn load(&self, tenant: TenantId, run: RunId) -> Result<Loaded, StoreError> {
        self.read(move |connection| {
            // Read first: another thread may append meanwhile, so that more events than these are no fault.
            let head = runs::head(connection, tenant, run)?;
            let snapshot = snapshots::get(connection, tenant, run)?;
            let after = snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
            let events = journal::after(connection, tenant, run, after, None)?;
            let last = events.last().map_or(after, |recorded| recorded.seq);
            if last < head {
                return Err(journal::missing(run, last + 1).into());
            }
            Ok(Loaded {
                snapshot,
                events,
                inbox: inbox::of_run(connection, tenant, run, None)?,
            })
        })
        .await
    }

    async fn post(&self, post: Post) -> Result<(), StoreError> {
        self.backend.post(PreparedPost::new(post)?).await
    }

    async fn pending_inbox(&self) -> Result<Vec<RunId>, StoreError> {
        let Ok(boot) = self.core().held_boot() else {
            return Ok(Vec::new());
        };
        self.read(move |connection| inbox::held(connection, boot, PAGE))
            .await
    }

    async fn inbox(&self, tenant: TenantId, run: RunId) -> Result<Vec<InboxItem>, StoreError> {
        self.read(move |connection| {
            runs::exists(connection, tenant, run)?;
            inbox::of_run(connection, tenant, run, Some(PAGE))
        })
        .await
    }

    async fn next_wake(&self) -> Result<Option<Timestamp>, StoreError> {
        self.backend.next_wake().await
    }

    async fn hinted(&self) {
        self.backend.hinted().await;
    }

    async fn journal(
        &self,
        tenant: TenantId,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.read(move |connection| {
            runs::exists(connection, tenant, run)?;
            journal::after(connection, tenant, run, after, Some(limit.min(EVENTS)))
        })
        .await
    }

    async fn run(&self, tenant: TenantId, run: RunId) -> Result<RunRow, StoreError> {
        self.read(move |connection| runs::get(connection, tenant, run))
            .await
    }

    async fn runs(&self, tenant: TenantId, filter: RunFilter) -> Result<Vec<RunRow>, StoreError> {
        self.read(move |connection| runs::list(connection, tenant, &filter, filter.limit.min(PAGE)))
            .await
    }

    async fn steps(&self, tenant: TenantId, run: RunId) -> Result<Vec<StepRow>, StoreError> {
        self.read(move |connection| {
            runs::exists(connection, tenant, run)?;
            steps::of_run(connection, tenant, run)
        })
        .await
    }

    async fn artifacts(
        &self,
        tenant: TenantId,
        filter: ArtifactFilter,
    ) -> Result<Vec<ArtifactRow>, StoreError> {
        self.read(move |connection| artifacts::list(connection, tenant, &filter, filter.limit.min(PAGE)))
            .await
    }

    async fn artifact(&self, tenant: TenantId, id: ArtifactId) -> Result<ArtifactRow, StoreError> {
        self.read(move |connection| artifacts::get(connection, tenant, id))
            .await
    }

    async fn approvals(
        &self,
        tenant: TenantId,
        filter: ApprovalFilter,
    ) -> Result<Vec<ApprovalRow>, StoreError> {
        self.read(move |connection| approvals::list(connection, tenant, &filter, filter.limit.min(PAGE)))
            .await
    }

    async fn approval(&self, tenant: TenantId, id: ApprovalId) -> Result<ApprovalRow, StoreError> {
        self.read(move |connection| approvals::get(connection, tenant, id))
            .await
    }

    async fn dead_letters(
        &self,
        tenant: TenantId,
        filter: LetterFilter,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        self.read(move |connection| dead_letters::list(connection, tenant, filter))
            .await
    }
}
