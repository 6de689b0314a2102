//! Where a proof keeps its runs: a data folder, or a database that several processes share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use runtime::system::{SystemClock, SystemEntropy};
use store::{Opened, postgres, sqlite};

use crate::Error;
use crate::cluster::{Cluster, Flush};

/// The name of the node of a process that is alone.
const ALONE: &str = "alone";
/// Connections of a process under test.
const CONNECTIONS: usize = 8;

/// Which database a proof uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// The file in the data folder.
    #[default]
    Sqlite,
    /// A throw-away PostgreSQL.
    Postgres,
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "sqlite" => Ok(Kind::Sqlite),
            "postgres" => Ok(Kind::Postgres),
            _ => Err("it is sqlite or postgres".to_owned()),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Sqlite => "sqlite",
            Kind::Postgres => "postgres",
        })
    }
}

/// A place for runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The data folder.
    pub data: PathBuf,
    /// The address of the database; none is the file in the folder.
    pub database: Option<String>,
    /// The node's name; none is that of a process that is alone.
    pub node: Option<String>,
}

impl Place {
    /// A data folder.
    pub fn folder(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            database: None,
            node: None,
        }
    }

    /// The same place for the node with this name.
    #[must_use]
    pub fn for_node(&self, name: &str) -> Self {
        Self {
            node: Some(name.to_owned()),
            ..self.clone()
        }
    }

    /// Opens it as its holder.
    ///
    /// # Errors
    /// It can't be opened.
    pub async fn open(&self) -> Result<Opened, Error> {
        let binary_version = env!("CARGO_PKG_VERSION").to_owned();
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let Some(url) = &self.database else {
            return Ok(Opened::Sqlite(sqlite::open(sqlite::Options {
                folder: self.data.clone(),
                clock,
                entropy,
                binary_version,
                guest: false,
            })?));
        };
        let options = postgres::Options {
            address: url.as_str().into(),
            folder: self.data.clone(),
            node: self.node.clone().unwrap_or_else(|| ALONE.to_owned()),
            connections: CONNECTIONS,
            clock,
            entropy,
            binary_version,
            clock_tolerance_ms: Some(1_000),
            guest: false,
        };
        Ok(Opened::Postgres(postgres::open(options).await?))
    }

    /// The flags by which a part of a proof is told of it.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["--data".into(), self.data.clone().into()];
        for (flag, value) in [("--database", &self.database), ("--node", &self.node)] {
            if let Some(value) = value {
                arguments.extend([flag.into(), value.into()]);
            }
        }
        arguments
    }
}

/// The places of a proof, and what must live as long as they are used.
pub struct Places {
    folder: PathBuf,
    cluster: Option<Arc<Cluster>>,
}

impl Places {
    /// Below a folder; PostgreSQL flushes as in production.
    ///
    /// # Errors
    /// PostgreSQL can't be started.
    pub async fn start(kind: Kind, folder: &Path) -> Result<Self, Error> {
        let cluster = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(Arc::new(blocking(|| Cluster::start(Flush::Always)).await?)),
        };
        Ok(Self {
            folder: folder.to_owned(),
            cluster,
        })
    }

    /// The throw-away cluster, if there is one.
    pub(crate) fn cluster(&self) -> Option<&Arc<Cluster>> {
        self.cluster.as_ref()
    }

    /// A new place of its own.
    ///
    /// # Errors
    /// A database can't be made.
    pub fn place(&self, name: &str) -> Result<Place, Error> {
        let database = self
            .cluster
            .as_ref()
            .map(|cluster| cluster.database())
            .transpose()?;
        Ok(Place {
            data: self.folder.join(name),
            database,
            node: None,
        })
    }
}

/// Runs what takes a while and blocks.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Other(error.to_string()))?
}
