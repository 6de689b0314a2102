//! A throw-away PostgreSQL: a cluster of the installed binaries in a temporary folder, on a Unix socket
//! there and, if wanted, on a port, as another user where this one is root. It ends with the process that
//! started it, however that ends.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;

use crate::Error;

/// The user that runs the server where this process is root, which the server refuses to be: Debian's
/// package makes it.
const USER: &str = "postgres";
/// How long starting and stopping may take.
const LONGEST: Duration = Duration::from_secs(60);
/// How often a port is looked for: another process may take a free one before the server does.
const PORTS: u32 = 5;

/// Whether the server flushes what it commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// As in production.
    Always,
    /// Never: quicker, for tests that don't cut the power.
    Never,
}

/// What a server shows to those who ask for TLS, in PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its certificate, and those between it and the authority.
    pub certificate: String,
    /// The key of its certificate.
    pub key: String,
}

/// A running cluster. It is stopped and removed when this is dropped, or when this process ends.
pub struct Cluster {
    folder: TempDir,
    warden: Option<Child>,
    binaries: PathBuf,
    flush: Flush,
    /// Where it listens beside its socket, on 127.0.0.1.
    port: Option<u16>,
    /// Whether it speaks TLS there.
    tls: bool,
    server: Mutex<Option<Child>>,
    databases: AtomicU32,
}

impl Cluster {
    /// Makes and starts a cluster.
    ///
    /// # Errors
    /// PostgreSQL isn't installed, or doesn't start.
    pub fn start(flush: Flush) -> Result<Self, Error> {
        let cluster = Self::make(flush)?;
        cluster.begin()?;
        Ok(cluster)
    }

    /// Makes and starts a cluster that listens on a port of 127.0.0.1 as well, with TLS if it has something
    /// to show.
    ///
    /// # Errors
    /// PostgreSQL isn't installed, or doesn't start.
    pub fn start_on_port(flush: Flush, identity: Option<&Identity>) -> Result<Self, Error> {
        let mut cluster = Self::make(flush)?;
        if let Some(identity) = identity {
            cluster.own_file("server.crt", &identity.certificate)?;
            cluster.own_file("server.key", &identity.key)?;
            cluster.tls = true;
        }
        let mut tries = 0;
        loop {
            let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
            cluster.port = Some(free.map_err(Error::io("find a free port"))?.port());
            tries += 1;
            match cluster.begin() {
                Err(_) if tries < PORTS => cluster.stop()?,
                begun => return begun.map(|()| cluster),
            }
        }
    }

    fn make(flush: Flush) -> Result<Self, Error> {
        let binaries = binaries()?;
        let folder = tempfile::Builder::new()
            .prefix("agentops-pg-")
            .tempdir()
            .map_err(Error::io("make a temporary folder"))?;
        let mut cluster = Self {
            folder,
            warden: None,
            binaries,
            flush,
            port: None,
            tls: false,
            server: Mutex::new(None),
            databases: AtomicU32::new(0),
        };
        if is_root() {
            let given = format!("{USER}:");
            run(Command::new("chown").arg(given).arg(cluster.folder.path()))?;
        }
        let mut initdb = cluster.command("initdb");
        initdb.arg("--pgdata").arg(cluster.data());
        initdb.args([
            "--username",
            USER,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
        ]);
        run(initdb.arg("--no-sync"))?;
        cluster.warden = Some(cluster.watch_over()?);
        Ok(cluster)
    }

