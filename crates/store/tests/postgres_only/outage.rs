//! A database that goes away and comes back, and connections that break at the worst moment.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ports::{JournalStore, LibraryStore, StoreError};
use serde_json::json;
use store::postgres::{PostgresStore, is_served, open};
use testkit::cluster::{Cluster, Flush};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Mutex;

use crate::contract::fixtures::{Bench, TENANT};
use crate::{CLUSTER, PostgresBench, raw};

pub(super) fn is_unreachable<T: std::fmt::Debug>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unreachable { .. }))
}

/// Asks until the database answers again.
pub(super) async fn until_back(store: &PostgresStore) {
    let ask = async {
        while is_unreachable(&store.setting(TENANT, "k").await) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ask)
        .await
        .expect("it comes back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_is_named_and_gone_on_with() {
    let mut bench = PostgresBench::new();
    let cluster = Cluster::start(Flush::Always).expect("a cluster of its own");
    bench.url = cluster.database().expect("a database");
    let (store, world) = (bench.node("a").await, bench.world());
    let (row, claim) = world.held_run(&store).await;
    store
        .append(world.append(claim.lease, &row, 1, 1))
        .await
        .expect("appended");
    cluster.stop().expect("stopped");
    let append = world.append(claim.lease, &row, 2, 1);
    assert!(is_unreachable(&store.append(append.clone()).await));
    assert!(is_unreachable(&store.run(TENANT, row.run).await));
    assert!(is_unreachable(&store.claim(world.now(), 1_000, 5).await));
    assert!(is_unreachable(&store.renew(vec![claim.lease], world.now()).await));
    assert!(is_unreachable(&store.next_wake().await));
    cluster.begin().expect("started again");
    until_back(&store).await;
    assert_eq!(
        store.append(append).await,
        Ok(()),
        "the lease and the head are as before"
    );
    let lock = async {
        while is_served(&bench.address()).await != Ok(true) {
            tokio::task::yield_now().await;
        }
    };
    let locked = tokio::time::timeout(Duration::from_secs(60), lock).await;
    locked.expect("the node takes its lock again");
    let other = open(bench.options(&bench.url, "a", false)).await.map(|_| ());
    assert_eq!(
        other.map_err(|error| error.code()),
        Err("node_in_use"),
        "nobody else gets its name"
    );
    assert_eq!(store.load(TENANT, row.run).await.expect("loaded").events.len(), 3);
    store.close().await;
}

/// Between a store and the cluster: cuts the connection that sends the next COMMIT, after the database has
/// taken it and before the answer comes back.
struct Cutter {
    port: u16,
    armed: Arc<AtomicBool>,
    /// Whether the commit is let through to the database before the cut.
    through: Arc<AtomicBool>,
    /// Connections are let in while nobody holds it.
    gate: Arc<Mutex<()>>,
}

impl Cutter {
    async fn start(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (armed, through) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)));
        let gate: Arc<Mutex<()>> = Arc::default();
        let (arms, passes, lets) = (Arc::clone(&armed), Arc::clone(&through), Arc::clone(&gate));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                drop(lets.lock().await);
                let Ok(server) = UnixStream::connect(&socket).await else {
                    continue;
                };
                tokio::spawn(relay(client, server, Arc::clone(&arms), Arc::clone(&passes)));
            }
        });
        Self {
            port,
            armed,
            through,
            gate,
        }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

async fn relay(
    mut client: TcpStream,
    mut server: UnixStream,
    armed: Arc<AtomicBool>,
    through: Arc<AtomicBool>,
) {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                // The writer's commit comes in one piece with what it commits; others come alone.
                if count > 100 && commits(&up[..count]) && armed.swap(false, Ordering::SeqCst) {
                    if through.load(Ordering::SeqCst) {
                        server.write_all(&up[..count]).await.expect("sent");
                        // The answer says that it is done, and is not passed on.
                        let mut answer = Vec::new();
                        while !commits(&answer) {
                            let count = server.read(&mut down).await.expect("answered");
                            assert!(count > 0, "the database answers");
                            answer.extend_from_slice(&down[..count]);
                        }
                    }
                    return;
                }
                if server.write_all(&up[..count]).await.is_err() { return }
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&down[..count]).await.is_err() { return }
            }
        }
    }
}

