//! The rows that come with an append or a new run, and writing a new run as a whole.

use engine::rows::Rows;
use engine::{EVENT_VERSION, Event, Recorded};
use ports::{Claim, Created, Lease, LeaseRequest, NewRun};
use rusqlite::Connection;
use types::{Entropy, RunId, TenantId, Timestamp};

use super::approvals::{self, PreparedApproval};
use super::artifacts::{self, PreparedArtifact};
use super::feed;
use super::journal::{self, PreparedEvent};
use super::leaves::{self, PreparedLeaf};
use super::runs::{self, PreparedRun};
use super::steps::{self, PreparedStep};
use crate::sqlite::fault::{Fault, other};

/// All rows of an append, ready to be written.
#[derive(Debug)]
pub(in crate::sqlite) struct PreparedRows {
    pub run: PreparedRun,
    steps: Vec<PreparedStep>,
    artifacts: Vec<PreparedArtifact>,
    approvals: Vec<PreparedApproval>,
    leaves: Vec<PreparedLeaf>,
}

/// A new run, ready to be written.
#[derive(Debug)]
pub(in crate::sqlite) struct PreparedNew {
    tenant: TenantId,
    run: RunId,
    events: Vec<PreparedEvent>,
    rows: PreparedRows,
    start_key: Option<String>,
}

impl PreparedRows {
    /// Prepares the rows of `run`; those of another one are refused.
    pub(in crate::sqlite) fn new(
        tenant: TenantId,
        run: RunId,
        rows: Rows,
        entropy: &dyn Entropy,
    ) -> Result<Self, Fault> {
        if rows.run.tenant != tenant || rows.run.run != run {
            return Err(other(format!(
                "the rows of {} came with an append to {run}",
                rows.run.run
            ))
            .into());
        }
        Ok(Self {
            run: PreparedRun::new(rows.run)?,
            steps: rows
                .steps
                .into_iter()
                .map(PreparedStep::new)
                .collect::<Result<_, _>>()?,
            artifacts: rows
                .artifacts
                .into_iter()
                .map(PreparedArtifact::new)
                .collect::<Result<_, _>>()?,
            approvals: rows
                .approvals
                .into_iter()
                .map(PreparedApproval::new)
                .collect::<Result<_, _>>()?,
            leaves: rows
                .leaves
                .into_iter()
                .map(|leaf| PreparedLeaf::new(leaf, entropy))
                .collect(),
        })
    }

    /// Writes everything but the run itself, and tells the feed.
    pub(in crate::sqlite) fn put_others(
        &self,
        connection: &Connection,
        tenant: TenantId,
        run: RunId,
        decided_at: Option<Timestamp>,
    ) -> Result<(), Fault> {
        if !self.steps.is_empty() {
            steps::put(connection, tenant, run, &self.steps)?;
        }
        if !self.artifacts.is_empty() {
            artifacts::insert(connection, tenant, &self.artifacts)?;
        }
        if !self.approvals.is_empty() {
            approvals::put(connection, tenant, &self.approvals)?;
        }
        if !self.leaves.is_empty() {
            leaves::append(connection, tenant, &self.leaves)?;
        }
        let Some(at) = decided_at else { return Ok(()) };
        let status = self.run.row.status.as_str();
        feed::note(connection, tenant, at, "run", &run.to_string(), status)?;
        for (id, status) in self.approvals.iter().map(PreparedApproval::state) {
            feed::note(
                connection,
                tenant,
                at,
                "approval",
                &id.to_string(),
                status.as_str(),
            )?;
        }
        Ok(())
    }
}

impl PreparedNew {
    pub(in crate::sqlite) fn new(new: NewRun, entropy: &dyn Entropy) -> Result<Self, Fault> {
        let NewRun {
            created,
            at,
            more,
            rows,
            start_key,
            ..
        } = new;
        let (tenant, run) = (created.tenant, created.run);
        let first = Recorded {
            seq: 1,
            at,
            v: EVENT_VERSION,
            event: Event::RunCreated(Box::new(created)),
        };
        let mut events = journal::prepare(0, std::slice::from_ref(&first))?;
        events.extend(journal::prepare(1, &more)?);
        let rows = PreparedRows::new(tenant, run, rows, entropy)?;
        Ok(Self {
            tenant,
            run,
            events,
            rows,
            start_key,
        })
    }

    /// Creates the run unless one with its start key is there.
    pub(in crate::sqlite) fn create(
        &self,
        connection: &Connection,
        lease: Option<(LeaseRequest, u64)>,
    ) -> Result<Created, Fault> {
        if let Some(key) = &self.start_key
            && let Some(run) = runs::by_start_key(connection, self.tenant, key)?
        {
            return Ok(Created {
                run,
                new: false,
                claim: None,
            });
        }
        let head = self.events.len() as u64;
        self.rows
            .run
            .insert(connection, head, self.start_key.as_deref(), lease)?;
        journal::insert(connection, self.tenant, self.run, &self.events)?;
        let decided_at = journal::last_at(&self.events);
        self.rows
            .put_others(connection, self.tenant, self.run, decided_at)?;
        let claim = lease.map(|(request, _)| Claim {
            lease: Lease {
                tenant: self.tenant,
                run: self.run,
                epoch: 1,
            },
            until: request.until,
            claims: 1,
        });
        Ok(Created {
            run: self.run,
            new: true,
            claim,
        })
    }
}
