//! Opening the database: the file in the data folder, or PostgreSQL.

use std::sync::Arc;

use ports::StoreError;
use store::postgres::{Address, Unusable};
use store::{Opened, postgres, sqlite};
use types::{Clock, Entropy, Failure};

use super::Access;
use crate::config::Config;

/// The file's name in the data folder.
const FILE: &str = "agentops.db";
/// How far this machine's clock may be from the database's, in milliseconds: as far as other nodes wait
/// after the end of a lease.
const CLOCK_TOLERANCE_MS: u64 = 2_000;

/// Where the database is, to be shown; without a password.
///
/// # Errors
/// `config_invalid`.
pub fn place(config: &Config) -> Result<String, Failure> {
    match address(config) {
        None => Ok(FILE.to_owned()),
        Some(address) => postgres::shown(&address).map_err(|error| unusable(&error)),
    }
}

/// Whether the database has been set up.
///
/// # Errors
/// `database_unreachable`, `config_invalid`.
pub async fn is_set_up(config: &Config) -> Result<bool, Failure> {
    match address(config) {
        None => Ok(config.data.path().join(FILE).exists()),
        Some(address) => {
            place(config)?;
            Ok(postgres::is_set_up(&address).await?)
        }
    }
}

/// Opens it as `access` says.
pub(super) async fn open(
    config: &Config,
    access: Access,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Opened, Failure> {
    if access != Access::Create && !is_set_up(config).await? {
        let message = match config.database.postgres() {
            None => format!("there is no database in '{}'", config.data.path().display()),
            Some(_) => format!("the database {} has no tables of agentops", place(config)?),
        };
        return Err(Failure::new("data_not_initialised", message)
            .hint("`agentops init` makes it; --data and --database name another one"));
    }
    let open = |guest: bool| open_as(config, guest, clock, entropy);
    let opened = match access {
        Access::Guest => open(true).await,
        Access::Hold | Access::Create => open(false).await,
        // Beside running nodes a command leaves the work to them.
        Access::HoldIfFree if nodes_work(config).await? => open(true).await,
        Access::HoldIfFree => match open(false).await {
            Err(StoreError::InUse { .. } | StoreError::NodeInUse { .. }) => open(true).await,
            other => other,
        },
    };
    Ok(opened?)
}

async fn nodes_work(config: &Config) -> Result<bool, StoreError> {
    match address(config) {
        // Taking the folder's lock tells.
        None => Ok(false),
        Some(address) => postgres::is_served(&address).await,
    }
}

async fn open_as(
    config: &Config,
    guest: bool,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Opened, StoreError> {
    let folder = config.data.path().to_owned();
    let binary_version = env!("CARGO_PKG_VERSION").to_owned();
    let (clock, entropy) = (Arc::clone(clock), Arc::clone(entropy));
    if let Some(address) = address(config) {
        let options = postgres::Options {
            address,
            folder,
            node: config.database.node(),
            connections: config.database.connections.clamp(2, 500) as usize,
            clock,
            entropy,
            binary_version,
            clock_tolerance_ms: Some(CLOCK_TOLERANCE_MS),
            guest,
        };
        return postgres::open(options).await.map(Opened::Postgres);
    }
    let options = sqlite::Options {
        folder,
        clock,
        entropy,
        binary_version,
        guest,
    };
    let opened = tokio::task::spawn_blocking(move || sqlite::open(options)).await;
    let opened = opened.map_err(|error| StoreError::Other {
        message: format!("opening the database failed: {error}"),
    })?;
    opened.map(Opened::Sqlite)
}

/// Where PostgreSQL is, if it is wanted.
fn address(config: &Config) -> Option<Address> {
    let ca_file = &config.database.ca_file;
    config.database.postgres().map(|url| Address {
        url: url.to_owned(),
        ca_file: (!ca_file.as_os_str().is_empty()).then(|| ca_file.clone()),
    })
}

/// What is wrong with the address itself.
fn unusable(error: &Unusable) -> Failure {
    Failure::new("config_invalid", error.to_string()).hint(error.hint())
}
