//! Queries: a few read-only connections, used on the runtime's blocking threads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ports::StoreError;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::fault::{Fault, closed, other};
use super::schema;

/// How many queries run at once.
const CONNECTIONS: usize = 4;

/// The pool. Connections are opened when they are first needed.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            path,
            idle: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(CONNECTIONS)),
        })
    }

    /// Runs `query` in one read transaction, so that all it reads is of one instant.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| closed())?;
        let pool = Arc::clone(self);
        let work = move || {
            let mut connection = pool.take()?;
            let result = in_transaction(&mut connection, query);
            pool.put_back(connection);
            // The permit goes only now: a caller that no longer waits doesn't free a busy connection.
            drop(permit);
            result
        };
        let done = tokio::task::spawn_blocking(work).await;
        let result: Result<T, Fault> =
            done.map_err(|error| other(format!("a query ended early: {error}")))?;
        Ok(result?)
    }

    /// Refuses new queries, waits for those under way and closes the connections.
    pub(super) async fn close(&self) {
        let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
        let waited = self.permits.acquire_many(all).await;
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        drop(waited);
    }

    fn take(&self) -> Result<Connection, Fault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => schema::open_reader(&self.path),
        }
    }

    fn put_back(&self, connection: Connection) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
    }
}

fn in_transaction<T>(
    connection: &mut Connection,
    query: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = connection.transaction()?;
    query(&transaction)
}
