//! What comes from outside: results of attempts and look-ups, messages, a take-over after a crash.
//! Each becomes events; what doesn't fit becomes a note, never silence.

use recipe::program::Step;
use types::{Actor, Failure, Labeled, Outcome, ProbeResult, RunStatus, Timestamp};

use crate::decide::Decider;
use crate::event::{ApprovalOutcome, Event, Resolution, Then};
use crate::frozen::Frozen;
use crate::key::StepKey;
use crate::locate::{Items, locate};
use crate::message::Message;
use crate::program::{Action, Program};
use crate::progress::expects;
use crate::rows::ApprovalStatus;
use crate::settle::{self, CRASHED};
use crate::state::{Stage, State};

/// Signals that wait in a run at most.
const SIGNALS: usize = 100;

/// Something from outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// An attempt has ended.
    Finished {
        /// The step.
        step: StepKey,
        /// The attempt.
        attempt: u32,
        /// What it came to.
        outcome: Outcome,
    },
    /// A look-up has ended.
    Probed {
        /// The step.
        step: StepKey,
        /// The attempt that was looked up.
        attempt: u32,
        /// What was found.
        result: ProbeResult,
    },
    /// A worker has taken the run over: attempts under way were cut off.
    Recovered,
    /// A message from the inbox.
    Message(Message),
}

/// What accepting came to.
#[derive(Debug, Default)]
pub struct Accepted {
    /// Events to append; give them to [`crate::advance`].
    pub events: Vec<Event>,
    /// What to do once they are durable.
    pub actions: Vec<Action>,
    /// Why the input had no effect, for the log.
    pub note: Option<String>,
}

/// Takes something from outside in.
pub fn accept(state: &State, program: &Program, now: Timestamp, input: Input) -> Accepted {
    let may_start = !state.paused && !state.is_finished();
    let decider = Decider {
        state,
        program,
        now,
        events: Vec::new(),
        actions: Vec::new(),
        begun: 0,
        may_start,
    };
    let mut acceptor = Acceptor { decider, note: None };
    match input {
        Input::Finished {
            step,
            attempt,
            outcome,
        } => acceptor.finished(&step, attempt, outcome, false),
        Input::Probed {
            step,
            attempt,
            result,
        } => acceptor.probed(&step, attempt, result),
        Input::Recovered => acceptor.recovered(),
        Input::Message(message) => acceptor.message(message),
    }
    Accepted {
        events: acceptor.decider.events,
        actions: acceptor.decider.actions,
        note: acceptor.note,
    }
}

struct Acceptor<'a> {
    decider: Decider<'a>,
    note: Option<String>,
}

impl<'a> Acceptor<'a> {
    /// The recipe's step and its loop items; a frozen undo step has neither.
    fn located(&self, key: &StepKey) -> (Option<&'a Step>, Items) {
        match locate(&self.decider.program.recipe, self.decider.state, key) {
            Some((step, items)) if !key.as_str().contains("!undo/") => (Some(step), items),
            _ => (None, Items::new()),
        }
    }

    fn refuse(&mut self, why: impl Into<String>) {
        self.note = Some(why.into());
    }

    fn finished(&mut self, key: &StepKey, attempt: u32, outcome: Outcome, late: bool) {
        let state = self.decider.state;
        if late || state.is_finished() {
            let (step, outcome) = (key.clone(), outcome.clone());
            self.decider.events.push(Event::LateResult {
                step,
                attempt,
                outcome,
            });
        }
        let Some(step_state) = state.steps.get(key).filter(|step| expects(step, attempt)) else {
            return self.refuse(format!("nobody waits for attempt {attempt} of {key}"));
        };
        let Some(call) = step_state.call() else {
            return self.refuse(format!("{key} is not a call"));
        };
        let (step, items) = self.located(key);
        if step_state.stage == Stage::Uncertain {
            let by = Actor::system("late result");
            let resolution = match &outcome {
                Outcome::Succeeded { output, artifacts } => Resolution::Happened {
                    output: output.clone(),
                    artifacts: artifacts.clone(),
                },
                Outcome::Failed { failure, .. } => Resolution::Failed {
                    failure: failure.clone(),
                },
                Outcome::Unknown { .. } => return,
            };
            return self.resolve(key, resolution, by, String::new());
        }
        let events = settle::outcome(&self.decider, key, step, &items, step_state, call, outcome);
        self.decider.events.extend(events);
    }

    fn probed(&mut self, key: &StepKey, attempt: u32, result: ProbeResult) {
        let state = self.decider.state;
        let waits = |step: &&crate::state::StepState| {
            step.attempt == attempt && matches!(step.stage, Stage::LookUp { .. })
        };
        let Some((step_state, call)) = state
            .steps
            .get(key)
            .filter(waits)
            .and_then(|step| step.call().map(|call| (step, call)))
        else {
            return self.refuse(format!(
                "nobody waits for a look-up of attempt {attempt} of {key}"
            ));
        };
        let (step, items) = self.located(key);
        let events = settle::probed(&self.decider, key, step, &items, step_state, call, result);
        self.decider.events.extend(events);
    }

