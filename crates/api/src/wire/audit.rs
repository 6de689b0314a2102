//! Audit leaves.

use ports::LeafRecord;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{LeafId, RunId, Timestamp};
use utoipa::ToSchema;

/// One leaf of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Leaf {
    /// Its place in the order of storing, counted from 1.
    pub position: u64,
    /// Its id.
    #[schema(value_type = String)]
    pub id: LeafId,
    /// When.
    #[schema(value_type = i64)]
    pub at: Timestamp,
    /// What kind of thing happened, such as `policy_decided`.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// In which run.
    #[schema(value_type = Option<String>)]
    pub run: Option<RunId>,
    /// In which step.
    pub step: Option<String>,
    /// What exactly.
    pub body: Value,
    /// SHA-256 over the salt and the canonical body, hexadecimal.
    pub commitment: String,
}

impl Leaf {
    /// The leaf at a position.
    pub(crate) fn at(position: u64, record: LeafRecord) -> Self {
        let leaf = record.leaf;
        Self {
            position,
            id: leaf.id,
            at: leaf.at,
            kind: leaf.kind,
            actor: leaf.actor,
            run: leaf.run,
            step: leaf.step.map(|step| step.to_string()),
            body: leaf.body,
            commitment: record.commitment,
        }
    }
}
