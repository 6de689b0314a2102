//! Table `leaves`: the append-only audit leaves.

use std::sync::LazyLock;

use crate::sql::{Connection, Dialect, Insert, Row, Type, Value, params};
use engine::rows::Leaf;
use ports::LeafRecord;
use types::{Entropy, LeafId, RunId, TenantId, canonical_json};

use super::feed::Note;
use crate::audit::commitment_of_text;
use crate::convert::{at, id, int, json};
use crate::fault::Fault;

/// A leaf with salt and commitment, ready to be written.
#[derive(Debug)]
pub(crate) struct PreparedLeaf {
    leaf: Leaf,
    body: String,
    salt: String,
    commitment: String,
}

impl PreparedLeaf {
    pub(crate) fn new(leaf: Leaf, entropy: &dyn Entropy) -> Self {
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

    pub(crate) fn values<'v>(&'v self, tenant: &'v TenantId) -> [Value<'v>; 10] {
        let leaf = &self.leaf;
        [
            tenant.as_bytes().into(),
            leaf.id.as_bytes().into(),
            leaf.at.as_millis().into(),
            (&leaf.kind).into(),
            (&leaf.actor).into(),
            leaf.run.as_ref().map(RunId::as_bytes).into(),
            leaf.step.as_ref().map(engine::StepKey::as_str).into(),
            (&self.body).into(),
            (&self.salt).into(),
            (&self.commitment).into(),
        ]
    }
}

/// A leaf on PostgreSQL: its position comes after the commit, so that writers don't wait for one another.
pub(crate) static PUT: LazyLock<Insert> = LazyLock::new(|| {
    let columns = [
        ("tenant_id", Type::Bytes),
        ("leaf_id", Type::Bytes),
        ("at", Type::Int),
        ("kind", Type::Text),
        ("actor", Type::Text),
        ("run_id", Type::Bytes),
        ("step", Type::Text),
        ("body", Type::Text),
        ("salt", Type::Text),
        ("commitment", Type::Text),
    ];
    Insert::new("leaves", &columns, "")
});

/// A leaf on SQLite: there is one writer, so it gets its position at once.
const PUT_IN_PLACE: &str =
    "INSERT INTO leaves (tenant_id, leaf_id, at, kind, actor, run_id, step, body, salt, commitment, position)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
        (SELECT coalesce(max(position), 0) + 1 FROM leaves WHERE tenant_id = ?1))";

/// Appends leaves; positions count from 1 for each tenant, without gaps.
pub(crate) fn append(
    connection: &Connection,
    tenant: TenantId,
    leaves: &[PreparedLeaf],
) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(match connection.dialect() {
        Dialect::Sqlite => PUT_IN_PLACE,
        Dialect::Postgres => &PUT.one,
    })?;
    for leaf in leaves {
        insert.execute_row(&leaf.values(&tenant))?;
    }
    Ok(())
}

/// Appends the leaf of a change outside any run, and tells the feed of it.
pub(crate) fn note(connection: &Connection, tenant: TenantId, prepared: &PreparedLeaf) -> Result<(), Fault> {
    append(connection, tenant, std::slice::from_ref(prepared))?;
    let leaf = &prepared.leaf;
    let (noun, _) = leaf.kind.split_once('_').unwrap_or((&leaf.kind, ""));
    Note::new(leaf.at, noun, leaf.id, &leaf.kind).put(connection, tenant)
}

/// Leaves in the order they were stored, after the first `skip`.
pub(crate) fn list(
    connection: &Connection,
    tenant: TenantId,
    skip: u64,
    limit: u32,
) -> Result<Vec<LeafRecord>, Fault> {
    let mut select = connection.prepare_cached(match connection.dialect() {
        Dialect::Sqlite => {
            "SELECT leaf_id, at, kind, actor, run_id, step, body, salt, commitment FROM leaves
             WHERE tenant_id = ?1 AND position > ?2 ORDER BY position LIMIT ?3"
        }
        Dialect::Postgres => {
            "SELECT leaf_id, at, kind, actor, run_id, step, body, salt, commitment
             FROM leaf_order JOIN leaves USING (tenant_id, stored)
             WHERE tenant_id = ?1 AND position > ?2 ORDER BY position LIMIT ?3"
        }
    })?;
    select.query_map(params![tenant.as_bytes(), int(skip), limit], read)
}

fn read(row: &Row<'_>) -> Result<LeafRecord, Fault> {
    let leaf = Leaf {
        id: id(row, 0, LeafId::from_bytes)?,
        at: at(row, 1)?,
        kind: row.get(2)?,
        actor: row.get(3)?,
        run: row.get::<Option<[u8; 16]>>(4)?.map(RunId::from_bytes),
        step: row.opt_text(5)?.map(Into::into),
        body: json(row, 6)?,
        args: None,
    };
    Ok(LeafRecord {
        leaf,
        salt: row.get(7)?,
        commitment: row.get(8)?,
    })
}
