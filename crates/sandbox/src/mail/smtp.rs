//! The mail server's listeners: lines and contents with bounds, encryption on request, faults.

use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::MOST_MESSAGES;
use super::session::{Envelope, Session, Step};
use super::state::Message;
use crate::Vendor;
use crate::fault::{FaultKind, MAX_DELAY_MS};
use crate::reply::Fail;
use crate::world::World;

/// The most connections at a time.
const MOST_CONNECTIONS: usize = 64;
/// How long a client may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest line of a dialogue, and the most bytes of a message.
const MOST_LINE: u64 = 2_048;
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// How a listener serves.
pub(crate) struct Listener {
    pub(crate) socket: StdListener,
    /// What STARTTLS, or TLS from the start, needs.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// Whether TLS comes first.
    pub(crate) encrypted: bool,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection and its session.
struct Connection {
    world: Arc<World>,
    stream: BufReader<Box<dyn Stream>>,
    session: Session,
    tls: Option<Arc<ServerConfig>>,
}

/// Accepts until the task is aborted.
pub(crate) async fn serve(world: Arc<World>, listener: Listener) -> io::Result<()> {
    let socket = TcpListener::from_std(listener.socket)?;
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let (stream, _) = socket.accept().await?;
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            continue;
        };
        let (world, tls, encrypted) = (Arc::clone(&world), listener.tls.clone(), listener.encrypted);
        tokio::spawn(async move {
            let _permit = permit;
            let closing = Arc::clone(&world);
            tokio::select! {
                () = closing.closed() => {}
                ended = converse(world, stream, tls, encrypted) => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a mail connection ended");
                    }
                }
            }
        });
    }
}

async fn converse(
    world: Arc<World>,
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    encrypted: bool,
) -> io::Result<()> {
    let stream: Box<dyn Stream> = match (&tls, encrypted) {
        (Some(config), true) => {
            let accepting = TlsAcceptor::from(Arc::clone(config)).accept(stream);
            Box::new(tokio::time::timeout(SILENCE, accepting).await??)
        }
        _ => Box::new(stream),
    };
    let session = Session::new(tls.is_some(), encrypted);
    let mut connection = Connection {
        world,
        stream: BufReader::new(stream),
        session,
        tls,
    };
    connection.say("220 sandbox.example ESMTP").await?;
    loop {
        let Some(line) = connection.read_line().await? else {
            return Ok(());
        };
        let step = connection.session.line(&line);
        if !connection.follow(step).await? {
            return Ok(());
        }
    }
}

impl Connection {
    /// Does what a line asks for; whether the dialogue goes on.
    async fn follow(&mut self, step: Step) -> io::Result<bool> {
        match step {
            Step::Say(reply) => self.say(reply).await.map(|()| true),
            Step::Leave(reply) => self.say(reply).await.map(|()| false),
            Step::Offer => {
                let encryption = if self.session.can_encrypt && !self.session.encrypted {
                    "250-STARTTLS\r\n"
                } else {
                    ""
                };
                let offer = format!(
                    "250-sandbox.example\r\n{encryption}250-8BITMIME\r\n250-SIZE {MOST_BYTES}\r\n250 AUTH PLAIN LOGIN"
                );
                self.say(&offer).await.map(|()| true)
            }
            Step::Encrypt(reply) => {
                self.say(reply).await?;
                self.encrypt().await.map(|()| true)
            }
            Step::Ask(path, reply) => match self.fault(path).await? {
                None => self.say(reply).await.map(|()| true),
                Some(fault) => self.misbehave(fault, reply).await,
            },
            Step::Content => self.content().await,
        }
    }

    async fn content(&mut self) -> io::Result<bool> {
        self.say("354 end with a line that holds a dot only").await?;
        let Some(data) = self.read_content().await? else {
            self.session.finish();
            return self.say("552 5.3.4 message too large").await.map(|()| false);
        };
        let envelope = self.session.finish();
        let fault = self.fault("/data").await?;
        let refused = matches!(
            fault,
            Some(
                FaultKind::RateLimit { .. }
                    | FaultKind::ServerError { .. }
                    | FaultKind::ExpiredToken
                    | FaultKind::Timeout
            )
        );
        let taken = "250 2.0.0 taken";
        if refused {
            return self.misbehave(fault.unwrap_or(FaultKind::Timeout), taken).await;
        }
        if self.keep(envelope, data).is_err() {
            return self
                .say("451 4.3.0 the mailbox can't be written")
                .await
                .map(|()| true);
        }
        match fault {
            None => self.say(taken).await.map(|()| true),
            Some(fault) => self.misbehave(fault, taken).await,
        }
    }

