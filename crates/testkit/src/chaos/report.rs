//! What is left behind when the processes are gone: read from the store and judged.

use crate::evidence::{self, RunClaim};
use crate::{Error, Place};

/// Reads every run of a place that no process works on.
///
/// # Errors
/// It can't be opened or read.
pub async fn inspect(place: &Place) -> Result<Vec<RunClaim>, Error> {
    let store = place.open().await?;
    let claims = evidence::collect(store.shared().as_ref()).await?;
    store.close().await;
    Ok(claims)
}
