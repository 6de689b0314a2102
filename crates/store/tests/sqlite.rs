//! The contract suite on SQLite, and what only SQLite can get wrong.

mod contract;
mod sqlite_only;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use contract::fixtures::{Bench, World};
use ports::{Store, StoreError};
use store::sqlite::{Options, SqliteStore, open};
use tempfile::TempDir;

struct SqliteBench {
    world: World,
    folder: TempDir,
    open: Mutex<Option<SqliteStore>>,
}

impl SqliteBench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            world: World::new(),
            folder,
            open: Mutex::new(None),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn database(&self) -> PathBuf {
        self.data().join("agentops.db")
    }

    /// Closes what is open.
    async fn shut(&self) {
        let before = self.open.lock().expect("lock").take();
        if let Some(before) = before {
            before.close().await;
        }
    }

    fn options(&self, folder: PathBuf, guest: bool) -> Options {
        Options {
            folder,
            clock: self.world.clock.clone(),
            entropy: self.world.entropy.clone(),
            binary_version: "0.1.0".to_owned(),
            guest,
        }
    }
}

#[async_trait]
impl Bench for SqliteBench {
    fn world(&self) -> &World {
        &self.world
    }

    async fn boot(&self) -> Arc<dyn Store> {
        self.shut().await;
        let store = open(self.options(self.data(), false)).expect("it opens");
        *self.open.lock().expect("lock") = Some(store.clone());
        Arc::new(store)
    }

    async fn guest(&self) -> Result<Arc<dyn Store>, StoreError> {
        let guest = open(self.options(self.data(), true))?;
        Ok(Arc::new(guest))
    }

    async fn back_up(&self, store: &dyn Store, to: &Path) {
        store.backup(to).await.expect("backed up");
        let again = store.backup(to).await;
        assert!(
            matches!(again, Err(StoreError::Conflict { .. })),
            "nothing is overwritten: {again:?}"
        );
    }

    async fn restore(&self, backup: &Path) -> Arc<dyn Store> {
        let folder = self.folder.path().join("restored");
        std::fs::create_dir(&folder).expect("a new folder");
        std::fs::copy(backup, folder.join("agentops.db")).expect("copied");
        Arc::new(open(self.options(folder, false)).expect("it opens"))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for name in ["agentops.db", "agentops.db-wal", "lock"] {
            bytes.extend(std::fs::read(self.data().join(name)).unwrap_or_default());
        }
        bytes
    }

    fn scratch(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

contract_suite!(SqliteBench::new());
