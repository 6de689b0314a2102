//! The partitions of the journal: one for each week of runs, made ahead.

use ports::StoreError;
use tokio_postgres::{Client, Error};
use types::Timestamp;

use super::fault::of_postgres;
use super::schema::{DIVIDING, LOCKS};

const WEEK_MS: i64 = 7 * 86_400_000;
/// Weeks made ahead, beside the current one.
const AHEAD: i64 = 8;

/// Makes the partitions that are missing, from this week on.
pub(super) async fn make_ahead(client: &mut Client, now: Timestamp) -> Result<(), StoreError> {
    let this = now.as_millis().max(0) / WEEK_MS;
    for week in this..=this + AHEAD {
        if let Err(error) = make(client, week).await {
            // Its runs go to the partition of the rest, which loses nothing.
            if error.as_db_error().is_none() {
                return Err(of_postgres(&error));
            }
            tracing::warn!(week, %error, "a partition of the journal could not be made now");
        }
    }
    Ok(())
}

async fn make(client: &mut Client, week: i64) -> Result<(), Error> {
    let name = format!("journal_week_{week}");
    let there = client
        .query_one("SELECT to_regclass($1) IS NOT NULL", &[&name])
        .await?;
    if there.get(0) {
        return Ok(());
    }
    let (from, to) = (bound(week), bound(week + 1));
    let transaction = client.transaction().await?;
    let sql = format!(
        "SET LOCAL lock_timeout = '2s'; SELECT pg_advisory_xact_lock({LOCKS}, {DIVIDING});
         CREATE TABLE IF NOT EXISTS {name} PARTITION OF journal FOR VALUES FROM ('{from}') TO ('{to}')"
    );
    transaction.batch_execute(&sql).await?;
    transaction.commit().await
}

/// The least id of a run that begins in this week or later: the first 48 bits of an id are its
/// milliseconds (RFC 9562, UUID version 7).
fn bound(week: i64) -> String {
    format!("\\x{:012x}{}", week * WEEK_MS, "0".repeat(20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::RunId;

    #[test]
    fn a_run_lies_in_the_week_of_its_beginning() {
        let week = 2_812;
        for (at, inside) in [
            (week * WEEK_MS - 1, false),
            (week * WEEK_MS, true),
            ((week + 1) * WEEK_MS - 1, true),
            ((week + 1) * WEEK_MS, false),
        ] {
            let run = RunId::derive(Timestamp::from_millis(at), &["a"]);
            let id = format!("\\x{}", hex::encode(run.as_bytes()));
            assert_eq!(id >= bound(week) && id < bound(week + 1), inside, "{at}");
        }
    }
}
