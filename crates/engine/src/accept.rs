//! What comes from outside: results of attempts and look-ups, messages, a take-over after a crash.
//! Each becomes events; what doesn't fit becomes a note, never silence.

use recipe::program::Step;
use types::{Actor, Failure, Labeled, Outcome, ProbeResult, Timestamp};

use crate::decide::Decider;
use crate::event::{Event, Resolution, Then};
use crate::frozen::Frozen;
use crate::key::StepKey;
use crate::locate::{Items, Work, locate};
use crate::message::Message;
use crate::program::{Action, Program};
use crate::question::question_name;
use crate::settle::{self, Yield, expects};
use crate::state::{Stage, State};
use crate::unknown::{self, CRASHED};

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
    let mut acceptor = Acceptor {
        decider: Decider::new(state, program, now),
        note: None,
    };
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

pub(crate) struct Acceptor<'a> {
    pub(crate) decider: Decider<'a>,
    note: Option<String>,
}

impl<'a> Acceptor<'a> {
    /// The recipe's step and its loop items; a frozen undo step has neither.
    pub(crate) fn located(&self, key: &StepKey) -> (Option<&'a Step>, Items) {
        match locate(&self.decider.program.recipe, self.decider.state, key) {
            Some((step, items)) if !key.as_str().contains("!undo/") => (Some(step), items),
            _ => (None, Items::new()),
        }
    }

    pub(crate) fn refuse(&mut self, why: impl Into<String>) {
        self.note = Some(why.into());
    }

    /// What an attempt came to. Word of an attempt that nobody waits for any more changes nothing.
    fn finished(&mut self, key: &StepKey, attempt: u32, outcome: Outcome, late: bool) {
        let state = self.decider.state;
        let waiting = state
            .steps
            .get(key)
            .filter(|step| expects(step, attempt, &outcome));
        let Some((step_state, call)) = waiting.and_then(|step| step.call().map(|call| (step, call))) else {
            return self.refuse(format!("nobody waits for attempt {attempt} of {key}"));
        };
        if late || state.is_finished() {
            let (step, outcome) = (key.clone(), outcome.clone());
            self.decider.events.push(Event::LateResult {
                step,
                attempt,
                outcome,
            });
        }
        let (step, items) = self.located(key);
        let mut events = settle::outcome(&self.decider, work(key, step, &items), step_state, call, outcome);
        if step_state.stage == Stage::Uncertain {
            self.settle_uncertain(key, &mut events);
        }
        self.decider.events.append(&mut events);
    }

    /// Word of what an uncertain step did resolves it; what follows is in `events`.
    fn settle_uncertain(&mut self, key: &StepKey, events: &mut Vec<Event>) {
        let over = self.decider.state.is_finished();
        let resolution = match events.as_mut_slice() {
            [Event::StepFailed { failure, then, .. }] if over || *then == Then::Final => {
                *then = Then::Final;
                Resolution::Failed {
                    failure: failure.clone(),
                }
            }
            [
                Event::StepFailed {
                    then: Then::Retry { .. } | Then::HeldBack { .. },
                    ..
                },
            ] => Resolution::Redo,
            // Nobody is left to ask in a run that has ended.
            [Event::QuestionsAsked { attempt, .. }, ..] if over => {
                let message = format!("step {key}: its tool asked a person something and did nothing yet");
                let failure = Failure::new("input_needed", message);
                let fail = settle::failed_event(key, *attempt, failure.clone(), true, Then::Final);
                *events = vec![fail];
                Resolution::Failed { failure }
            }
            [Event::QuestionsAsked { .. }, ..] => Resolution::Redo,
            [Event::StepSucceeded { output, .. }] => Resolution::Happened {
                output: output.clone(),
                artifacts: Vec::new(),
            },
            _ => Resolution::Happened {
                output: Labeled::null(),
                artifacts: Vec::new(),
            },
        };
        self.decider.events.push(Event::UncertainResolved {
            step: key.clone(),
            resolution,
            by: Actor::system("late result"),
            note: String::new(),
        });
    }

    fn probed(&mut self, key: &StepKey, attempt: u32, result: ProbeResult) {
        let state = self.decider.state;
        let now = self.decider.now;
        // A look-up that ends before the next one is due is an old one told again.
        let waits = |step: &&crate::state::StepState| {
            step.attempt == attempt && matches!(step.stage, Stage::LookUp { at, .. } if at <= now)
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
        let events = unknown::probed(&self.decider, work(key, step, &items), step_state, call, result);
        self.decider.events.extend(events);
    }

    fn recovered(&mut self) {
        let state = self.decider.state;
        for (key, step) in &state.steps {
            if let (Stage::InFlight { .. }, Some(call)) = (&step.stage, step.call()) {
                let failure = Failure::new(CRASHED, "the worker was lost while the call was under way");
                let (own, items) = self.located(key);
                let events = unknown::unknown(&self.decider, work(key, own, &items), step, call, failure);
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
                attempt,
                resolution,
                by,
                note,
            } => {
                let uncertain = self
                    .decider
                    .state
                    .steps
                    .get(&step)
                    .is_some_and(|state| state.stage == Stage::Uncertain && state.attempt == attempt);
                if !uncertain {
                    return self.refuse(format!("attempt {attempt} of {step} is not uncertain"));
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

    fn input(&mut self, name: String, value: Labeled, by: Actor) {
        let waiting = self.decider.state.steps.iter().find(|(key, step)| {
            let asks = match step.what.as_deref() {
                Some(Frozen::Ask { name: asked, .. }) => *asked == name,
                Some(Frozen::Call(_)) => step
                    .open_questions()
                    .any(|open| question_name(key, &open.key) == name),
                _ => false,
            };
            step.stage == Stage::Person && asks
        });
        let Some((key, asker)) = waiting else {
            return self.refuse(format!("the run does not ask for '{name}'"));
        };
        let (step, items) = self.located(key);
        self.decider.events.push(Event::InputGiven {
            step: key.clone(),
            name,
            value: value.clone(),
            by: Some(by),
        });
        if asker.call().is_none() {
            self.decider.complete(work(key, step, &items), Yield::of(value));
        }
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
            self.decider.complete(work(key, step, &items), Yield::of(output));
        } else {
            let colon = if note.is_empty() { "" } else { ": " };
            let message = format!("step {key}: {} said it failed{colon}{note}", by.name);
            self.decider.fail(key, 0, Failure::new(code, message));
        }
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
                // A person's word that it is done is not weighed against `until`.
                let done = Yield {
                    attempt,
                    output,
                    artifacts,
                    polled: false,
                };
                self.decider.complete(work(key, step, &items), done);
            }
            Resolution::Failed { failure } => self.decider.fail(key, attempt, failure),
            Resolution::Redo => {}
        }
    }
}

pub(crate) fn work<'a>(key: &'a StepKey, step: Option<&'a Step>, items: &'a Items) -> Work<'a> {
    Work { key, step, items }
}
