//! A scheduled step goes on: the door is asked, attempts begin, waits end.

use governance::{Granted, Request, Verdict};
use types::{Actor, Failure, Labeled, Lookup, RunId};

use crate::approval::author_need;
use crate::decide::Decider;
use crate::event::{Decision, Event, Then};
use crate::fold::timed_out;
use crate::frozen::{Frozen, FrozenCall};
use crate::key::StepKey;
use crate::locate::Work;
use crate::program::Action;
use crate::settle::{self, Yield};
use crate::state::{Stage, StepState};

impl Decider<'_> {
    /// One step that is neither a loop nor has branches.
    pub(crate) fn progress(&mut self, work: Work<'_>) {
        let Some(state) = self.state.steps.get(work.key) else {
            return;
        };
        if self.out_of_time(work.key, state) {
            return;
        }
        match &state.stage {
            Stage::Ready => self.ready(work, state),
            Stage::Retry { at, .. } | Stage::Poll { at } if *at <= self.now => self.ready(work, state),
            Stage::LookUp { at, .. } if *at <= self.now => self.look_up(work.key, state),
            Stage::Approval { id } => self.check_approval(work.key, state, *id),
            Stage::Person => self.take_input(work, state),
            Stage::Time => self.check_wait(work, state),
            _ => {}
        }
    }

    /// Ends a step whose time is up. Effects under way come to an end first; a child run is told to
    /// stop and then awaited.
    fn out_of_time(&mut self, key: &StepKey, state: &StepState) -> bool {
        let due = state.deadline.is_some_and(|deadline| self.now >= deadline);
        if !due || !self.may_start || state.outcome_open() {
            return false;
        }
        let until = match state.stage {
            // Its time stands still.
            _ if state.waits_for_answers() => return false,
            Stage::Ready | Stage::Retry { .. } | Stage::Person | Stage::Time => false,
            Stage::Poll { .. } => true,
            Stage::Child => {
                if let Some(Frozen::Child { child, .. }) = state.what.as_deref() {
                    self.tell_to_stop(*child, "the step's time is up");
                }
                let step = Some(key.clone());
                self.events.push(Event::TimerFired { step });
                return true;
            }
            _ => return false,
        };
        let last = state
            .failure
            .as_ref()
            .map(|failure| format!("; last: {}", failure.message))
            .unwrap_or_default();
        let failure = if until {
            settle::until_timed_out(key, &last)
        } else {
            let late = timed_out(key);
            Failure {
                message: late.message + &last,
                ..late
            }
        };
        self.fail(key, state.attempt, failure);
        true
    }

    fn tell_to_stop(&mut self, run: RunId, reason: &str) {
        let message = crate::Message::Cancel {
            by: Actor::system("parent run"),
            reason: reason.to_owned(),
        };
        self.actions.push(Action::Tell { run, message });
    }

    fn ready(&mut self, work: Work<'_>, state: &StepState) {
        let key = work.key;
        match state.what.as_deref() {
            Some(Frozen::Call(_)) if state.open_questions().next().is_some() => {
                self.ask_questions(key, state);
            }
            Some(Frozen::Call(call)) => self.begin_attempt(work, state, call),
            Some(Frozen::Check { condition, holds, .. }) => {
                if *holds {
                    self.complete(work, Yield::of(Labeled::new(true, types::Label::Author)));
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
            Some(Frozen::Child { recipe, inputs, .. }) if self.may_start => {
                let child = self.child_id(key, state.poll);
                self.start_child(key, recipe.clone(), inputs.clone(), child);
            }
            _ => {}
        }
    }

    /// Ends a step that may not go on. What a write of unknown outcome did must be said by a person:
    /// it can't be called failed.
    pub(crate) fn give_up(&mut self, key: &StepKey, state: &StepState, failure: Failure) {
        if state.outcome_open() {
            self.events.push(Event::StepUncertain {
                step: key.clone(),
                attempt: state.attempt,
                failure,
            });
        } else {
            self.fail(key, state.attempt, failure);
        }
    }

    fn begin_attempt(&mut self, work: Work<'_>, state: &StepState, call: &FrozenCall) {
        let key = work.key;
        if !self.may_start || self.state.in_flight() + self.begun >= self.program.limits.in_flight {
            return;
        }
        let tool = call.action.split('.').next().unwrap_or_default();
        if self.program.facts.paused_tools.contains(tool) {
            return;
        }
        if state.attempt - state.attempts_before >= self.program.limits.attempts {
            return self.exhausted(key, state);
        }
        let Lookup::Found(spec) = self.program.catalog.find(&call.action) else {
            let message = format!("step {key}: the action '{}' is gone", call.action);
            return self.give_up(key, state, Failure::new("tool_not_configured", message));
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
            now: self.now,
            author: author.as_ref(),
            granted: granted.as_ref(),
        };
        let verdict = governance::decide(&request, &self.program.facts, &self.program.schemas);
        self.follow(work, state, call, idempotency_key, granted, verdict);
    }

    /// The poison stop: whatever the outcomes were, there were too many attempts.
    fn exhausted(&mut self, key: &StepKey, state: &StepState) {
        let last = state
            .failure
            .as_ref()
            .map_or("", |failure| failure.message.as_str());
        let attempts = state.attempt - state.attempts_before;
        let message = format!("step {key}: given up after {attempts} attempts; last: {last}");
        self.events.push(settle::failed_event(
            key,
            state.attempt,
            Failure::new("attempts_exhausted", message),
            !state.outcome_open(),
            Then::Final,
        ));
    }

    fn follow(
        &mut self,
        work: Work<'_>,
        state: &StepState,
        call: &FrozenCall,
        idempotency_key: String,
        granted: Option<Granted>,
        verdict: Verdict,
    ) {
        let key = work.key;
        let attempt = state.attempt + 1;
        let (decision, reason) = match &verdict {
            Verdict::Permit(_) => (Decision::Permit, String::new()),
            Verdict::Ask { reason, .. } => (Decision::Ask, reason.clone() + &state.answers_shown()),
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
                // An attempt that must find out what an earlier one did gets its whole time.
                if let Some(step) = state.deadline.filter(|_| !state.outcome_open()) {
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
                    answers: state.asking.as_ref().map(|asking| asking.answers.clone()),
                    deadline,
                    permit,
                });
            }
            Verdict::Ask { need, .. } => self.ask_approval(work, call, attempt, need, reason),
            Verdict::Deny { failure } => self.give_up(key, state, failure),
        }
    }

    /// run + step + iteration, never the attempt; each poll is a call of its own.
    fn idempotency_key(&self, key: &StepKey, state: &StepState) -> String {
        let run = self.state.created.run;
        match state.poll {
            0 => format!("{run}:{key}"),
            poll => format!("{run}:{key}~{poll}"),
        }
    }

    /// Asks for a look-up of what the last attempt did. Nothing is recorded until it has ended, so
    /// deciding again asks again, and the shell keeps one look-up a step under way.
    fn look_up(&mut self, key: &StepKey, state: &StepState) {
        let Some(call) = state.call() else { return };
        let Lookup::Found(spec) = self.program.catalog.find(&call.action) else {
            let message = format!(
                "step {key}: the action '{}' is gone, so nobody can look up what it did",
                call.action
            );
            let hint = "add the tool again, or find out by hand and say what happened";
            return self.give_up(
                key,
                state,
                Failure::new("tool_not_configured", message).hint(hint),
            );
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
            now: self.now,
            author: None,
            granted: None,
        };
        let permit = governance::permit_look_up(&request);
        self.actions.push(Action::Probe {
            step: key.clone(),
            attempt: state.attempt,
            call: call.clone(),
            deadline: self.now + call.timeout_ms,
            permit,
        });
    }

    fn take_input(&mut self, work: Work<'_>, state: &StepState) {
        let Some(Frozen::Ask { name, .. }) = state.what.as_deref() else {
            return;
        };
        let Some(value) = self.input(name).filter(|_| self.may_start) else {
            return;
        };
        if !self.state.intake.contains_key(name) {
            self.events.push(Event::InputGiven {
                step: work.key.clone(),
                name: name.clone(),
                value: value.clone(),
                by: None,
            });
        }
        self.complete(work, Yield::of(value));
    }

    fn check_wait(&mut self, work: Work<'_>, state: &StepState) {
        if !self.may_start {
            return;
        }
        match state.what.as_deref() {
            Some(Frozen::Wait { until: Some(at), .. }) if *at <= self.now => {
                self.events.push(Event::TimerFired {
                    step: Some(work.key.clone()),
                });
                self.complete(
                    work,
                    Yield::of(Labeled::new(at.to_string(), types::Label::System)),
                );
            }
            Some(Frozen::Wait {
                signal: Some(name), ..
            }) => {
                // Each signal serves one step, also where several branches wait for the same name.
                let taken = self.signals_taken.get(name).copied().unwrap_or(0);
                let found = self
                    .state
                    .signals
                    .iter()
                    .filter(|signal| signal.name == *name)
                    .nth(taken);
                if let Some(payload) = found.map(|signal| signal.payload.clone()) {
                    self.signals_taken.insert(name.clone(), taken + 1);
                    self.complete(work, Yield::of(payload));
                }
            }
            _ => {}
        }
    }

    /// A step's work is done: keeps what it saves, or polls again.
    pub(crate) fn complete(&mut self, work: Work<'_>, done: Yield) {
        let mut events = settle::succeeded(self, work, done);
        self.events.append(&mut events);
    }
}
