//! SQLite: one file, one writing thread, a few reading connections, one process that holds the folder.

mod convert;
mod desk_store;
mod fault;
mod folder;
mod journal_store;
mod library_store;
mod people_store;
mod readers;
mod schema;
mod seal;
mod table;
mod writer;
mod yardstick;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use ports::{Boot, StoreError};
use rusqlite::Connection;
use types::{Clock, Entropy, NodeId};

use fault::Fault;
use readers::Readers;
use writer::{Kind, Writer};

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
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    boot: Boot,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    sealer: Arc<seal::Sealer>,
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
/// older leases. A guest does none of these and needs a database that is there. Blocks on the disk.
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
        folder::make(&folder)?;
        Some(folder::hold(&folder)?)
    };
    let path = folder.join(folder::DATABASE);
    let connection = schema::open_writer(&path, !guest, &binary_version)?;
    let key = folder::secret_key(&folder, entropy.as_ref(), !guest)?;
    let node = NodeId::new(clock.as_ref(), entropy.as_ref());
    let epoch = if guest {
        schema::current_boot(&connection)?
    } else {
        schema::next_boot(&connection, node, clock.now())?
    };
    let (writer, thread) = Writer::start(connection)
        .map_err(|error| fault::other(format!("failed to start a thread: {error}")))?;
    let inner = Inner {
        boot: Boot {
            node,
            epoch,
            holder: !guest,
        },
        clock,
        entropy,
        sealer: Arc::new(seal::Sealer::new(key)),
        readers: Readers::new(path.clone()),
        path,
        writer: Some(writer),
        end: Mutex::new(End {
            thread: Some(thread),
            hold,
        }),
    };
    Ok(SqliteStore {
        inner: Arc::new(inner),
    })
}

impl SqliteStore {
    /// Finishes what waits, moves the write-ahead log into the database and frees the folder. Later
    /// calls answer that the store is closed.
    pub async fn close(&self) {
        self.inner.readers.close().await;
        if let Some(writer) = &self.inner.writer {
            writer.close().await;
        }
        self.inner.end();
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Lets the database grow to at most so many bytes, or without a limit. Beyond it, writes answer
    /// [`StoreError::Full`], just as on a full disk. Holds until the store is closed.
    pub async fn limit_size(&self, bytes: Option<u64>) -> Result<(), StoreError> {
        self.write(Kind::Other, move |connection| {
            schema::limit_size(connection, bytes)
        })
        .await
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.readers.read(query).await
    }

    async fn write<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl FnMut(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.inner.writer {
            Some(writer) => writer.write(kind, work).await,
            None => Err(readers::closed()),
        }
    }

    /// The boot epoch, which is also the number that a lease is bound to.
    ///
    /// # Errors
    /// [`StoreError::NotHolder`] for a guest.
    fn held_boot(&self) -> Result<u64, StoreError> {
        if self.inner.boot.holder {
            Ok(self.inner.boot.epoch)
        } else {
            Err(StoreError::NotHolder)
        }
    }
}

impl Inner {
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

impl Drop for Inner {
    fn drop(&mut self) {
        // Without a sender the thread finishes what waits and ends.
        self.writer.take();
        self.end();
    }
}
