//! Choosing: `decide(state, program, now) → (events, actions)`. It walks the recipe, finds every
//! place where something can happen now, and says what.

use recipe::program::{Kind, OnError, Step};
use types::{Failure, Phase, RunStatus, StepStatus, Timestamp};

use crate::event::{ApprovalOutcome, EVENT_VERSION, Event, Recorded, Then};
use crate::frozen::Frozen;
use crate::key::StepKey;
use crate::locate::{Items, item};
use crate::program::{Action, Program};
use crate::rows::ApprovalStatus;
use crate::scope::Names;
use crate::state::{Stage, State};

/// What deciding came to.
#[derive(Debug, Default)]
pub struct Decided {
    /// Events to append, in order.
    pub events: Vec<Event>,
    /// What to do once they are durable.
    pub actions: Vec<Action>,
}

/// Where a block or step stands after walking it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Flow {
    /// Everything in it has ended well enough to go on.
    Done,
    /// Something in it is going on or waits.
    Busy,
    /// It failed.
    Failed(Failure),
}

/// One round of deciding.
pub(crate) struct Decider<'a> {
    pub(crate) state: &'a State,
    pub(crate) program: &'a Program,
    pub(crate) now: Timestamp,
    pub(crate) events: Vec<Event>,
    pub(crate) actions: Vec<Action>,
    /// Effects begun in this round.
    pub(crate) begun: usize,
    /// Whether new steps and attempts may begin.
    pub(crate) may_start: bool,
}

/// Chooses what happens next. Deciding again on the same state gives the same.
pub fn decide(state: &State, program: &Program, now: Timestamp) -> Decided {
    let may_start = !state.paused && !state.is_finished();
    let mut decider = Decider {
        state,
        program,
        now,
        events: Vec::new(),
        actions: Vec::new(),
        begun: 0,
        may_start,
    };
    decider.run();
    Decided {
        events: decider.events,
        actions: decider.actions,
    }
}

/// What repeated deciding came to.
#[derive(Debug, Default)]
pub struct Advanced {
    /// Events, with their places in the journal.
    pub events: Vec<Recorded>,
    /// What to do once they are durable.
    pub actions: Vec<Action>,
}

/// Folds `events` in, then decides and folds until nothing is left to do now.
pub fn advance(state: &mut State, program: &Program, now: Timestamp, events: Vec<Event>) -> Advanced {
    let mut advanced = Advanced::default();
    let mut pending = events;
    loop {
        for event in pending {
            let recorded = Recorded {
                seq: state.head + 1,
                at: now,
                v: EVENT_VERSION,
                event,
            };
            state.apply(&recorded);
            advanced.events.push(recorded);
        }
        let mut decided = decide(state, program, now);
        advanced.actions.append(&mut decided.actions);
        if decided.events.is_empty() {
            return advanced;
        }
        pending = decided.events;
    }
}

