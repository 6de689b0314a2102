//! Approvals in a run: asked for where the door wants one, looked at when a person has voted, and
//! given up where nobody needs them any more.

use governance::{Granted, Need};
use recipe::program::Kind;
use types::{Actor, ApprovalId, Failure, Timestamp};

use crate::decide::Decider;
use crate::event::{ApprovalOutcome, Event};
use crate::frozen::{FrozenCall, ShownUndo};
use crate::key::StepKey;
use crate::locate::Work;
use crate::program::Action;
use crate::rows::ApprovalStatus;
use crate::scope::Names;
use crate::state::StepState;

impl Decider<'_> {
    pub(crate) fn ask_approval(
        &mut self,
        work: Work<'_>,
        call: &FrozenCall,
        attempt: u32,
        need: Need,
        reason: String,
    ) {
        let key = work.key;
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
            connector: self.tool_version(&call.action),
            undo: self.shown_undo(work),
        });
        self.actions.push(Action::AskPerson { step: key.clone() });
    }

    /// The version of the tool that offers an action now; empty if none does.
    fn tool_version(&self, action: &str) -> String {
        let tool = action.split('.').next().unwrap_or_default();
        let tool = self.program.catalog.tool(tool);
        tool.map_or_else(String::new, |tool| tool.version.clone())
    }

    /// How the step would be taken back, as far as that can be said before it has answered.
    fn shown_undo(&self, work: Work<'_>) -> Vec<ShownUndo> {
        let names = Names {
            state: self.state,
            program: self.program,
            items: work.items,
            fresh: &[],
            own: None,
        };
        let steps = work.step.iter().flat_map(|step| &step.undo);
        let calls = steps.filter_map(|undo| match &undo.kind {
            Kind::Action { action, args } => {
                let frozen = self.freeze_call(undo, action, args, &names);
                Some(ShownUndo {
                    step: StepKey::new(&work.key.undo(), &undo.id),
                    title: undo.title.clone(),
                    action: action.clone(),
                    connector: self.tool_version(action),
                    args: frozen.ok().map(|call| call.args),
                })
            }
            _ => None,
        });
        calls.collect()
    }

    /// The approval given for this step; for an undo step, the one given for the step it takes back, if
    /// exactly this undo was shown with it.
    pub(crate) fn granted(&self, key: &StepKey, state: &StepState) -> Option<Granted> {
        let answered = state
            .asking
            .as_ref()
            .is_some_and(|asking| !asking.answers.given.is_empty());
        let own = state
            .approval
            .and_then(|id| self.state.approvals.get(&id).map(|approval| (id, approval)));
        let (id, approval) = own.or_else(|| {
            // Whoever approved the step didn't see what was answered since.
            if answered {
                return None;
            }
            let (owner, _) = key.as_str().rsplit_once("!undo/")?;
            let id = self.state.steps.get(&StepKey::from(owner))?.approval?;
            self.state.approvals.get(&id).map(|approval| (id, approval))
        })?;
        if approval.status != ApprovalStatus::Approved {
            return None;
        }
        let call = state.call()?;
        let (digest, connector) = if approval.step == *key {
            (approval.digest.clone(), &approval.connector)
        } else {
            let shown = approval.undo.iter().find(|undo| undo.step == *key)?;
            let same = shown.action == call.action && shown.args.as_ref() == Some(&call.args);
            (same.then(|| call.digest.clone())?, &shown.connector)
        };
        // Another version of the tool may do something else under the same name.
        if self.tool_version(&call.action) != *connector && !state.outcome_open() {
            return None;
        }
        // An attempt of unknown outcome was begun in time, and finding out what it did belongs to it.
        let expires_at = match state.outcome_open() {
            true => Timestamp::MAX,
            false => approval.expires_at,
        };
        Some(Granted {
            approval: id,
            digest,
            mode: approval.mode,
            policy_version: approval.policy.clone(),
            expires_at,
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
