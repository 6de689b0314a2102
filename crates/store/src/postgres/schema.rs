//! Migrating, and the boots of nodes.

use ports::StoreError;
use tokio_postgres::Client;
use types::{Clock, Millis, NodeId, Timestamp};

use super::connect::Direct;
use super::fault::{of_postgres, unreachable};
use crate::convert::int;
use crate::fault::{not_found, other};

mod embedded {
    //! The files of `migrations-postgres/`.
    refinery::embed_migrations!("migrations-postgres");
}

/// The first key of every advisory lock of ours: "AGOP".
pub(super) const LOCKS: i32 = 0x4147_4f50;
/// The first key of the locks that nodes hold while they live: "AGON".
pub(super) const NODES: i32 = 0x4147_4f4e;
/// Held while migrating.
const MIGRATING: i32 = 1;
/// Held by writes that look before they write.
pub(super) const WRITING: i32 = 2;
/// Held while positions are given.
pub(super) const ORDERING: i32 = 3;
/// Held while partitions are made.
pub(super) const DIVIDING: i32 = 4;

/// Makes and migrates the tables; one process at a time does, the others wait for it.
pub(super) async fn migrate(direct: &mut Direct, own: &str) -> Result<(), StoreError> {
    let client = &mut direct.client;
    let wait = format!(
        "SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock({LOCKS}, {MIGRATING})"
    );
    run(client, &wait).await?;
    if let Some((found, needed)) = stamp(client).await? {
        refuse_newer(found, &needed, own)?;
        if found > known() {
            return run(
                client,
                &format!("SELECT pg_advisory_unlock({LOCKS}, {MIGRATING})"),
            )
            .await;
        }
    }
    let runner = embedded::migrations::runner().set_grouped(true);
    let report = runner
        .run_async(client)
        .await
        .map_err(|error| of_refinery(&error))?;
    for migration in report.applied_migrations() {
        tracing::info!(
            schema.version = migration.version(),
            schema.change = migration.name(),
            "migrated"
        );
    }
    run(
        client,
        &format!("SELECT pg_advisory_unlock({LOCKS}, {MIGRATING})"),
    )
    .await
}

/// Whether there are tables of agentops.
pub(super) async fn is_set_up(client: &Client) -> Result<bool, StoreError> {
    Ok(stamp(client).await?.is_some())
}

/// Checks that this machine's clock and the database's agree.
///
/// # Errors
/// [`StoreError::ClockOff`].
pub(super) async fn check_clock(
    client: &Client,
    clock: &dyn Clock,
    tolerance_ms: Millis,
) -> Result<(), StoreError> {
    let ask = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let before = clock.now();
    let row = client.query_one(ask, &[]).await;
    let theirs: i64 = row.map_err(|error| of_postgres(&error))?.get(0);
    let after = clock.now();
    // Between the two readings the database's clock may have stood anywhere.
    let ahead = before.as_millis().saturating_sub(theirs);
    let behind = theirs.saturating_sub(after.as_millis());
    if ahead.max(behind) > int(tolerance_ms) {
        let ahead_ms = if ahead > behind { ahead } else { -behind };
        return Err(StoreError::ClockOff { ahead_ms });
    }
    Ok(())
}

/// Checks that a guest finds what it knows.
pub(super) async fn check(client: &Client, own: &str) -> Result<(), StoreError> {
    match stamp(client).await? {
        None => Err(not_found(
            "database",
            "with the tables of agentops at that address",
        )),
        Some((found, needed)) => {
            refuse_newer(found, &needed, own)?;
            if found < known() {
                return Err(other(
                    "the database has an older schema: start the server once to migrate it",
                ));
            }
            Ok(())
        }
    }
}

