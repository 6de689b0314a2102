//! The SMTP dialogue (RFC 5321, 3207, 4954) over a connection that our guard has let through: the
//! address that is connected to is the one that was checked, and the certificate is checked for the
//! name. Every line that the server says is bounded, whatever it says.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpStream;
use types::Failure;

use super::message::Message;
use crate::http::{clip, tls_config};
use crate::{CallContext, CallError, Credentials, Endpoint};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a polite goodbye may take.
const GOODBYE: Duration = Duration::from_millis(500);
/// How long to wait after a server has said "later", in milliseconds: those that let strangers wait on
/// purpose don't take them sooner.
const LATER_MS: u64 = 60_000;
/// The longest line, and the most lines of one reply. RFC 5321 allows 512 bytes a line.
const MOST_LINE: u64 = 2_048;
const MOST_LINES: usize = 100;
/// The most addresses of the server that are tried.
const MOST_ADDRESSES: usize = 4;

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// Where the server is.
#[derive(Debug, PartialEq, Eq)]
struct Server {
    host: String,
    port: u16,
    /// Whether TLS comes first, not by STARTTLS.
    encrypted: bool,
}

/// A session in which messages can be sent.
pub(super) struct Session {
    stream: BufReader<Box<dyn Stream>>,
    encrypted: bool,
}

