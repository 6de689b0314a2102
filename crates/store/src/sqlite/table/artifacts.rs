//! Table `artifacts`: what runs left behind.

use engine::rows::ArtifactRow;
use ports::ArtifactFilter;
use rusqlite::{Connection, OptionalExtension, Row, params};
use types::{ArtifactId, RunId, TenantId};

use super::conditions::Conditions;
use crate::sqlite::convert::{at, id, json, named};
use crate::sqlite::fault::{Fault, not_found};

/// An artifact's row, ready to be written.
#[derive(Debug)]
pub(in crate::sqlite) struct PreparedArtifact {
    row: ArtifactRow,
    data: String,
}

const COLUMNS: &str = "artifact_id, run_id, step, kind, name, external_id, url, data, labels, created_at";

impl PreparedArtifact {
    pub(in crate::sqlite) fn new(row: ArtifactRow) -> Result<Self, Fault> {
        let data = serde_json::to_string(&row.data)?;
        Ok(Self { row, data })
    }
}

pub(in crate::sqlite) fn insert(
    connection: &Connection,
    tenant: TenantId,
    artifacts: &[PreparedArtifact],
) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO artifacts (tenant_id, run_id, artifact_id, step, kind, name, external_id, url, data,
            labels, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (tenant_id, run_id, artifact_id) DO NOTHING",
    )?;
    for PreparedArtifact { row, data } in artifacts {
        insert.execute(params![
            tenant.as_bytes(),
            row.run.as_bytes(),
            row.id.as_bytes(),
            row.step.as_str(),
            row.kind,
            row.name,
            row.external_id,
            row.url,
            data,
            row.labels.to_string(),
            row.created_at.as_millis(),
        ])?;
    }
    Ok(())
}

/// Artifacts, newest first.
pub(in crate::sqlite) fn list(
    connection: &Connection,
    tenant: TenantId,
    filter: &ArtifactFilter,
    limit: u32,
) -> Result<Vec<ArtifactRow>, Fault> {
    let mut wanted = Conditions::new(tenant);
    wanted.and("run_id = ?", filter.run.map(|run| *run.as_bytes()));
    wanted.and("kind = ?", filter.kind.clone());
    wanted.and("artifact_id < ?", filter.before.map(|id| *id.as_bytes()));
    let (sql, bound) = wanted.select(COLUMNS, "artifacts", "artifact_id DESC", limit);
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map(rusqlite::params_from_iter(bound), read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One artifact.
pub(in crate::sqlite) fn get(
    connection: &Connection,
    tenant: TenantId,
    artifact: ArtifactId,
) -> Result<ArtifactRow, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM artifacts WHERE tenant_id = ?1 AND artifact_id = ?2 LIMIT 1");
    let mut select = connection.prepare_cached(&sql)?;
    let found = select
        .query_row(params![tenant.as_bytes(), artifact.as_bytes()], read)
        .optional()?;
    found.ok_or_else(|| not_found("artifact", artifact).into())
}

fn read(row: &Row<'_>) -> rusqlite::Result<ArtifactRow> {
    Ok(ArtifactRow {
        id: id(row, 0, ArtifactId::from_bytes)?,
        run: id(row, 1, RunId::from_bytes)?,
        step: row.get_ref(2)?.as_str()?.into(),
        kind: row.get(3)?,
        name: row.get(4)?,
        external_id: row.get(5)?,
        url: row.get(6)?,
        data: json(row, 7)?,
        labels: named(row, 8)?,
        created_at: at(row, 9)?,
    })
}
