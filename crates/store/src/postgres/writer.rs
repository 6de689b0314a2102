//! The one writing task of a node: it takes everything that waits, judges it against locked rows, writes
//! all of it with one statement per table, commits once, and only then answers. Each job succeeds or
//! fails alone, and one flush to disk serves them all.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use ports::{Created, LeaseRequest, StoreError};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use types::NodeId;

use super::connect::Place;
use super::fault::unreachable;
use super::group::{Job, Reply, Verdict, Work, judge};
use super::link::{Failed, Link};
use crate::crash::crash_point;
use crate::fault::closed;
use crate::table::append::PreparedAppend;
use crate::table::inbox::PreparedPost;
use crate::table::rows::PreparedNew;

/// Jobs that may wait; more callers wait for room.
const QUEUE: usize = 1024;
/// Jobs in one transaction, so that the last of a long queue doesn't hold up the first.
const GROUP: usize = 256;
/// How often the others run before a group goes without those who are missing.
const TURNS: u32 = 16;
/// How often a group is tried again that others got in the way of, or whose connection was gone.
const TRIES: u32 = 3;
/// How often a group is tried whose commits were all left without an answer.
const ANSWERS_LOST: u32 = 10;
/// How often the database is asked what became of a commit whose answer was lost, and the pause between.
const ASKED: u32 = 120;
const PAUSE: Duration = Duration::from_millis(500);

/// The way to the writing task.
pub(super) struct Writer {
    orders: mpsc::Sender<Job>,
    task: Mutex<Option<JoinHandle<()>>>,
    closing: watch::Sender<bool>,
}

struct Serving {
    place: Place,
    /// Under which the groups are numbered.
    writer: NodeId,
    /// The number of the last group that was tried: each try has its own.
    group: u64,
    link: Option<Link>,
    /// The process id of the connection's backend: its notifications are our own.
    pid: Arc<AtomicI32>,
    closing: watch::Receiver<bool>,
}

impl Writer {
    /// Starts the task of a process. `pid` is kept at the process id of its backend.
    pub(super) fn start(place: Place, writer: NodeId, pid: Arc<AtomicI32>) -> Self {
        let (orders, inbox) = mpsc::channel(QUEUE);
        let (closing, told) = watch::channel(false);
        let serving = Serving {
            place,
            writer,
            group: 0,
            link: None,
            pid,
            closing: told,
        };
        Self {
            orders,
            task: Mutex::new(Some(tokio::spawn(serving.serve(inbox)))),
            closing,
        }
    }

    pub(super) async fn append(&self, append: PreparedAppend) -> Result<(), StoreError> {
        self.plain(Work::Append(Box::new(append))).await
    }

    pub(super) async fn post(&self, post: PreparedPost) -> Result<(), StoreError> {
        self.plain(Work::Post(post)).await
    }

    pub(super) async fn create(
        &self,
        new: PreparedNew,
        lease: Option<(LeaseRequest, u64)>,
    ) -> Result<Created, StoreError> {
        let (reply, answer) = oneshot::channel();
        let work = Work::Create(Box::new(new), lease);
        self.send(work, Reply::Created(reply)).await?;
        answer.await.map_err(|_| closed())?
    }

    /// Writes what waits and ends the task.
    pub(super) async fn close(&self) {
        self.closing.send_replace(true);
        if let Some(task) = self.task.lock().await.take()
            && task.await.is_err()
        {
            tracing::error!("the store's writing task ended by a panic");
        }
    }

    async fn plain(&self, work: Work) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(work, Reply::Plain(reply)).await?;
        answer.await.map_err(|_| closed())?
    }

    async fn send(&self, work: Work, reply: Reply) -> Result<(), StoreError> {
        if *self.closing.borrow() {
            return Err(closed());
        }
        let sent = self.orders.send(Job { work, reply }).await;
        sent.map_err(|_| closed())
    }
}

impl Serving {
    async fn serve(mut self, mut inbox: mpsc::Receiver<Job>) {
        let mut waiting: VecDeque<Job> = VecDeque::new();
        // How many jobs the last group had.
        let mut company = 0;
        loop {
            if waiting.is_empty() {
                let next = tokio::select! {
                    next = inbox.recv() => next,
                    () = told(&mut self.closing) => {
                        inbox.close();
                        inbox.recv().await
                    }
                };
                match next {
                    Some(job) => waiting.push_back(job),
                    None => return,
                }
            }
            gather(&mut inbox, &mut waiting, company).await;
            let rest = waiting.split_off(waiting.len().min(GROUP));
            company = waiting.len();
            let mut later = self.group(waiting.into()).await;
            // They were first, and what kept them waiting is done now.
            later.extend(rest);
            waiting = later.into();
        }
    }

    /// Writes and answers a group. What must see the others' work first is given back.
    async fn group(&mut self, jobs: Vec<Job>) -> Vec<Job> {
        match self.persist(&jobs).await {
            Ok(verdicts) => answer(jobs, verdicts),
            Err(_) if jobs.len() > 1 && self.link.is_some() => {
                // One of them is at fault; alone, each finds out for itself.
                let mut later = Vec::new();
                for job in jobs {
                    let alone = vec![job];
                    match self.persist(&alone).await {
                        Ok(verdicts) => later.extend(answer(alone, verdicts)),
                        Err(error) => refuse(alone, &error),
                    }
                }
                later
            }
            Err(error) => {
                tracing::warn!(store.jobs = jobs.len(), store.code = error.code(), %error, "a group was undone");
                refuse(jobs, &error);
                Vec::new()
            }
        }
    }

