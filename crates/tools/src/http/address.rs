//! Which addresses a connector may reach: private ones only where the endpoint allows them, and those
//! of clouds' metadata services never, so that a manifest, a setting or a name server can't point a
//! connector at the inside of a network or at a machine's own credentials.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Metadata services outside the link-local range: Alibaba Cloud, Oracle Cloud, Azure.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];
/// Metadata services over IPv6: AWS, Google Cloud.
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// An address that connectors don't reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Only where the endpoint allows private addresses.
    Private,
    /// Whatever the settings say.
    Always,
}

/// Why an address is closed to an endpoint, if it is.
pub(crate) fn closed(address: IpAddr, allow_private: bool) -> Option<Closed> {
    if never_reachable(address) {
        Some(Closed::Always)
    } else if !allow_private && is_private(address) {
        Some(Closed::Private)
    } else {
        None
    }
}

/// Whether nothing may ever be sent there: link-local and metadata addresses, and those that name no
/// single machine. An IPv4 address written inside an IPv6 one counts as itself.
fn never_reachable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
                || METADATA_V4.contains(&v4)
        }
        IpAddr::V6(v6) => {
            v6.is_unspecified()
                || v6.is_multicast()
                || (v6.segments()[0] & 0xffc0) == 0xfe80
                || METADATA_V6.contains(&v6)
                || inner_v4(v6).is_some_and(|v4| never_reachable(IpAddr::V4(v4)))
        }
    }
}

/// Whether the address lies inside a network or a machine, or is set aside by the registries of
/// special addresses (RFC 6890, 4193, 6598, 8215). What is never reachable is not told apart here.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => {
            let [first, second, third, ..] = v6.segments();
            v6.is_loopback()
                || (first & 0xfe00) == 0xfc00
                || (first & 0xffc0) == 0xfec0
                || (first, second, third) == (0x64, 0xff9b, 1)
                || v6.segments()[..6] == [0; 6]
                || inner_v4(v6).is_some_and(is_private_v4)
        }
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_loopback()
        || address.is_private()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && matches!(b, 18 | 19))
}

/// The IPv4 address that an IPv6 one stands for: mapped (`::ffff:a.b.c.d`), translated
/// (`::ffff:0:a.b.c.d`), compatible (`::a.b.c.d`), by NAT64 (`64:ff9b::a.b.c.d`) or 6to4 (`2002:…`).
fn inner_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bytes = address.octets();
    let v4 = |at: usize| Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            Some(v4(12))
        }
        [0, 0, 0, 0, 0, 0, ..] if !address.is_loopback() => Some(v4(12)),
        [0x2002, ..] => Some(v4(2)),
        _ => None,
    }
}

/// A host that leads only to addresses that are closed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{host}' leads {}", match closed {
    Closed::Private => "to private addresses, which this endpoint may not reach",
    Closed::Always => "to addresses of metadata services or of no single machine, which no endpoint may reach",
})]
pub(crate) struct Refused {
    host: String,
    pub(crate) closed: Closed,
}

/// The addresses of a host that may be reached.
pub(crate) fn open_addresses(
    host: &str,
    found: &[IpAddr],
    allow_private: bool,
) -> Result<Vec<IpAddr>, Refused> {
    let mut refused = None;
    let mut open = Vec::new();
    for address in found {
        match closed(*address, allow_private) {
            None => open.push(*address),
            // The hint that private addresses can be allowed helps only if one of them is private.
            Some(closed) => refused = refused.filter(|was| *was == Closed::Private).or(Some(closed)),
        }
    }
    match refused.filter(|_| open.is_empty()) {
        Some(closed) => Err(Refused {
            host: host.to_owned(),
            closed,
        }),
        None => Ok(open),
    }
}

/// Where host names lead to: a value, so that tests can be a name server of their own.
#[async_trait]
pub trait Names: Send + Sync + 'static {
    /// The addresses of `host`, in the order in which they should be tried.
    ///
    /// # Errors
    /// The name can't be resolved.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The names as the system resolves them.
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// Resolves names and drops addresses that are closed. What is connected to is what is given back
/// here, so a name can't change its mind in between.
pub(crate) struct Guarded {
    pub(crate) names: Arc<dyn Names>,
    pub(crate) allow_private: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, allow_private) = (Arc::clone(&self.names), self.allow_private);
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = names.addresses(&host).await?;
            let open = open_addresses(&host, &found, allow_private)?;
            let addresses: Addrs = Box::new(open.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: &[&str] = &[
        "169.254.169.254",
        "169.254.0.1",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "0.0.0.0",
        "224.0.0.1",
        "239.255.255.255",
        "255.255.255.255",
        "::",
        "ff02::1",
        "fe80::1",
        "febf::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "::ffff:169.254.169.254",
        "::ffff:0:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::169.254.169.254",
        "2002:a9fe:a9fe::1",
        "::ffff:100.100.100.200",
        "64:ff9b::0.0.0.0",
        "::ffff:255.255.255.255",
    ];
    const PRIVATE: &[&str] = &[
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "0.1.2.3",
        "192.0.0.8",
        "198.18.0.1",
        "198.19.255.255",
        "240.0.0.1",
        "::1",
        "fd00::1",
        "fc00::1",
        "fec0::1",
        "::ffff:10.0.0.1",
        "::10.0.0.1",
        "::8.8.8.8",
        "64:ff9b::10.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b:1::1",
        "2002:a00:1::1",
        "2002:7f00:1::",
    ];
    const PUBLIC: &[&str] = &[
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "198.20.0.1",
        "2606:4700::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ];

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn each_address_is_closed_as_far_as_it_should_be() {
        for (addresses, by_default, where_private_is_allowed) in [
            (NEVER, Some(Closed::Always), Some(Closed::Always)),
            (PRIVATE, Some(Closed::Private), None),
            (PUBLIC, None, None),
        ] {
            for text in addresses {
                assert_eq!(closed(ip(text), false), by_default, "{text}");
                assert_eq!(closed(ip(text), true), where_private_is_allowed, "{text}");
            }
        }
    }

    #[test]
    fn of_a_names_addresses_only_open_ones_are_left() {
        let (meta, inner, outer) = ("169.254.169.254", "10.0.0.1", "8.8.8.8");
        for (found, allow_private, expected) in [
            (&[meta, inner, outer][..], false, Ok(&[outer][..])),
            (&[meta, inner, outer], true, Ok(&[inner, outer])),
            (&[meta], true, Err(Closed::Always)),
            (&[meta], false, Err(Closed::Always)),
            (&[meta, inner], false, Err(Closed::Private)),
            (&[inner, meta], false, Err(Closed::Private)),
            (&[], false, Ok(&[])),
        ] {
            let sockets = |texts: &[&str]| -> Vec<IpAddr> { texts.iter().map(|text| ip(text)).collect() };
            let got = open_addresses("a.example", &sockets(found), allow_private);
            assert_eq!(
                got.map_err(|refused| refused.closed),
                expected.map(sockets),
                "{found:?} {allow_private}"
            );
        }
    }
}
