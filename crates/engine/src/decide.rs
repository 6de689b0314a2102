//! Choosing: `decide(state, program, now) → (events, actions)`. It walks the recipe, finds every
//! place where something can happen now, and says what.

use std::collections::BTreeMap;

use recipe::program::{Kind, OnError, Step};
use types::{Failure, Labeled, Mode, Phase, RunStatus, StepStatus, Timestamp};

use crate::event::{EVENT_VERSION, Event, Recorded, Then};
use crate::frozen::Frozen;
use crate::key::StepKey;
use crate::locate::{Items, Work, item};
use crate::program::{Action, Program};
use crate::scope::Names;
use crate::settle::{self, Yield};
use crate::state::State;

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
    /// Signals taken in this round, by name.
    pub(crate) signals_taken: BTreeMap<String, usize>,
    /// Whether new steps and attempts may begin.
    pub(crate) may_start: bool,
}

/// Chooses what happens next. Deciding again on the same state gives the same.
pub fn decide(state: &State, program: &Program, now: Timestamp) -> Decided {
    let mut decider = Decider::new(state, program, now);
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
        if decided.events.is_empty() {
            advanced.actions.append(&mut decided.actions);
            return advanced;
        }
        // Look-ups are asked for in every round until they have ended: the last round's will do.
        decided
            .actions
            .retain(|action| !matches!(action, Action::Probe { .. }));
        advanced.actions.append(&mut decided.actions);
        pending = decided.events;
    }
}

impl<'a> Decider<'a> {
    pub(crate) fn new(state: &'a State, program: &'a Program, now: Timestamp) -> Self {
        Self {
            state,
            program,
            now,
            events: Vec::new(),
            actions: Vec::new(),
            begun: 0,
            signals_taken: BTreeMap::new(),
            may_start: !state.paused && !state.is_finished(),
        }
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
            self.tell_children("", "the run's time is up");
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
            // Each item has had its own `on_error`, so the loop as a whole fails for good; a loop that
            // never got its items is handled like any failed step.
            (Some(_), Some(StepStatus::Failed)) if self.has_items(key) => Flow::Failed(self.failure_of(key)),
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
        let work = Work {
            key,
            step: Some(step),
            items,
        };
        match state.status {
            StepStatus::Succeeded | StepStatus::Skipped | StepStatus::Undone => Flow::Done,
            StepStatus::Failed => {
                let failure = self.failure_of(key);
                if let Some(answer) = stand_in(key, step, self.state.created.mode, &failure) {
                    self.stand_in(work, answer);
                    return Flow::Busy;
                }
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
                } => {
                    let most = max_concurrency.map_or(usize::MAX, |most| most as usize);
                    self.branches(work, branches, most, items)
                }
                _ => {
                    self.progress(work);
                    Flow::Busy
                }
            },
        }
    }

    /// What stands in for a failed call is its answer. Nothing was done, so there is nothing to undo.
    fn stand_in(&mut self, work: Work<'_>, answer: &serde_json::Value) {
        let attempt = self.state.steps.get(work.key).map_or(0, |state| state.attempt);
        let done = Yield {
            attempt,
            output: Labeled::new(answer.clone(), types::Label::Author),
            artifacts: Vec::new(),
            polled: false,
        };
        let mut events = settle::succeeded(self, work, done);
        for event in &mut events {
            if let Event::StepSucceeded { undo, .. } = event {
                undo.clear();
            }
        }
        self.events.append(&mut events);
    }

    fn failure_of(&self, key: &StepKey) -> Failure {
        let failure = self.state.steps.get(key).and_then(|step| step.failure.clone());
        failure.unwrap_or_else(|| Failure::new("step_failed", format!("step {key} failed")))
    }

    fn has_items(&self, key: &StepKey) -> bool {
        let what = self.state.steps.get(key).and_then(|state| state.what.as_deref());
        matches!(what, Some(Frozen::ForEach { .. }))
    }

    fn loop_(&mut self, key: &StepKey, step: &Step, items: &Items) -> Flow {
        let Some(Frozen::ForEach { items: list }) =
            self.state.steps.get(key).and_then(|state| state.what.as_deref())
        else {
            return Flow::Busy;
        };
        let count = list.value.as_array().map_or(0, Vec::len);
        let name = step.for_each.as_ref().map_or("item", |each| each.name.as_str());
        for index in self.last_begun(key, count)..count {
            let instance = key.item(index);
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

    /// The last item of a loop that has begun, found by halving: items begin in order, each after the
    /// one before it has ended.
    fn last_begun(&self, key: &StepKey, count: usize) -> usize {
        let (mut begun, mut rest) = (0, count);
        while begun < rest {
            let middle = begun + (rest - begun) / 2;
            if self.state.steps.contains_key(&key.item(middle)) {
                begun = middle + 1;
            } else {
                rest = middle;
            }
        }
        begun.saturating_sub(1)
    }

    /// Ends the forward part of the run: undo if there is anything to undo, else finish.
    pub(crate) fn begin_undo(&mut self, reason: String, failure: Option<Failure>) {
        self.void_approvals("", "the run ended first");
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
            needs_attention: undo_failed || given_up || self.state.needs_attention(),
        });
        self.actions.push(Action::Finish);
    }

    fn succeed(&mut self) {
        let names = Names {
            state: self.state,
            program: self.program,
            items: &Items::new(),
            fresh: &[],
            own: None,
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
        let needs_attention = failure.is_some() || self.state.needs_attention();
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
}

/// The author's stand-in for this failed call: only in mock mode, and neither for what people or the
/// policy refused nor for a mistake in the recipe.
fn stand_in<'s>(
    key: &StepKey,
    step: &'s Step,
    mode: Mode,
    failure: &Failure,
) -> Option<&'s serde_json::Value> {
    const REFUSED: &[&str] = &[
        "approval_denied",
        "approval_expired",
        "approval_groups_disjoint",
        "policy_denied",
    ];
    let refused = REFUSED.contains(&failure.code.as_str());
    let mistaken = failure.code.starts_with("template_");
    let whole_loop = step.for_each.is_some() && !key.as_str().ends_with(']');
    let stands = mode == Mode::Mock && !refused && !mistaken && !whole_loop;
    step.mock.as_ref().filter(|_| stands)
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