/// Whether the bytes hold the statement, or the database's word that it is done.
fn commits(bytes: &[u8]) -> bool {
    bytes.windows(7).any(|bytes| bytes == b"COMMIT\0")
}

/// A store behind a cutter.
async fn cut_off(bench: &mut PostgresBench) -> (Cutter, PostgresStore) {
    let cutter = Cutter::start(CLUSTER.socket()).await;
    let name = raw(&bench.url)
        .await
        .query_one("SELECT current_database()::text", &[])
        .await
        .expect("asked");
    bench.url = cutter.url(name.get(0));
    let store = bench.node("a").await;
    (cutter, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_looked_up_and_not_done_again() {
    let mut bench = PostgresBench::new();
    let (cutter, store) = cut_off(&mut bench).await;
    let world = bench.world();
    for through in [true, false] {
        cutter.through.store(through, Ordering::SeqCst);
        let (row, claim) = world.held_run(&store).await;
        cutter.armed.store(true, Ordering::SeqCst);
        let mut append = world.append(claim.lease, &row, 1, 1);
        append.rows.leaves = vec![world.leaf("once")];
        assert_eq!(store.append(append).await, Ok(()), "through: {through}");
        assert!(!cutter.armed.load(Ordering::SeqCst), "the connection was cut");
        let loaded = store.load(TENANT, row.run).await.expect("loaded");
        assert_eq!(loaded.events.len(), 2, "written, and once");
        let mut new = world.new_run();
        new.rows.run.outputs = json!({"cut": through});
        cutter.armed.store(true, Ordering::SeqCst);
        assert!(store.create_run(new.clone()).await.expect("created").new);
        let run = store.run(TENANT, new.created.run).await.expect("it is there");
        assert_eq!(run.outputs, new.rows.run.outputs);
    }
    let leaves = store.leaves(TENANT, 0, 10).await.expect("read");
    assert_eq!(leaves.len(), 2);
}

/// After a crash PostgreSQL gives an id of a transaction out again if nothing with that id was ever written
/// to disk: whoever asked for the status of the id would be told of somebody else's transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_a_crash_took_away_is_done_again() {
    let mut bench = PostgresBench::new();
    let cluster = Cluster::start(Flush::Always).expect("a cluster of its own");
    let direct = cluster.database().expect("a database");
    let cutter = Cutter::start(cluster.socket()).await;
    let name = raw(&direct)
        .await
        .query_one("SELECT current_database()::text", &[])
        .await;
    bench.url = cutter.url(name.expect("asked").get(0));
    let (store, world) = (bench.node("a").await, bench.world());
    let (row, claim) = world.held_run(&store).await;
    cutter.through.store(false, Ordering::SeqCst);
    let held_up = cutter.gate.lock().await;
    cutter.armed.store(true, Ordering::SeqCst);
    let append = world.append(claim.lease, &row, 1, 1);
    let appending = tokio::spawn({
        let store = store.clone();
        async move { store.append(append).await }
    });
    while cutter.armed.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    cluster.stop().expect("killed");
    cluster.begin().expect("started again");
    let other = raw(&direct).await;
    for _ in 0..50 {
        let taken = other
            .batch_execute("CREATE TABLE taken (); DROP TABLE taken")
            .await;
        taken.expect("an id is used up");
    }
    drop(held_up);
    assert_eq!(appending.await.expect("it ends"), Ok(()));
    assert_eq!(store.load(TENANT, row.run).await.expect("loaded").events.len(), 2);
    store.close().await;
}