    /// Starts the server again after [`Cluster::stop`].
    ///
    /// # Errors
    /// It doesn't start.
    pub fn begin(&self) -> Result<(), Error> {
        let mut server = self.server();
        if server.is_some() {
            return Ok(());
        }
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data());
        command.arg("-k").arg(self.folder.path());
        let flush = if self.flush == Flush::Always { "on" } else { "off" };
        let addresses = if self.port.is_some() { "127.0.0.1" } else { "" };
        for setting in [
            format!("listen_addresses={addresses}"),
            format!("ssl={}", if self.tls { "on" } else { "off" }),
            "max_connections=200".to_owned(),
            "shared_buffers=64MB".to_owned(),
            "max_wal_size=512MB".to_owned(),
            format!("fsync={flush}"),
            format!("full_page_writes={flush}"),
        ] {
            command.arg("-c").arg(setting);
        }
        if let Some(port) = self.port {
            command.arg("-p").arg(port.to_string());
        }
        let log = std::fs::File::create(self.log()).map_err(Error::io("make the server's log"))?;
        let copy = log.try_clone().map_err(Error::io("make the server's log"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(copy)
            .spawn()
            .map_err(Error::io("start the PostgreSQL server"))?;
        *server = Some(child);
        drop(server);
        self.wait_until_ready()
    }

    /// Stops the server at once, as a crash would: connections break, nothing is written any more.
    ///
    /// # Errors
    /// It doesn't stop.
    pub fn stop(&self) -> Result<(), Error> {
        let Some(mut child) = self.server().take() else {
            return Ok(());
        };
        let mut stop = self.command("pg_ctl");
        stop.args(["stop", "--mode", "immediate", "--pgdata"])
            .arg(self.data());
        let stopped = run(&mut stop);
        if stopped.is_err() {
            // Whatever is wrong, it must not stay.
            child.kill().map_err(Error::io("kill the PostgreSQL server"))?;
        }
        child
            .wait()
            .map_err(Error::io("wait for the PostgreSQL server"))?;
        Ok(())
    }

    /// Makes an empty database and gives its address.
    ///
    /// # Errors
    /// The server doesn't.
    pub fn database(&self) -> Result<String, Error> {
        Ok(self.url(&self.new_database()?))
    }

    /// Makes an empty database and gives its name.
    ///
    /// # Errors
    /// The server doesn't.
    pub fn new_database(&self) -> Result<String, Error> {
        let name = format!("agentops_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut create = self.command("createdb");
        self.reach(&mut create);
        run(create.args(["-U", USER, "--template", "template0", &name]))?;
        Ok(name)
    }

    /// The address of a database. It goes through the socket, whose folder stands in the query, since a
    /// path can't be a host.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.path().display();
        match self.port {
            // The port is a part of the socket's name.
            Some(port) => format!("postgres://{USER}@/{database}?host={folder}&port={port}"),
            None => format!("postgres://{USER}@/{database}?host={folder}"),
        }
    }

    /// The port of 127.0.0.1 that the server listens on beside its socket, if it does.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The socket that the server listens on.
    pub fn socket(&self) -> PathBuf {
        let port = self.port.unwrap_or(5432);
        self.folder.path().join(format!(".s.PGSQL.{port}"))
    }

    /// The folder of the cluster's files.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A program of PostgreSQL, run as the server's user.
    pub fn command(&self, program: &str) -> Command {
        let program = self.binaries.join(program);
        if !is_root() {
            let mut command = Command::new(program);
            command.current_dir(self.folder.path());
            return command;
        }
        // Drops the rights for good and stays the same process, so that its id is the server's.
        let mut command = Command::new("setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--init-groups"]);
        command.arg(program).current_dir(self.folder.path());
        command
    }

    /// A process that waits for the end of this one, stops the server and removes the folder. It reads
    /// what nobody ever writes; the end of this process, however it comes, ends that.
    fn watch_over(&self) -> Result<Child, Error> {
        const SCRIPT: &str = r#"trap "" INT TERM HUP; cat > /dev/null; "$@" 2> /dev/null; rm -rf -- "$0""#;
        let mut stop = self.command("pg_ctl");
        stop.args(["stop", "--silent", "--mode", "immediate", "--pgdata"])
            .arg(self.data());
        let mut warden = Command::new("sh");
        warden.args(["-c", SCRIPT]).arg(self.folder.path());
        warden.arg(stop.get_program()).args(stop.get_args());
        warden
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::io("start the cluster's warden"))
    }

    /// Tells a program of PostgreSQL where the socket is.
    fn reach(&self, command: &mut Command) {
        command.arg("-h").arg(self.folder.path());
        if let Some(port) = self.port {
            command.arg("-p").arg(port.to_string());
        }
    }

    /// A file among the cluster's that the server's user alone may read.
    fn own_file(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.data().join(name);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(Error::io("make a file of the cluster"))?;
        file.write_all(text.as_bytes())
            .map_err(Error::io("write a file of the cluster"))?;
        if is_root() {
            run(Command::new("chown").arg(format!("{USER}:")).arg(&path))?;
        }
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn wait_until_ready(&self) -> Result<(), Error> {
        let watch = runtime::system::Stopwatch::start();
        loop {
            let mut ready = self.command("pg_isready");
            self.reach(&mut ready);
            if run(ready.args(["-q", "-U", USER])).is_ok() {
                return Ok(());
            }
            let ended = match self.server().as_mut() {
                Some(child) => child
                    .try_wait()
                    .map_err(Error::io("look at the PostgreSQL server"))?,
                None => None,
            };
            if ended.is_some() || watch.elapsed() > LONGEST {
                let log = std::fs::read_to_string(self.log()).unwrap_or_default();
                return Err(Error::Other(format!(
                    "the PostgreSQL server did not start: {log}"
                )));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn server(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Nobody is left to be told.
        drop(self.stop());
        if let Some(mut warden) = self.warden.take() {
            drop(warden.stdin.take());
            drop(warden.wait());
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The newest installed server: Debian's place, or what is on the path.
fn binaries() -> Result<PathBuf, Error> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            Some((version, path.join("bin")))
        })
        .filter(|(_, path)| path.join("initdb").exists())
        .collect();
    found.sort();
    if let Some((_, newest)) = found.pop() {
        return Ok(newest);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).find(|folder| has_server(folder));
    on_path.ok_or_else(|| {
        Error::Other(
            "PostgreSQL isn't installed here: there is no initdb under /usr/lib/postgresql or on the path \
             (Debian: apt-get install postgresql)"
                .to_owned(),
        )
    })
}

fn has_server(folder: &Path) -> bool {
    folder.join("initdb").exists() && folder.join("postgres").exists()
}

fn run(command: &mut Command) -> Result<(), Error> {
    let what = format!("run {}", command.get_program().to_string_lossy());
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .stdin(Stdio::null())
        .output()
        .map_err(Error::io(what.clone()))?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(if stderr.is_empty() { &stdout } else { &stderr }).into_owned();
    Err(Error::Other(format!("failed to {what}: {}", said.trim())))
}
