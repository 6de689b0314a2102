//! The listeners: one for plain HTTP, one for TLS, and the handle on both.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use axum::{BoxError, Router};
use axum_server::Handle as Stop;
use serde_json::Value;
use tokio::task::JoinHandle;
use tower::Service;
use types::Clock;

use crate::gate::DropConnection;
use crate::world::{Pause, World};
use crate::{Error, Fault, FaultStatus, Vendor, control, lines, mail, tls};

/// How long requests under way may take when the sandbox stops.
const GRACE: Duration = Duration::from_secs(2);

/// How to start the sandbox.
#[derive(Clone)]
pub struct Options {
    /// Where plain HTTP listens; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Also listen for TLS: on the next port, or a free one if `bind` has port 0. The mail server has
    /// the second port after it, and the third for TLS from the start.
    pub tls: bool,
    /// Where the state is kept between starts; `None` keeps it in memory.
    pub state_file: Option<PathBuf>,
    /// The time that message stamps, record times and token expiry go by.
    pub clock: Arc<dyn Clock>,
}

impl Options {
    /// Loopback, a free port, no TLS, nothing kept.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Options {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: false,
            state_file: None,
            clock,
        }
    }
}

/// A running sandbox. It stops when [`Handle::shutdown`] is called or the handle is dropped.
pub struct Handle {
    world: Arc<World>,
    http_url: String,
    https_url: Option<String>,
    /// Where vendors listen that don't speak HTTP.
    own: Vec<(Vendor, SocketAddr)>,
    smtps_url: Option<String>,
    stops: Vec<Stop<SocketAddr>>,
    tasks: Mutex<Vec<JoinHandle<io::Result<()>>>>,
    mail: Vec<JoinHandle<()>>,
}

/// Opens the listeners and serves until the handle goes.
///
/// # Errors
/// [`Error::Listen`], [`Error::Certificate`], and for the state file [`Error::ReadState`],
/// [`Error::CorruptState`], [`Error::WriteState`].
pub async fn start(options: Options) -> Result<Handle, Error> {
    let pause: Pause = Arc::new(|span| Box::pin(tokio::time::sleep(span)));
    let world = Arc::new(World::open(options.state_file, options.clock, pause)?);
    let (listener, address) = listen(options.bind)?;
    let http_url = format!("http://{address}");
    let front = Front {
        app: control::router(Arc::clone(&world)),
    };
    let (mail_socket, mail_address) = listen(beside(options.bind, 2))?;
    let mut handle = Handle {
        world,
        http_url: http_url.clone(),
        https_url: None,
        own: vec![(Vendor::Mail, mail_address)],
        smtps_url: None,
        stops: Vec::new(),
        tasks: Mutex::default(),
        mail: Vec::new(),
    };

    let (mut ca_pem, mut tls_server) = (None, None);
    if options.tls {
        let made = tls::make()?;
        let (listener, address) = listen(beside(options.bind, 1))?;
        let failed = |source| Error::Listen { address, source };
        let server = axum_server::from_tcp_rustls(listener, made.config).map_err(failed)?;
        let stop = Stop::new();
        let task = tokio::spawn(server.http1_only().handle(stop.clone()).serve(for_each(&front)));
        handle.watch(stop, task);
        handle.https_url = Some(format!("https://{address}"));
        let (socket, address) = listen(beside(options.bind, 3))?;
        handle.smtps_url = Some(format!("smtps://{address}"));
        handle.serve_mail(mail::Listener {
            socket,
            tls: Some(Arc::clone(&made.server)),
            encrypted: true,
        });
        tls_server = Some(made.server);
        ca_pem = Some(made.ca_pem);
    }
    for vendor in Vendor::ALL
        .into_iter()
        .filter(|vendor| vendor.own_scheme() == Some("tcp"))
    {
        let (listener, address) = listen(SocketAddr::new(options.bind.ip(), 0))?;
        let listener = tokio::net::TcpListener::from_std(listener)
            .map_err(|source| Error::Listen { address, source })?;
        let task = tokio::spawn(lines::serve(Arc::clone(&handle.world), vendor, listener));
        handle.keep(task);
        handle.own.push((vendor, address));
    }
    handle.serve_mail(mail::Listener {
        socket: mail_socket,
        tls: tls_server,
        encrypted: false,
    });
    let server = axum_server::from_tcp(listener).map_err(|source| Error::Listen { address, source })?;
    let stop = Stop::new();
    let task = tokio::spawn(server.http1_only().handle(stop.clone()).serve(for_each(&front)));
    handle.watch(stop, task);
    handle.world.opened(http_url, handle.https_url.clone(), ca_pem);
    Ok(handle)
}

impl Handle {
    /// The base of plain HTTP, such as `http://127.0.0.1:4321`.
    pub fn http_url(&self) -> &str {
        &self.http_url
    }

