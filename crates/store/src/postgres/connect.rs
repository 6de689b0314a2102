//! Connections: how many, how long they are waited for, and what each is told at its start.

use std::fmt;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use ports::StoreError;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslNegotiation};
use tokio_postgres::{AsyncMessage, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Address, Unusable};
use super::fault::{of_postgres, unreachable};
use super::tls;
use crate::fault::other;

/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection of the pool is waited for.
const WAIT: Duration = Duration::from_secs(10);
/// How long a silent network is believed in.
const SILENCE: Duration = Duration::from_secs(15);
/// What each connection is told: the database gives up what takes too long, and a transaction whose
/// process has fallen silent, which would hold its rows.
const SET_UP: &str = "SET statement_timeout = '20s'; SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '20s'; SET client_min_messages = 'warning';
    SET default_transaction_isolation = 'read committed'; SET synchronous_commit = 'on'";

/// Where the database is.
#[derive(Clone)]
pub(super) struct Place {
    config: Config,
    /// Whether it is used, the configuration says.
    tls: MakeRustlsConnect,
}

/// A connection of its own, with the task that drives it.
pub(super) struct Direct {
    pub(super) client: Client,
    task: JoinHandle<()>,
}

impl Place {
    /// Reads an address. No message tells it, since it may hold a password.
    pub(super) fn parse(address: &Address) -> Result<Self, Unusable> {
        let (mut config, trust) = address.read()?;
        let direct = config.get_ssl_negotiation() == SslNegotiation::Direct;
        let tls = tls::connector(&trust, direct)?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        config.keepalives_idle(SILENCE);
        if config.get_application_name().is_none() {
            config.application_name("agentops");
        }
        Ok(Self { config, tls })
    }

    /// At most so many connections.
    pub(super) fn pool(&self, most: usize) -> Result<Pool, StoreError> {
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(self.config.clone(), self.tls.clone(), recycling);
        let set_up = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move { client.batch_execute(SET_UP).await.map_err(HookError::Backend) })
        });
        Pool::builder(manager)
            .max_size(most)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(CONNECT * 2))
            .recycle_timeout(Some(CONNECT))
            .runtime(Runtime::Tokio1)
            .post_create(set_up)
            .build()
            .map_err(|error| other(format!("failed to set up connections: {error}")))
    }

    /// A connection beside the pool.
    pub(super) async fn direct(&self) -> Result<Direct, StoreError> {
        self.listening(|_| {}).await
    }

    /// A connection beside the pool that hears what is notified; `heard` gets the sender's process id.
    pub(super) async fn listening(&self, heard: impl Fn(i32) + Send + 'static) -> Result<Direct, StoreError> {
        let connect = async {
            let (client, mut connection) = self.config.connect(self.tls.clone()).await?;
            let task = tokio::spawn(async move {
                loop {
                    match std::future::poll_fn(|context| connection.poll_message(context)).await {
                        Some(Ok(AsyncMessage::Notification(note))) => heard(note.process_id()),
                        Some(Ok(_)) => {}
                        // Whoever uses the client is told.
                        Some(Err(_)) | None => return,
                    }
                }
            });
            client.batch_execute(SET_UP).await?;
            Ok(Direct { client, task })
        };
        match tokio::time::timeout(CONNECT * 2, connect).await {
            Ok(Ok(direct)) => Ok(direct),
            Ok(Err(error)) => Err(of_postgres(&error)),
            Err(_) => Err(unreachable("the database does not answer")),
        }
    }
}

/// Without the password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let addresses = self.config.get_hostaddrs().iter().map(ToString::to_string);
        let mut hosts: Vec<String> = hosts.chain(addresses).collect();
        hosts.dedup();
        let user = self.config.get_user().unwrap_or("(this user)");
        let database = self.config.get_dbname().unwrap_or(user);
        write!(f, "{database} at {} as {user}", hosts.join(", "))
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        self.task.abort();
    }
}
