//! Table `runs`, seen from who holds a run: claiming, renewing, releasing, waking.

use crate::sql::{Connection, params};
use ports::{Claim, Lease};
use types::{Failure, Millis, RunId, TenantId, Timestamp};

use crate::convert::{at, count, id, int};
use crate::fault::Fault;

/// Leases claimed or renewed at once, so that a transaction stays short.
pub(crate) const MOST: u32 = 500;

/// Claims what is due and free, earliest first.
pub(crate) fn claim(
    connection: &Connection,
    boot: u64,
    now: Timestamp,
    lease_ms: Millis,
    limit: u32,
) -> Result<Vec<Claim>, Fault> {
    let mut due = connection.prepare_cached(
        "SELECT tenant_id, run_id FROM runs
         WHERE wake_at < 9223372036854775807 AND wake_at <= ?1
            AND (lease_boot IS NULL OR lease_boot <> ?2 OR lease_until < ?1)
         ORDER BY wake_at, run_id LIMIT ?3",
    )?;
    let due = due.query_map(params![now.as_millis(), int(boot), limit], |row| {
        Ok((id(row, 0, TenantId::from_bytes)?, id(row, 1, RunId::from_bytes)?))
    })?;
    let until = now + lease_ms;
    let mut take = connection.prepare_cached(
        "UPDATE runs SET lease_epoch = lease_epoch + 1, lease_boot = ?3, lease_until = ?4, claims = claims + 1
         WHERE tenant_id = ?1 AND run_id = ?2 RETURNING lease_epoch, claims",
    )?;
    let mut claims = Vec::with_capacity(due.len());
    for (tenant, run) in due {
        let bound = params![tenant.as_bytes(), run.as_bytes(), int(boot), until.as_millis()];
        claims.extend(take.query_opt(bound, |row| {
            let lease = Lease {
                tenant,
                run,
                epoch: count(row, 0)?,
            };
            Ok(Claim {
                lease,
                until,
                claims: row.get(1)?,
            })
        })?);
    }
    Ok(claims)
}

/// Renews a lease; false if it is gone.
pub(crate) fn renew(
    connection: &Connection,
    boot: u64,
    lease: &Lease,
    until: Timestamp,
) -> Result<bool, Fault> {
    let mut update = connection.prepare_cached(
        "UPDATE runs SET lease_until = ?5
         WHERE tenant_id = ?1 AND run_id = ?2 AND lease_epoch = ?3 AND lease_boot = ?4",
    )?;
    let changed = update.execute(params![
        lease.tenant.as_bytes(),
        lease.run.as_bytes(),
        int(lease.epoch),
        int(boot),
        until.as_millis(),
    ])?;
    Ok(changed == 1)
}

/// Gives a lease back, if it is still there.
pub(crate) fn release(connection: &Connection, boot: u64, lease: &Lease) -> Result<(), Fault> {
    connection.lock_run(lease.tenant, lease.run)?;
    let mut update = connection.prepare_cached(
        "UPDATE runs SET lease_boot = NULL, lease_until = NULL, claims = 0,
            wake_at = CASE WHEN EXISTS (SELECT 1 FROM inbox WHERE tenant_id = ?1 AND run_id = ?2)
                THEN 0 ELSE wake_at END
         WHERE tenant_id = ?1 AND run_id = ?2 AND lease_epoch = ?3 AND lease_boot = ?4",
    )?;
    let bound = params![
        lease.tenant.as_bytes(),
        lease.run.as_bytes(),
        int(lease.epoch),
        int(boot)
    ];
    update.execute(bound)?;
    Ok(())
}

/// Why a run is set aside, ready to be written.
pub(crate) struct PreparedReason {
    waiting_for: String,
    failure: String,
}

impl PreparedReason {
    pub(crate) fn new(failure: Failure) -> Result<Self, Fault> {
        Ok(Self {
            failure: serde_json::to_string(&failure)?,
            waiting_for: failure.message,
        })
    }
}

/// Gives a lease back, if it is still there, and lets the run alone until `until`. A run that has ended
/// keeps the reason it ended for.
pub(crate) fn set_aside(
    connection: &Connection,
    boot: u64,
    lease: &Lease,
    until: Timestamp,
    why: Option<&PreparedReason>,
) -> Result<(), Fault> {
    let mut update = connection.prepare_cached(
        "UPDATE runs SET lease_boot = NULL, lease_until = NULL, claims = 0, wake_at = ?5,
            needs_attention = CASE WHEN CAST(?6 AS TEXT) IS NULL THEN needs_attention ELSE 1 END,
            waiting_for = coalesce(?6, waiting_for),
            failure = CASE WHEN finished_at IS NULL THEN coalesce(?7, failure) ELSE failure END
         WHERE tenant_id = ?1 AND run_id = ?2 AND lease_epoch = ?3 AND lease_boot = ?4",
    )?;
    update.execute(params![
        lease.tenant.as_bytes(),
        lease.run.as_bytes(),
        int(lease.epoch),
        int(boot),
        until.as_millis(),
        why.map(|why| &why.waiting_for),
        why.map(|why| &why.failure),
    ])?;
    Ok(())
}

/// Lets a run be claimed from `at` on; false if there is no such run.
pub(crate) fn wake(
    connection: &Connection,
    tenant: TenantId,
    run: RunId,
    at: Timestamp,
) -> Result<bool, Fault> {
    let mut update = connection
        .prepare_cached("UPDATE runs SET wake_at = CASE WHEN wake_at < ?3 THEN wake_at ELSE ?3 END WHERE tenant_id = ?1 AND run_id = ?2")?;
    Ok(update.execute(params![tenant.as_bytes(), run.as_bytes(), at.as_millis()])? == 1)
}

/// The earliest wake-up of a run that nobody holds.
pub(crate) fn next_wake(
    connection: &Connection,
    boot: u64,
    now: Timestamp,
) -> Result<Option<Timestamp>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT wake_at FROM runs
         WHERE wake_at < 9223372036854775807
            AND (lease_boot IS NULL OR lease_boot <> ?1 OR lease_until < ?2)
         ORDER BY wake_at LIMIT 1",
    )?;
    select.query_opt(params![int(boot), now.as_millis()], |row| at(row, 0))
}
