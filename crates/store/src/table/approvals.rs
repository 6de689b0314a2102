//! Table `approvals`: what people are asked to agree to.

use std::sync::LazyLock;

use crate::sql::{Connection, Insert, Row, Type, Value, params};
use engine::rows::{ApprovalRow, ApprovalStatus};
use ports::ApprovalFilter;
use types::{ApprovalId, RunId, TenantId};

use super::conditions::Conditions;
use crate::convert::{at, id, json, named, parsed};
use crate::fault::{Fault, not_found};

/// An approval's row, ready to be written.
#[derive(Debug)]
pub(crate) struct PreparedApproval {
    pub(crate) row: ApprovalRow,
    pub(crate) args: String,
    pub(crate) groups: String,
    pub(crate) requester: String,
    pub(crate) votes: String,
    pub(crate) undo: String,
}

const COLUMNS: &str = "approval_id, run_id, recipe_name, step, action, args, digest, mode, approvers, quorum,
    requester, reason, policy, status, votes, requested_at, expires_at, undo";

impl PreparedApproval {
    pub(crate) fn new(row: ApprovalRow) -> Result<Self, Fault> {
        Ok(Self {
            args: serde_json::to_string(&row.args)?,
            groups: serde_json::to_string(&row.groups)?,
            requester: serde_json::to_string(&row.requester)?,
            votes: serde_json::to_string(&row.votes)?,
            undo: serde_json::to_string(&row.undo)?,
            row,
        })
    }

    /// Which one, and how it stands.
    pub(crate) fn state(&self) -> (ApprovalId, ApprovalStatus) {
        (self.row.id, self.row.status)
    }
}

/// An approval is inserted, or its state and votes are brought up to date; what is asked never changes.
pub(crate) static PUT: LazyLock<Insert> = LazyLock::new(|| {
    let columns = [
        ("tenant_id", Type::Bytes),
        ("approval_id", Type::Bytes),
        ("run_id", Type::Bytes),
        ("recipe_name", Type::Text),
        ("step", Type::Text),
        ("action", Type::Text),
        ("args", Type::Text),
        ("digest", Type::Text),
        ("mode", Type::Text),
        ("approvers", Type::Text),
        ("quorum", Type::Int),
        ("requester", Type::Text),
        ("reason", Type::Text),
        ("policy", Type::Text),
        ("status", Type::Text),
        ("votes", Type::Text),
        ("requested_at", Type::Int),
        ("expires_at", Type::Int),
        ("undo", Type::Text),
    ];
    let conflict = "(tenant_id, approval_id) DO UPDATE SET status = excluded.status, votes = excluded.votes,
        expires_at = excluded.expires_at";
    Insert::new("approvals", &columns, conflict)
});

impl PreparedApproval {
    pub(crate) fn values<'v>(&'v self, tenant: &'v TenantId) -> [Value<'v>; 19] {
        let row = &self.row;
        [
            tenant.as_bytes().into(),
            row.id.as_bytes().into(),
            row.run.as_bytes().into(),
            (&row.recipe_name).into(),
            row.step.as_str().into(),
            (&row.action).into(),
            (&self.args).into(),
            row.digest.as_str().into(),
            row.mode.as_str().into(),
            (&self.groups).into(),
            row.quorum.into(),
            (&self.requester).into(),
            (&row.reason).into(),
            (&row.policy).into(),
            row.status.as_str().into(),
            (&self.votes).into(),
            row.requested_at.as_millis().into(),
            row.expires_at.as_millis().into(),
            (&self.undo).into(),
        ]
    }
}

pub(crate) fn put(
    connection: &Connection,
    tenant: TenantId,
    approvals: &[PreparedApproval],
) -> Result<(), Fault> {
    let mut upsert = connection.prepare_cached(&PUT.one)?;
    for approval in approvals {
        upsert.execute_row(&approval.values(&tenant))?;
    }
    Ok(())
}

/// Approvals, newest first.
pub(crate) fn list(
    connection: &Connection,
    tenant: TenantId,
    filter: &ApprovalFilter,
    limit: u32,
) -> Result<Vec<ApprovalRow>, Fault> {
    let mut wanted = Conditions::new(tenant);
    wanted.and("status = ?", filter.status.map(ApprovalStatus::as_str));
    wanted.and("run_id = ?", filter.run.map(|run| *run.as_bytes()));
    wanted.and("approval_id < ?", filter.before.map(|id| *id.as_bytes()));
    wanted.list(
        connection,
        (COLUMNS, "approvals", "approval_id DESC"),
        limit,
        read,
    )
}

/// One approval.
pub(crate) fn get(
    connection: &Connection,
    tenant: TenantId,
    approval: ApprovalId,
) -> Result<ApprovalRow, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM approvals WHERE tenant_id = ?1 AND approval_id = ?2");
    let mut select = connection.prepare_cached(&sql)?;
    let found = select.query_opt(params![tenant.as_bytes(), approval.as_bytes()], read)?;
    found.ok_or_else(|| not_found("approval", approval).into())
}

fn read(row: &Row<'_>) -> Result<ApprovalRow, Fault> {
    Ok(ApprovalRow {
        id: id(row, 0, ApprovalId::from_bytes)?,
        run: id(row, 1, RunId::from_bytes)?,
        recipe_name: row.get(2)?,
        step: row.text(3)?.into(),
        action: row.get(4)?,
        args: json(row, 5)?,
        digest: named(row, 6)?,
        mode: parsed(row, 7)?,
        groups: json(row, 8)?,
        quorum: row.get(9)?,
        requester: json(row, 10)?,
        reason: row.get(11)?,
        policy: row.get(12)?,
        status: named(row, 13)?,
        votes: json(row, 14)?,
        requested_at: at(row, 15)?,
        expires_at: at(row, 16)?,
        undo: json(row, 17)?,
    })
}
