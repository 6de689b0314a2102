//! One append as a whole, ready to be written.

use ports::{After, Append, Lease, Snapshot, StoreError};
use types::{Entropy, InboxId};

use super::dead_letters::PreparedLetter;
use super::inbox::{self, PreparedPost};
use super::journal::{self, PreparedEvent};
use super::rows::{PreparedNew, PreparedRows};
use super::runs::Advance;
use super::snapshots;
use crate::fault::Fault;
use crate::sql::Connection;

/// One append, ready to be written.
#[derive(Debug)]
pub(crate) struct PreparedAppend {
    pub(crate) advance: Advance,
    pub(crate) events: Vec<PreparedEvent>,
    pub(crate) rows: PreparedRows,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) consumed: Vec<InboxId>,
    pub(crate) posts: Vec<PreparedPost>,
    pub(crate) runs: Vec<PreparedNew>,
    pub(crate) dead_letter: Option<PreparedLetter>,
}

impl PreparedAppend {
    pub(crate) fn new(append: Append, boot: u64, entropy: &dyn Entropy) -> Result<Self, StoreError> {
        let lease = append.lease;
        let events = journal::prepare(append.expected_head, &append.events)?;
        let decided_at = journal::last_at(&events);
        let runs = append.runs.into_iter().map(|new| PreparedNew::new(new, entropy));
        Ok(Self {
            advance: Advance {
                lease,
                boot,
                expected_head: append.expected_head,
                head: append.expected_head + events.len() as u64,
                release: append.after == After::Release,
            },
            events,
            rows: PreparedRows::new(lease.tenant, lease.run, append.rows, decided_at, entropy)?,
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

    /// The order matters: messages are taken out before the run's row asks whether any are left, and
    /// children are there before they are posted to. What fails is undone by the savepoint around it.
    pub(crate) fn write(&self, connection: &Connection) -> Result<(), Fault> {
        let Lease { tenant, run, .. } = self.advance.lease;
        inbox::consume(connection, tenant, run, &self.consumed)?;
        self.rows.run.advance(connection, self.advance)?;
        journal::insert(connection, tenant, run, &self.events)?;
        self.rows.put_others(connection, tenant, run)?;
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