    /// Writes a group, again if others got in its way or its connection was gone before the commit.
    async fn persist(&mut self, jobs: &[Job]) -> Result<Vec<Verdict>, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let failed = match self.attempt(jobs).await {
                Ok(verdicts) => return Ok(verdicts),
                Err(failed) => failed,
            };
            match failed {
                Failed::Passing(_) | Failed::Lost(_) if tries < TRIES => {}
                Failed::Refused(error) | Failed::Passing(error) | Failed::Lost(error) => return Err(error),
                Failed::Unknown { error, .. } if tries >= ANSWERS_LOST => return Err(error),
                Failed::Unknown { verdicts, error } => {
                    let kept = self.was_committed(&error).await?;
                    tracing::warn!(store.group = self.group, store.jobs = jobs.len(), kept, %error, "the answer to a commit was lost");
                    if kept {
                        return Ok(verdicts);
                    }
                }
            }
        }
    }

    async fn attempt(&mut self, jobs: &[Job]) -> Result<Vec<Verdict>, Failed> {
        self.group += 1;
        let group = self.group;
        let link = self.link().await.map_err(Failed::Refused)?;
        if jobs.iter().any(|job| matches!(job.work, Work::Append(_))) {
            crash_point("store.append.begin");
        }
        let done = async {
            let known = link.look(group, jobs).await?;
            let (verdicts, rows) = judge(jobs, &known);
            crash_points(jobs, true);
            link.write(verdicts, rows).await
        }
        .await;
        match done {
            Ok(verdicts) => {
                crash_points(jobs, false);
                if jobs.iter().any(|job| job.work.concerns_others()) {
                    link.notify();
                }
                Ok(verdicts)
            }
            Err(failed) => {
                match failed {
                    Failed::Lost(_) | Failed::Unknown { .. } => self.link = None,
                    Failed::Refused(_) | Failed::Passing(_) => {
                        if let Err(failed) = link.roll_back().await {
                            tracing::debug!(error = %failed, "a transaction was left to its connection");
                            self.link = None;
                        }
                    }
                }
                Err(failed)
            }
        }
    }

    async fn link(&mut self) -> Result<&mut Link, StoreError> {
        let link = match self.link.take() {
            Some(link) if !link.is_closed() => link,
            _ => {
                let link = Link::open(&self.place, self.writer).await?;
                self.pid.store(link.pid(), Ordering::Release);
                link
            }
        };
        Ok(self.link.insert(link))
    }

    /// Whether the last group was kept, whose commit was not answered. The database knows.
    ///
    /// # Errors
    /// It can't be asked.
    async fn was_committed(&mut self, error: &StoreError) -> Result<bool, StoreError> {
        for _ in 0..ASKED {
            if let Ok(link) = self.link().await
                && let Ok(Some(last)) = link.last_group().await
            {
                return Ok(last == self.group);
            }
            if tokio::time::timeout(PAUSE, told(&mut self.closing)).await.is_ok() {
                break;
            }
        }
        Err(unreachable(format!(
            "whether the last write was kept isn't known: {error}"
        )))
    }
}

/// Takes what has come. Those who were answered together come again almost together: the first of them
/// waits for the others, as many as there were, for as long as anything else in this process can run.
async fn gather(inbox: &mut mpsc::Receiver<Job>, waiting: &mut VecDeque<Job>, company: usize) {
    for _ in 0..TURNS {
        while waiting.len() < GROUP {
            match inbox.try_recv() {
                Ok(job) => waiting.push_back(job),
                Err(_) => break,
            }
        }
        if waiting.len() >= company.min(GROUP) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Completes when the store is being closed.
pub(super) async fn told(closing: &mut watch::Receiver<bool>) {
    // An error means that it is gone altogether.
    drop(closing.wait_for(|closing| *closing).await);
}

/// Answers; what must wait is given back.
fn answer(jobs: Vec<Job>, verdicts: Vec<Verdict>) -> Vec<Job> {
    let mut later = Vec::new();
    for (job, verdict) in jobs.into_iter().zip(verdicts) {
        match verdict {
            Verdict::Later => later.push(job),
            verdict => job.reply.answer(verdict),
        }
    }
    later
}

fn refuse(jobs: Vec<Job>, error: &StoreError) {
    for job in jobs {
        job.reply.answer(Verdict::Refused(error.clone()));
    }
}

fn crash_points(jobs: &[Job], before: bool) {
    if !cfg!(feature = "failpoints") {
        return;
    }
    let any = |is: fn(&Work) -> bool| jobs.iter().any(|job| is(&job.work));
    for (there, names) in [
        (
            any(|work| matches!(work, Work::Append(_))),
            ["store.append.before_commit", "store.append.after_commit"],
        ),
        (
            any(|work| matches!(work, Work::Create(..))),
            ["store.create.before_commit", "store.create.after_commit"],
        ),
        (
            any(|work| matches!(work, Work::Post(_))),
            ["store.post.before_commit", "store.post.after_commit"],
        ),
    ] {
        if there {
            crash_point(names[usize::from(!before)]);
        }
    }
}
