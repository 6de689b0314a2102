//! Devices that are spoken to over plain TCP: a listener each, on a port of its own. What they share is
//! the loop around a connection: bytes in, whole requests out, the fault rules, and answers back.

mod extron;
mod qsys;
pub(crate) mod state;

use std::sync::Arc;

use axum::http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::call::Call;
use crate::fault::{FaultKind, MAX_DELAY_MS};
use crate::reply::{self, Answer, Handled};
use crate::world::World;
use crate::{Vendor, credentials, vendor};

/// The most connections of one device at a time; more wait.
const MAX_CONNECTIONS: usize = 64;
/// The longest request, in bytes.
const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// What a flood sends, in bytes: more than any client should read.
const FLOOD_BYTES: usize = 8 * 1024 * 1024;

/// One request, cut out of what a client sent.
pub(crate) struct Asked {
    /// What fault rules match, such as `/Control.Set`.
    pub path: String,
    pub bytes: Vec<u8>,
}

/// What a device says.
#[derive(Default)]
pub(crate) struct Said {
    pub bytes: Vec<u8>,
    /// Whether it hangs up afterwards.
    pub last: bool,
}

/// A device's side of one connection.
pub(crate) trait Talk: Send + 'static {
    /// What it says when a connection opens.
    fn greeting(&mut self, world: &World) -> Vec<u8>;

    /// Takes the first whole request, if there is one.
    fn take(&mut self, read: &mut Vec<u8>) -> Option<Asked>;

    /// Does what was asked.
    fn answer(&mut self, world: &World, asked: &Asked) -> Said;
}

/// A new connection of a device.
fn talk(vendor: Vendor) -> Box<dyn Talk> {
    match vendor {
        Vendor::Extron => Box::new(extron::Talk::default()),
        _ => Box::new(qsys::Talk::default()),
    }
}

/// Serves a device until the sandbox closes.
pub(crate) async fn serve(world: Arc<World>, vendor: Vendor, listener: TcpListener) -> std::io::Result<()> {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return Ok(());
        };
        let stream = tokio::select! {
            () = world.closed() => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // One client that left before it was accepted is no reason to stop.
                Err(error) => {
                    tracing::debug!(%error, "a connection was lost before it was accepted");
                    continue;
                }
            },
        };
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let _place = place;
            tokio::select! {
                () = world.closed() => {}
                // A client that is gone, or a talk that ended: nothing is left to do either way.
                _ = converse(&world, vendor, stream) => {}
            }
        });
    }
}

async fn converse(world: &Arc<World>, vendor: Vendor, mut stream: TcpStream) -> std::io::Result<()> {
    let mut talk = talk(vendor);
    let greeting = talk.greeting(world);
    stream.write_all(&greeting).await?;
    let mut read = Vec::new();
    loop {
        while let Some(asked) = talk.take(&mut read) {
            let path = format!("{}{}", vendor.prefix(), asked.path);
            let verdict = world.faults().verdict_of(vendor, &path);
            tracing::debug!(%vendor, path, ?verdict, "sandbox request");
            if verdict.delay_ms > 0 && !world.wait(verdict.delay_ms).await {
                return Ok(());
            }
            if verdict.kind == Some(FaultKind::Timeout) {
                world.wait(MAX_DELAY_MS).await;
                return Ok(());
            }
            let said = perform(world, &mut talk, asked).await?;
            match verdict.kind {
                Some(FaultKind::LostAnswer) => return Ok(()),
                Some(FaultKind::HalfLine) => {
                    return stream.write_all(&said.bytes[..said.bytes.len() / 2]).await;
                }
                Some(FaultKind::Rubbish) => stream.write_all(b"\xff\xfe{ok: tru<html>\r\n\0").await?,
                Some(FaultKind::Flood) => return stream.write_all(&vec![b'x'; FLOOD_BYTES]).await,
                _ => stream.write_all(&said.bytes).await?,
            }
            if said.last {
                return Ok(());
            }
        }
        if read.len() > MAX_REQUEST_BYTES || stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    }
}

/// Does what was asked, away from the event loop if that may touch a disk.
async fn perform(world: &Arc<World>, talk: &mut Box<dyn Talk>, asked: Asked) -> std::io::Result<Said> {
    if !world.writes_to_disk() {
        return Ok(talk.answer(world, &asked));
    }
    let mut moved = std::mem::replace(talk, Box::new(Gone));
    let world = Arc::clone(world);
    let done = tokio::task::spawn_blocking(move || {
        let said = moved.answer(&world, &asked);
        (moved, said)
    });
    let (back, said) = done.await.map_err(std::io::Error::other)?;
    *talk = back;
    Ok(said)
}

/// Stands in while a talk is on another thread.
struct Gone;

impl Talk for Gone {
    fn greeting(&mut self, _: &World) -> Vec<u8> {
        Vec::new()
    }

    fn take(&mut self, _: &mut Vec<u8>) -> Option<Asked> {
        None
    }

    fn answer(&mut self, _: &World, _: &Asked) -> Said {
        Said::default()
    }
}

/// Answers for a device whatever comes over HTTP: where it really listens.
pub(crate) struct Desk(pub Vendor);

impl Desk {
    fn elsewhere(&self, status: StatusCode) -> Answer {
        let say = format!("{} is spoken to over TCP, on an address of its own\n", self.0);
        reply::text(status, say)
    }
}

impl vendor::Desk for Desk {
    fn tools(&self) -> &'static [(&'static str, &'static str)] {
        match self.0 {
            Vendor::Extron => &[("extron", "")],
            _ => &[("qsys", "")],
        }
    }

    fn secrets(&self) -> &'static [(&'static str, &'static str)] {
        match self.0 {
            Vendor::Extron => &[("password", credentials::EXTRON_PASSWORD)],
            _ => &[
                ("user", credentials::QSYS_USER),
                ("password", credentials::QSYS_PIN),
            ],
        }
    }

    fn scheme(&self) -> &'static str {
        "tcp"
    }

    fn handle(&self, _: &World, _: &Call) -> Handled {
        Ok(self.elsewhere(StatusCode::NOT_FOUND))
    }

    fn rate_limited(&self, _: u32) -> Answer {
        self.elsewhere(StatusCode::TOO_MANY_REQUESTS)
    }

    fn token_expired(&self) -> Answer {
        self.elsewhere(StatusCode::UNAUTHORIZED)
    }

    fn server_error(&self, status: StatusCode) -> Answer {
        self.elsewhere(status)
    }

    fn too_large(&self) -> Answer {
        self.elsewhere(StatusCode::PAYLOAD_TOO_LARGE)
    }
}
