//! Positions for what was committed: given after the commit, by one node at a time, so that a position
//! that was read never has a newer one before it.

use deadpool_postgres::Object;
use ports::StoreError;
use tokio_postgres::Error;

use super::fault::of_postgres;
use super::schema::{LOCKS, ORDERING};
use crate::table::feed;

/// Leaves or changes that get their positions in one transaction.
const SLICE: i64 = 5_000;
/// Slices in one go; more come at the next.
const SLICES: u32 = 1_000;

const ANY: &str = "SELECT EXISTS (SELECT 1 FROM leaf_tail) OR EXISTS (SELECT 1 FROM feed_tail)";

// The last position is looked up once for each tenant, before the first row is inserted: a look for each row
// would pass over all rows inserted before it in the same statement, which it can't see.
const GIVE: &str = "WITH tail AS (
        DELETE FROM leaf_tail USING
            (SELECT tenant_id, stored FROM leaf_tail ORDER BY tenant_id, stored LIMIT $1) AS first
        WHERE leaf_tail.tenant_id = first.tenant_id AND leaf_tail.stored = first.stored
        RETURNING leaf_tail.tenant_id, leaf_tail.stored),
    last AS MATERIALIZED (
        SELECT tenant_id, (SELECT coalesce(max(position), 0) FROM leaf_order AS done
                           WHERE done.tenant_id = one.tenant_id) AS position
        FROM (SELECT DISTINCT tenant_id FROM tail) AS one)
    INSERT INTO leaf_order (tenant_id, position, stored)
    SELECT tenant_id, last.position + row_number() OVER (PARTITION BY tenant_id ORDER BY stored), stored
    FROM tail JOIN last USING (tenant_id)";

const TELL: &str = "WITH tail AS (
        DELETE FROM feed_tail USING
            (SELECT tenant_id, stored FROM feed_tail ORDER BY tenant_id, stored LIMIT $1) AS first
        WHERE feed_tail.tenant_id = first.tenant_id AND feed_tail.stored = first.stored
        RETURNING feed_tail.*),
    last AS MATERIALIZED (
        SELECT tenant_id, (SELECT coalesce(max(position), 0) FROM feed AS done
                           WHERE done.tenant_id = one.tenant_id) AS position
        FROM (SELECT DISTINCT tenant_id FROM tail) AS one)
    INSERT INTO feed (tenant_id, position, at, noun, id, what)
    SELECT tenant_id, last.position + row_number() OVER (PARTITION BY tenant_id ORDER BY stored), at, noun, id, what
    FROM tail JOIN last USING (tenant_id)";

const FORGET: &str = "DELETE FROM feed USING
        (SELECT tenant_id, max(position) - $1 AS until FROM feed GROUP BY tenant_id) AS newest
    WHERE feed.tenant_id = newest.tenant_id AND feed.position <= newest.until";

/// Gives positions to all leaves and changes that have none.
pub(super) async fn settle(client: &mut Object) -> Result<(), StoreError> {
    for _ in 0..SLICES {
        let given = slice(client).await.map_err(|error| of_postgres(&error))?;
        if given < SLICE.unsigned_abs() {
            break;
        }
    }
    Ok(())
}

/// Drops old changes from the feed.
pub(super) async fn forget(client: &Object) -> Result<(), StoreError> {
    let forgotten = client.execute(FORGET, &[&feed::KEPT]).await;
    forgotten.map(drop).map_err(|error| of_postgres(&error))
}

async fn slice(client: &mut Object) -> Result<u64, Error> {
    let any = client.prepare_cached(ANY).await?;
    if !client.query_one(&any, &[]).await?.get::<_, bool>(0) {
        return Ok(0);
    }
    let (give, tell) = (
        client.prepare_cached(GIVE).await?,
        client.prepare_cached(TELL).await?,
    );
    let transaction = client.transaction().await?;
    let lock = format!("SELECT pg_advisory_xact_lock({LOCKS}, {ORDERING})");
    transaction.batch_execute(&lock).await?;
    let given = transaction.execute(&give, &[&SLICE]).await?;
    let told = transaction.execute(&tell, &[&SLICE]).await?;
    transaction.commit().await?;
    Ok(given.max(told))
}
