//! Requests that carry an idempotency key: what was asked and what was answered, so that a repeated
//! request is answered again instead of being done again.

use async_trait::async_trait;
use types::{TenantId, Timestamp};

use crate::StoreError;

/// Whose request, by the key they gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// Who asks, such as `ann`; keys of different people never meet.
    pub principal: String,
    /// The key, as sent.
    pub key: String,
}

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that matter, by name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// What beginning a request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nobody has asked this; do it, then keep the answer.
    New,
    /// It is being done, or was when its process was last seen.
    UnderWay {
        /// When the key may be taken again if nobody answers until then; none while the process that does
        /// it is seen to live.
        free_at: Option<Timestamp>,
    },
    /// It was done; this was the answer.
    Done(KeptAnswer),
    /// The key was used for something else.
    Other,
}

/// Requests with their answers.
#[async_trait]
pub trait RequestStore: Send + Sync + 'static {
    /// Begins a request whose method, path and body have this SHA-256. One that was begun before
    /// `stale` and never answered counts as new, and so does one whose process has ended; requests of
    /// before `forget` are dropped.
    async fn begin_request(
        &self,
        tenant: TenantId,
        key: &RequestKey,
        digest: &str,
        at: Timestamp,
        stale: Timestamp,
        forget: Timestamp,
    ) -> Result<Begun, StoreError>;
    /// Keeps the answer; without one, the request is forgotten, so that it may be asked again. One that
    /// another process has begun meanwhile is left as it is.
    async fn end_request(
        &self,
        tenant: TenantId,
        key: &RequestKey,
        answer: Option<KeptAnswer>,
    ) -> Result<(), StoreError>;
}
