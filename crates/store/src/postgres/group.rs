//! A group of writes, judged against what the database holds: which of them may happen, what to answer
//! the others, and the rows to be written for all of them at once. Nothing here talks to the database.

use std::collections::{HashMap, HashSet};

use ports::{Claim, Created, Lease, LeaseRequest, StoreError};
use tokio::sync::oneshot;
use types::{RunId, TenantId};

use super::rows::Rows;
use crate::convert::int;
use crate::fault::not_found;
use crate::table::append::PreparedAppend;
use crate::table::inbox::PreparedPost;
use crate::table::rows::PreparedNew;
use crate::table::runs::exists_already;

/// A run, as everybody names it.
pub(super) type Key = (TenantId, RunId);

/// What is to be written, and who waits for it.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) reply: Reply,
}

/// What is to be written.
#[derive(Debug)]
pub(super) enum Work {
    Append(Box<PreparedAppend>),
    Create(Box<PreparedNew>, Option<(LeaseRequest, u64)>),
    Post(PreparedPost),
}

/// Who waits.
#[derive(Debug)]
pub(super) enum Reply {
    Plain(oneshot::Sender<Result<(), StoreError>>),
    Created(oneshot::Sender<Result<Created, StoreError>>),
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is in the rows.
    Done,
    /// The run is in the rows, or was there before.
    Created(Created),
    /// It changes nothing.
    Refused(StoreError),
    /// It must see what another job of the group leaves behind.
    Later,
}

/// A run as the database holds it, locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Locked {
    pub(super) epoch: i64,
    pub(super) boot: Option<i64>,
    pub(super) head: i64,
}

/// What the database holds of everything that a group names.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) runs: HashMap<Key, Locked>,
    pub(super) start_keys: HashMap<(TenantId, String), RunId>,
}

impl Work {
    /// Runs that must not change meanwhile, and runs that must not be there yet.
    pub(super) fn names(&self, mut name: impl FnMut(Key)) {
        match self {
            Work::Append(append) => {
                let lease = append.advance.lease;
                name((lease.tenant, lease.run));
                append.runs.iter().for_each(|new| name((new.tenant, new.run)));
                append.posts.iter().for_each(|post| name((post.tenant, post.run)));
            }
            Work::Create(new, _) => name((new.tenant, new.run)),
            Work::Post(post) => name((post.tenant, post.run)),
        }
    }

    /// New runs.
    pub(super) fn news(&self) -> &[PreparedNew] {
        match self {
            Work::Append(append) => &append.runs,
            Work::Create(new, _) => std::slice::from_ref(new),
            Work::Post(_) => &[],
        }
    }

    /// Whether others may find something to do when it is written.
    pub(super) fn concerns_others(&self) -> bool {
        match self {
            Work::Append(append) => {
                append.advance.release || !append.posts.is_empty() || !append.runs.is_empty()
            }
            Work::Create(_, lease) => lease.is_none(),
            Work::Post(_) => true,
        }
    }
}

impl Reply {
    /// Tells who waits; they may have stopped waiting, and what was written stays written.
    pub(super) fn answer(self, verdict: Verdict) {
        match (self, verdict) {
            (Reply::Plain(reply), Verdict::Refused(error)) => drop(reply.send(Err(error))),
            (Reply::Plain(reply), _) => drop(reply.send(Ok(()))),
            (Reply::Created(reply), Verdict::Created(created)) => drop(reply.send(Ok(created))),
            (Reply::Created(reply), Verdict::Refused(error)) => drop(reply.send(Err(error))),
            (Reply::Created(reply), Verdict::Done | Verdict::Later) => {
                drop(reply.send(Err(crate::fault::other("the run was not created"))));
            }
        }
    }
}

/// What the jobs before this one do.
#[derive(Default)]
struct Before {
    /// Runs whose row changes, or that begin.
    touched: HashSet<Key>,
    begun: HashSet<Key>,
    start_keys: HashSet<(TenantId, String)>,
}

/// Judges the jobs in their order and collects the rows of those that may happen.
pub(super) fn judge<'j>(jobs: &'j [Job], known: &Known) -> (Vec<Verdict>, Rows<'j>) {
    let mut rows = Rows::default();
    let mut before = Before::default();
    let verdicts = jobs
        .iter()
        .map(|job| match &job.work {
            Work::Append(append) => judge_append(append, known, &mut before, &mut rows),
            Work::Create(new, lease) => judge_create(new, *lease, known, &mut before, &mut rows),
            Work::Post(post) => judge_post(post, known, &before, &mut rows),
        })
        .collect();
    (verdicts, rows)
}

