//! Folding: `evolve(state, event) → state`. It evaluates no expression and asks nothing but the event.

use std::sync::Arc;

use types::{Failure, Labeled, ProbeResult, StepStatus, Timestamp};

use crate::event::{ApprovalOutcome, Event, Recorded, Resolution, RunCreated, Saved, Then};
use crate::frozen::Frozen;
use crate::key::StepKey;
use crate::rows::{ApprovalStatus, Vote};
use crate::state::{Approval, Signal, Stage, State, StepState};

/// Folds one event into a state. The first event of a journal makes the state.
///
/// # Panics
/// Never: an event that doesn't fit is folded as far as it goes, since a journal is never refused.
pub fn evolve(state: Option<State>, recorded: &Recorded) -> Option<State> {
    match (state, &recorded.event) {
        (None, Event::RunCreated(created)) => Some(begin(created, recorded)),
        (None, _) => None,
        (Some(mut state), _) => {
            state.apply(recorded);
            Some(state)
        }
    }
}

fn begin(created: &RunCreated, recorded: &Recorded) -> State {
    State {
        created: created.clone(),
        created_at: recorded.at,
        head: recorded.seq,
        phase: None,
        steps: Default::default(),
        undoable: Vec::new(),
        saved: Default::default(),
        intake: Default::default(),
        signals: Vec::new(),
        approvals: Default::default(),
        paused: false,
        cancel: None,
        timed_out: false,
        undoing: None,
        undo_failed: Vec::new(),
        undo_done: false,
        failure: None,
        finished: None,
        finished_at: None,
        outputs: Labeled::null(),
        attention: false,
        deadline: None,
        person_since: None,
    }
}

