//! Table `artifacts`: what runs left behind.

use std::sync::LazyLock;

use crate::sql::{Connection, Insert, Row, Type, Value, params};
use engine::rows::ArtifactRow;
use ports::ArtifactFilter;
use types::{ArtifactId, RunId, TenantId};

use super::conditions::Conditions;
use crate::convert::{at, id, json, named};
use crate::fault::{Fault, not_found};

/// An artifact's row, ready to be written.
#[derive(Debug)]
pub(crate) struct PreparedArtifact {
    pub(crate) row: ArtifactRow,
    data: String,
    labels: String,
}

const COLUMNS: &str = "artifact_id, run_id, step, kind, name, external_id, url, data, labels, created_at";

impl PreparedArtifact {
    pub(crate) fn new(row: ArtifactRow) -> Result<Self, Fault> {
        let data = serde_json::to_string(&row.data)?;
        let labels = row.labels.to_string();
        Ok(Self { row, data, labels })
    }
}

/// An artifact never changes.
pub(crate) static PUT: LazyLock<Insert> = LazyLock::new(|| {
    let columns = [
        ("tenant_id", Type::Bytes),
        ("run_id", Type::Bytes),
        ("artifact_id", Type::Bytes),
        ("step", Type::Text),
        ("kind", Type::Text),
        ("name", Type::Text),
        ("external_id", Type::Text),
        ("url", Type::Text),
        ("data", Type::Text),
        ("labels", Type::Text),
        ("created_at", Type::Int),
    ];
    Insert::new(
        "artifacts",
        &columns,
        "(tenant_id, run_id, artifact_id) DO NOTHING",
    )
});

impl PreparedArtifact {
    pub(crate) fn values<'v>(&'v self, tenant: &'v TenantId) -> [Value<'v>; 11] {
        let row = &self.row;
        [
            tenant.as_bytes().into(),
            row.run.as_bytes().into(),
            row.id.as_bytes().into(),
            row.step.as_str().into(),
            (&row.kind).into(),
            (&row.name).into(),
            (&row.external_id).into(),
            row.url.as_ref().into(),
            (&self.data).into(),
            (&self.labels).into(),
            row.created_at.as_millis().into(),
        ]
    }
}

pub(crate) fn insert(
    connection: &Connection,
    tenant: TenantId,
    artifacts: &[PreparedArtifact],
) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(&PUT.one)?;
    for artifact in artifacts {
        insert.execute_row(&artifact.values(&tenant))?;
    }
    Ok(())
}

/// Artifacts, newest first.
pub(crate) fn list(
    connection: &Connection,
    tenant: TenantId,
    filter: &ArtifactFilter,
    limit: u32,
) -> Result<Vec<ArtifactRow>, Fault> {
    let mut wanted = Conditions::new(tenant);
    wanted.and("run_id = ?", filter.run.map(|run| *run.as_bytes()));
    wanted.and("kind = ?", filter.kind.clone());
    wanted.and("artifact_id < ?", filter.before.map(|id| *id.as_bytes()));
    wanted.list(
        connection,
        (COLUMNS, "artifacts", "artifact_id DESC"),
        limit,
        read,
    )
}

/// One artifact.
pub(crate) fn get(
    connection: &Connection,
    tenant: TenantId,
    artifact: ArtifactId,
) -> Result<ArtifactRow, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM artifacts WHERE tenant_id = ?1 AND artifact_id = ?2 LIMIT 1");
    let mut select = connection.prepare_cached(&sql)?;
    let found = select.query_opt(params![tenant.as_bytes(), artifact.as_bytes()], read)?;
    found.ok_or_else(|| not_found("artifact", artifact).into())
}

fn read(row: &Row<'_>) -> Result<ArtifactRow, Fault> {
    Ok(ArtifactRow {
        id: id(row, 0, ArtifactId::from_bytes)?,
        run: id(row, 1, RunId::from_bytes)?,
        step: row.text(2)?.into(),
        kind: row.get(3)?,
        name: row.get(4)?,
        external_id: row.get(5)?,
        url: row.get(6)?,
        data: json(row, 7)?,
        labels: named(row, 8)?,
        created_at: at(row, 9)?,
    })
}