fn judge_append<'j>(
    append: &'j PreparedAppend,
    known: &Known,
    before: &mut Before,
    rows: &mut Rows<'j>,
) -> Verdict {
    let Lease { tenant, run, .. } = append.advance.lease;
    let key = (tenant, run);
    let news = || append.runs.iter().map(|new| (new.tenant, new.run));
    if before.touched.contains(&key) || news().any(|new| before.touched.contains(&new)) {
        return Verdict::Later;
    }
    if append.runs.iter().any(|new| new.start_key.is_some()) {
        let keyed = append.runs.iter().filter_map(start_key);
        if keyed.into_iter().any(|key| before.start_keys.contains(&key)) {
            return Verdict::Later;
        }
    }
    if let Some(error) = why_not(append, known.runs.get(&key)) {
        return Verdict::Refused(error);
    }
    let fresh: Vec<_> = append
        .runs
        .iter()
        .filter(|new| start_key(new).is_none_or(|key| !known.start_keys.contains_key(&key)))
        .collect();
    if let Some(new) = fresh
        .iter()
        .find(|new| known.runs.contains_key(&(new.tenant, new.run)))
    {
        return Verdict::Refused(exists_already(new.run));
    }
    let missing = append.posts.iter().find(|post| {
        let to = (post.tenant, post.run);
        let there = known.runs.contains_key(&to) || before.begun.contains(&to);
        !there && !fresh.iter().any(|new| (new.tenant, new.run) == to)
    });
    if let Some(post) = missing {
        return Verdict::Refused(not_found("run", post.run));
    }
    before.touched.insert(key);
    rows.append(append);
    for new in fresh {
        begin(new, None, before, rows);
    }
    append.posts.iter().for_each(|post| rows.post(post));
    Verdict::Done
}

/// Why an append may not happen: its lease is looked at before its head.
fn why_not(append: &PreparedAppend, locked: Option<&Locked>) -> Option<StoreError> {
    let advance = append.advance;
    let Some(locked) = locked else {
        return Some(not_found("run", advance.lease.run));
    };
    if locked.epoch != int(advance.lease.epoch) || locked.boot != Some(int(advance.boot)) {
        return Some(StoreError::LeaseLost);
    }
    (locked.head != int(advance.expected_head)).then(|| StoreError::HeadMoved {
        expected: advance.expected_head,
        actual: u64::try_from(locked.head).unwrap_or(0),
    })
}

fn judge_create<'j>(
    new: &'j PreparedNew,
    lease: Option<(LeaseRequest, u64)>,
    known: &Known,
    before: &mut Before,
    rows: &mut Rows<'j>,
) -> Verdict {
    let key = (new.tenant, new.run);
    if let Some(start_key) = start_key(new) {
        if let Some(run) = known.start_keys.get(&start_key) {
            return Verdict::Created(Created {
                run: *run,
                new: false,
                claim: None,
            });
        }
        if before.start_keys.contains(&start_key) {
            return Verdict::Later;
        }
    }
    if before.touched.contains(&key) {
        return Verdict::Later;
    }
    if known.runs.contains_key(&key) {
        return Verdict::Refused(exists_already(new.run));
    }
    begin(new, lease, before, rows);
    let claim = lease.map(|(request, _)| Claim {
        lease: Lease {
            tenant: new.tenant,
            run: new.run,
            epoch: 1,
        },
        until: request.until,
        claims: 1,
    });
    Verdict::Created(Created {
        run: new.run,
        new: true,
        claim,
    })
}

fn judge_post<'j>(post: &'j PreparedPost, known: &Known, before: &Before, rows: &mut Rows<'j>) -> Verdict {
    let key = (post.tenant, post.run);
    if !known.runs.contains_key(&key) && !before.begun.contains(&key) {
        return Verdict::Refused(not_found("run", post.run));
    }
    rows.post(post);
    Verdict::Done
}

fn begin<'j>(
    new: &'j PreparedNew,
    lease: Option<(LeaseRequest, u64)>,
    before: &mut Before,
    rows: &mut Rows<'j>,
) {
    before.touched.insert((new.tenant, new.run));
    before.begun.insert((new.tenant, new.run));
    before.start_keys.extend(start_key(new));
    rows.create(new, lease);
}

/// The key under which the run begins once, if it has one.
pub(super) fn start_key(new: &PreparedNew) -> Option<(TenantId, String)> {
    new.start_key.as_ref().map(|key| (new.tenant, key.clone()))
}
