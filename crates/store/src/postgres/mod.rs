//! PostgreSQL: one database, any number of nodes. Each node has one writing task, a small pool for
//! everything else, and a connection that holds its lock and hears hints.

mod adapter;
mod address;
mod attendant;
mod connect;
mod fault;
mod group;
mod key;
mod leases;
mod link;
mod order;
mod partitions;
mod rows;
mod schema;
mod tls;
mod writer;
mod yardstick;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI32;

use deadpool_postgres::{Object, Pool};
use ports::{Boot, Claim, Created, Lease, LeaseRequest, StoreError};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use types::{Clock, Entropy, Millis, NodeId, Timestamp};

use crate::convert::{at, int};
use crate::db::{Backend, Core, Db, Kind};
use crate::fault::{Fault, other};
use crate::files;
use crate::sql::{Connection, params};
use crate::table::append::PreparedAppend;
use crate::table::inbox::PreparedPost;
use crate::table::rows::PreparedNew;
use adapter::Session;
use attendant::{Attendant, Duties};
use connect::Place;
use fault::{of_pool, of_postgres};
use writer::Writer;

pub(crate) use adapter::cell;
pub use address::{Address, Unusable};
pub(crate) use attendant::lives;
pub use yardstick::single_commits;

/// How often a write is tried again that others got in the way of.
const TRIES: u32 = 3;

/// How to open a database.
pub struct Options {
    /// Where it is.
    pub address: Address,
    /// Where `secret.key` lies; made if missing, unless for a guest.
    pub folder: PathBuf,
    /// The name of this node, which outlives its processes: a new process under it voids the leases of
    /// the one before.
    pub node: String,
    /// The most connections of the pool; three more are outside of it.
    pub connections: usize,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids, salts, keys and nonces.
    pub entropy: Arc<dyn Entropy>,
    /// This binary's version, named when the database is newer.
    pub binary_version: String,
    /// How far this machine's clock may be from the database's, if that matters: leases of nodes are
    /// compared by their clocks.
    pub clock_tolerance_ms: Option<Millis>,
    /// Work beside the nodes: everything but claiming and appending.
    pub guest: bool,
}

/// An open database. Clones share it; it is closed by [`PostgresStore::close`].
pub type PostgresStore = Db<Postgres>;

/// PostgreSQL behind a store.
pub struct Postgres {
    core: Core,
    pool: Pool,
    writer: Writer,
    attendant: Attendant,
    heard: Arc<Notify>,
}

/// Opens a database: migrates it, takes the lock of the node's name and begins a new boot, which voids the
/// leases of the node's last one. A guest does none of these and needs tables that are there.
///
/// # Errors
/// [`StoreError::Unreachable`], also for a certificate that isn't believed, [`StoreError::NodeInUse`],
/// [`StoreError::Newer`], [`StoreError::Full`], [`StoreError::NotFound`] for a guest without tables, and
/// [`StoreError::Other`] for an address that can't be used.
pub async fn open(options: Options) -> Result<PostgresStore, StoreError> {
    let place = Place::parse(&options.address)?;
    let pool = place.pool(options.connections.max(2))?;
    let writing = Arc::new(AtomicI32::new(0));
    let duties = Duties {
        place: place.clone(),
        pool: pool.clone(),
        clock: Arc::clone(&options.clock),
        name: (!options.guest).then(|| options.node.clone()),
        writer: Arc::clone(&writing),
        heard: Arc::default(),
    };
    let mut setting_up = place.direct().await?;
    if options.guest {
        schema::check(&setting_up.client, &options.binary_version).await?;
    } else {
        if let Some(tolerance) = options.clock_tolerance_ms {
            schema::check_clock(&setting_up.client, options.clock.as_ref(), tolerance).await?;
        }
        schema::migrate(&mut setting_up, &options.binary_version).await?;
        files::make(&options.folder)?;
    }
    let listening = duties.connect().await?;
    let entropy = options.entropy.as_ref();
    let sealer = key::sealer(&setting_up.client, &options.folder, entropy, options.guest).await?;
    let node = NodeId::new(options.clock.as_ref(), options.entropy.as_ref());
    let now = options.clock.now();
    let epoch = if options.guest {
        schema::current_boot(&setting_up.client).await?
    } else {
        partitions::make_ahead(&mut setting_up.client, now).await?;
        schema::next_boot(&mut setting_up.client, &options.node, node, now).await?
    };
    let heard = Arc::clone(&duties.heard);
    let core = Core {
        boot: Boot {
            node,
            epoch,
            holder: !options.guest,
        },
        clock: options.clock,
        entropy: options.entropy,
        sealer: Arc::new(sealer),
    };
    let backend = Postgres {
        core,
        pool,
        writer: Writer::start(place, node, writing),
        attendant: Attendant::start(duties, listening),
        heard,
    };
    Ok(Db {
        backend: Arc::new(backend),
    })
}