impl State {
    /// Folds one further event in.
    pub fn apply(&mut self, recorded: &Recorded) {
        self.head = recorded.seq;
        let at = recorded.at;
        match &recorded.event {
            Event::RunCreated(_) | Event::PolicyDecided { .. } | Event::LateResult { .. } => {}
            Event::PhaseEntered { phase } => self.phase = Some(*phase),
            Event::StepScheduled {
                step,
                title,
                what,
                deadline,
            } => {
                let stage = match **what {
                    Frozen::Ask { .. } | Frozen::Confirm { .. } | Frozen::Manual { .. } => Stage::Person,
                    Frozen::Wait { .. } => Stage::Time,
                    Frozen::Child { .. } => Stage::Child,
                    Frozen::ForEach { .. } | Frozen::Parallel { .. } => Stage::Container,
                    Frozen::Call(_) | Frozen::Agent { .. } | Frozen::Check { .. } => Stage::Ready,
                };
                let status = match stage {
                    Stage::Ready => StepStatus::Pending,
                    Stage::Container => StepStatus::Running,
                    _ => StepStatus::Waiting,
                };
                let mut new = self.blank(title, at, status, stage);
                new.what = Some(Arc::new((**what).clone()));
                new.deadline = *deadline;
                self.steps.insert(step.clone(), new);
            }
            Event::StepStarted {
                step,
                attempt,
                deadline,
                ..
            } => self.touch(step, at, |step| {
                step.attempt = *attempt;
                step.open = true;
                step.status = StepStatus::Running;
                step.stage = Stage::InFlight { deadline: *deadline };
            }),
            Event::StepSucceeded {
                step,
                output,
                saves,
                undo,
                ..
            } => {
                let output = Arc::new(output.clone());
                self.save(saves, &output);
                self.take_signal(step);
                self.touch(step, at, |state| {
                    state.end(StepStatus::Succeeded, at);
                    (state.open, state.unknowns) = (false, 0);
                    state.output = Some(output);
                    state.failure = None;
                    state.undo.clone_from(undo);
                });
                if !undo.is_empty() && !self.undoable.contains(step) {
                    self.undoable.push(step.clone());
                }
                self.settle_owner(step, at);
            }
            Event::StepFailed {
                step,
                failure,
                known,
                then,
                ..
            } => self.fail_step(step, failure, *known, then, at),
            Event::StepSkipped { step, title, saves } => {
                for name in saves {
                    self.saved.insert(name.clone(), Arc::new(Labeled::null()));
                }
                let mut skipped = self.blank(title, at, StepStatus::Skipped, Stage::Done);
                skipped.finished_at = Some(at);
                self.steps.insert(step.clone(), skipped);
            }
            Event::StepUncertain { step, failure, .. } => self.touch(step, at, |step| {
                step.count_outcome(false);
                step.status = StepStatus::Uncertain;
                step.stage = Stage::Uncertain;
                step.failure = Some(failure.clone());
            }),
            Event::ProbeFinished {
                step,
                result,
                again_at,
                ..
            } => self.touch(step, at, |step| {
                let unclear = match step.stage {
                    Stage::LookUp { unclear, .. } => unclear,
                    _ => 0,
                };
                match (result, again_at) {
                    (ProbeResult::Absent, _) => {
                        step.unknowns = 0;
                        step.wait(Stage::Ready);
                    }
                    (_, Some(again)) => step.wait(Stage::LookUp {
                        at: *again,
                        unclear: unclear + 1,
                    }),
                    _ => {}
                }
            }),
            Event::UncertainResolved { step, resolution, .. } => {
                if *resolution == Resolution::Redo {
                    self.touch(step, at, |step| {
                        step.unknowns = 0;
                        step.wait(Stage::Ready);
                    });
                }
            }
            Event::ApprovalRequested { .. } | Event::ApprovalDecided { .. } => {
                self.fold_approval(&recorded.event, at)
            }
            Event::InputRequested { step, .. } => self.touch(step, at, |step| step.wait(Stage::Person)),
            Event::QuestionsAsked {
                step, needed, known, ..
            } => self.touch(step, at, |step| {
                step.ask(needed);
                if *known {
                    step.count_outcome(true);
                    step.wait(Stage::Person);
                }
            }),
            Event::InputGiven {
                step, name, value, ..
            } if self.is_call(step) => {
                self.touch(step, at, |state| state.answer(step, name, value));
            }
            Event::InputGiven { name, value, .. } => {
                self.intake.insert(name.clone(), Arc::new(value.clone()));
            }
            Event::TaskDone { .. } => {}
            Event::TimerFired { step: Some(step) } => {
                self.touch(step, at, |state| state.run_out_of_time(step))
            }
            Event::TimerFired { step: None } => {
                self.timed_out = true;
                self.cancel
                    .get_or_insert_with(|| "the run's time is up".to_owned());
            }
            Event::TimerSet {
                step: None,
                at: until,
            } => self.deadline = Some(*until),
            Event::TimerSet { step: Some(_), .. } => {}
            Event::SignalReceived { name, payload, .. } => {
                self.signals.push(Signal {
                    name: name.clone(),
                    payload: payload.clone(),
                });
            }
            Event::ChildStarted { step, child } => self.touch(step, at, |step| step.start_child(*child)),
            Event::ChildFinished { .. } => {}
            Event::RunPaused { .. } => self.hold(true, at),
            Event::RunResumed { .. } => self.hold(false, at),
            Event::CancelRequested { reason, .. } | Event::KillRequested { reason, .. } => {
                self.cancel.get_or_insert_with(|| reason.clone());
            }
            Event::UndoStarted { reason, failure } => {
                self.undoing = Some(reason.clone());
                (self.finished, self.finished_at, self.undo_done) = (None, None, false);
                self.failure.clone_from(failure);
                self.close_open_steps("", at);
            }
            Event::UndoFinished { failed } => {
                self.undo_failed.clone_from(failed);
                self.undo_done = true;
            }
            Event::RunFinished {
                status,
                failure,
                outputs,
                needs_attention,
            } => {
                (self.finished, self.finished_at) = (Some(*status), Some(at));
                self.close_open_steps("", at);
                self.failure = failure.clone().or(self.failure.take());
                self.outputs = outputs.clone();
                self.attention = *needs_attention;
            }
        }
        self.count_person_time(at);
    }