    /// The mail server with TLS from the start, if that was asked for.
    pub fn smtps_url(&self) -> Option<&str> {
        self.smtps_url.as_deref()
    }

    /// The base of TLS, if it was asked for.
    pub fn https_url(&self) -> Option<&str> {
        self.https_url.as_deref()
    }

    /// The authority that TLS clients must trust, as PEM.
    pub fn ca_pem(&self) -> Option<&str> {
        self.world.ca_pem()
    }

    /// The base that takes the place of the vendor's origin, over plain HTTP or on the vendor's own
    /// listener (`tcp://127.0.0.1:4323`). For devices, the tool's name follows:
    /// `<base>/qsys_control/health`.
    pub fn base_url(&self, vendor: Vendor) -> String {
        match (vendor.own_scheme(), self.tcp_address(vendor)) {
            (Some(scheme), Some(address)) => format!("{scheme}://{address}"),
            _ => format!("{}{}", self.http_url, vendor.prefix()),
        }
    }

    /// Where a vendor listens that doesn't speak HTTP.
    pub fn tcp_address(&self, vendor: Vendor) -> Option<SocketAddr> {
        let own = self.own.iter().find(|(known, _)| *known == vendor);
        own.map(|(_, address)| *address)
    }

    /// The addresses of vendors that have a listener of their own, by the vendor's name, for other
    /// processes.
    pub fn listeners(&self) -> BTreeMap<String, String> {
        let named = |(vendor, _): &(Vendor, SocketAddr)| (vendor.to_string(), self.base_url(*vendor));
        self.own.iter().map(named).collect()
    }

    /// A snapshot of everything the vendors know.
    pub fn state(&self) -> Value {
        control::snapshot(&self.world)
    }

    /// Replaces the fault rules; all or none. Rules aren't kept over a restart.
    ///
    /// # Errors
    /// [`Error::BadFault`].
    pub fn set_faults(&self, rules: Vec<Fault>) -> Result<(), Error> {
        self.world.faults().set(rules)
    }

    /// The fault rules with how often they matched and fired.
    pub fn faults(&self) -> Vec<FaultStatus> {
        self.world.faults().list()
    }

    /// How many reads show a restarting Zoom room as offline before it is available (at first 2).
    ///
    /// # Errors
    /// [`Error::BadSetting`].
    pub fn set_zoom_restart_reads(&self, reads: u32) -> Result<(), Error> {
        control::set_restart_reads(&self.world, reads)
    }

    /// Back to the seeds, without faults.
    ///
    /// # Errors
    /// [`Error::WriteState`].
    pub fn reset(&self) -> Result<(), Error> {
        self.world.reset()
    }

    /// Stops listening, lets requests under way end (2 seconds at most), and returns when all is closed.
    pub async fn shutdown(&self) {
        self.world.close();
        for stop in &self.stops {
            stop.graceful_shutdown(Some(GRACE));
        }
        self.mail.iter().for_each(JoinHandle::abort);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            if let Ok(Err(error)) = task.await {
                tracing::warn!(%error, "sandbox listener ended badly");
            }
        }
    }

    fn serve_mail(&mut self, listener: mail::Listener) {
        let serving = mail::serve(Arc::clone(&self.world), listener);
        self.mail.push(tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::warn!(%error, "the sandbox's mail server ended badly");
            }
        }));
    }

    fn watch(&mut self, stop: Stop<SocketAddr>, task: JoinHandle<io::Result<()>>) {
        self.stops.push(stop);
        self.keep(task);
    }

    fn keep(&self, task: JoinHandle<io::Result<()>>) {
        self.tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(task);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.world.close();
        for stop in &self.stops {
            stop.shutdown();
        }
        self.mail.iter().for_each(JoinHandle::abort);
    }
}

/// Gives each connection its copy of the service.
fn for_each(
    front: &Front,
) -> impl Service<SocketAddr, Response = Front, Error = Infallible, Future = Ready<Result<Front, Infallible>>>
+ use<> {
    let front = front.clone();
    tower::service_fn(move |_: SocketAddr| ready(Ok(front.clone())))
}

/// The address so many ports further on; a free port beside a free port.
fn beside(bind: SocketAddr, further: u16) -> SocketAddr {
    let port = match bind.port() {
        0 => 0,
        port => port.saturating_add(further),
    };
    SocketAddr::new(bind.ip(), port)
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// The router, except that an answer marked [`DropConnection`] becomes an error. An error of the
/// outermost service makes the HTTP server close the connection without writing a byte.
#[derive(Clone)]
pub(crate) struct Front {
    app: Router,
}

impl<B> Service<Request<B>> for Front
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = self.app.call(request);
        Box::pin(async move {
            let Ok(answer) = answer.await;
            if answer.extensions().get::<DropConnection>().is_some() {
                return Err(io::Error::new(
                    io::ErrorKind::ConnectionAborted,
                    "the answer was lost on purpose",
                ));
            }
            Ok(answer)
        })
    }
}
