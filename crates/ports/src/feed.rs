//! The feed of what changed, in the order in which changes became visible. It tells whom to ask
//! again, not what the answer will be.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use types::{TenantId, Timestamp};

use crate::StoreError;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its position; positions grow, and no change ever appears at or before a position that was read.
    pub position: u64,
    /// When.
    pub at: Timestamp,
    /// The kind of thing: `run`, `approval`, or the first word of an audit leaf's kind (`agent`,
    /// `recipe`, `tool`, `setting`, `secret`, `user`, `token`, …).
    pub noun: String,
    /// Which one, if the change is about one: an id.
    pub id: String,
    /// What happened to it: a state, or an audit leaf's kind.
    pub what: String,
}

/// The first and the last position that the feed holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedBounds {
    /// The oldest change kept; 0 if there is none.
    pub oldest: u64,
    /// The newest change; 0 if there is none.
    pub newest: u64,
}

/// What changed. The store writes it by itself, with the change and in its transaction; the newest
/// 100,000 changes are kept, and some more.
#[async_trait]
pub trait FeedStore: Send + Sync + 'static {
    /// Changes after a position, oldest first, at most `limit` and 1,000.
    async fn feed(&self, tenant: TenantId, after: u64, limit: u32) -> Result<Vec<Change>, StoreError>;
    /// How far the feed reaches.
    async fn feed_bounds(&self, tenant: TenantId) -> Result<FeedBounds, StoreError>;
}