    fn blank(&self, title: &str, at: Timestamp, status: StepStatus, stage: Stage) -> StepState {
        StepState {
            title: title.to_owned(),
            what: None,
            status,
            stage,
            position: u32::try_from(self.steps.len()).unwrap_or(u32::MAX),
            attempt: 0,
            failures: 0,
            unknowns: 0,
            open: false,
            poll: 0,
            attempts_before: 0,
            scheduled_at: at,
            finished_at: None,
            deadline: None,
            held_since: None,
            output: None,
            failure: None,
            approval: None,
            undo: Vec::new(),
            asking: None,
        }
    }

    fn touch(&mut self, step: &StepKey, at: Timestamp, change: impl FnOnce(&mut StepState)) {
        if !self.steps.contains_key(step) {
            let blank = self.blank(step.as_str(), at, StepStatus::Pending, Stage::Ready);
            self.steps.insert(step.clone(), blank);
        }
        if let Some(state) = self.steps.get_mut(step) {
            change(state);
            state.count_held_time(self.paused, at);
        }
    }

    /// What is answered to a call's tool is no input of the run.
    fn is_call(&self, step: &StepKey) -> bool {
        self.steps.get(step).is_some_and(|step| step.call().is_some())
    }

    fn hold(&mut self, paused: bool, at: Timestamp) {
        self.paused = paused;
        for step in self.steps.values_mut().filter(|step| step.stage != Stage::Done) {
            step.count_held_time(paused, at);
        }
    }

    fn save(&mut self, saves: &[Saved], output: &Arc<Labeled>) {
        for saved in saves {
            let value = match (&saved.value, saved.pointer.as_deref()) {
                (Some(value), _) => Arc::new(value.clone()),
                (None, Some("")) => Arc::clone(output),
                (None, Some(pointer)) => Arc::new(output.pointer(pointer).unwrap_or_else(Labeled::null)),
                (None, None) => Arc::new(Labeled::null()),
            };
            self.saved.insert(saved.name.clone(), value);
        }
    }

    /// The signal that a step waited for is used up.
    fn take_signal(&mut self, step: &StepKey) {
        let Some(Frozen::Wait {
            signal: Some(name), ..
        }) = self.steps.get(step).and_then(|step| step.what.as_deref())
        else {
            return;
        };
        if let Some(position) = self.signals.iter().position(|signal| signal.name == *name) {
            self.signals.remove(position);
        }
    }

    fn fail_step(&mut self, step: &StepKey, failure: &Failure, known: bool, then: &Then, at: Timestamp) {
        let container = self
            .steps
            .get(step)
            .is_some_and(|state| state.stage == Stage::Container);
        self.touch(step, at, |state| {
            state.failure = Some(failure.clone());
            state.count_outcome(known);
            match then {
                Then::Final => {
                    if known {
                        state.unknowns = 0;
                    }
                    state.end(StepStatus::Failed, at);
                }
                Then::Poll { at } => {
                    state.poll += 1;
                    (state.failures, state.unknowns) = (0, 0);
                    state.attempts_before = state.attempt;
                    // The next call is one of its own, so what was said for this one is used up.
                    state.asking = None;
                    state.wait(Stage::Poll { at: *at });
                }
                Then::Retry { at } => {
                    state.failures += u32::from(known);
                    state.wait(Stage::Retry { at: *at, held: false });
                }
                Then::HeldBack { at } => {
                    state.attempts_before += 1;
                    state.wait(Stage::Retry { at: *at, held: true });
                }
                Then::LookUp { at } => state.wait(Stage::LookUp { at: *at, unclear: 0 }),
            }
        });
        if container && *then == Then::Final {
            self.close_open_steps(&format!("{step}."), at);
        }
    }

