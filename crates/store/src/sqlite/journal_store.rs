//! Runs and journals: each call prepares its records here and leaves the SQL to the tables.

use async_trait::async_trait;
use engine::Recorded;
use engine::rows::{ApprovalRow, ArtifactRow, RunRow, StepRow};
use ports::{
    After, Append, ApprovalFilter, ArtifactFilter, Boot, Claim, Created, DeadLetter, InboxItem, JournalStore,
    Lease, LeaseRequest, Loaded, NewRun, Post, RunFilter, Snapshot, StoreError,
};
use rusqlite::Connection;
use types::{ApprovalId, ArtifactId, Failure, InboxId, Millis, RunId, TenantId, Timestamp};

use super::SqliteStore;
use super::fault::Fault;
use super::table::dead_letters::{self, PreparedLetter};
use super::table::inbox::{self, PreparedPost};
use super::table::journal::{self, PreparedEvent};
use super::table::leases::{self, PreparedReason};
use super::table::rows::{PreparedNew, PreparedRows};
use super::table::runs::{self, Advance};
use super::table::{approvals, artifacts, feed, snapshots, steps};
use super::writer::Kind;

/// Rows in one page.
const PAGE: u32 = 1_000;
/// Events in one page.
const EVENTS: u32 = 10_000;
/// Leases claimed or renewed in one job, so that a job stays short.
const LEASES: usize = 500;

/// One append, ready to be written.
struct PreparedAppend {
    advance: Advance,
    events: Vec<PreparedEvent>,
    rows: PreparedRows,
    snapshot: Option<Snapshot>,
    consumed: Vec<InboxId>,
    posts: Vec<PreparedPost>,
    runs: Vec<PreparedNew>,
    dead_letter: Option<PreparedLetter>,
}

#[async_trait]
impl JournalStore for SqliteStore {
    fn boot(&self) -> Boot {
        self.inner.boot
    }

    async fn create_run(&self, new: NewRun) -> Result<Created, StoreError> {
        let lease = match new.lease {
            None => None,
            Some(request) => Some(self.grantable(request)?),
        };
        let prepared = PreparedNew::new(new, self.inner.entropy.as_ref())?;
        self.write(Kind::Create, move |connection| prepared.create(connection, lease))
            .await
    }

    async fn claim(&self, now: Timestamp, lease_ms: Millis, limit: u32) -> Result<Vec<Claim>, StoreError> {
        let boot = self.held_boot()?;
        let limit = limit.min(LEASES as u32);
        self.write(Kind::Other, move |connection| {
            leases::claim(connection, boot, now, lease_ms, limit)
        })
        .await
    }

    async fn renew(&self, leases: Vec<Lease>, until: Timestamp) -> Result<Vec<Lease>, StoreError> {
        let boot = self.held_boot()?;
        let mut gone = Vec::new();
        for slice in leases.chunks(LEASES) {
            let slice = slice.to_vec();
            let lost = self.write(Kind::Other, move |connection| {
                let mut lost = Vec::new();
                for lease in &slice {
                    if !leases::renew(connection, boot, lease, until)? {
                        lost.push(*lease);
                    }
                }
                Ok(lost)
            });
            gone.extend(lost.await?);
        }
        Ok(gone)
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let boot = self.held_boot()?;
        self.write(Kind::Other, move |connection| {
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
        let boot = self.held_boot()?;
        let why = why.map(PreparedReason::new).transpose()?;
        let now = self.inner.clock.now();
        self.write(Kind::Other, move |connection| {
            leases::set_aside(connection, boot, &lease, until, why.as_ref())?;
            feed::note(
                connection,
                lease.tenant,
                now,
                "run",
                &lease.run.to_string(),
                "set_aside",
            )
        })
        .await
    }

    async fn append(&self, append: Append) -> Result<(), StoreError> {
        let prepared = self.prepare(append)?;
        self.write(Kind::Append, move |connection| prepared.write(connection))
            .await
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
        let prepared = PreparedPost::new(post)?;
        self.write(Kind::Post, move |connection| prepared.insert(connection))
            .await
    }

    async fn pending_inbox(&self) -> Result<Vec<RunId>, StoreError> {
        let Ok(boot) = self.held_boot() else {
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
        let (boot, now) = (self.inner.boot.epoch, self.inner.clock.now());
        self.read(move |connection| leases::next_wake(connection, boot, now))
            .await
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

    async fn dead_letters(&self, tenant: TenantId, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        self.read(move |connection| dead_letters::list(connection, tenant, limit.min(PAGE)))
            .await
    }
}

impl SqliteStore {
    /// A lease is granted to this process only.
    fn grantable(&self, request: LeaseRequest) -> Result<(LeaseRequest, u64), StoreError> {
        let boot = self.held_boot()?;
        if request.node == self.inner.boot.node {
            Ok((request, boot))
        } else {
            Err(StoreError::NotHolder)
        }
    }

    fn prepare(&self, append: Append) -> Result<PreparedAppend, StoreError> {
        let boot = self.held_boot()?;
        let entropy = self.inner.entropy.as_ref();
        let lease = append.lease;
        let events = journal::prepare(append.expected_head, &append.events)?;
        let runs = append.runs.into_iter().map(|new| PreparedNew::new(new, entropy));
        Ok(PreparedAppend {
            advance: Advance {
                lease,
                boot,
                expected_head: append.expected_head,
                head: append.expected_head + events.len() as u64,
                release: append.after == After::Release,
            },
            events,
            rows: PreparedRows::new(lease.tenant, lease.run, append.rows, entropy)?,
            snapshot: append.snapshot,
            consumed: append.consumed,
            posts: append
                .posts
                .into_iter()
                .map(PreparedPost::new)
                .collect::<Result<_, _>>()?,
            runs: runs.collect::<Result<_, _>>()?,
            dead_letter: append.dead_letter.map(PreparedLetter::new).transpose()?,
        })
    }
}

impl PreparedAppend {
    /// The order matters: messages are taken out before the run's row asks whether any are left, and
    /// children are there before they are posted to. What fails is undone by the savepoint around it.
    fn write(&self, connection: &Connection) -> Result<(), Fault> {
        let Lease { tenant, run, .. } = self.advance.lease;
        inbox::consume(connection, tenant, run, &self.consumed)?;
        self.rows.run.advance(connection, self.advance)?;
        journal::insert(connection, tenant, run, &self.events)?;
        let decided_at = journal::last_at(&self.events);
        self.rows.put_others(connection, tenant, run, decided_at)?;
        if let Some(snapshot) = &self.snapshot {
            snapshots::put(connection, tenant, run, snapshot)?;
        }
        if let Some(letter) = &self.dead_letter {
            letter.put(connection)?;
        }
        for new in &self.runs {
            new.create(connection, None)?;
        }
        for post in &self.posts {
            post.insert(connection)?;
        }
        Ok(())
    }
}
