//! Artifacts: what runs left behind.

use engine::rows::ArtifactRow;
use ports::ArtifactFilter;
use types::{ArtifactId, Failure};

use crate::{Result, Services, if_found};

/// Artifacts, newest first.
///
/// # Errors
/// The store can't be read.
pub async fn list(services: &Services, filter: ArtifactFilter) -> Result<Vec<ArtifactRow>> {
    Ok(services.store.artifacts(services.tenant, filter).await?)
}

/// One artifact.
///
/// # Errors
/// `not_found`, or the store can't be read.
pub async fn show(services: &Services, id: ArtifactId) -> Result<ArtifactRow> {
    let found = if_found(services.store.artifact(services.tenant, id).await)?;
    found.ok_or_else(|| Failure::new("not_found", format!("there is no artifact {id}")))
}
