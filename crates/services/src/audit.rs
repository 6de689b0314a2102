//! Audit leaves.

use ports::LeafRecord;

use crate::{Result, Services};

/// Leaves in the order they were stored, after the first `skip`.
///
/// # Errors
/// The store can't be read.
pub async fn leaves(services: &Services, skip: u64, limit: u32) -> Result<Vec<LeafRecord>> {
    Ok(services.store.leaves(services.tenant, skip, limit).await?)
}
