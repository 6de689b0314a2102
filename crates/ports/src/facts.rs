//! What is true now and the door decides by: settings and paused tools.

use async_trait::async_trait;
use governance::Facts;
use types::TenantId;

use crate::StoreError;

/// Loads the facts of a tenant. The runtime keeps them for a fraction of a second.
#[async_trait]
pub trait FactSource: Send + Sync + 'static {
    /// The facts as they are now.
    async fn facts(&self, tenant: TenantId) -> Result<Facts, StoreError>;
}
