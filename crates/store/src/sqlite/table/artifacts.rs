//! Table `artifacts`: what runs left behind.

use engine::rows::ArtifactRow;
use rusqlite::{Connection, Row, params};
use types::{ArtifactId, RunId, TenantId};

use crate::sqlite::convert::{at, id, json, named};
use crate::sqlite::fault::Fault;

/// An artifact's row, ready to be written.
#[derive(Debug)]
pub(in crate::sqlite) struct PreparedArtifact {
    row: ArtifactRow,
    data: String,
}

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

/// Artifacts, newest first: of one run, or of all.
pub(in crate::sqlite) fn list(
    connection: &Connection,
    tenant: TenantId,
    run: Option<RunId>,
    limit: u32,
) -> Result<Vec<ArtifactRow>, Fault> {
    const COLUMNS: &str = "artifact_id, run_id, step, kind, name, external_id, url, data, labels, created_at";
    const ORDER: &str = "ORDER BY created_at DESC, artifact_id DESC LIMIT";
    let rows = match run {
        Some(run) => {
            let mut select = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM artifacts WHERE tenant_id = ?1 AND run_id = ?2 {ORDER} ?3"
            ))?;
            let rows = select.query_map(params![tenant.as_bytes(), run.as_bytes(), limit], read)?;
            rows.collect::<Result<Vec<_>, _>>()
        }
        None => {
            let mut select = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM artifacts WHERE tenant_id = ?1 {ORDER} ?2"
            ))?;
            let rows = select.query_map(params![tenant.as_bytes(), limit], read)?;
            rows.collect::<Result<Vec<_>, _>>()
        }
    };
    Ok(rows?)
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
