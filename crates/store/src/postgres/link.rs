//! The writing task's connection: one exchange to lock and look, one to write and commit.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use ports::StoreError;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Statement};
use types::{NodeId, RunId, TenantId};

use super::connect::{Direct, Place};
use super::fault::{lost, of_postgres, passing, timed_out};
use super::group::{Job, Key, Known, Locked, Verdict, start_key};
use super::leases::sixteen;
use super::rows::{Columns, Rows};
use crate::convert::int;

/// How long one exchange may take; the database gives statements up before that.
const LONGEST: Duration = Duration::from_secs(30);
/// What the connection is told: every statement names the rows it means, so a plan that reads a whole
/// table is one that was made while the table was small.
const SET_UP: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
    SET plan_cache_mode = force_generic_plan";
/// The channel of hints.
pub(super) const CHANNEL: &str = "agentops_hint";

/// Locked in the order in which everybody locks them.
const LOCK: &str = "SELECT runs.tenant_id, runs.run_id, lease_epoch, lease_boot, head FROM runs
    JOIN unnest($1::bytea[], $2::bytea[]) AS one (tenant_id, run_id)
        ON runs.tenant_id = one.tenant_id AND runs.run_id = one.run_id
    ORDER BY 1, 2 FOR NO KEY UPDATE OF runs";
const KEYS: &str = "SELECT runs.tenant_id, runs.start_key, run_id FROM runs
    JOIN unnest($1::bytea[], $2::text[]) AS one (tenant_id, start_key)
        ON runs.tenant_id = one.tenant_id AND runs.start_key = one.start_key
    WHERE runs.start_key IS NOT NULL";

/// The group's number. From here to the end of the transaction its row is locked, so that whoever asks for
/// it waits for what becomes of the group.
const NUMBER: &str = "INSERT INTO last_groups (writer, last_group, at)
    VALUES ($1, $2, (extract(epoch FROM now()) * 1000)::bigint)
    ON CONFLICT (writer) DO UPDATE SET last_group = excluded.last_group, at = excluded.at";
/// The row is there before the first group, so that it can be locked.
const NUMBERED: &str = "INSERT INTO last_groups (writer, last_group, at)
    VALUES ($1, 0, (extract(epoch FROM now()) * 1000)::bigint) ON CONFLICT DO NOTHING";
const LAST: &str = "SELECT last_group FROM last_groups WHERE writer = $1 FOR UPDATE NOWAIT";
/// Rows of processes that ended long ago. One that has only been idle makes its row again.
const FORGET: &str =
    "DELETE FROM last_groups WHERE at < (extract(epoch FROM now()) * 1000)::bigint - 2592000000";

/// A connection with its prepared statements.
pub(super) struct Link {
    direct: Direct,
    statements: HashMap<String, Statement>,
    pid: i32,
    /// Under which the groups of this process are numbered.
    writer: NodeId,
}

/// Why a group was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// The database said no to one of its statements; nothing was written.
    #[error("{0}")]
    Refused(StoreError),
    /// The same, because others were in the way.
    #[error("{0}")]
    Passing(StoreError),
    /// The connection broke before the commit was sent; nothing was written.
    #[error("{0}")]
    Lost(StoreError),
    /// The connection broke before the commit was answered.
    #[error("{error}")]
    Unknown {
        /// What to answer if it was committed.
        verdicts: Vec<Verdict>,
        /// How the connection broke.
        error: StoreError,
    },
}

