//! The contract suite on PostgreSQL, and what only PostgreSQL can get wrong.

mod contract;
mod postgres_only;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use contract::fixtures::{Bench, World};
use ports::{Store, StoreError};
use store::postgres::{Address, Options, PostgresStore, open};
use tempfile::TempDir;
use testkit::cluster::{Cluster, Flush};

/// One for this process; each test has a database of its own.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(Flush::Never).expect("a cluster"));

struct PostgresBench {
    world: World,
    url: String,
    folder: TempDir,
    open: Mutex<Option<PostgresStore>>,
}

impl PostgresBench {
    fn new() -> Self {
        Self {
            world: World::new(),
            url: CLUSTER.database().expect("a database"),
            folder: tempfile::tempdir().expect("a temporary folder"),
            open: Mutex::new(None),
        }
    }

    fn options(&self, url: &str, node: &str, guest: bool) -> Options {
        Options {
            address: url.into(),
            folder: self.folder.path().join("data"),
            node: node.to_owned(),
            connections: 4,
            clock: self.world.clock.clone(),
            entropy: self.world.entropy.clone(),
            binary_version: "0.1.0".to_owned(),
            clock_tolerance_ms: None,
            guest,
        }
    }

    fn address(&self) -> Address {
        self.url.as_str().into()
    }

    /// A node beside the others.
    async fn node(&self, name: &str) -> PostgresStore {
        open(self.options(&self.url, name, false))
            .await
            .expect("it opens")
    }

    /// Closes what is open.
    async fn shut(&self) {
        let before = self.open.lock().expect("lock").take();
        if let Some(before) = before {
            before.close().await;
        }
    }
}

/// Somebody who asks the database itself.
async fn raw(url: &str) -> tokio_postgres::Client {
    let connected = tokio_postgres::connect(url, tokio_postgres::NoTls).await;
    let (client, connection) = connected.expect("connected");
    tokio::spawn(connection);
    client
}

#[async_trait]
impl Bench for PostgresBench {
    fn world(&self) -> &World {
        &self.world
    }

    async fn boot(&self) -> Arc<dyn Store> {
        self.shut().await;
        let store = self.node("one").await;
        *self.open.lock().expect("lock") = Some(store.clone());
        Arc::new(store)
    }

    async fn guest(&self) -> Result<Arc<dyn Store>, StoreError> {
        let guest = open(self.options(&self.url, "one", true)).await?;
        Ok(Arc::new(guest))
    }

    async fn back_up(&self, store: &dyn Store, to: &Path) {
        assert_eq!(store.backup(to).await, Err(StoreError::BackupElsewhere));
        let to = std::fs::File::create(to).expect("a file");
        let dumped = CLUSTER
            .command("pg_dump")
            .args(["--format", "custom", "--dbname", &self.url])
            .stdout(Stdio::from(to))
            .status();
        assert!(dumped.expect("pg_dump runs").success());
    }

    async fn restore(&self, backup: &Path) -> Arc<dyn Store> {
        let url = CLUSTER.database().expect("a database");
        let from = std::fs::File::open(backup).expect("the backup");
        let restored = CLUSTER
            .command("pg_restore")
            .args(["--exit-on-error", "--dbname", &url])
            .stdin(Stdio::from(from))
            .status();
        assert!(restored.expect("pg_restore runs").success());
        Arc::new(open(self.options(&url, "one", false)).await.expect("it opens"))
    }

    fn bytes(&self) -> Vec<u8> {
        let flushed = CLUSTER
            .command("psql")
            .args(["--quiet", "--dbname", &self.url, "--command", "CHECKPOINT"])
            .stdin(Stdio::null())
            .status();
        assert!(flushed.expect("psql runs").success());
        let oid = CLUSTER
            .command("psql")
            .args(["--quiet", "--tuples-only", "--no-align", "--dbname", &self.url])
            .args([
                "--command",
                "SELECT oid FROM pg_database WHERE datname = current_database()",
            ])
            .output()
            .expect("psql runs");
        let oid = String::from_utf8(oid.stdout).expect("a number");
        let folder = CLUSTER.data().join("base").join(oid.trim());
        let files = std::fs::read_dir(folder).expect("the database's folder");
        files
            .flat_map(|file| std::fs::read(file.expect("a file").path()).unwrap_or_default())
            .collect()
    }

    fn scratch(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

contract_suite!(PostgresBench::new());
