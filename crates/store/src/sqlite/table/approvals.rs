//! Table `approvals`: what people are asked to agree to.

use engine::rows::{ApprovalRow, ApprovalStatus};
use ports::ApprovalFilter;
use rusqlite::{Connection, OptionalExtension, Row, params};
use types::{ApprovalId, RunId, TenantId};

use super::conditions::Conditions;
use crate::sqlite::convert::{at, id, json, named, parsed};
use crate::sqlite::fault::{Fault, not_found};

/// An approval's row, ready to be written.
#[derive(Debug)]
pub(in crate::sqlite) struct PreparedApproval {
    row: ApprovalRow,
    args: String,
    groups: String,
    requester: String,
    votes: String,
    undo: String,
}

const COLUMNS: &str = "approval_id, run_id, recipe_name, step, action, args, digest, mode, approvers, quorum,
    requester, reason, policy, status, votes, requested_at, expires_at, undo";

impl PreparedApproval {
    pub(in crate::sqlite) fn new(row: ApprovalRow) -> Result<Self, Fault> {
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
    pub(in crate::sqlite) fn state(&self) -> (ApprovalId, ApprovalStatus) {
        (self.row.id, self.row.status)
    }
}

/// Inserts approvals, or brings their state and votes up to date; what is asked never changes.
pub(in crate::sqlite) fn put(
    connection: &Connection,
    tenant: TenantId,
    approvals: &[PreparedApproval],
) -> Result<(), Fault> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO approvals (tenant_id, approval_id, run_id, recipe_name, step, action, args, digest, mode,
            approvers, quorum, requester, reason, policy, status, votes, requested_at, expires_at, undo)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
         ON CONFLICT (tenant_id, approval_id) DO UPDATE SET status = excluded.status, votes = excluded.votes,
            expires_at = excluded.expires_at",
    )?;
    for approval in approvals {
        let row = &approval.row;
        upsert.execute(params![
            tenant.as_bytes(),
            row.id.as_bytes(),
            row.run.as_bytes(),
            row.recipe_name,
            row.step.as_str(),
            row.action,
            approval.args,
            row.digest.as_str(),
            row.mode.as_str(),
            approval.groups,
            row.quorum,
            approval.requester,
            row.reason,
            row.policy,
            row.status.as_str(),
            approval.votes,
            row.requested_at.as_millis(),
            row.expires_at.as_millis(),
            approval.undo,
        ])?;
    }
    Ok(())
}

/// Approvals, newest first.
pub(in crate::sqlite) fn list(
    connection: &Connection,
    tenant: TenantId,
    filter: &ApprovalFilter,
    limit: u32,
) -> Result<Vec<ApprovalRow>, Fault> {
    let mut wanted = Conditions::new(tenant);
    wanted.and("status = ?", filter.status.map(ApprovalStatus::as_str));
    wanted.and("run_id = ?", filter.run.map(|run| *run.as_bytes()));
    wanted.and("approval_id < ?", filter.before.map(|id| *id.as_bytes()));
    let (sql, bound) = wanted.select(COLUMNS, "approvals", "approval_id DESC", limit);
    let mut select = connection.prepare_cached(&sql)?;
    let rows = select.query_map(rusqlite::params_from_iter(bound), read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One approval.
pub(in crate::sqlite) fn get(
    connection: &Connection,
    tenant: TenantId,
    approval: ApprovalId,
) -> Result<ApprovalRow, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM approvals WHERE tenant_id = ?1 AND approval_id = ?2");
    let mut select = connection.prepare_cached(&sql)?;
    let found = select
        .query_row(params![tenant.as_bytes(), approval.as_bytes()], read)
        .optional()?;
    found.ok_or_else(|| not_found("approval", approval).into())
}

fn read(row: &Row<'_>) -> rusqlite::Result<ApprovalRow> {
    Ok(ApprovalRow {
        id: id(row, 0, ApprovalId::from_bytes)?,
        run: id(row, 1, RunId::from_bytes)?,
        recipe_name: row.get(2)?,
        step: row.get_ref(3)?.as_str()?.into(),
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