impl Link {
    pub(super) async fn open(place: &Place, writer: NodeId) -> Result<Self, StoreError> {
        let direct = place.direct().await?;
        let whose: &[u8] = writer.as_bytes();
        let set_up = async {
            direct.client.batch_execute(SET_UP).await?;
            direct.client.execute(FORGET, &[]).await?;
            direct.client.execute(NUMBERED, &[&whose]).await?;
            direct.client.query_one("SELECT pg_backend_pid()", &[]).await
        };
        let pid = set_up.await.map_err(|error| of_postgres(&error))?.get(0);
        Ok(Self {
            direct,
            statements: HashMap::new(),
            pid,
            writer,
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.direct.client.is_closed()
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Begins a transaction under the group's number, locks every run that the jobs name and reads what they
    /// are judged by.
    pub(super) async fn look(&mut self, group: u64, jobs: &[Job]) -> Result<Known, Failed> {
        let mut keys = BTreeSet::new();
        for job in jobs {
            job.work.names(|key| {
                keys.insert(key);
            });
        }
        let start_keys: Vec<(TenantId, String)> = jobs
            .iter()
            .flat_map(|job| job.work.news())
            .filter_map(start_key)
            .collect();
        let lock = self.prepared(LOCK).await?;
        let find = self.prepared(KEYS).await?;
        let number = self.prepared(NUMBER).await?;
        let client = &self.direct.client;
        let begin = client.batch_execute("BEGIN");
        let (whose, group): (&[u8], i64) = (self.writer.as_bytes(), int(group));
        let bound: [&(dyn ToSql + Sync); 2] = [&whose, &group];
        let numbered = client.execute(&number, &bound);
        let tenants: Vec<&[u8]> = keys.iter().map(|(tenant, _)| &tenant.as_bytes()[..]).collect();
        let runs: Vec<&[u8]> = keys.iter().map(|(_, run)| &run.as_bytes()[..]).collect();
        let bound: [&(dyn ToSql + Sync); 2] = [&tenants, &runs];
        let locked = client.query(&lock, &bound);
        let whose: Vec<&[u8]> = start_keys
            .iter()
            .map(|(tenant, _)| &tenant.as_bytes()[..])
            .collect();
        let texts: Vec<&str> = start_keys.iter().map(|(_, key)| key.as_str()).collect();
        let bound: [&(dyn ToSql + Sync); 2] = [&whose, &texts];
        let found = async {
            match texts.is_empty() {
                true => Ok(Vec::new()),
                false => client.query(&find, &bound).await,
            }
        };
        // All are sent before the first is answered, in this order.
        let asked = async { futures::join!(begin, numbered, locked, found) };
        let (begin, numbered, locked, found) = tokio::time::timeout(LONGEST, asked)
            .await
            .map_err(|_| Failed::Lost(timed_out()))?;
        begin?;
        numbered?;
        Ok(known(&locked?, &found?))
    }

    /// Writes the rows and commits. If there are none, there is nothing to commit.
    pub(super) async fn write(
        &mut self,
        verdicts: Vec<Verdict>,
        rows: Rows<'_>,
    ) -> Result<Vec<Verdict>, Failed> {
        let tables = rows.statements();
        if tables.is_empty() {
            self.roll_back().await?;
            return Ok(verdicts);
        }
        let mut statements = Vec::with_capacity(tables.len());
        for table in &tables {
            statements.push(self.prepared(table.sql).await?);
        }
        let client = &self.direct.client;
        let bound: Vec<Vec<&(dyn ToSql + Sync)>> = tables.iter().map(bound).collect();
        let writes = statements
            .iter()
            .zip(&bound)
            .map(|(statement, bound)| client.execute(statement, bound));
        // The commit is sent with the rest: if one of them fails, the database makes it a rollback.
        let sent = async { futures::join!(join_all(writes), client.batch_execute("COMMIT")) };
        let unknown = |error| Failed::Unknown {
            verdicts: verdicts.clone(),
            error,
        };
        let Ok((written, committed)) = tokio::time::timeout(LONGEST, sent).await else {
            return Err(unknown(timed_out()));
        };
        let results = written.into_iter().map(|result| result.map(drop));
        for result in results.chain([committed]) {
            match result {
                Ok(()) => {}
                Err(error) if lost(&error) => return Err(unknown(of_postgres(&error))),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(verdicts)
    }

    pub(super) async fn roll_back(&self) -> Result<(), Failed> {
        let undone = self.direct.client.batch_execute("ROLLBACK");
        match tokio::time::timeout(LONGEST, undone).await {
            Ok(undone) => Ok(undone?),
            Err(_) => Err(Failed::Lost(timed_out())),
        }
    }

    /// Tells all nodes that there may be something to do. A hint: it is sent and not waited for.
    pub(super) fn notify(&self) {
        let notify = format!("NOTIFY {CHANNEL}");
        // Sent by the first poll; whatever the answer is, nobody needs it.
        let _ = self.direct.client.batch_execute(&notify).now_or_never();
    }

    /// The number of the last group that was committed. None while a transaction of an earlier connection
    /// is still open.
    pub(super) async fn last_group(&self) -> Result<Option<u64>, StoreError> {
        let whose: &[u8] = self.writer.as_bytes();
        let bound: [&(dyn ToSql + Sync); 1] = [&whose];
        let ask = self.direct.client.query_one(LAST, &bound);
        match tokio::time::timeout(LONGEST, ask).await {
            Ok(Ok(row)) => Ok(u64::try_from(row.get::<_, i64>(0)).ok()),
            Ok(Err(error)) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(None),
            Ok(Err(error)) => Err(of_postgres(&error)),
            Err(_) => Err(timed_out()),
        }
    }

    async fn prepared(&mut self, sql: &str) -> Result<Statement, Failed> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let numbered = super::adapter::numbered(sql);
        let prepare = self.direct.client.prepare(&numbered);
        let statement = match tokio::time::timeout(LONGEST, prepare).await {
            Ok(statement) => statement?,
            Err(_) => return Err(Failed::Lost(timed_out())),
        };
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// What is met before the commit is sent.
impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let told = of_postgres(&error);
        // A key that another node has just taken: whoever looks again finds what it belongs to.
        let taken = error.code() == Some(&SqlState::UNIQUE_VIOLATION);
        if lost(&error) {
            Failed::Lost(told)
        } else if taken || passing(&error) {
            Failed::Passing(told)
        } else {
            Failed::Refused(told)
        }
    }
}

fn bound<'c>(table: &'c Columns<'_>) -> Vec<&'c (dyn ToSql + Sync)> {
    let columns = table.values.iter();
    columns.map(|column| column as &(dyn ToSql + Sync)).collect()
}

fn known(locked: &[tokio_postgres::Row], found: &[tokio_postgres::Row]) -> Known {
    let key = |tenant: &[u8], run: &[u8]| -> Key {
        (
            TenantId::from_bytes(sixteen(tenant)),
            RunId::from_bytes(sixteen(run)),
        )
    };
    let runs = locked.iter().map(|row| {
        let locked = Locked {
            epoch: row.get(2),
            boot: row.get(3),
            head: row.get(4),
        };
        (key(row.get(0), row.get(1)), locked)
    });
    let start_keys = found.iter().map(|row| {
        let (tenant, run) = key(row.get(0), row.get(2));
        ((tenant, row.get(1)), run)
    });
    Known {
        runs: runs.collect(),
        start_keys: start_keys.collect(),
    }
}