impl Decider<'_> {
    fn run(&mut self) {
        if self.state.is_finished() {
            return;
        }
        if self.state.undoing.is_some() {
            return self.undo();
        }
        if let Some(reason) = &self.state.cancel {
            self.may_start = false;
            self.settle_open("");
            if self.state.open_effects("").next().is_none() {
                let failure = self.state.timed_out.then(|| {
                    Failure::new("run_timed_out", "the run's time is up")
                        .hint("raise guardrails.timeout_s, or find out which step was slow")
                });
                self.begin_undo(reason.clone(), failure);
            }
            return;
        }
        let due = self.state.deadline.is_some_and(|deadline| self.now >= deadline);
        if due && self.state.person_since.is_none() && self.may_start {
            self.tell_children("the run's time is up");
            return self.events.push(Event::TimerFired { step: None });
        }
        for phase in Phase::ALL {
            if self.state.phase.is_none_or(|current| current < *phase) {
                self.enter(*phase);
                return;
            }
            match self.block(phase.as_str(), self.program.recipe.phase(*phase), &Items::new()) {
                Flow::Done => {}
                Flow::Busy => return,
                Flow::Failed(failure) => return self.begin_undo(failure.message.clone(), Some(failure)),
            }
        }
        self.succeed();
    }

    fn enter(&mut self, phase: Phase) {
        if !self.may_start {
            return;
        }
        if self.state.phase.is_none()
            && let Some(timeout) = self.program.recipe.guardrails.timeout_ms
        {
            self.events.push(Event::TimerSet {
                step: None,
                at: self.now + timeout,
            });
        }
        self.events.push(Event::PhaseEntered { phase });
    }

    /// Walks steps in order up to the first that isn't done.
    pub(crate) fn block(&mut self, prefix: &str, steps: &[Step], items: &Items) -> Flow {
        for step in steps {
            match self.step(&StepKey::new(prefix, &step.id), step, items) {
                Flow::Done => {}
                other => return other,
            }
        }
        Flow::Done
    }

    fn step(&mut self, key: &StepKey, step: &Step, items: &Items) -> Flow {
        match (
            &step.for_each,
            self.state.steps.get(key).map(|state| &state.status),
        ) {
            (Some(_), Some(StepStatus::Running)) => self.loop_(key, step, items),
            (Some(_), None) => {
                if self.may_start {
                    self.start_loop(key, step, items);
                }
                Flow::Busy
            }
            // Each item has had its own `on_error`; the loop as a whole fails for good.
            (Some(_), Some(StepStatus::Failed)) => Flow::Failed(self.failure_of(key)),
            _ => self.instance(key, step, items),
        }
    }

    /// One step, or one iteration of a loop.
    fn instance(&mut self, key: &StepKey, step: &Step, items: &Items) -> Flow {
        let Some(state) = self.state.steps.get(key) else {
            if self.may_start {
                self.schedule(key, step, items);
            }
            return Flow::Busy;
        };
        match state.status {
            StepStatus::Succeeded | StepStatus::Skipped | StepStatus::Undone => Flow::Done,
            StepStatus::Failed => {
                let failure = self.failure_of(key);
                let flow = match &step.on_error {
                    OnError::Fail => Flow::Failed(failure),
                    OnError::Continue => Flow::Done,
                    OnError::Steps(steps) => self.block(&key.on_error(), steps, items),
                };
                match flow {
                    Flow::Failed(failure) => Flow::Failed(name_step(failure, key)),
                    other => other,
                }
            }
            _ => match &step.kind {
                Kind::Parallel {
                    branches,
                    max_concurrency,
                } => self.branches(
                    key,
                    branches,
                    max_concurrency.map_or(usize::MAX, |most| most as usize),
                    items,
                ),
                _ => {
                    self.progress(key, Some(step), items);
                    Flow::Busy
                }
            },
        }
    }

    fn failure_of(&self, key: &StepKey) -> Failure {
        let failure = self.state.steps.get(key).and_then(|step| step.failure.clone());
        failure.unwrap_or_else(|| Failure::new("step_failed", format!("step {key} failed")))
    }

    fn loop_(&mut self, key: &StepKey, step: &Step, items: &Items) -> Flow {
        let Some(Frozen::ForEach { items: list }) =
            self.state.steps.get(key).and_then(|state| state.what.as_deref())
        else {
            return Flow::Busy;
        };
        let count = list.value.as_array().map_or(0, Vec::len);
        let name = step.for_each.as_ref().map_or("item", |each| each.name.as_str());
        for index in 0..count {
            let instance = key.item(index);
            let done = self
                .state
                .steps
                .get(&instance)
                .is_some_and(|state| matches!(state.status, StepStatus::Succeeded | StepStatus::Skipped));
            if done {
                continue;
            }
            let Some(value) = item(self.state, key, index) else {
                break;
            };
            let mut inner = items.clone();
            inner.push((name.to_owned(), value));
            match self.instance(&instance, step, &inner) {
                Flow::Done => {}
                Flow::Busy => return Flow::Busy,
                Flow::Failed(failure) => {
                    self.fail(key, 0, failure.clone());
                    return Flow::Busy;
                }
            }
        }
        self.finish_loop(key, step, count);
        Flow::Busy
    }

    fn branches(&mut self, key: &StepKey, branches: &[Vec<Step>], most: usize, items: &Items) -> Flow {
        let before = self.events.len();
        let flows = self.walk_branches(key, branches, items, false, usize::MAX);
        if self.events.len() > before {
            return Flow::Busy;
        }
        let failed = flows.iter().find_map(|flow| match flow {
            Flow::Failed(failure) => Some(failure.clone()),
            _ => None,
        });
        if let Some(failure) = failed {
            // The other branches begin nothing new; effects under way come to an end first.
            let inside = format!("{key}.");
            self.settle_open(&inside);
            if self.state.open_effects(&inside).next().is_none() {
                self.fail(key, 0, failure);
            }
        } else if flows.iter().all(|flow| *flow == Flow::Done) {
            self.succeed_plain(key, types::Labeled::null());
        } else {
            self.walk_branches(key, branches, items, self.may_start, most);
        }
        Flow::Busy
    }

    fn walk_branches(
        &mut self,
        key: &StepKey,
        branches: &[Vec<Step>],
        items: &Items,
        may_start: bool,
        most: usize,
    ) -> Vec<Flow> {
        let before = std::mem::replace(&mut self.may_start, may_start);
        let mut active = 0;
        let mut flows = Vec::with_capacity(branches.len());
        for (index, steps) in branches.iter().enumerate() {
            let prefix = key.branch(index);
            let inside = format!("{prefix}/");
            let begun = self
                .state
                .steps
                .keys()
                .any(|step| step.as_str().starts_with(&inside));
            let flow = if begun || active < most {
                self.block(&prefix, steps, items)
            } else {
                Flow::Busy
            };
            active += usize::from(flow == Flow::Busy);
            flows.push(flow);
        }
        self.may_start = before;
        flows
    }

    /// Where nothing new may begin under `prefix`: goes on only with finding out what effects of
    /// unknown outcome did.
    pub(crate) fn settle_open(&mut self, prefix: &str) {
        let due: Vec<StepKey> = self
            .state
            .steps
            .iter()
            .filter(|(key, step)| {
                key.as_str().starts_with(prefix)
                    && match step.stage {
                        Stage::LookUp { at, .. } => at <= self.now,
                        Stage::Retry { at } => at <= self.now && step.repeats_unknown_write(),
                        _ => false,
                    }
            })
            .map(|(key, _)| key.clone())
            .collect();
        let before = std::mem::replace(&mut self.may_start, !self.state.paused);
        for key in due {
            self.progress(&key, None, &Items::new());
        }
        self.may_start = before;
    }

    /// Asks running children to stop.
    pub(crate) fn tell_children(&mut self, reason: &str) {
        for step in self.state.steps.values() {
            if let (Stage::Child, Some(Frozen::Child { child, .. })) = (&step.stage, step.what.as_deref()) {
                let by = types::Actor::system("parent run");
                let message = crate::Message::Cancel {
                    by,
                    reason: reason.to_owned(),
                };
                self.actions.push(Action::Tell { run: *child, message });
            }
        }
    }

    /// Approvals that nobody needs any more.
    pub(crate) fn void_approvals(&mut self) {
        for (id, approval) in &self.state.approvals {
            if approval.status == ApprovalStatus::Pending {
                self.events.push(Event::ApprovalDecided {
                    approval: *id,
                    step: approval.step.clone(),
                    outcome: ApprovalOutcome::Void,
                    by: types::Actor::system("engine"),
                    note: "the run ended first".to_owned(),
                });
            }
        }
    }

    /// Ends the forward part of the run: undo if there is anything to undo, else finish.
    pub(crate) fn begin_undo(&mut self, reason: String, failure: Option<Failure>) {
        self.void_approvals();
        let nothing = self.state.undoable.is_empty() && self.program.recipe.guardrails.rollback.is_empty();
        if nothing {
            self.finish_stopped(failure, false);
        } else {
            self.events.push(Event::UndoStarted { reason, failure });
        }
    }

    /// Ends a run that failed or was stopped.
    pub(crate) fn finish_stopped(&mut self, failure: Option<Failure>, undo_failed: bool) {
        let status = if failure.is_some() || undo_failed {
            RunStatus::Failed
        } else {
            RunStatus::Cancelled
        };
        let given_up = failure
            .as_ref()
            .is_some_and(|failure| failure.code == "attempts_exhausted");
        self.events.push(Event::RunFinished {
            status,
            failure,
            outputs: types::Labeled::null(),
            needs_attention: undo_failed || given_up,
        });
        self.actions.push(Action::Finish);
    }

    fn succeed(&mut self) {
        let names = Names {
            state: self.state,
            program: self.program,
            items: &Items::new(),
            fresh: &[],
        };
        let outputs: Result<Vec<_>, Failure> = self
            .program
            .recipe
            .outputs
            .iter()
            .map(|(name, template)| names.render(template).map(|value| (name.clone(), value)))
            .collect();
        let (status, failure, outputs) = match outputs {
            Ok(outputs) => (RunStatus::Succeeded, None, types::Labeled::object(outputs)),
            Err(failure) => (RunStatus::Failed, Some(failure), types::Labeled::null()),
        };
        let needs_attention = failure.is_some();
        self.events.push(Event::RunFinished {
            status,
            failure,
            outputs,
            needs_attention,
        });
        self.actions.push(Action::Finish);
    }

    pub(crate) fn fail(&mut self, step: &StepKey, attempt: u32, failure: Failure) {
        self.events.push(Event::StepFailed {
            step: step.clone(),
            attempt,
            failure,
            known: true,
            then: Then::Final,
        });
    }

    pub(crate) fn succeed_plain(&mut self, step: &StepKey, output: types::Labeled) {
        self.events.push(Event::StepSucceeded {
            step: step.clone(),
            attempt: 0,
            output,
            saves: Vec::new(),
            artifacts: Vec::new(),
            undo: Vec::new(),
        });
    }
}

fn name_step(failure: Failure, key: &StepKey) -> Failure {
    if failure.message.contains("step ") {
        return failure;
    }
    Failure {
        message: format!("step {key}: {}", failure.message),
        ..failure
    }
}
