//! A store of either kind, for whoever opens one.

use std::sync::Arc;

use ports::Store;

use crate::postgres::PostgresStore;
use crate::sqlite::SqliteStore;

/// An open store.
#[derive(Clone)]
pub enum Opened {
    /// A data folder.
    Sqlite(SqliteStore),
    /// A database that nodes share.
    Postgres(PostgresStore),
}

impl Opened {
    /// The store behind its traits.
    pub fn shared(&self) -> Arc<dyn Store> {
        match self {
            Opened::Sqlite(store) => Arc::new(store.clone()),
            Opened::Postgres(store) => Arc::new(store.clone()),
        }
    }

    /// `sqlite` or `postgresql`.
    pub fn kind(&self) -> &'static str {
        match self {
            Opened::Sqlite(_) => "sqlite",
            Opened::Postgres(_) => "postgresql",
        }
    }

    /// Finishes what waits and gives everything back.
    pub async fn close(&self) {
        match self {
            Opened::Sqlite(store) => store.close().await,
            Opened::Postgres(store) => store.close().await,
        }
    }
}
