//! `[sandbox]`: the vendors' stand-ins.

use std::net::SocketAddr;

use serde::Deserialize;

/// The vendors' stand-ins.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sandbox {
    /// Whether it runs inside `serve` and embedded runs.
    pub enabled: bool,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether it listens for TLS too.
    pub tls: bool,
}