    fn recovered(&mut self) {
        let state = self.decider.state;
        for (key, step) in &state.steps {
            if let (Stage::InFlight { .. }, Some(call)) = (&step.stage, step.call()) {
                let failure = Failure::new(CRASHED, "the worker was lost while the call was under way");
                let events = settle::unknown(&self.decider, key, step, call, failure);
                self.decider.events.extend(events);
            }
        }
    }

    fn message(&mut self, message: Message) {
        if self.decider.state.is_finished()
            && !matches!(
                message,
                Message::Undo { .. } | Message::Late { .. } | Message::Resolve { .. }
            )
        {
            return self.refuse("the run has ended");
        }
        match message {
            Message::Vote { .. } => self.vote(message),
            Message::Input { name, value, by } => self.input(name, value, by),
            Message::Task { step, ok, note, by } => self.task(&step, ok, note, by),
            Message::Signal { name, payload, by } => {
                if self.decider.state.signals.len() >= SIGNALS {
                    return self.refuse(format!("{SIGNALS} signals wait already; '{name}' is dropped"));
                }
                self.decider
                    .events
                    .push(Event::SignalReceived { name, payload, by });
            }
            Message::Pause { by } if !self.decider.state.paused => {
                self.decider.events.push(Event::RunPaused { by })
            }
            Message::Resume { by } if self.decider.state.paused => {
                self.decider.events.push(Event::RunResumed { by });
            }
            Message::Pause { .. } | Message::Resume { .. } => self.refuse("the run is in that state already"),
            Message::Cancel { by, reason } => self.cancel(by, reason),
            Message::Kill { by, reason } => self.kill(by, reason),
            Message::Resolve {
                step,
                resolution,
                by,
                note,
            } => {
                let uncertain = self
                    .decider
                    .state
                    .steps
                    .get(&step)
                    .is_some_and(|state| state.stage == Stage::Uncertain);
                if !uncertain {
                    return self.refuse(format!("{step} is not uncertain"));
                }
                if self.decider.state.is_finished() && resolution == Resolution::Redo {
                    return self.refuse("the run has ended, so nothing can be done again");
                }
                self.resolve(&step, resolution, by, note);
            }
            Message::ChildFinished {
                step,
                child,
                status,
                outputs,
                failure,
            } => {
                self.child_finished(&step, child, status, outputs, failure);
            }
            Message::Undo { reason } => self.undo(reason),
            Message::Late {
                step,
                attempt,
                outcome,
            } => self.finished(&step, attempt, outcome, true),
            Message::Nudge => {}
        }
    }

    fn vote(&mut self, message: Message) {
        let Message::Vote {
            approval,
            approve,
            by,
            note,
            self_approval,
        } = message
        else {
            return;
        };
        let state = self.decider.state;
        let Some(asked) = state.approvals.get(&approval) else {
            return self.refuse(format!("there is no {approval}"));
        };
        if asked.status != ApprovalStatus::Pending || asked.expires_at <= self.decider.now {
            return self.refuse(format!("{approval} can't be decided any more"));
        }
        if by.name == state.created.requester.name && !self_approval {
            return self.refuse(format!(
                "{} started the run and so can't decide {approval}",
                by.name
            ));
        }
        if !asked.groups.is_empty() && !by.groups.iter().any(|group| asked.groups.contains(group)) {
            return self.refuse(format!(
                "{} is in none of the groups that decide {approval}",
                by.name
            ));
        }
        if asked.votes.iter().any(|vote| vote.by.name == by.name) {
            return self.refuse(format!("{} has voted on {approval} already", by.name));
        }
        let outcome = match (approve, asked.votes.len() + 1 >= asked.quorum as usize) {
            (false, _) => ApprovalOutcome::Denied,
            (true, true) => ApprovalOutcome::Approved,
            (true, false) => ApprovalOutcome::Vote,
        };
        self.decider.events.push(Event::ApprovalDecided {
            approval,
            step: asked.step.clone(),
            outcome,
            by,
            note,
        });
    }

    fn input(&mut self, name: String, value: Labeled, by: Actor) {
        let waiting = self.decider.state.steps.iter().find(|(_, step)| {
            step.stage == Stage::Person
                && matches!(step.what.as_deref(), Some(Frozen::Ask { name: asked, .. }) if *asked == name)
        });
        let Some((key, _)) = waiting else {
            return self.refuse(format!("the run does not ask for '{name}'"));
        };
        let (step, items) = self.located(key);
        self.decider.events.push(Event::InputGiven {
            step: key.clone(),
            name,
            value: value.clone(),
            by: Some(by),
        });
        self.decider.complete(key, step, &items, 0, value, Vec::new());
    }

