//! SQLite: one file, one writing thread, a few reading connections, one process that holds the folder.

mod adapter;
mod backup;
mod fault;
mod folder;
mod readers;
mod schema;
mod writer;
mod yardstick;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ports::{Boot, Claim, Lease, StoreError};
use types::{Clock, Entropy, Millis, NodeId, Timestamp};

use crate::db::{Backend, Core, Db, Kind};
use crate::fault::{Fault, closed, other};
use crate::files;
use crate::seal::Sealer;
use crate::sql::Connection;
use crate::table::leases;
use readers::Readers;
use writer::Writer;

pub(crate) use adapter::cell;
pub use folder::is_held;
pub use yardstick::single_commits;

/// How to open a data folder.
pub struct Options {
    /// Where `agentops.db`, `lock` and `secret.key` lie; made if missing, unless for a guest.
    pub folder: PathBuf,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids, salts, keys and nonces.
    pub entropy: Arc<dyn Entropy>,
    /// This binary's version, named when the database is newer.
    pub binary_version: String,
    /// Work beside the process that holds the folder: everything but claiming and appending.
    pub guest: bool,
}

/// An open data folder. Clones share it; it is closed by [`SqliteStore::close`] or with the last clone.
pub type SqliteStore = Db<Sqlite>;

/// SQLite behind a store.
pub struct Sqlite {
    core: Core,
    path: PathBuf,
    readers: Arc<Readers>,
    /// `None` only while dropping.
    writer: Option<Writer>,
    end: Mutex<End>,
}

/// What is given back when the store closes: first the thread ends, then the folder is free.
struct End {
    thread: Option<JoinHandle<()>>,
    hold: Option<folder::Hold>,
}

/// Opens a data folder: takes its lock, migrates the database and begins a new boot, which voids all
/// older leases. A guest does none of these and needs a database that is there; it waits ten seconds at most
/// for the holder to finish making it. Blocks on the disk.
///
/// # Errors
/// [`StoreError::InUse`], [`StoreError::Corrupt`], [`StoreError::Newer`], [`StoreError::Full`], and
/// [`StoreError::NotFound`] for a guest without a database.
pub fn open(options: Options) -> Result<SqliteStore, StoreError> {
    let Options {
        folder,
        clock,
        entropy,
        binary_version,
        guest,
    } = options;
    let hold = if guest {
        None
    } else {
        files::make(&folder)?;
        Some(folder::hold(&folder)?)
    };
    let path = folder.join(folder::DATABASE);
    if guest {
        until_made(&folder, &path)?;
    }
    let connection = schema::open_writer(&path, !guest, &binary_version)?;
    let key = files::secret_key(&folder, entropy.as_ref(), !guest)?;
    let node = NodeId::new(clock.as_ref(), entropy.as_ref());
    let epoch = if guest {
        schema::current_boot(&connection)?
    } else {
        schema::next_boot(&connection, node, clock.now())?
    };
    let (writer, thread) =
        Writer::start(connection).map_err(|error| other(format!("failed to start a thread: {error}")))?;
    let backend = Sqlite {
        core: Core {
            boot: Boot {
                node,
                epoch,
                holder: !guest,
            },
            clock,
            entropy,
            sealer: Arc::new(Sealer::new(key)),
        },
        readers: Readers::new(path.clone()),
        path,
        writer: Some(writer),
        end: Mutex::new(End {
            thread: Some(thread),
            hold,
        }),
    };
    Ok(Db {
        backend: Arc::new(backend),
    })
}

/// Waits for the process that holds the folder to finish making its database: that takes it a moment.
fn until_made(folder: &Path, path: &Path) -> Result<(), StoreError> {
    const TRIES: u32 = 400;
    const BETWEEN: Duration = Duration::from_millis(25);
    for _ in 0..TRIES {
        // Somebody who looks at the lock could be taken for its holder, so that is asked only if need be.
        if schema::is_made(path) || !folder::is_locked(folder) {
            return Ok(());
        }
        std::thread::sleep(BETWEEN);
    }
    Err(StoreError::InUse {
        pid: folder::holder(folder),
    })
}

impl SqliteStore {
    /// Finishes what waits, moves the write-ahead log into the database and frees the folder. Later
    /// calls answer that the store is closed.
    pub async fn close(&self) {
        self.backend.readers.close().await;
        if let Some(writer) = &self.backend.writer {
            writer.close().await;
        }
        self.backend.end();
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.backend.path
    }

    /// Lets the database grow to at most so many bytes, or without a limit. Beyond it, writes answer
    /// [`StoreError::Full`], just as on a full disk. Holds until the store is closed.
    pub async fn limit_size(&self, bytes: Option<u64>) -> Result<(), StoreError> {
        let limit = move |connection: &rusqlite::Connection| schema::limit_size(connection, bytes);
        self.backend.writer()?.write(Kind::Other, limit).await
    }
}

impl Backend for Sqlite {
    fn core(&self) -> &Core {
        &self.core
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.read(|connection| query(connection)).await
    }

    async fn write<T: Send + 'static>(
        &self,
        kind: Kind,
        mut work: impl FnMut(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let work = move |connection: &rusqlite::Connection| work(connection);
        self.writer()?.write(kind, work).await
    }

    async fn claim(&self, now: Timestamp, lease_ms: Millis, limit: u32) -> Result<Vec<Claim>, StoreError> {
        let boot = self.core.boot.epoch;
        let claim = move |connection: &Connection| leases::claim(connection, boot, now, lease_ms, limit);
        self.write(Kind::Lease, claim).await
    }

    async fn renew(&self, leases: Vec<Lease>, until: Timestamp) -> Result<Vec<Lease>, StoreError> {
        let boot = self.core.boot.epoch;
        let renew = move |connection: &Connection| {
            let mut lost = Vec::new();
            for lease in &leases {
                if !leases::renew(connection, boot, lease, until)? {
                    lost.push(*lease);
                }
            }
            Ok(lost)
        };
        self.write(Kind::Lease, renew).await
    }

    async fn next_wake(&self) -> Result<Option<Timestamp>, StoreError> {
        let (boot, now) = (self.core.boot.epoch, self.core.clock.now());
        self.read(move |connection| leases::next_wake(connection, boot, now))
            .await
    }

    /// Never: what other processes write into the file is found by looking.
    async fn hinted(&self) {
        std::future::pending().await
    }

    async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let (from, to) = (self.path.clone(), to.to_owned());
        let copied = tokio::task::spawn_blocking(move || backup::copy(&from, &to)).await;
        copied.map_err(|error| other(format!("the backup ended early: {error}")))?
    }
}

impl Sqlite {
    fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.as_ref().ok_or_else(closed)
    }

    fn end(&self) {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = end.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writing thread ended by a panic");
        }
        end.hold.take();
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // Without a sender the thread finishes what waits and ends.
        self.writer.take();
        self.end();
    }
}