    fn fold_approval(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::ApprovalRequested {
                approval,
                step,
                digest,
                groups,
                quorum,
                expires_at,
                policy,
                reason,
                connector,
                undo,
            } => {
                let asked = Approval {
                    step: step.clone(),
                    digest: digest.clone(),
                    mode: self.created.mode,
                    groups: groups.clone(),
                    quorum: *quorum,
                    policy: policy.clone(),
                    reason: reason.clone(),
                    requested_at: at,
                    expires_at: *expires_at,
                    connector: connector.clone(),
                    undo: undo.clone(),
                    votes: Vec::new(),
                    status: ApprovalStatus::Pending,
                };
                self.approvals.insert(*approval, asked);
                self.touch(step, at, |step| {
                    step.approval = Some(*approval);
                    step.wait(Stage::Approval { id: *approval });
                });
            }
            Event::ApprovalDecided {
                approval,
                step,
                outcome,
                by,
                note,
            } => {
                if let Some(asked) = self.approvals.get_mut(approval) {
                    let vote = |approve| Vote {
                        by: by.clone(),
                        approve,
                        note: note.clone(),
                        at,
                    };
                    match outcome {
                        ApprovalOutcome::Vote => asked.votes.push(vote(true)),
                        ApprovalOutcome::Approved => {
                            asked.votes.push(vote(true));
                            asked.status = ApprovalStatus::Approved;
                        }
                        ApprovalOutcome::Denied => {
                            asked.votes.push(vote(false));
                            asked.status = ApprovalStatus::Denied;
                        }
                        ApprovalOutcome::Expired => asked.status = ApprovalStatus::Expired,
                        ApprovalOutcome::Void => asked.status = ApprovalStatus::Void,
                    }
                }
                if *outcome == ApprovalOutcome::Approved {
                    self.touch(step, at, |step| step.wait(Stage::Ready));
                }
            }
            _ => {}
        }
    }

    /// Nothing under `prefix` (`""` is all) goes on: what merely waited is given up, and what a write
    /// that is cut off did is for a person, or a late result, to say.
    fn close_open_steps(&mut self, prefix: &str, at: Timestamp) {
        let inside = self
            .steps
            .iter_mut()
            .filter(|(key, _)| key.as_str().starts_with(prefix));
        for (_, step) in inside {
            let begun =
                matches!(step.stage, Stage::InFlight { .. } | Stage::LookUp { .. }) || step.outcome_open();
            match step.stage {
                Stage::Done | Stage::Uncertain => {}
                _ if begun && step.writes() => {
                    (step.status, step.stage) = (StepStatus::Uncertain, Stage::Uncertain);
                }
                _ => step.end(StepStatus::Failed, at),
            }
        }
    }

    /// A step whose undo steps have all succeeded is undone.
    fn settle_owner(&mut self, undo_step: &StepKey, at: Timestamp) {
        let Some((owner, _)) = undo_step.as_str().rsplit_once("!undo/") else {
            return;
        };
        let owner = StepKey::from(owner);
        let done = self.steps.get(&owner).is_some_and(|step| {
            step.undo.iter().all(|undo| {
                self.steps
                    .get(&undo.step)
                    .is_some_and(|step| step.status == StepStatus::Succeeded)
            })
        });
        if done {
            self.touch(&owner, at, |step| step.status = StepStatus::Undone);
        }
    }

    /// The run's own time stands still while it waits for people.
    fn count_person_time(&mut self, at: Timestamp) {
        let Some(deadline) = self.deadline else { return };
        let waits = self.paused
            || self.steps.values().any(|step| {
                matches!(
                    step.stage,
                    Stage::Person | Stage::Approval { .. } | Stage::Uncertain
                )
            });
        match (self.person_since, waits) {
            (None, true) => self.person_since = Some(at),
            (Some(since), false) => {
                self.deadline = Some(deadline + at.since(since));
                self.person_since = None;
            }
            _ => {}
        }
    }
}