/// One reply of the server.
struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Session {
    /// Connects, encrypts and signs in. Nothing is sent before the server is encrypted, unless it is
    /// on this machine.
    pub(super) async fn open(ctx: &CallContext) -> Result<Self, CallError> {
        let endpoint = ctx.endpoint()?;
        let server = server(&endpoint.base_url)?;
        ctx.may_send()?;
        let addresses = ctx.http.addresses(&server.host, endpoint.allow_private).await?;
        let (stream, address) = connect(&server, &addresses).await?;
        let mut session = if server.encrypted {
            Self::plain(stream).encrypt(endpoint, &server).await?
        } else {
            Self::plain(stream)
        };
        session.expect(220, "greeting").await?;
        let mut offers = session.hello().await?;
        if !session.encrypted {
            let offered = offers.iter().any(|line| line.eq_ignore_ascii_case("STARTTLS"));
            // The sandbox on this machine has a certificate that only its own authority knows.
            let inside = address.is_loopback() && endpoint.ca_pem.is_none();
            if offered && !inside {
                session.command("STARTTLS", 220).await?;
                session = session.encrypt(endpoint, &server).await?;
                offers = session.hello().await?;
            } else if !address.is_loopback() {
                let message = format!("{} offers no encryption", server.host);
                let hint = "use smtps://, or a server that offers STARTTLS: passwords and messages aren't sent in the clear";
                return Err(CallError::refused(
                    Failure::new("tool_misconfigured", message).hint(hint),
                ));
            }
        }
        session.sign_in(endpoint, &offers).await?;
        Ok(session)
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Sends a message; the server's last words. Until the content goes out nothing has happened;
    /// after that only the server's answer tells.
    pub(super) async fn send(&mut self, ctx: &CallContext, message: &Message) -> Result<String, CallError> {
        self.command(&format!("MAIL FROM:<{}>", message.from), 250)
            .await?;
        for to in &message.to {
            self.command(&format!("RCPT TO:<{to}>"), 250).await?;
        }
        self.command("DATA", 354).await?;
        ctx.begin_effect()?;
        let sent = self.content(&message.bytes).await;
        if matches!(sent, Err(CallError::Failed { .. })) {
            ctx.refused();
        }
        sent
    }

    /// Says goodbye, without waiting long.
    pub(super) async fn quit(mut self) {
        // The message has been accepted or not: nothing depends on this.
        let _ = tokio::time::timeout(GOODBYE, self.command("QUIT", 221)).await;
    }

    async fn content(&mut self, bytes: &[u8]) -> Result<String, CallError> {
        let lost = |error: std::io::Error| {
            CallError::unknown(Failure::new(
                "tool_failed",
                format!("the connection broke while the message was sent: {error}"),
            ))
        };
        self.stream
            .get_mut()
            .write_all(&stuffed(bytes))
            .await
            .map_err(lost)?;
        self.stream.get_mut().flush().await.map_err(lost)?;
        match self.reply().await {
            Ok(reply) if reply.code == 250 => Ok(clip(&reply.lines.join(" "))),
            Ok(reply) if matches!(reply.code, 400..=599) => Err(refusal(&reply, "the message")),
            Ok(reply) => Err(odd(&reply, "the message")),
            // Once the last dot is out, the message may have been taken.
            Err(error) => Err(CallError::unknown(error.failure().clone())),
        }
    }

    fn plain(stream: TcpStream) -> Self {
        Self {
            stream: BufReader::new(Box::new(stream)),
            encrypted: false,
        }
    }

    async fn encrypt(self, endpoint: &Endpoint, server: &Server) -> Result<Self, CallError> {
        let misconfigured = |why: String| CallError::refused(Failure::new("tool_misconfigured", why));
        // What the server said in the clear beyond its reply could have been put there by anybody.
        if !self.stream.buffer().is_empty() {
            return Err(odd_words(
                "the server goes on in the clear after agreeing to encrypt",
            ));
        }
        let config = tls_config(endpoint.ca_pem.as_deref())?;
        let host = server.host.trim_matches(['[', ']']).to_owned();
        let name = rustls::pki_types::ServerName::try_from(host).map_err(|error| {
            misconfigured(format!(
                "'{}' can't be the name in a certificate: {error}",
                server.host
            ))
        })?;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = connector
            .connect(name, self.stream.into_inner())
            .await
            .map_err(|error| {
                let message = format!("no encrypted connection to {}: {error}", server.host);
                CallError::retryable(
                    Failure::new("tool_unreachable", message).hint("check the server's certificate and name"),
                )
            })?;
        Ok(Self {
            stream: BufReader::new(Box::new(stream)),
            encrypted: true,
        })
    }

    /// EHLO; what the server offers.
    async fn hello(&mut self) -> Result<Vec<String>, CallError> {
        // An address literal, for a client has no name that the server could look up.
        let reply = self.command("EHLO [127.0.0.1]", 250).await?;
        Ok(reply.lines.into_iter().skip(1).collect())
    }

    async fn sign_in(&mut self, endpoint: &Endpoint, offers: &[String]) -> Result<(), CallError> {
        let Credentials::Basic { user, password } = &endpoint.credentials else {
            return Ok(());
        };
        let offered = |way: &str| {
            let mut auth = offers
                .iter()
                .filter(|line| line.to_uppercase().starts_with("AUTH "));
            auth.any(|line| line.split_whitespace().any(|word| word.eq_ignore_ascii_case(way)))
        };
        let encode = |text: &str| STANDARD.encode(text);
        if offered("PLAIN") {
            let pair = encode(&format!("\0{user}\0{}", password.reveal()));
            self.secret(&format!("AUTH PLAIN {pair}"), 235).await
        } else if offered("LOGIN") {
            self.secret("AUTH LOGIN", 334).await?;
            self.secret(&encode(user), 334).await?;
            self.secret(&encode(password.reveal()), 235).await
        } else {
            let failure = Failure::new(
                "credentials_refused",
                "the mail server takes no user and password",
            );
            Err(CallError::refused(
                failure.hint("it offers neither AUTH PLAIN nor AUTH LOGIN"),
            ))
        }
    }

    /// A line that opens the door; a refusal is one of our credentials.
    async fn secret(&mut self, line: &str, wanted: u16) -> Result<(), CallError> {
        let reply = self.say(line).await?;
        match reply.code {
            code if code == wanted => Ok(()),
            500..=599 => {
                let message = format!(
                    "the mail server doesn't accept our credentials ({}): {}",
                    reply.code,
                    reply.words()
                );
                let failure = Failure::new("credentials_refused", message);
                Err(CallError::refused(
                    failure.hint("check the secrets email.user and email.password"),
                ))
            }
            _ => Err(refusal(&reply, "to let us in")),
        }
    }

    async fn command(&mut self, line: &str, wanted: u16) -> Result<Reply, CallError> {
        let reply = self.say(line).await?;
        accept(reply, wanted, line)
    }

    async fn expect(&mut self, wanted: u16, what: &str) -> Result<Reply, CallError> {
        let reply = self.reply().await?;
        accept(reply, wanted, what)
    }

    async fn say(&mut self, line: &str) -> Result<Reply, CallError> {
        let broken = |error: std::io::Error| unreachable(&format!("the mail server hung up: {error}"));
        self.stream
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())
            .await
            .map_err(broken)?;
        self.stream.get_mut().flush().await.map_err(broken)?;
        self.reply().await
    }

    /// Reads one reply of one or more lines.
    async fn reply(&mut self) -> Result<Reply, CallError> {
        let mut lines = Vec::new();
        for _ in 0..MOST_LINES {
            let mut line = Vec::new();
            let read = (&mut self.stream)
                .take(MOST_LINE)
                .read_until(b'\n', &mut line)
                .await;
            read.map_err(|error| unreachable(&format!("the mail server hung up: {error}")))?;
            if line.is_empty() {
                return Err(unreachable("the mail server hung up"));
            }
            let line = String::from_utf8_lossy(&line).into_owned();
            let whole = line.ends_with('\n');
            let (code, rest) = line.trim_end().split_at_checked(3).unwrap_or(("", ""));
            let code: u16 = code
                .parse()
                .ok()
                .filter(|code| whole && (200..600).contains(code))
                .ok_or_else(|| odd_words(&line))?;
            lines.push(rest.get(1..).unwrap_or_default().to_owned());
            if !rest.starts_with('-') {
                return Ok(Reply { code, lines });
            }
        }
        Err(odd_words("the reply has no end"))
    }
}

