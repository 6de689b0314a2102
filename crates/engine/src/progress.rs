//! A scheduled step goes on: the door is asked, attempts begin, waits end.

use governance::{Granted, Need, Request, Verdict};
use recipe::program::Step;
use types::{Actor, ApprovalId, Effect, Failure, Labeled, Lookup, StepStatus, Timestamp};

use crate::decide::Decider;
use crate::event::{ApprovalOutcome, Decision, Event};
use crate::frozen::{Frozen, FrozenCall};
use crate::key::StepKey;
use crate::program::Action;
use crate::rows::ApprovalStatus;
use crate::settle;
use crate::state::{Stage, StepState};

impl Decider<'_> {
    /// `step` is the recipe's step, or none for a frozen undo step.
    pub(crate) fn progress(&mut self, key: &StepKey, step: Option<&Step>, items: &crate::locate::Items) {
        let Some(state) = self.state.steps.get(key) else {
            return;
        };
        if self.out_of_time(key, state) {
            return;
        }
        match &state.stage {
            Stage::Ready => self.ready(key, state, step, items),
            Stage::Retry { at } | Stage::Poll { at } if *at <= self.now => {
                self.ready(key, state, step, items)
            }
            Stage::LookUp { at, .. } if *at <= self.now => self.look_up(key),
            Stage::Approval { id } => self.check_approval(key, *id),
            Stage::Person => self.take_input(key, state, step, items),
            Stage::Time => self.check_wait(key, state, step, items),
            _ => {}
        }
    }

    fn out_of_time(&mut self, key: &StepKey, state: &StepState) -> bool {
        let due = state.deadline.is_some_and(|deadline| self.now >= deadline);
        let stopped = matches!(
            state.stage,
            Stage::Ready
                | Stage::Retry { .. }
                | Stage::Poll { .. }
                | Stage::Person
                | Stage::Approval { .. }
                | Stage::Time
                | Stage::Child
        );
        if !due || !stopped || !self.may_start {
            return false;
        }
        let last = state
            .failure
            .as_ref()
            .map(|failure| format!("; last: {}", failure.message))
            .unwrap_or_default();
        let (code, what) = match state.stage {
            Stage::Poll { .. } => ("until_timed_out", "its condition did not hold in time"),
            _ => ("step_timed_out", "its time is up"),
        };
        if let (Stage::Child, Some(Frozen::Child { child, .. })) = (&state.stage, state.what.as_deref()) {
            let message = crate::Message::Cancel {
                by: Actor::system("parent run"),
                reason: what.to_owned(),
            };
            self.actions.push(Action::Tell { run: *child, message });
        }
        if let Stage::Approval { id } = state.stage {
            self.end_approval(key, id, ApprovalOutcome::Void, "the step's time is up");
        }
        let failure =
            Failure::new(code, format!("step {key}: {what}{last}")).hint("raise the step's timeout_s");
        self.fail(key, state.attempt, failure);
        true
    }

    fn ready(&mut self, key: &StepKey, state: &StepState, step: Option<&Step>, items: &crate::locate::Items) {
        match state.what.as_deref() {
            Some(Frozen::Call(call)) => self.begin_attempt(key, state, call),
            Some(Frozen::Check { condition, holds, .. }) => {
                if *holds {
                    self.complete(
                        key,
                        step,
                        items,
                        0,
                        Labeled::new(true, types::Label::Author),
                        Vec::new(),
                    );
                } else {
                    let message = format!("step {key}: the check does not hold: {condition}");
                    self.fail(key, 0, Failure::new("check_failed", message));
                }
            }
            Some(Frozen::Agent { agent, .. }) => {
                let message = format!("step {key}: no agent runtime yet, so the agent '{agent}' can't work");
                let failure = Failure::new("no_agent_runtime", message)
                    .hint("agent steps come with the governed-agents work; use a manual task until then");
                self.fail(key, 0, failure);
            }
            _ => {}
        }
    }

    fn begin_attempt(&mut self, key: &StepKey, state: &StepState, call: &FrozenCall) {
        if !self.may_start || self.state.in_flight() + self.begun >= self.program.limits.in_flight {
            return;
        }
        let tool = call.action.split('.').next().unwrap_or_default();
        if self.program.facts.paused_tools.contains(tool) {
            return;
        }
        if state.failures + state.unknowns >= self.program.limits.attempts {
            let last = state
                .failure
                .as_ref()
                .map_or("", |failure| failure.message.as_str());
            let message = format!(
                "step {key}: given up after {} attempts; last: {last}",
                state.attempt
            );
            return self.fail(key, state.attempt, Failure::new("attempts_exhausted", message));
        }
        let Lookup::Found(spec) = self.program.catalog.find(&call.action) else {
            let message = format!("step {key}: the action '{}' is gone", call.action);
            return self.fail(key, state.attempt, Failure::new("tool_missing", message));
        };
        let attempt = state.attempt + 1;
        let idempotency_key = self.idempotency_key(key, state);
        let author = call.approval.as_ref().map(author_need);
        let granted = self.granted(key, state);
        let request = Request {
            run: self.state.created.run,
            step: key.as_str(),
            attempt,
            action: spec,
            args: &call.args,
            digest: &call.digest,
            key: &idempotency_key,
            mode: self.state.created.mode,
            requester: &self.state.created.requester,
            author: author.as_ref(),
            granted: granted.as_ref(),
        };
        let verdict = governance::decide(&request, &self.program.facts, &self.program.schemas);
        self.follow(key, state, call, attempt, idempotency_key, granted, verdict);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call site; a struct would only rename them"
    )]
    fn follow(
        &mut self,
        key: &StepKey,
        state: &StepState,
        call: &FrozenCall,
        attempt: u32,
        idempotency_key: String,
        granted: Option<Granted>,
        verdict: Verdict,
    ) {
        let (decision, reason) = match &verdict {
            Verdict::Permit(_) => (Decision::Permit, String::new()),
            Verdict::Ask { reason, .. } => (Decision::Ask, reason.clone()),
            Verdict::Deny { failure } => (Decision::Deny, failure.message.clone()),
        };
        self.events.push(Event::PolicyDecided {
            step: key.clone(),
            attempt,
            decision,
            action: call.action.clone(),
            digest: call.digest.clone(),
            policy: self.program.facts.matrix.version.clone(),
            reason: reason.clone(),
            approval: granted.map(|granted| granted.approval),
        });
        match verdict {
            Verdict::Permit(permit) => {
                let mut deadline = self.now + call.timeout_ms;
                if let Some(step) = state.deadline {
                    deadline = deadline.min(step);
                }
                self.begun += 1;
                self.events.push(Event::StepStarted {
                    step: key.clone(),
                    attempt,
                    key: idempotency_key,
                    deadline,
                });
                self.actions.push(Action::Perform {
                    step: key.clone(),
                    attempt,
                    call: call.clone(),
                    deadline,
                    permit,
                });
            }
            Verdict::Ask { need, .. } => self.ask_approval(key, call, attempt, need, reason),
            Verdict::Deny { failure } => self.fail(key, state.attempt, failure),
        }
    }

    fn ask_approval(&mut self, key: &StepKey, call: &FrozenCall, attempt: u32, need: Need, reason: String) {
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

    /// run + step + iteration, never the attempt; each poll is a call of its own.
    fn idempotency_key(&self, key: &StepKey, state: &StepState) -> String {
        let poll = match state.stage {
            Stage::Poll { .. } => state.poll + 1,
            _ => state.poll,
        };
        let run = self.state.created.run;
        if poll == 0 {
            format!("{run}:{key}")
        } else {
            format!("{run}:{key}~{poll}")
        }
    }

    /// The approval given for this step; for an undo step, the one given for the step it takes back.
    fn granted(&self, key: &StepKey, state: &StepState) -> Option<Granted> {
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

    /// Asks for a look-up of what the last attempt did. Nothing is recorded until it has ended, so
    /// deciding again asks again, and the shell keeps one look-up a step under way.
    pub(crate) fn look_up(&mut self, key: &StepKey) {
        let Some(state) = self.state.steps.get(key) else {
            return;
        };
        let (Some(call), Lookup::Found(spec)) = (
            state.call(),
            state
                .call()
                .map_or(Lookup::Unknown, |call| self.program.catalog.find(&call.action)),
        ) else {
            return;
        };
        let idempotency_key = self.idempotency_key(key, state);
        let request = Request {
            run: self.state.created.run,
            step: key.as_str(),
            attempt: state.attempt,
            action: spec,
            args: &call.args,
            digest: &call.digest,
            key: &idempotency_key,
            mode: self.state.created.mode,
            requester: &self.state.created.requester,
            author: None,
            granted: None,
        };
        let permit = governance::permit_look_up(&request);
        let deadline = self.now + call.timeout_ms;
        let (attempt, call) = (state.attempt, call.clone());
        self.actions.push(Action::Probe {
            step: key.clone(),
            attempt,
            call,
            deadline,
            permit,
        });
    }

    fn check_approval(&mut self, key: &StepKey, id: ApprovalId) {
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
                self.fail(key, 0, Failure::new("approval_denied", message));
            }
            ApprovalStatus::Pending if approval.expires_at <= self.now && self.may_start => {
                self.end_approval(key, id, ApprovalOutcome::Expired, "nobody decided in time");
                let message = format!("step {key}: nobody approved it in time");
                let failure =
                    Failure::new("approval_expired", message).hint("restart the run from this step");
                self.fail(key, 0, failure);
            }
            _ => {}
        }
    }

    fn end_approval(&mut self, key: &StepKey, id: ApprovalId, outcome: ApprovalOutcome, note: &str) {
        self.events.push(Event::ApprovalDecided {
            approval: id,
            step: key.clone(),
            outcome,
            by: Actor::system("engine"),
            note: note.to_owned(),
        });
    }

    fn take_input(
        &mut self,
        key: &StepKey,
        state: &StepState,
        step: Option<&Step>,
        items: &crate::locate::Items,
    ) {
        let Some(Frozen::Ask { name, .. }) = state.what.as_deref() else {
            return;
        };
        let Some(value) = self.input(name) else { return };
        if !self.may_start {
            return;
        }
        if !self.state.intake.contains_key(name) {
            self.events.push(Event::InputGiven {
                step: key.clone(),
                name: name.clone(),
                value: value.clone(),
                by: None,
            });
        }
        self.complete(key, step, items, 0, value, Vec::new());
    }

    fn check_wait(
        &mut self,
        key: &StepKey,
        state: &StepState,
        step: Option<&Step>,
        items: &crate::locate::Items,
    ) {
        if !self.may_start {
            return;
        }
        match state.what.as_deref() {
            Some(Frozen::Wait { until: Some(at), .. }) if *at <= self.now => {
                self.events.push(Event::TimerFired {
                    step: Some(key.clone()),
                });
                self.complete(
                    key,
                    step,
                    items,
                    0,
                    Labeled::new(at.to_string(), types::Label::System),
                    Vec::new(),
                );
            }
            Some(Frozen::Wait {
                signal: Some(name), ..
            }) => {
                let found = self.state.signals.iter().find(|signal| signal.name == *name);
                if let Some(payload) = found.map(|signal| signal.payload.clone()) {
                    self.complete(key, step, items, 0, payload, Vec::new());
                }
            }
            _ => {}
        }
    }

    /// A step's work is done: keeps what it saves, or polls again.
    pub(crate) fn complete(
        &mut self,
        key: &StepKey,
        step: Option<&Step>,
        items: &crate::locate::Items,
        attempt: u32,
        output: Labeled,
        artifacts: Vec<types::Artifact>,
    ) {
        let mut events = settle::succeeded(self, key, step, items, attempt, output, artifacts);
        self.events.append(&mut events);
    }
}

/// What the author asks for, in the door's terms.
fn author_need(spec: &recipe::program::ApprovalSpec) -> Need {
    let default = Need::default();
    Need {
        groups: spec.roles.clone(),
        quorum: spec.quorum.max(1),
        expires_ms: spec.expires_ms.unwrap_or(default.expires_ms),
    }
}

/// Whether an unknown outcome of this call may simply be tried again with the same key.
pub(crate) fn safe_to_repeat(call: &FrozenCall) -> bool {
    call.effect == Effect::Read
        || matches!(
            call.idempotency,
            types::Idempotency::Natural | types::Idempotency::NativeKey
        )
}

/// The later of two instants.
pub(crate) fn later(one: Timestamp, other: Timestamp) -> Timestamp {
    if one < other { other } else { one }
}

/// Whether a step's state lets a result of `attempt` in.
pub(crate) fn expects(state: &StepState, attempt: u32) -> bool {
    state.attempt == attempt
        && (matches!(
            state.stage,
            Stage::InFlight { .. } | Stage::LookUp { .. } | Stage::Retry { .. } | Stage::Uncertain
        ) || (state.stage == Stage::Ready && state.status != StepStatus::Succeeded))
}
