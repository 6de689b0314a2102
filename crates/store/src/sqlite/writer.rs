//! The one writing thread. It takes everything that waits, runs it in one transaction, commits once,
//! and only then answers: each job succeeds or fails alone, and one flush to disk serves them all.

use std::thread::JoinHandle;

use ports::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::fault::{Fault, closed, other};
use crate::crash::crash_point;
use crate::db::Kind;

/// Jobs that may wait; more callers wait for room.
const QUEUE: usize = 1024;
/// Jobs in one transaction, so that the last of a long queue doesn't hold up the first.
const GROUP: usize = 256;
/// How often a transaction is tried again while another process writes (each waits up to 5 s).
const BUSY_TRIES: u32 = 3;

type Work<T> = Box<dyn FnMut(&Connection) -> Result<T, Fault> + Send>;

trait Job: Send {
    fn kind(&self) -> Kind;
    /// Does the work and keeps the result; after an error, what it has changed must be undone.
    fn run(&mut self, connection: &Connection) -> Option<StoreError>;
    /// Tells the caller, after the commit or with the error that undid everything.
    fn answer(self: Box<Self>, undone: Option<StoreError>);
}

struct Typed<T> {
    kind: Kind,
    work: Work<T>,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

enum Order {
    Job(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

/// The way to the writing thread.
pub(super) struct Writer {
    orders: mpsc::Sender<Order>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(connection: Connection) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (orders, inbox) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || serve(connection, inbox))?;
        Ok((Self { orders }, thread))
    }

    /// Runs `work` in a transaction; when this returns, it is on disk. It is run again if another job
    /// of its group failed half-way or made SQLite undo the transaction.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl FnMut(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Typed {
            kind,
            work: Box::new(work),
            result: None,
            reply,
        };
        let sent = self.orders.send(Order::Job(Box::new(job))).await;
        sent.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Does what waits, moves the write-ahead log into the database and ends the thread.
    pub(super) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.orders.send(Order::Close(reply)).await.is_ok() {
            // An error means that another call of `close` was first.
            answer.await.ok();
        }
    }
}

impl<T: Send> Job for Typed<T> {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn run(&mut self, connection: &Connection) -> Option<StoreError> {
        let result = (self.work)(connection).map_err(StoreError::from);
        let error = result.as_ref().err().cloned();
        self.result = Some(result);
        error
    }

    fn answer(self: Box<Self>, undone: Option<StoreError>) {
        let result = match (self.result, undone) {
            (Some(Err(own)), _) => Err(own),
            (_, Some(error)) => Err(error),
            (Some(done), None) => done,
            (None, None) => Err(other("the job was not run")),
        };
        // The caller may have stopped waiting; what was written stays written.
        self.reply.send(result).ok();
    }
}

fn serve(connection: Connection, mut orders: mpsc::Receiver<Order>) {
    let mut jobs: Vec<Box<dyn Job>> = Vec::with_capacity(GROUP);
    let mut closing = None;
    while let Some(order) = orders.blocking_recv() {
        let mut next = Some(order);
        while let Some(order) = next {
            match order {
                Order::Job(job) => jobs.push(job),
                Order::Close(reply) => {
                    orders.close();
                    closing = Some(reply);
                }
            }
            next = if jobs.len() < GROUP {
                orders.try_recv().ok()
            } else {
                None
            };
        }
        while !jobs.is_empty() {
            commit_group(&connection, &mut jobs);
        }
    }
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        tracing::debug!(%error, "the last checkpoint was left to the next start");
    }
    drop(connection);
    if let Some(reply) = closing {
        reply.send(()).ok();
    }
}

/// How a group is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// Without savepoints, which would copy every page that a job changes. Most groups end well.
    Light,
    /// A savepoint for each job.
    Full,
}

/// What one job left behind.
enum Ran {
    /// Its changes, or none at all.
    Whole,
    /// Half a change that has no savepoint to go back to.
    Half,
    /// Nothing of the whole transaction: SQLite undid it, as it can on a full disk.
    Undone(StoreError),
}

