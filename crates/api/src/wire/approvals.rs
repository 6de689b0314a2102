//! Approvals.

use engine::rows::ApprovalRow;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{ApprovalId, LabelMap, Mode, RunId, Timestamp};
use utoipa::ToSchema;

use super::forms;

/// One person's vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Vote {
    /// Who.
    pub by: String,
    /// Yes or no.
    pub approve: bool,
    /// Why.
    pub note: String,
    /// When.
    #[schema(value_type = i64)]
    pub at: Timestamp,
}

/// How a step would be taken back; the approval covers it as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Undo {
    /// Its address.
    pub step: String,
    /// What people read.
    pub title: String,
    /// `tool.action`.
    pub action: String,
    /// The arguments, unless they depend on what the step answers.
    pub args: Option<Value>,
    /// Where each came from: labels by JSON Pointer.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub labels: LabelMap,
}

/// A request for people's consent to exact arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    /// Its id.
    #[schema(value_type = String)]
    pub id: ApprovalId,
    /// The run that waits.
    #[schema(value_type = String)]
    pub run: RunId,
    /// The recipe's name.
    pub recipe_name: String,
    /// The step that waits.
    pub step: String,
    /// `tool.action`.
    pub action: String,
    /// The exact arguments.
    pub args: Value,
    /// Where each came from: labels by JSON Pointer.
    #[schema(value_type = Object)]
    pub labels: LabelMap,
    /// SHA-256 of the arguments: the consent holds for these only.
    pub digest: String,
    /// `mock` or `real`.
    #[schema(schema_with = forms::mode, required = true)]
    pub mode: Mode,
    /// Groups and roles of which any may decide; empty is anyone who may approve.
    pub groups: Vec<String>,
    /// How many different people.
    pub quorum: u32,
    /// Who started the run.
    pub requester: String,
    /// Why it is asked.
    pub reason: String,
    /// The policy that asked.
    pub policy: String,
    /// `pending`, `approved`, `denied`, `expired` or `void`.
    pub status: String,
    /// Votes so far.
    pub votes: Vec<Vote>,
    /// When it was asked.
    #[schema(value_type = i64)]
    pub requested_at: Timestamp,
    /// When it lapses.
    #[schema(value_type = i64)]
    pub expires_at: Timestamp,
    /// How the step would be taken back.
    pub undo: Vec<Undo>,
}

impl From<ApprovalRow> for Approval {
    fn from(row: ApprovalRow) -> Self {
        Self {
            id: row.id,
            run: row.run,
            recipe_name: row.recipe_name,
            step: row.step.to_string(),
            action: row.action,
            args: row.args.value,
            labels: row.args.labels,
            digest: row.digest.as_str().to_owned(),
            mode: row.mode,
            groups: row.groups,
            quorum: row.quorum,
            requester: row.requester.name,
            reason: row.reason,
            policy: row.policy,
            status: row.status.as_str().to_owned(),
            votes: row
                .votes
                .into_iter()
                .map(|vote| Vote {
                    by: vote.by.name,
                    approve: vote.approve,
                    note: vote.note,
                    at: vote.at,
                })
                .collect(),
            requested_at: row.requested_at,
            expires_at: row.expires_at,
            undo: row
                .undo
                .into_iter()
                .map(|undo| Undo {
                    step: undo.step.to_string(),
                    title: undo.title,
                    action: undo.action,
                    labels: undo
                        .args
                        .as_ref()
                        .map(|args| args.labels.clone())
                        .unwrap_or_default(),
                    args: undo.args.map(|args| args.value),
                })
                .collect(),
        }
    }
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// Yes or no.
    pub approve: bool,
    /// Why.
    #[serde(default)]
    pub note: String,
}
