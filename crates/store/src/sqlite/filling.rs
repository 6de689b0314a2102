//! Many runs at once, for benchmarks of lists: rows as the store writes them, made by SQL, because a
//! million runs through the journal would take minutes and measure nothing more.

use std::path::Path;

use ports::StoreError;
use rusqlite::params;
use types::{TenantId, Timestamp};

use super::fault::Fault;
use super::schema;

/// One run in so many has steps.
const WITH_STEPS: u32 = 10;
/// The fewest runs that have each agent, person and recipe.
const KINDS: u32 = 20;

/// Adds `count` runs that have ended, one each second before `until`, to the database in `folder`,
/// which nobody may hold. Most succeeded, some failed; one in a thousand was real; one in ten has four
/// steps.
///
/// # Errors
/// The database can't be opened or written.
pub fn fill_runs(folder: &Path, count: u32, until: Timestamp) -> Result<(), StoreError> {
    let path = folder.join(super::folder::DATABASE);
    let connection = schema::open_writer(&path, true, env!("CARGO_PKG_VERSION"))?;
    let fill = || -> Result<(), Fault> {
        connection.pragma_update(None, "synchronous", "off")?;
        connection.execute_batch("BEGIN")?;
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2),
                t AS (SELECT i, ?3 - (?2 - i) * 1000 AS at FROM n)
             INSERT INTO runs (tenant_id, run_id, recipe_id, recipe_name, recipe_version, agent, mode, status,
                phase, needs_attention, requester, created_at, finished_at, failure, outputs, waiting_for,
                wake_at, head, lease_epoch, claims)
             SELECT ?1, unhex(printf('%012x7%03x8%015x', at, i % 4096, i)), unhex(printf('%032x', i % ?4)),
                'Recipe ' || (i % ?4), 1, 'Agent ' || (i % ?4), iif(i % 1000 = 7, 'real', 'mock'),
                iif(i % 20 = 3, 'failed', 'succeeded'), 'verify', 0, 'person-' || (i % ?4), at, at + 1200,
                iif(i % 20 = 3, '{\"code\":\"check_failed\",\"message\":\"the room is not available\"}', NULL),
                '{\"room_status\":\"Available\"}', '', 9223372036854775807, 24, 1, 0
             FROM t",
            params![
                TenantId::DEFAULT.as_bytes(),
                count,
                until.as_millis(),
                KINDS
            ],
        )?;
        connection.execute(
            "INSERT INTO steps (tenant_id, run_id, step, position, title, kind, action, status, attempts,
                scheduled_at, finished_at, waiting_for)
             SELECT tenant_id, run_id, 'act/step-' || s.value, s.value, 'Do it', 'action', 'zoom.find_room',
                'succeeded', 1, created_at, created_at + 300, ''
             FROM runs, json_each('[0,1,2,3]') AS s WHERE (created_at / 1000) % ?1 = 0",
            params![WITH_STEPS],
        )?;
        connection.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(())
    };
    Ok(fill()?)
}
