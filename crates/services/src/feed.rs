//! The feed of what changed.

use ports::{Change, FeedBounds};

use crate::{Result, Services};

/// Changes after a position, oldest first.
///
/// # Errors
/// The store can't be read.
pub async fn after(services: &Services, position: u64, limit: u32) -> Result<Vec<Change>> {
    Ok(services.store.feed(services.tenant, position, limit).await?)
}

/// How far the feed reaches.
///
/// # Errors
/// The store can't be read.
pub async fn bounds(services: &Services) -> Result<FeedBounds> {
    Ok(services.store.feed_bounds(services.tenant).await?)
}
