//! What is left behind when the processes are gone: read from the store and judged.

use std::path::Path;
use std::sync::Arc;

use runtime::system::{SystemClock, SystemEntropy};
use store::sqlite;

use crate::Error;
use crate::evidence::{self, RunClaim};

/// Reads every run of a data folder that no process holds.
///
/// # Errors
/// It can't be opened or read.
pub async fn inspect(data: &Path) -> Result<Vec<RunClaim>, Error> {
    let store = sqlite::open(sqlite::Options {
        folder: data.to_owned(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        binary_version: env!("CARGO_PKG_VERSION").to_owned(),
        guest: false,
    })?;
    let claims = evidence::collect(&store).await?;
    store.close().await;
    Ok(claims)
}
