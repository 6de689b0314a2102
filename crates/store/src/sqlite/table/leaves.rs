//! Table `leaves`: the append-only audit leaves.

use engine::rows::Leaf;
use ports::LeafRecord;
use rusqlite::{Connection, Row, params};
use types::{Entropy, LeafId, RunId, TenantId, canonical_json};

use super::feed;
use crate::audit::commitment_of_text;
use crate::sqlite::convert::{at, id, int, json};
use crate::sqlite::fault::Fault;

/// A leaf with salt and commitment, ready to be written.
#[derive(Debug)]
pub(in crate::sqlite) struct PreparedLeaf {
    leaf: Leaf,
    body: String,
    salt: String,
    commitment: String,
}

impl PreparedLeaf {
    pub(in crate::sqlite) fn new(leaf: Leaf, entropy: &dyn Entropy) -> Self {
        let mut salt = [0u8; 16];
        entropy.fill(&mut salt);
        let body = canonical_json(&leaf.body);
        let commitment = commitment_of_text(&salt, &body, leaf.args.as_ref());
        Self {
            leaf,
            body,
            salt: hex::encode(salt),
            commitment,
        }
    }
}

/// Appends leaves; positions count from 1 for each tenant, without gaps.
pub(in crate::sqlite) fn append(
    connection: &Connection,
    tenant: TenantId,
    leaves: &[PreparedLeaf],
) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO leaves (tenant_id, position, leaf_id, at, kind, actor, run_id, step, body, salt, commitment)
         VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM leaves WHERE tenant_id = ?1),
            ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for prepared in leaves {
        let leaf = &prepared.leaf;
        insert.execute(params![
            tenant.as_bytes(),
            leaf.id.as_bytes(),
            leaf.at.as_millis(),
            leaf.kind,
            leaf.actor,
            leaf.run.as_ref().map(RunId::as_bytes),
            leaf.step.as_ref().map(engine::StepKey::as_str),
            prepared.body,
            prepared.salt,
            prepared.commitment,
        ])?;
    }
    Ok(())
}

/// Appends the leaf of a change outside any run, and tells the feed of it.
pub(in crate::sqlite) fn note(
    connection: &Connection,
    tenant: TenantId,
    prepared: &PreparedLeaf,
) -> Result<(), Fault> {
    append(connection, tenant, std::slice::from_ref(prepared))?;
    let leaf = &prepared.leaf;
    let (noun, _) = leaf.kind.split_once('_').unwrap_or((&leaf.kind, ""));
    feed::note(
        connection,
        tenant,
        leaf.at,
        noun,
        &leaf.id.to_string(),
        &leaf.kind,
    )
}

/// Leaves in the order they were stored, after the first `skip`.
pub(in crate::sqlite) fn list(
    connection: &Connection,
    tenant: TenantId,
    skip: u64,
    limit: u32,
) -> Result<Vec<LeafRecord>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT leaf_id, at, kind, actor, run_id, step, body, salt, commitment FROM leaves
         WHERE tenant_id = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
    )?;
    let rows = select.query_map(params![tenant.as_bytes(), int(skip), limit], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<LeafRecord> {
    let leaf = Leaf {
        id: id(row, 0, LeafId::from_bytes)?,
        at: at(row, 1)?,
        kind: row.get(2)?,
        actor: row.get(3)?,
        run: row.get::<_, Option<[u8; 16]>>(4)?.map(RunId::from_bytes),
        step: row.get_ref(5)?.as_str_or_null()?.map(Into::into),
        body: json(row, 6)?,
        args: None,
    };
    Ok(LeafRecord {
        leaf,
        salt: row.get(7)?,
        commitment: row.get(8)?,
    })
}
