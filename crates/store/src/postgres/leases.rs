//! Claiming and renewing, with several nodes at the same time.

use std::collections::HashSet;

use deadpool_postgres::Object;
use ports::{Claim, Lease};
use tokio_postgres::Error;
use types::{Millis, RunId, TenantId, Timestamp};

use crate::convert::int;

/// How much longer than it says the lease of another node is respected, in milliseconds: clocks of
/// machines differ.
pub(super) const GRACE_MS: Millis = 2_000;

const TAKE: &str = "WITH due AS MATERIALIZED (
        SELECT tenant_id, run_id, wake_at FROM runs
        WHERE wake_at < 9223372036854775807 AND wake_at <= $1
            AND (lease_boot IS NULL OR lease_until < CASE WHEN lease_boot = $2 THEN $1 ELSE $3::bigint END)
        ORDER BY wake_at, run_id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE runs SET lease_epoch = lease_epoch + 1, lease_boot = $2, lease_until = $5, claims = claims + 1
    FROM due WHERE runs.tenant_id = due.tenant_id AND runs.run_id = due.run_id
    RETURNING runs.tenant_id, runs.run_id, lease_epoch, claims, due.wake_at";

/// Rows are locked in the order in which everybody locks them.
const RENEW: &str = "WITH held AS MATERIALIZED (
        SELECT runs.tenant_id, runs.run_id FROM runs
        JOIN unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS lease (tenant_id, run_id, epoch)
            ON runs.tenant_id = lease.tenant_id AND runs.run_id = lease.run_id
        WHERE lease_epoch = lease.epoch AND lease_boot = $4
        ORDER BY 1, 2 FOR NO KEY UPDATE OF runs)
    UPDATE runs SET lease_until = $5
    FROM held WHERE runs.tenant_id = held.tenant_id AND runs.run_id = held.run_id
    RETURNING runs.run_id, lease_epoch";

/// The earliest wake-up of a run that nobody holds.
pub(super) const NEXT: &str = "SELECT wake_at FROM runs
    WHERE wake_at < 9223372036854775807
        AND (lease_boot IS NULL OR lease_until < CASE WHEN lease_boot = ?1 THEN ?2::bigint ELSE ?3::bigint END)
    ORDER BY wake_at LIMIT 1";

/// Claims what is due and free, earliest first. Rows that another node is claiming are passed over.
pub(super) async fn claim(
    client: &Object,
    boot: u64,
    now: Timestamp,
    lease_ms: Millis,
    limit: u32,
) -> Result<Vec<Claim>, Error> {
    let until = now + lease_ms;
    let lapsed = lapsed(now);
    let take = client.prepare_cached(TAKE).await?;
    let rows = client
        .query(
            &take,
            &[
                &now.as_millis(),
                &int(boot),
                &lapsed,
                &i64::from(limit),
                &until.as_millis(),
            ],
        )
        .await?;
    let mut claims: Vec<(i64, Claim)> = Vec::with_capacity(rows.len());
    for row in &rows {
        let lease = Lease {
            tenant: TenantId::from_bytes(sixteen(row.get(0))),
            run: RunId::from_bytes(sixteen(row.get(1))),
            epoch: u64::try_from(row.get::<_, i64>(2)).unwrap_or(0),
        };
        let claims_so_far = u32::try_from(row.get::<_, i64>(3)).unwrap_or(u32::MAX);
        let claim = Claim {
            lease,
            until,
            claims: claims_so_far,
        };
        claims.push((row.get(4), claim));
    }
    claims.sort_by_key(|(wake_at, claim)| (*wake_at, claim.lease.run));
    Ok(claims.into_iter().map(|(_, claim)| claim).collect())
}

/// Renews leases; those that are gone.
pub(super) async fn renew(
    client: &Object,
    boot: u64,
    leases: Vec<Lease>,
    until: Timestamp,
) -> Result<Vec<Lease>, Error> {
    let tenants: Vec<&[u8]> = leases.iter().map(|lease| &lease.tenant.as_bytes()[..]).collect();
    let runs: Vec<&[u8]> = leases.iter().map(|lease| &lease.run.as_bytes()[..]).collect();
    let epochs: Vec<i64> = leases.iter().map(|lease| int(lease.epoch)).collect();
    let renew = client.prepare_cached(RENEW).await?;
    let rows = client
        .query(
            &renew,
            &[&tenants, &runs, &epochs, &int(boot), &until.as_millis()],
        )
        .await?;
    let kept: HashSet<([u8; 16], i64)> = rows.iter().map(|row| (sixteen(row.get(0)), row.get(1))).collect();
    let is_gone = |lease: &Lease| !kept.contains(&(*lease.run.as_bytes(), int(lease.epoch)));
    Ok(leases.into_iter().filter(is_gone).collect())
}

/// The bytes of an id; others are nobody's.
pub(super) fn sixteen(bytes: &[u8]) -> [u8; 16] {
    bytes.try_into().unwrap_or_default()
}

/// Leases of other nodes that ended before this are over.
pub(super) fn lapsed(now: Timestamp) -> i64 {
    now.as_millis().saturating_sub(int(GRACE_MS))
}