/// The address without the password, to be shown.
///
/// # Errors
/// It can't be read, or the authorities that it names can't.
pub fn shown(address: &Address) -> Result<String, Unusable> {
    Ok(Place::parse(address)?.to_string())
}

/// Whether the database at this address has the tables of agentops.
///
/// # Errors
/// [`StoreError::Unreachable`].
pub async fn is_set_up(address: &Address) -> Result<bool, StoreError> {
    let direct = Place::parse(address)?.direct().await?;
    schema::is_set_up(&direct.client).await
}

/// Whether some node works on the database at this address now.
///
/// # Errors
/// [`StoreError::Unreachable`].
pub async fn is_served(address: &Address) -> Result<bool, StoreError> {
    let direct = Place::parse(address)?.direct().await?;
    schema::is_served(&direct.client).await
}

impl PostgresStore {
    /// Whether some node, this process or another, works on the database now.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`].
    pub async fn is_served(&self) -> Result<bool, StoreError> {
        let client = self.backend.client().await?;
        schema::is_served(&client).await
    }

    /// Finishes what waits, gives the node's lock back and closes the connections. Later calls answer
    /// that the store is closed.
    pub async fn close(&self) {
        self.backend.writer.close().await;
        self.backend.attendant.close().await;
        self.backend.pool.close();
    }
}

impl Backend for Postgres {
    fn core(&self) -> &Core {
        &self.core
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.blocking(move |session| {
            session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
            let done = query(session);
            end(session, "COMMIT")?;
            done
        })
        .await
    }

    async fn write<T: Send + 'static>(
        &self,
        kind: Kind,
        mut work: impl FnMut(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.blocking(move |session| {
            let mut tries = 0;
            loop {
                tries += 1;
                let done = attempt(session, kind, &mut work);
                match done {
                    Err(Fault(StoreError::Busy)) if tries < TRIES => {}
                    done => return done,
                }
            }
        })
        .await
    }

    async fn create(
        &self,
        new: PreparedNew,
        lease: Option<(LeaseRequest, u64)>,
    ) -> Result<Created, StoreError> {
        self.writer.create(new, lease).await
    }

    async fn append(&self, append: PreparedAppend) -> Result<(), StoreError> {
        self.writer.append(append).await
    }

    async fn post(&self, post: PreparedPost) -> Result<(), StoreError> {
        self.writer.post(post).await
    }

    async fn claim(&self, now: Timestamp, lease_ms: Millis, limit: u32) -> Result<Vec<Claim>, StoreError> {
        let client = self.client().await?;
        leases::claim(&client, self.core.boot.epoch, now, lease_ms, limit)
            .await
            .map_err(|error| of_postgres(&error))
    }

    async fn renew(&self, leases: Vec<Lease>, until: Timestamp) -> Result<Vec<Lease>, StoreError> {
        let client = self.client().await?;
        leases::renew(&client, self.core.boot.epoch, leases, until)
            .await
            .map_err(|error| of_postgres(&error))
    }

    async fn next_wake(&self) -> Result<Option<Timestamp>, StoreError> {
        let (boot, now) = (self.core.boot.epoch, self.core.clock.now());
        self.read(move |connection| {
            let mut select = connection.prepare_cached(leases::NEXT)?;
            select.query_opt(params![int(boot), now.as_millis(), leases::lapsed(now)], |row| {
                at(row, 0)
            })
        })
        .await
    }

    async fn settle(&self) -> Result<(), StoreError> {
        order::settle(&mut self.client().await?).await
    }

    async fn hinted(&self) {
        self.heard.notified().await;
    }

    async fn backup(&self, _to: &Path) -> Result<(), StoreError> {
        Err(StoreError::BackupElsewhere)
    }
}

impl Postgres {
    async fn client(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(of_pool)
    }

    /// Runs `work` on a blocking thread with a connection of the pool.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let session = Session::new(self.client().await?, Handle::current());
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&session);
            session.end();
            done
        })
        .await;
        let done = done.map_err(|error| other(format!("a query ended early: {error}")))?;
        Ok(done?)
    }
}

fn attempt<T>(
    session: &Session,
    kind: Kind,
    work: &mut impl FnMut(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    session.run("BEGIN")?;
    let done = (|| {
        if kind == Kind::Other {
            // Written for a database with one writer: such work may look before it writes.
            session.run(&format!(
                "SELECT pg_advisory_xact_lock({}, {})",
                schema::LOCKS,
                schema::WRITING
            ))?;
        }
        work(session)
    })();
    match done {
        Ok(done) => end(session, "COMMIT").map(|()| done),
        Err(fault) => {
            end(session, "ROLLBACK").ok();
            Err(fault)
        }
    }
}

/// Ends a transaction; if that fails, the connection is of no more use.
fn end(session: &Session, sql: &str) -> Result<(), Fault> {
    let ended = session.run(sql);
    if ended.is_err() {
        session.spoil();
    }
    ended
}