/// Begins a boot of the node with this name and voids the leases of the one before. Returns its epoch,
/// which no other boot of any node has.
pub(super) async fn next_boot(
    client: &mut Client,
    name: &str,
    node: NodeId,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let boot = async {
        let transaction = client.transaction().await?;
        let epoch: i64 = transaction
            .query_one("UPDATE boot SET epoch = epoch + 1 RETURNING epoch", &[])
            .await?
            .get(0);
        let before = transaction
            .query_opt("SELECT epoch FROM nodes WHERE name = $1", &[&name])
            .await?;
        if let Some(before) = before {
            let void = "UPDATE runs SET lease_boot = NULL, lease_until = NULL WHERE lease_boot = $1";
            let before: i64 = before.get(0);
            transaction.execute(void, &[&before]).await?;
        }
        let begin = "INSERT INTO nodes (name, epoch, node, at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, node = excluded.node, at = excluded.at";
        let bytes: &[u8] = node.as_bytes();
        transaction
            .execute(begin, &[&name, &epoch, &bytes, &at.as_millis()])
            .await?;
        transaction.commit().await?;
        Ok(epoch)
    };
    let epoch = boot.await.map_err(|error| of_postgres(&error))?;
    Ok(u64::try_from(epoch).unwrap_or(0))
}

/// The epoch of the newest boot, for a guest.
pub(super) async fn current_boot(client: &Client) -> Result<u64, StoreError> {
    let row = client.query_one("SELECT epoch FROM boot", &[]).await;
    let epoch: i64 = row.map_err(|error| of_postgres(&error))?.get(0);
    Ok(u64::try_from(epoch).unwrap_or(0))
}

/// Whether some node works on this database.
pub(super) async fn is_served(client: &Client) -> Result<bool, StoreError> {
    let held = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND classid = $1::bigint::oid AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    let row = client.query_one(held, &[&i64::from(NODES)]).await;
    Ok(row.map_err(|error| of_postgres(&error))?.get(0))
}

/// The newest version that this binary knows.
pub(super) fn known() -> u32 {
    let runner = embedded::migrations::runner();
    let versions = runner.get_migrations().iter().map(refinery::Migration::version);
    versions
        .max()
        .and_then(|version| u32::try_from(version).ok())
        .unwrap_or(0)
}

/// Nodes of several versions may share a database while they are upgraded one by one, as long as none
/// is older than what the newest schema needs.
fn refuse_newer(found: u32, needed: &str, own: &str) -> Result<(), StoreError> {
    if parts(own) < parts(needed) {
        return Err(StoreError::Newer {
            found,
            needed: needed.to_owned(),
            own: own.to_owned(),
        });
    }
    Ok(())
}

/// The numbers of a version such as `0.12.3-beta`.
fn parts(version: &str) -> Vec<u64> {
    let numbers = version.split(['-', '+']).next().unwrap_or_default();
    numbers.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

async fn stamp(client: &Client) -> Result<Option<(u32, String)>, StoreError> {
    let read = async {
        let there = client
            .query_one("SELECT to_regclass('schema_info') IS NOT NULL", &[])
            .await?;
        if !there.get::<_, bool>(0) {
            return Ok(None);
        }
        let row = client
            .query_one("SELECT version, min_binary FROM schema_info", &[])
            .await?;
        Ok(Some((row.get::<_, i64>(0), row.get(1))))
    };
    let stamp = read.await.map_err(|error| of_postgres(&error))?;
    Ok(stamp.map(|(version, needed)| (u32::try_from(version).unwrap_or(0), needed)))
}

async fn run(client: &Client, sql: &str) -> Result<(), StoreError> {
    client
        .batch_execute(sql)
        .await
        .map_err(|error| of_postgres(&error))
}

fn of_refinery(error: &refinery::Error) -> StoreError {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(inner) = inner.downcast_ref::<tokio_postgres::Error>() {
            return match of_postgres(inner) {
                StoreError::Unreachable { message } => unreachable(message),
                StoreError::Full => StoreError::Full,
                error => other(format!("failed to migrate the database: {error}")),
            };
        }
        source = inner.source();
    }
    other(format!("failed to migrate the database: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (own, needed, fits) in [
            ("0.1.0", "0.1.0", true),
            ("0.9.0", "0.10.0", false),
            ("1.0.0", "0.10.3", true),
            ("0.10.3-beta.1", "0.10.3", true),
        ] {
            assert_eq!(
                refuse_newer(9, needed, own).is_ok(),
                fits,
                "{own} against {needed}"
            );
        }
    }
}
