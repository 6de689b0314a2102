//! The task beside the writer: holds the lock that says that this node lives, hears the hints of others,
//! gives positions, and makes partitions ahead. If its connection breaks, it comes back by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use deadpool_postgres::Pool;
use ports::StoreError;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinHandle;
use types::Clock;

use super::connect::{Direct, Place};
use super::fault::{of_pool, of_postgres};
use super::link::CHANNEL;
use super::schema::NODES;
use super::writer::told;
use super::{order, partitions};
use crate::fault::Fault;
use crate::sql::{Connection, params};

/// How often positions are given.
const TICK: Duration = Duration::from_millis(500);
/// Ticks between two looks at the partitions: about an hour.
const TICKS: u32 = 7_200;
/// Ticks between two times that old changes are forgotten.
const FORGET_TICKS: u32 = 60;
/// How often the lock of a process that has just ended is waited for, and the pause between.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_millis(50);

/// What it works with.
pub(super) struct Duties {
    pub(super) place: Place,
    pub(super) pool: Pool,
    pub(super) clock: Arc<dyn Clock>,
    /// The node's name; none for a guest, which only listens.
    pub(super) name: Option<String>,
    /// The process id of the writer's backend, whose hints are our own.
    pub(super) writer: Arc<AtomicI32>,
    /// Woken by the hints of others.
    pub(super) heard: Arc<Notify>,
}

/// The running task.
pub(super) struct Attendant {
    closing: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Attendant {
    /// Goes on with a connection that holds the node's lock already.
    pub(super) fn start(duties: Duties, direct: Direct) -> Self {
        let (closing, told) = watch::channel(false);
        let task = tokio::spawn(attend(duties, direct, told));
        Self {
            closing,
            task: Mutex::new(Some(task)),
        }
    }

    /// Gives the lock back.
    pub(super) async fn close(&self) {
        self.closing.send_replace(true);
        if let Some(task) = self.task.lock().await.take()
            && task.await.is_err()
        {
            tracing::error!("the store's attending task ended by a panic");
        }
    }
}

impl Duties {
    /// A connection that hears hints and, for a node, holds its lock.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if another process lives under the node's name.
    pub(super) async fn connect(&self) -> Result<Direct, StoreError> {
        let (writer, heard) = (Arc::clone(&self.writer), Arc::clone(&self.heard));
        let direct = self
            .place
            .listening(move |pid| {
                if pid != writer.load(Ordering::Acquire) {
                    heard.notify_one();
                }
            })
            .await?;
        if let Some(name) = &self.name {
            lock(&direct, name).await?;
        }
        let listen = direct.client.batch_execute(&format!("LISTEN {CHANNEL}")).await;
        listen.map_err(|error| of_postgres(&error))?;
        Ok(direct)
    }
}

/// Takes the lock of a name. That of a process that has been killed is free as soon as the database has
/// noticed.
async fn lock(direct: &Direct, name: &str) -> Result<(), StoreError> {
    let take = format!("SELECT pg_try_advisory_lock({NODES}, {})", number(name));
    for _ in 0..TRIES {
        let row = direct.client.query_one(&take, &[]).await;
        if row.map_err(|error| of_postgres(&error))?.get(0) {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(StoreError::NodeInUse {
        node: name.to_owned(),
    })
}

/// Whether the node with this name is seen to live: its lock is held.
pub(crate) fn lives(connection: &Connection, name: &str) -> Result<bool, Fault> {
    let mut held = connection.prepare_cached(
        "SELECT 1::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND classid = ?1::bigint::oid AND objid = ?2::bigint::oid AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1",
    )?;
    // The view shows the keys of a lock without their sign.
    let key = i64::from(number(name).cast_unsigned());
    let found = held.query_opt(params![i64::from(NODES), key], |row| row.get::<i64>(0))?;
    Ok(found.is_some())
}

/// A name as the second key of a lock.
fn number(name: &str) -> i32 {
    let digest = Sha256::digest(name.as_bytes());
    i32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

async fn attend(duties: Duties, direct: Direct, mut closing: watch::Receiver<bool>) {
    let mut direct = Some(direct);
    let mut ticks = 0;
    let mut trouble = None;
    loop {
        if tokio::time::timeout(TICK, told(&mut closing)).await.is_ok() {
            break;
        }
        let done = attend_once(&duties, &mut direct, ticks).await;
        let now = done.as_ref().err().map(ToString::to_string);
        if now != trouble {
            // Once for each trouble, not at each tick.
            match &done {
                Err(error) => {
                    tracing::error!(store.code = error.code(), %error, "the database can't be attended to")
                }
                Ok(()) => tracing::info!("the database is attended to again"),
            }
            trouble = now;
        }
        ticks = if done.is_ok() { (ticks + 1) % TICKS } else { 0 };
    }
    if let (Some(direct), Some(name)) = (&direct, &duties.name) {
        let give_back = format!("SELECT pg_advisory_unlock({NODES}, {})", number(name));
        let unlocked = tokio::time::timeout(TICK, direct.client.batch_execute(&give_back)).await;
        // With the connection the lock is gone as well, only later.
        drop(unlocked);
    }
}

async fn attend_once(duties: &Duties, direct: &mut Option<Direct>, ticks: u32) -> Result<(), StoreError> {
    if direct.as_ref().is_none_or(|direct| direct.client.is_closed()) {
        *direct = None;
        *direct = Some(duties.connect().await?);
        // Whatever was notified meanwhile was not heard.
        duties.heard.notify_one();
    }
    if duties.name.is_none() {
        return Ok(());
    }
    let mut client = duties.pool.get().await.map_err(of_pool)?;
    order::settle(&mut client).await?;
    if ticks.is_multiple_of(FORGET_TICKS) {
        order::forget(&client).await?;
    }
    if ticks == 0 {
        partitions::make_ahead(&mut client, duties.clock.now()).await?;
    }
    Ok(())
}
