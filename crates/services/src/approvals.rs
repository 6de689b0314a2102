//! Approvals: what waits for a decision, and deciding it. A decision is a message in the run's
//! inbox; the engine checks it once more against the exact arguments and the time.

use engine::Message;
use engine::rows::{ApprovalRow, ApprovalStatus};
use ports::{ApprovalFilter, StoreError};
use types::{Actor, ApprovalId, Failure};

use crate::runs::post;
use crate::{Result, Services, settings};

/// Approvals, newest first.
///
/// # Errors
/// The store can't be read.
pub async fn list(services: &Services, filter: ApprovalFilter) -> Result<Vec<ApprovalRow>> {
    Ok(services.store.approvals(services.tenant, filter).await?)
}

/// One approval.
///
/// # Errors
/// `not_found`, or the store can't be read.
pub async fn show(services: &Services, id: ApprovalId) -> Result<ApprovalRow> {
    match services.store.approval(services.tenant, id).await {
        Ok(row) => Ok(row),
        Err(StoreError::NotFound { .. }) => {
            let failure = Failure::new("not_found", format!("there is no approval {id}"));
            Err(failure.hint("see `agentops approvals list`"))
        }
        Err(error) => Err(error.into()),
    }
}

/// Approves or denies.
///
/// # Errors
/// `not_found`, `approval_closed`, `self_approval_off`, `approval_not_yours`, `approval_voted`, or the
/// store can't be written.
pub async fn decide(
    services: &Services,
    id: ApprovalId,
    approve: bool,
    note: &str,
    by: &Actor,
) -> Result<()> {
    let row = show(services, id).await?;
    let self_approval: bool = settings::read(services, settings::SELF_APPROVAL).await?;
    may_decide(services, &row, by, self_approval)?;
    let message = Message::Vote {
        approval: id,
        approve,
        by: by.clone(),
        note: note.chars().take(2_000).collect(),
        self_approval,
    };
    post(services, row.run, message).await
}

fn may_decide(services: &Services, row: &ApprovalRow, by: &Actor, self_approval: bool) -> Result<()> {
    let id = row.id;
    if row.status != ApprovalStatus::Pending || row.expires_at <= services.now() {
        let state = if row.status == ApprovalStatus::Pending {
            "expired"
        } else {
            row.status.as_str()
        };
        return Err(Failure::new(
            "approval_closed",
            format!("{id} can't be decided any more: it is {state}"),
        ));
    }
    if by.is_same(&row.requester) && !self_approval {
        let message = format!("{} started {} and so can't decide {id}", by.name, row.run);
        return Err(Failure::new("self_approval_off", message).hint(
            "let somebody else decide: over HTTP with their own session or token, at the machine with \
             --as NAME; or an admin who is signed in allows it for everybody, with \
             PUT /api/v1/settings/approvals.self_approval or \
             `agentops setting set approvals.self_approval true`",
        ));
    }
    if !row.groups.is_empty() && !by.groups.iter().any(|group| row.groups.contains(group)) {
        let message = format!(
            "{} is in none of the groups that decide {id}: {}",
            by.name,
            row.groups.join(", ")
        );
        return Err(Failure::new("approval_not_yours", message)
            .hint("the setting approvals.groups says who is in which group"));
    }
    if row.votes.iter().any(|vote| vote.by.is_same(by)) {
        return Err(
            Failure::new("approval_voted", format!("{} has voted on {id} already", by.name))
                .hint(format!("{} different people must approve", row.quorum)),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, ann};
    use engine::StepKey;
    use types::{Labeled, Mode, RunId, Timestamp};

    fn row(groups: &[&str]) -> ApprovalRow {
        ApprovalRow {
            id: ApprovalId::from_bytes([1; 16]),
            run: RunId::from_bytes([2; 16]),
            recipe_name: "r".into(),
            step: StepKey::from("act/restart"),
            action: "zoom.restart_room".into(),
            args: Labeled::null(),
            digest: types::digest(&serde_json::json!({})),
            mode: Mode::Mock,
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            quorum: 2,
            requester: ann(),
            reason: String::new(),
            policy: "default-1".into(),
            status: ApprovalStatus::Pending,
            votes: Vec::new(),
            requested_at: Timestamp::from_millis(0),
            expires_at: Timestamp::MAX,
            undo: Vec::new(),
        }
    }

    fn code(services: &Services, row: &ApprovalRow, by: &Actor, self_approval: bool) -> String {
        may_decide(services, row, by, self_approval).map_or_else(|failure| failure.code, |()| "ok".to_owned())
    }

    #[tokio::test]
    async fn who_may_decide() {
        let bench = testing::bench().await;
        let services = &bench.services;
        let bob = Actor::user("bob");
        assert_eq!(code(services, &row(&[]), &bob, false), "ok");
        assert_eq!(code(services, &row(&[]), &ann(), false), "self_approval_off");
        assert_eq!(code(services, &row(&[]), &ann(), true), "ok");
        assert_eq!(code(services, &row(&["L2"]), &bob, false), "approval_not_yours");
        assert_eq!(
            code(services, &row(&["L2"]), &bob.clone().in_groups(["L2"]), false),
            "ok"
        );
        let mut voted = row(&[]);
        voted.votes.push(engine::rows::Vote {
            by: bob.clone(),
            approve: true,
            note: String::new(),
            at: Timestamp::from_millis(1),
        });
        assert_eq!(code(services, &voted, &bob, false), "approval_voted");
        let lapsed = ApprovalRow {
            expires_at: Timestamp::from_millis(1),
            ..row(&[])
        };
        assert_eq!(code(services, &lapsed, &bob, false), "approval_closed");
        let closed = ApprovalRow {
            status: ApprovalStatus::Denied,
            ..row(&[])
        };
        assert_eq!(code(services, &closed, &bob, false), "approval_closed");
    }

    #[tokio::test]
    async fn an_approval_that_is_not_there_is_said_so() {
        let bench = testing::bench().await;
        let failure = show(&bench.services, ApprovalId::from_bytes([9; 16]))
            .await
            .expect_err("absent");
        assert_eq!(failure.code, "not_found");
    }
}
