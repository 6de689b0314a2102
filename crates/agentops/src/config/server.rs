//! `[server]`: health and readiness.

use std::net::SocketAddr;

use serde::Deserialize;

/// Health and readiness.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How long calls under way may take when the server stops, in seconds.
    pub shutdown_grace_s: u64,
}