    /// Answers as a fault wants it; whether the dialogue goes on.
    async fn misbehave(&mut self, fault: FaultKind, reply: &str) -> io::Result<bool> {
        match fault {
            // As those say it who let strangers wait.
            FaultKind::RateLimit { .. } => self
                .say("451 4.7.1 greylisted, try again later")
                .await
                .map(|()| true),
            FaultKind::ExpiredToken => self
                .say("535 5.7.8 authentication credentials invalid")
                .await
                .map(|()| true),
            FaultKind::ServerError { .. } => self.say("554 5.3.0 transaction failed").await.map(|()| true),
            FaultKind::Latency { .. } => self.say(reply).await.map(|()| true),
            FaultKind::Timeout => {
                self.world.wait(MAX_DELAY_MS).await;
                Ok(false)
            }
            FaultKind::LostAnswer | FaultKind::HalfLine | FaultKind::Flood => Ok(false),
            FaultKind::Rubbish => self.say("{\"ok\": tru<html>").await.map(|()| true),
        }
    }

    /// The fault that hits this part of the dialogue, after its delay.
    async fn fault(&mut self, path: &str) -> io::Result<Option<FaultKind>> {
        let verdict = self
            .world
            .faults()
            .verdict_of(Vendor::Mail, &format!("/mail{path}"));
        if verdict.delay_ms > 0 && !self.world.wait(verdict.delay_ms).await {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(verdict.kind)
    }

    fn keep(&self, envelope: Envelope, data: String) -> Result<(), Fail> {
        let (received, encrypted) = (self.world.now(), self.session.encrypted);
        self.world.write(|state| {
            let id = state.next();
            let message = Message {
                id,
                received,
                from: envelope.from,
                to: envelope.to,
                subject: header(&data, "subject"),
                message_id: header(&data, "message-id"),
                encrypted,
                data,
            };
            let messages = &mut state.mail.messages;
            messages.push(message);
            if messages.len() > MOST_MESSAGES {
                messages.remove(0);
            }
            Ok(())
        })
    }

    async fn encrypt(&mut self) -> io::Result<()> {
        let Some(config) = self.tls.clone() else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let (nowhere, _) = tokio::io::duplex(1);
        let plain = std::mem::replace(&mut self.stream, BufReader::new(Box::new(nowhere)));
        // What came in the clear after STARTTLS isn't believed.
        if !plain.buffer().is_empty() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let accepting = TlsAcceptor::from(config).accept(plain.into_inner());
        let stream = tokio::time::timeout(SILENCE, accepting).await??;
        self.stream = BufReader::new(Box::new(stream));
        Ok(())
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.stream
            .get_mut()
            .write_all(format!("{reply}\r\n").as_bytes())
            .await?;
        self.stream.get_mut().flush().await
    }

    /// A line without its end; `None` if the client has left, or says more than a line can hold.
    async fn read_line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.stream).take(MOST_LINE);
        tokio::time::timeout(SILENCE, bounded.read_until(b'\n', &mut line)).await??;
        if line.last() != Some(&b'\n') {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
    }

    /// The content, with the dots before its lines taken away; `None` if it is too large.
    async fn read_content(&mut self) -> io::Result<Option<String>> {
        let mut data = Vec::new();
        loop {
            let mut line = Vec::new();
            let mut bounded = (&mut self.stream).take(MOST_BYTES as u64);
            let read = tokio::time::timeout(SILENCE, bounded.read_until(b'\n', &mut line)).await??;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line == b".\r\n" || line == b".\n" {
                return Ok(Some(String::from_utf8_lossy(&data).into_owned()));
            }
            data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            if data.len() > MOST_BYTES {
                return Ok(None);
            }
        }
    }
}

/// A header's first line, as it came.
fn header(data: &str, name: &str) -> String {
    let head = data.lines().take_while(|line| !line.trim().is_empty());
    let mut values = head.filter_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    });
    values.next().unwrap_or_default()
}