    fn task(&mut self, key: &StepKey, ok: bool, note: String, by: Actor) {
        let state = self
            .decider
            .state
            .steps
            .get(key)
            .filter(|step| step.stage == Stage::Person);
        let code = match state.and_then(|step| step.what.as_deref()) {
            Some(Frozen::Confirm { .. }) => "not_confirmed",
            Some(Frozen::Manual { .. }) => "task_failed",
            _ => return self.refuse(format!("{key} does not wait for a person's task")),
        };
        let (step, items) = self.located(key);
        let event = Event::TaskDone {
            step: key.clone(),
            ok,
            note: note.clone(),
            by: by.clone(),
        };
        self.decider.events.push(event);
        if ok {
            let output = serde_json::json!({"ok": true, "note": note, "by": by.name});
            let output = Labeled::new(output, types::Label::Operator);
            self.decider.complete(key, step, &items, 0, output, Vec::new());
        } else {
            let colon = if note.is_empty() { "" } else { ": " };
            let message = format!("step {key}: {} said it failed{colon}{note}", by.name);
            self.decider.fail(key, 0, Failure::new(code, message));
        }
    }

    fn cancel(&mut self, by: Actor, reason: String) {
        if self.decider.state.cancel.is_some() || self.decider.state.undoing.is_some() {
            return self.refuse("the run is being stopped already");
        }
        self.decider.tell_children(&reason);
        self.decider.events.push(Event::CancelRequested { by, reason });
        if self.decider.state.paused {
            let by = Actor::system("engine");
            self.decider.events.push(Event::RunResumed { by });
        }
    }

    /// Stops now: what is under way stays behind as it is.
    fn kill(&mut self, by: Actor, reason: String) {
        let state = self.decider.state;
        let failure = Failure::new("run_killed", format!("{} killed the run", by.name));
        let by_name = by.clone();
        self.decider.events.push(Event::KillRequested {
            by,
            reason: reason.clone(),
        });
        for (key, step) in &state.steps {
            if let (Stage::Child, Some(Frozen::Child { child, .. })) = (&step.stage, step.what.as_deref()) {
                let message = Message::Kill {
                    by: by_name.clone(),
                    reason: reason.clone(),
                };
                self.decider.actions.push(Action::Tell { run: *child, message });
            }
            let under_way = matches!(step.stage, Stage::InFlight { .. } | Stage::LookUp { .. });
            let Some(call) = step.call().filter(|_| under_way || step.repeats_unknown_write()) else {
                continue;
            };
            let (step, attempt, failure) = (key.clone(), step.attempt, failure.clone());
            self.decider.events.push(if call.effect == types::Effect::Read {
                Event::StepFailed {
                    step,
                    attempt,
                    failure,
                    known: false,
                    then: Then::Final,
                }
            } else {
                Event::StepUncertain {
                    step,
                    attempt,
                    failure,
                }
            });
        }
        self.decider.void_approvals();
        self.decider.events.push(Event::RunFinished {
            status: RunStatus::Cancelled,
            failure: Some(failure),
            outputs: Labeled::null(),
            needs_attention: false,
        });
        self.decider.actions.push(Action::Finish);
    }

    fn resolve(&mut self, key: &StepKey, resolution: Resolution, by: Actor, note: String) {
        let attempt = self.decider.state.steps.get(key).map_or(0, |step| step.attempt);
        let (step, items) = self.located(key);
        let event = Event::UncertainResolved {
            step: key.clone(),
            resolution: resolution.clone(),
            by,
            note,
        };
        self.decider.events.push(event);
        match resolution {
            Resolution::Happened { output, artifacts } => {
                self.decider
                    .complete(key, step, &items, attempt, output, artifacts);
            }
            Resolution::Failed { failure } => self.decider.fail(key, attempt, failure),
            Resolution::Redo => {}
        }
    }

    fn child_finished(
        &mut self,
        key: &StepKey,
        child: types::RunId,
        status: RunStatus,
        outputs: Labeled,
        failure: Option<Failure>,
    ) {
        let undo = StepKey::new(&key.undo(), "child");
        let waits = |key: &StepKey| {
            self.decider
                .state
                .steps
                .get(key)
                .is_some_and(|step| step.stage == Stage::Child)
        };
        let key = match (waits(key), waits(&undo)) {
            (true, _) => key.clone(),
            (false, true) => undo,
            _ => return self.refuse(format!("nobody waits for {child}")),
        };
        self.decider.events.push(Event::ChildFinished {
            step: key.clone(),
            child,
            status,
            outputs: outputs.clone(),
            failure: failure.clone(),
        });
        let taken_back = key.is_compensation() && status == RunStatus::Cancelled;
        if taken_back || (!key.is_compensation() && status == RunStatus::Succeeded) {
            let (step, items) = self.located(&key);
            return self.decider.complete(&key, step, &items, 0, outputs, Vec::new());
        }
        let why = failure.map_or_else(|| format!("it was {status}"), |failure| failure.message);
        let message = format!("step {key}: the child run {child} did not succeed: {why}");
        self.decider.fail(&key, 0, Failure::new("child_failed", message));
    }

    /// The parent takes this run back.
    fn undo(&mut self, reason: String) {
        let state = self.decider.state;
        match state.finished {
            Some(RunStatus::Succeeded) => {
                self.decider.events.push(Event::UndoStarted {
                    reason,
                    failure: None,
                });
            }
            // It was undone when it ended; the parent only has to hear of it.
            Some(_) => self.decider.actions.push(Action::Finish),
            None => self.cancel(Actor::system("parent run"), reason),
        }
    }
}
