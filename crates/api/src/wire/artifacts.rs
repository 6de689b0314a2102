//! Artifacts.

use engine::rows::ArtifactRow;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{ArtifactId, RunId, Timestamp};
use utoipa::ToSchema;

/// Something a run left behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Artifact {
    /// Its id.
    #[schema(value_type = String)]
    pub id: ArtifactId,
    /// The run that left it.
    #[schema(value_type = String)]
    pub run: RunId,
    /// The step that left it.
    pub step: String,
    /// `kb`, `message`, `webinar`, `incident`, `file` or `evidence`.
    pub kind: String,
    /// The name given by `evidence`, or empty.
    pub name: String,
    /// The vendor's name for it.
    pub external_id: String,
    /// Where to see it.
    pub url: Option<String>,
    /// More about it.
    pub data: Value,
    /// Where the data came from: labels, joined by `+`.
    pub labels: String,
    /// When it was kept.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
}

impl From<ArtifactRow> for Artifact {
    fn from(row: ArtifactRow) -> Self {
        Self {
            id: row.id,
            run: row.run,
            step: row.step.to_string(),
            kind: row.kind,
            name: row.name,
            external_id: row.external_id,
            url: row.url,
            data: row.data,
            labels: row.labels.to_string(),
            created_at: row.created_at,
        }
    }
}
