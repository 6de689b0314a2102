//! The rows that come with an append or a new run, and writing a new run as a whole.

use crate::sql::Connection;
use engine::rows::Rows;
use engine::{EVENT_VERSION, Event, Recorded};
use ports::{Claim, Created, Lease, LeaseRequest, NewRun};
use types::{Entropy, RunId, RunStatus, TenantId, Timestamp};

use super::approvals::{self, PreparedApproval};
use super::artifacts::{self, PreparedArtifact};
use super::feed::Note;
use super::journal::{self, PreparedEvent};
use super::leaves::{self, PreparedLeaf};
use super::runs::{self, PreparedRun};
use super::steps::{self, PreparedStep};
use crate::fault::{Fault, other};

/// All rows of an append, ready to be written.
#[derive(Debug)]
pub(crate) struct PreparedRows {
    pub(crate) run: PreparedRun,
    pub(crate) steps: Vec<PreparedStep>,
    pub(crate) artifacts: Vec<PreparedArtifact>,
    pub(crate) approvals: Vec<PreparedApproval>,
    pub(crate) leaves: Vec<PreparedLeaf>,
    /// What the feed is told.
    pub(crate) notes: Vec<Note>,
}

/// A new run, ready to be written.
#[derive(Debug)]
pub(crate) struct PreparedNew {
    pub(crate) tenant: TenantId,
    pub(crate) run: RunId,
    pub(crate) events: Vec<PreparedEvent>,
    pub(crate) rows: PreparedRows,
    pub(crate) start_key: Option<String>,
}

impl PreparedRows {
    /// Prepares the rows of `run`; those of another one are refused. The feed is told of them if something
    /// was decided.
    pub(crate) fn new(
        tenant: TenantId,
        run: RunId,
        rows: Rows,
        decided_at: Option<Timestamp>,
        entropy: &dyn Entropy,
    ) -> Result<Self, Fault> {
        if rows.run.tenant != tenant || rows.run.run != run {
            return Err(other(format!(
                "the rows of {} came with an append to {run}",
                rows.run.run
            ))
            .into());
        }
        let approvals: Vec<_> = rows
            .approvals
            .into_iter()
            .map(PreparedApproval::new)
            .collect::<Result<_, _>>()?;
        let notes = decided_at.map(|at| notes(at, run, rows.run.status, &approvals));
        Ok(Self {
            notes: notes.unwrap_or_default(),
            approvals,
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
            leaves: rows
                .leaves
                .into_iter()
                .map(|leaf| PreparedLeaf::new(leaf, entropy))
                .collect(),
        })
    }

    /// Writes everything but the run itself, and tells the feed.
    pub(crate) fn put_others(
        &self,
        connection: &Connection,
        tenant: TenantId,
        run: RunId,
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
        for note in &self.notes {
            note.put(connection, tenant)?;
        }
        Ok(())
    }
}

impl PreparedNew {
    pub(crate) fn new(new: NewRun, entropy: &dyn Entropy) -> Result<Self, Fault> {
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
        let decided_at = journal::last_at(&events);
        let rows = PreparedRows::new(tenant, run, rows, decided_at, entropy)?;
        Ok(Self {
            tenant,
            run,
            events,
            rows,
            start_key,
        })
    }

    /// Creates the run unless one with its start key is there.
    pub(crate) fn create(
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
        self.rows.put_others(connection, self.tenant, self.run)?;
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

fn notes(at: Timestamp, run: RunId, status: RunStatus, approvals: &[PreparedApproval]) -> Vec<Note> {
    let approvals = approvals.iter().map(PreparedApproval::state);
    let approvals = approvals.map(|(id, status)| Note::new(at, "approval", id, status.as_str()));
    std::iter::once(Note::new(at, "run", run, status.as_str()))
        .chain(approvals)
        .collect()
}
