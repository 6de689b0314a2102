//! A throw-away PostgreSQL: a cluster of the installed binaries in a temporary folder, on a Unix socket
//! there, as another user where this one is root. It ends with the process that started it, however that
//! ends.

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

/// Whether the server flushes what it commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// As in production.
    Always,
    /// Never: quicker, for tests that don't cut the power.
    Never,
}

/// A running cluster. It is stopped and removed when this is dropped, or when this process ends.
pub struct Cluster {
    folder: TempDir,
    warden: Option<Child>,
    binaries: PathBuf,
    flush: Flush,
    server: Mutex<Option<Child>>,
    databases: AtomicU32,
}

impl Cluster {
    /// Makes and starts a cluster.
    ///
    /// # Errors
    /// PostgreSQL isn't installed, or doesn't start.
    pub fn start(flush: Flush) -> Result<Self, Error> {
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
        cluster.begin()?;
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
        for setting in [
            "listen_addresses=".to_owned(),
            "max_connections=200".to_owned(),
            "shared_buffers=64MB".to_owned(),
            "max_wal_size=512MB".to_owned(),
            format!("fsync={flush}"),
            format!("full_page_writes={flush}"),
        ] {
            command.arg("-c").arg(setting);
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
        let name = format!("agentops_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut create = self.command("createdb");
        create.arg("-h").arg(self.folder.path());
        run(create.args(["-U", USER, "--template", "template0", &name]))?;
        Ok(self.url(&name))
    }

    /// The address of a database. It goes through the socket, whose folder stands in the query, since a
    /// path can't be a host.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgres://{USER}@/{database}?host={folder}")
    }

    /// The socket that the server listens on.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join(".s.PGSQL.5432")
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

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn wait_until_ready(&self) -> Result<(), Error> {
        let watch = runtime::system::Stopwatch::start();
        loop {
            let mut ready = self.command("pg_isready");
            ready.arg("-h").arg(self.folder.path());
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
