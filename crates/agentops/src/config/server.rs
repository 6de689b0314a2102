//! `[server]`: the HTTP server.

use std::net::SocketAddr;

use serde::Deserialize;

/// The HTTP server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How long calls under way may take when the server stops, in seconds.
    pub shutdown_grace_s: u64,
    /// The largest body of a request, in KiB.
    pub largest_body_kb: u32,
    /// How long a client may take to send the head of a request, in seconds.
    pub head_timeout_s: u64,
    /// Connections at a time.
    pub connections: u32,
    /// Connections of one address at a time.
    pub connections_per_address: u32,
    /// How long a stream of events lasts at most, in seconds.
    pub stream_s: u64,
    /// How long a request may take, its body included, in seconds.
    pub request_timeout_s: u64,
    /// Requests worked on at a time, without those whose body is still on its way.
    pub requests_at_once: u32,
    /// Requests a second for each person, whatever tokens they have; ten times as many at once.
    pub requests_per_second: u32,
    /// Requests a minute for each address that nobody has signed in from.
    pub strangers_per_minute: u32,
    /// Attempts to sign in that fail, a minute, for each address; three times as many for each name.
    pub sign_ins_per_minute: u32,
}