impl Reply {
    fn words(&self) -> String {
        clip(&self.lines.join(" "))
    }
}

/// A reply to what came before the content: nothing has happened yet, whatever it says.
fn accept(reply: Reply, wanted: u16, what: &str) -> Result<Reply, CallError> {
    // A server may have forwarding in mind (251); both mean yes.
    if reply.code == wanted || (wanted == 250 && reply.code == 251) {
        return Ok(reply);
    }
    Err(match reply.code {
        400..=599 => refusal(&reply, what),
        _ => CallError::refused(odd(&reply, what).failure().clone()),
    })
}

fn refusal(reply: &Reply, what: &str) -> CallError {
    let message = format!(
        "the mail server refused {} ({}): {}",
        clip(what),
        reply.code,
        reply.words()
    );
    match reply.code {
        // "Come back later", as greylisting says it.
        400..=499 => CallError::Failed {
            failure: Failure::new("tool_refused", message),
            retryable: true,
            retry_after_ms: Some(LATER_MS),
        },
        530 | 534 | 535 | 538 => CallError::refused(Failure::new("credentials_refused", message)),
        _ => CallError::refused(Failure::new("tool_refused", message)),
    }
}

fn odd(reply: &Reply, what: &str) -> CallError {
    let message = format!(
        "the mail server answered {} with {}: {}",
        clip(what),
        reply.code,
        reply.words()
    );
    CallError::unknown(Failure::new("answer_unreadable", message))
}

fn odd_words(said: &str) -> CallError {
    let message = format!("the mail server says what no mail server says: {}", clip(said));
    CallError::unknown(Failure::new("answer_unreadable", message))
}

fn unreachable(message: &str) -> CallError {
    CallError::retryable(Failure::new("tool_unreachable", message))
}

async fn connect(server: &Server, addresses: &[IpAddr]) -> Result<(TcpStream, IpAddr), CallError> {
    let mut last = "it has no address".to_owned();
    for address in addresses.iter().take(MOST_ADDRESSES) {
        let connecting = TcpStream::connect(SocketAddr::new(*address, server.port));
        match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(stream)) => return Ok((stream, *address)),
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => last = "no answer in time".to_owned(),
        }
    }
    let message = format!("no connection to {}:{}: {last}", server.host, server.port);
    Err(CallError::retryable(
        Failure::new("tool_unreachable", message).hint("check the tool's base URL and that it is up"),
    ))
}

/// `smtp://host[:587]`, which is encrypted by STARTTLS, or `smtps://host[:465]`.
fn server(base_url: &str) -> Result<Server, CallError> {
    let misread = || {
        let message = format!("'{}' is not the address of a mail server", clip(base_url));
        CallError::refused(
            Failure::new("tool_misconfigured", message)
                .hint("such as smtp://mail.example.com:587 or smtps://mail.example.com"),
        )
    };
    let url = reqwest::Url::parse(base_url).map_err(|_| misread())?;
    let (port, encrypted) = match url.scheme() {
        "smtp" => (587, false),
        "smtps" => (465, true),
        _ => return Err(misread()),
    };
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or_else(misread)?;
    if !url.username().is_empty() || url.password().is_some() || !matches!(url.path(), "" | "/") {
        return Err(misread());
    }
    Ok(Server {
        host: host.to_owned(),
        port: url.port().unwrap_or(port),
        encrypted,
    })
}

/// The content with a dot before each line that begins with one, and the line that ends it.
fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 64);
    let mut at_line_start = true;
    for &byte in bytes {
        if at_line_start && byte == b'.' {
            out.push(b'.');
        }
        out.push(byte);
        at_line_start = byte == b'\n';
    }
    if !at_line_start {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_address_is_read() {
        let read = |url: &str| {
            server(url)
                .map(|server| (server.host, server.port, server.encrypted))
                .ok()
        };
        assert_eq!(
            read("smtp://mail.example"),
            Some(("mail.example".into(), 587, false))
        );
        assert_eq!(
            read("smtps://mail.example"),
            Some(("mail.example".into(), 465, true))
        );
        assert_eq!(
            read("smtp://127.0.0.1:2525/"),
            Some(("127.0.0.1".into(), 2525, false))
        );
        for odd in [
            "mail.example",
            "https://mail.example",
            "smtp://",
            "smtp://a:b@mail.example",
            "smtp://mail.example/x",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }

    #[test]
    fn no_line_of_a_message_ends_it() {
        for (bytes, expected) in [
            (&b"a\r\n.\r\nb"[..], &b"a\r\n..\r\nb\r\n.\r\n"[..]),
            (b".", b"..\r\n.\r\n"),
            (b"a\r\n", b"a\r\n.\r\n"),
            (b"\r\n..a", b"\r\n...a\r\n.\r\n"),
        ] {
            assert_eq!(stuffed(bytes), expected, "{bytes:?}");
        }
    }
}
