//! One guarded TCP connection for devices that speak lines or messages instead of HTTP: the address that
//! is connected to was checked, every wait has an end, every message and every answer has a bound.
//! Nothing is repeated; a connection serves one call.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use types::Failure;

use crate::http::clip;
use crate::{CallContext, CallError, Endpoint};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest silence in the middle of a talk.
const SILENCE: Duration = Duration::from_secs(8);
/// The longest message, in bytes.
const MOST_MESSAGE: usize = 1024 * 1024;
/// The most that is read in one call, in bytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Addresses of one name that are tried.
const MOST_ADDRESSES: usize = 8;

/// A connection to a device.
pub(crate) struct Line {
    stream: TcpStream,
    host: String,
    buffer: Vec<u8>,
    read: usize,
}

impl Line {
    /// Connects to a `tcp://host:port`; without a port to the usual one.
    pub(crate) async fn open(ctx: &CallContext, usual_port: u16) -> Result<Self, CallError> {
        let endpoint = ctx.endpoint()?;
        let (host, port) = place(endpoint, usual_port)?;
        let mut why = format!("'{host}' has no address");
        for address in addresses(ctx, &host, port).await? {
            match tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Messages are short and each waits for its answer.
                    stream.set_nodelay(true).ok();
                    return Ok(Self {
                        stream,
                        host,
                        buffer: Vec::new(),
                        read: 0,
                    });
                }
                Ok(Err(error)) => why = error.to_string(),
                Err(_) => why = format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()),
            }
        }
        Err(unreachable(&host, &why))
    }

    /// Sends what changes nothing.
    pub(crate) async fn ask(&mut self, ctx: &CallContext, bytes: &[u8]) -> Result<(), CallError> {
        ctx.may_send()?;
        self.write(bytes).await
    }

    /// Sends what performs the action.
    pub(crate) async fn act(&mut self, ctx: &CallContext, bytes: &[u8]) -> Result<(), CallError> {
        ctx.begin_effect()?;
        self.write(bytes).await
    }

    /// The next message; `end` tells where the first one in what was read ends, if it does. An error
    /// means that the answer is lost, whatever became of what was sent.
    pub(crate) async fn message(
        &mut self,
        end: impl Fn(&[u8]) -> Option<usize>,
    ) -> Result<Vec<u8>, CallError> {
        self.message_within(SILENCE, end)
            .await?
            .ok_or_else(|| self.lost(&format!("was silent for {} s", SILENCE.as_secs())))
    }

    /// The same, but none if nothing more comes for so long.
    pub(crate) async fn message_within(
        &mut self,
        silence: Duration,
        end: impl Fn(&[u8]) -> Option<usize>,
    ) -> Result<Option<Vec<u8>>, CallError> {
        loop {
            if let Some(at) = end(&self.buffer) {
                return Ok(Some(self.buffer.drain(..at).collect()));
            }
            if self.buffer.len() > MOST_MESSAGE || self.read > MOST_BYTES {
                let message = format!(
                    "{} sent {} bytes without an answer among them",
                    self.host, self.read
                );
                return Err(CallError::unknown(Failure::new("answer_unreadable", message)));
            }
            let more = tokio::time::timeout(silence, self.stream.read_buf(&mut self.buffer)).await;
            match more {
                Ok(Ok(0)) => return Err(self.lost("closed the connection before its answer was whole")),
                Ok(Ok(count)) => self.read += count,
                Ok(Err(error)) => return Err(self.lost(&format!("went away: {error}"))),
                Err(_) => return Ok(None),
            }
        }
    }

    /// The device, for messages to people.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), CallError> {
        let sent = tokio::time::timeout(SILENCE, self.stream.write_all(bytes)).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.lost(&format!("went away: {error}"))),
            Err(_) => Err(self.lost("did not take what was sent")),
        }
    }

    fn lost(&self, what: &str) -> CallError {
        CallError::unknown(Failure::new(
            "tool_failed",
            format!("{} {}", self.host, clip(what)),
        ))
    }
}

/// Host and port of the endpoint.
fn place(endpoint: &Endpoint, usual_port: u16) -> Result<(String, u16), CallError> {
    let base = &endpoint.base_url;
    let wrong = |why: &str| {
        CallError::refused(
            Failure::new("tool_misconfigured", format!("'{base}' {why}"))
                .hint("set it in tools.base_urls in the form tcp://host:port"),
        )
    };
    let url = Url::parse(base).map_err(|error| wrong(&format!("is not an address: {error}")))?;
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']'])
        .to_owned();
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.username().is_empty();
    if url.scheme() != "tcp" || host.is_empty() || !bare {
        return Err(wrong("is not an address of the form tcp://host:port"));
    }
    Ok((host, url.port().unwrap_or(usual_port)))
}

/// The addresses of a host that may be reached. What is connected to is one of these, so a name that
/// changes its mind leads nowhere else.
async fn addresses(ctx: &CallContext, host: &str, port: u16) -> Result<Vec<SocketAddr>, CallError> {
    let asked = ctx.http.addresses(host, ctx.endpoint()?.allow_private);
    let found = tokio::time::timeout(CONNECT_TIMEOUT, asked).await;
    let found = found.map_err(|_| unreachable(host, "its name was not resolved in time"))??;
    let sockets = found.into_iter().take(MOST_ADDRESSES);
    Ok(sockets.map(|address| SocketAddr::new(address, port)).collect())
}

fn unreachable(host: &str, why: &str) -> CallError {
    CallError::retryable(
        Failure::new(
            "tool_unreachable",
            format!("no connection to {host}: {}", clip(why)),
        )
        .hint("check the tool's base URL and that it is up"),
    )
}
