//! Approvals in a run: asked for where the door wants one, looked at when a person has voted, and
//! given up where nobody needs them any more.

use governance::{Granted, Need};
use types::{Actor, ApprovalId, Failure};

use crate::decide::Decider;
use crate::event::{ApprovalOutcome, Event};
use crate::frozen::FrozenCall;
use crate::key::StepKey;
use crate::program::Action;
use crate::rows::ApprovalStatus;
use crate::state::StepState;

impl Decider<'_> {
    pub(crate) fn ask_approval(
        &mut self,
        key: &StepKey,
        call: &FrozenCall,
        attempt: u32,
        need: Need,
        reason: String,
    ) {
        let asked_before = self
            .state
            .approvals
            .values()
            .filter(|approval| approval.step == *key)
            .count();
        let parts = [
            &self.state.created.run.to_string(),
            key.as_str(),
            &attempt.to_string(),
            &asked_before.to_string(),
        ];
        self.events.push(Event::ApprovalRequested {
            approval: ApprovalId::derive(self.now, &parts),
            step: key.clone(),
            digest: call.digest.clone(),
            groups: need.groups,
            quorum: need.quorum.max(1),
            expires_at: self.now + need.expires_ms,
            policy: self.program.facts.matrix.version.clone(),
            reason,
        });
        self.actions.push(Action::AskPerson { step: key.clone() });
    }

    /// The approval given for this step; for an undo step, the one given for the step it takes back.
    pub(crate) fn granted(&self, key: &StepKey, state: &StepState) -> Option<Granted> {
        let own = state
            .approval
            .and_then(|id| self.state.approvals.get(&id).map(|approval| (id, approval)));
        let (id, approval) = own.or_else(|| {
            let (owner, _) = key.as_str().rsplit_once("!undo/")?;
            let id = self.state.steps.get(&StepKey::from(owner))?.approval?;
            self.state.approvals.get(&id).map(|approval| (id, approval))
        })?;
        if approval.status != ApprovalStatus::Approved {
            return None;
        }
        // Approving a step approves the undo that was shown with it, whose arguments differ.
        let digest = if approval.step == *key {
            approval.digest.clone()
        } else {
            state.call()?.digest.clone()
        };
        Some(Granted {
            approval: id,
            digest,
            mode: approval.mode,
            policy_version: approval.policy.clone(),
            approvers: u32::try_from(approval.votes.iter().filter(|vote| vote.approve).count())
                .unwrap_or(u32::MAX),
        })
    }

    pub(crate) fn check_approval(&mut self, key: &StepKey, state: &StepState, id: ApprovalId) {
        let Some(approval) = self.state.approvals.get(&id) else {
            return;
        };
        match approval.status {
            ApprovalStatus::Denied => {
                let (by, note) = approval.votes.last().map_or(("somebody", ""), |vote| {
                    (vote.by.name.as_str(), vote.note.as_str())
                });
                let colon = if note.is_empty() { "" } else { ": " };
                let message = format!("step {key}: the approval was denied by {by}{colon}{note}");
                self.give_up(key, state, Failure::new("approval_denied", message));
            }
            ApprovalStatus::Pending if approval.expires_at <= self.now && self.may_start => {
                self.events.push(Event::ApprovalDecided {
                    approval: id,
                    step: key.clone(),
                    outcome: ApprovalOutcome::Expired,
                    by: Actor::system("engine"),
                    note: "nobody decided in time".to_owned(),
                });
                let message = format!("step {key}: nobody approved it in time");
                let failure =
                    Failure::new("approval_expired", message).hint("restart the run from this step");
                self.give_up(key, state, failure);
            }
            _ => {}
        }
    }

    /// Approvals under `prefix` (`""` is all) that nobody needs any more.
    pub(crate) fn void_approvals(&mut self, prefix: &str, why: &str) {
        for (id, approval) in &self.state.approvals {
            if approval.status == ApprovalStatus::Pending && approval.step.as_str().starts_with(prefix) {
                self.events.push(Event::ApprovalDecided {
                    approval: *id,
                    step: approval.step.clone(),
                    outcome: ApprovalOutcome::Void,
                    by: Actor::system("engine"),
                    note: why.to_owned(),
                });
            }
        }
    }
}

/// What the author asks for, in the door's terms.
pub(crate) fn author_need(spec: &recipe::program::ApprovalSpec) -> Need {
    let default = Need::default();
    Need {
        groups: spec.roles.clone(),
        quorum: spec.quorum.max(1),
        expires_ms: spec.expires_ms.unwrap_or(default.expires_ms),
    }
}