/// Runs, commits and answers a group: first without savepoints, then, if a job failed after it had
/// changed something, once more with them. If a job makes SQLite undo the whole transaction, only that
/// job is answered; the others stay in `jobs` and are run again without it.
fn commit_group(connection: &Connection, jobs: &mut Vec<Box<dyn Job>>) {
    let mut undone = begin(connection).err();
    if undone.is_none() {
        match run_group(connection, jobs, Care::Light) {
            Ok(()) => {}
            Err(None) => {
                roll_back(connection);
                undone = begin(connection).err();
                if undone.is_none()
                    && let Err(Some((index, error))) = run_group(connection, jobs, Care::Full)
                {
                    return give_up_one(connection, jobs, index, error);
                }
            }
            Err(Some((index, error))) => return give_up_one(connection, jobs, index, error),
        }
    }
    if undone.is_none() {
        crash_points(jobs, true);
        undone = execute(connection, "COMMIT").err();
        if undone.is_none() {
            crash_points(jobs, false);
        }
    }
    if let Some(error) = &undone {
        roll_back(connection);
        tracing::warn!(store.jobs = jobs.len(), store.code = error.code(), %error, "a group was undone");
    }
    for job in jobs.drain(..) {
        job.answer(undone.clone());
    }
}

/// Runs all jobs.
///
/// # Errors
/// The number and error of a job that undid everything; none if one left half a change, so that all
/// must be run again with care.
fn run_group(
    connection: &Connection,
    jobs: &mut [Box<dyn Job>],
    care: Care,
) -> Result<(), Option<(usize, StoreError)>> {
    for (index, job) in jobs.iter_mut().enumerate() {
        if job.kind() == Kind::Append {
            crash_point("store.append.begin");
        }
        match run_one(connection, job.as_mut(), care) {
            Ran::Whole => {}
            Ran::Half => return Err(None),
            Ran::Undone(error) => return Err(Some((index, error))),
        }
    }
    Ok(())
}

fn give_up_one(connection: &Connection, jobs: &mut Vec<Box<dyn Job>>, index: usize, error: StoreError) {
    roll_back(connection);
    tracing::warn!(store.code = error.code(), %error, "a write undid its group");
    jobs.remove(index).answer(Some(error));
}

fn roll_back(connection: &Connection) {
    if !connection.is_autocommit() {
        // If even this fails, the next `BEGIN` says so to its callers.
        execute(connection, "ROLLBACK").ok();
    }
}

/// Takes the write lock at once: a transaction that began as a reader could be refused later.
fn begin(connection: &Connection) -> Result<(), StoreError> {
    let mut tries = 0;
    loop {
        let error = match connection
            .prepare_cached("BEGIN IMMEDIATE")
            .and_then(|mut begin| begin.execute([]))
        {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        tries += 1;
        let busy = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
        if !busy || tries >= BUSY_TRIES {
            return Err(Fault::from(error).0);
        }
    }
}

fn run_one(connection: &Connection, job: &mut dyn Job, care: Care) -> Ran {
    if care == Care::Full
        && let Err(error) = execute(connection, "SAVEPOINT job")
    {
        return Ran::Undone(error);
    }
    let before = connection.total_changes();
    let failed = job.run(connection);
    if connection.is_autocommit() {
        return Ran::Undone(failed.unwrap_or_else(|| other("the database undid the transaction")));
    }
    match (care, failed) {
        (Care::Light, None) => Ran::Whole,
        // A lost lease or a moved head is found before anything is written.
        (Care::Light, Some(_)) if connection.total_changes() == before => Ran::Whole,
        (Care::Light, Some(_)) => Ran::Half,
        (Care::Full, failed) => match end_savepoint(connection, failed.is_some()) {
            Ok(()) => Ran::Whole,
            Err(error) => Ran::Undone(error),
        },
    }
}

fn end_savepoint(connection: &Connection, undo: bool) -> Result<(), StoreError> {
    if undo {
        execute(connection, "ROLLBACK TO job")?;
    }
    execute(connection, "RELEASE job")
}

fn execute(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    let run = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]));
    run.map(drop).map_err(|error| Fault::from(error).0)
}

fn crash_points(jobs: &[Box<dyn Job>], before: bool) {
    for (kind, names) in [
        (
            Kind::Append,
            ["store.append.before_commit", "store.append.after_commit"],
        ),
        (
            Kind::Create,
            ["store.create.before_commit", "store.create.after_commit"],
        ),
        (
            Kind::Post,
            ["store.post.before_commit", "store.post.after_commit"],
        ),
    ] {
        if cfg!(feature = "failpoints") && jobs.iter().any(|job| job.kind() == kind) {
            crash_point(names[usize::from(!before)]);
        }
    }
}

#[cfg(test)]
mod tests;
