//! Connections: a bounded number in all and for each address, within the files that the process may open.

use std::future::{Ready, ready};
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::heads::{self, Head, Told};
use crate::places::{Place, Places};

/// What connections may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// How long a client may take to send the head of a request, from the first moment of the
    /// connection, and to send the next after an answer.
    pub head_timeout: std::time::Duration,
    /// How many there may be at a time; at most half of the files that the process may open.
    pub most: u32,
    /// How many of one address; for IPv6 of one network of 64 bits.
    pub most_per_address: u32,
}

impl Connections {
    /// The places, with fewer for each if there are fewer in all.
    fn places(self, files: Option<u64>) -> Places<IpAddr> {
        let most = u64::from(self.most.max(1));
        let all = files.map_or(most, |files| most.min(files / 2)).max(1);
        let each = (u64::from(self.most_per_address) * all / most).max(1);
        let number = |places: u64| usize::try_from(places).unwrap_or(usize::MAX);
        Places::new(number(all), number(each))
    }
}

/// Takes connections in as long as there is room, and closes the others at once.
#[derive(Clone)]
pub(crate) struct Door {
    connections: Places<IpAddr>,
    large_heads: Places<IpAddr>,
}

impl Door {
    pub(crate) fn new(bounds: Connections) -> Self {
        Self {
            connections: bounds.places(files()),
            large_heads: heads::places(),
        }
    }
}

impl<S> Accept<TcpStream, S> for Door {
    type Stream = Held;
    type Service = Told<S>;
    type Future = Ready<io::Result<(Held, Told<S>)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let taken = stream.peer_addr().and_then(|address| {
            let whose = network(address.ip());
            let place = self.connections.take(whose).map_err(|full| {
                tracing::debug!(%address, ?full, "a connection was closed: there are too many");
                io::Error::from(io::ErrorKind::ConnectionRefused)
            })?;
            Ok((place, Head::new(whose, self.large_heads.clone())))
        });
        ready(taken.map(|(place, head)| {
            let held = Held {
                stream,
                head: head.clone(),
                _place: place,
            };
            (held, Told::new(service, head))
        }))
    }
}

/// A connection that has its place as long as it lives.
pub(crate) struct Held {
    stream: TcpStream,
    head: Head,
    _place: Place<IpAddr>,
}

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        Poll::Ready(self.head.read(read))
    }
}

impl AsyncWrite for Held {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Whom an address belongs to: somebody with IPv6 has a whole network of addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        short => short,
    }
}

/// The files that this process may open, where the system tells it.
fn files() -> Option<u64> {
    soft_limit(&std::fs::read_to_string("/proc/self/limits").ok()?)
}

/// The soft limit out of what Linux says: `Max open files            1024                 4096  files`.
fn soft_limit(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_files_may_be_connections() {
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax processes  7  8  processes\n\
                      Max open files            256                  4096                 files\n";
        assert_eq!(soft_limit(limits), Some(256));
        assert_eq!(soft_limit("Max open files  unlimited  unlimited  files"), None);
        let bounds = Connections {
            head_timeout: std::time::Duration::from_secs(1),
            most: 1_000,
            most_per_address: 500,
        };
        let places = bounds.places(Some(16));
        let one: IpAddr = "192.0.2.1".parse().expect("an address");
        let mine: Vec<_> = (0..9).filter_map(|_| places.take(one).ok()).collect();
        assert_eq!(mine.len(), 4, "half of 8, as configured");
        let other = "192.0.2.2".parse().expect("an address");
        let theirs: Vec<_> = (0..9).filter_map(|_| places.take(other).ok()).collect();
        assert_eq!(theirs.len(), 4);
    }

    #[test]
    fn a_network_counts_as_one_address() {
        let of = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
