//! Messages that steer a run: votes, cancel and kill, the end of a child, the parent's undo.

use types::{Actor, Failure, Labeled, RunId, RunStatus};

use crate::accept::{Acceptor, work};
use crate::event::{ApprovalOutcome, Event, Then};
use crate::frozen::Frozen;
use crate::key::StepKey;
use crate::message::Message;
use crate::program::Action;
use crate::rows::ApprovalStatus;
use crate::settle::Yield;
use crate::state::Stage;

impl Acceptor<'_> {
    pub(crate) fn vote(&mut self, message: Message) {
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
        if by.is_same(&state.created.requester) && !self_approval {
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
        if asked.votes.iter().any(|vote| vote.by.is_same(&by)) {
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

    pub(crate) fn cancel(&mut self, by: Actor, reason: String) {
        if self.decider.state.cancel.is_some() || self.decider.state.undoing.is_some() {
            return self.refuse("the run is being stopped already");
        }
        self.decider.tell_children("", &reason);
        self.decider.events.push(Event::CancelRequested { by, reason });
        if self.decider.state.paused {
            let by = Actor::system("engine");
            self.decider.events.push(Event::RunResumed { by });
        }
    }

    /// Stops now: what is under way stays behind as it is.
    pub(crate) fn kill(&mut self, by: Actor, reason: String) {
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
        self.decider.void_approvals("", "the run ended first");
        self.decider.events.push(Event::RunFinished {
            status: RunStatus::Cancelled,
            failure: Some(failure),
            outputs: Labeled::null(),
            needs_attention: false,
        });
        self.decider.actions.push(Action::Finish);
    }

    pub(crate) fn child_finished(
        &mut self,
        key: &StepKey,
        child: RunId,
        status: RunStatus,
        outputs: Labeled,
        failure: Option<Failure>,
    ) {
        let undo = key.undo_child();
        let state = self.decider.state;
        let waits = |key: &StepKey| {
            state.steps.get(key).is_some_and(|step| {
                let own =
                    matches!(step.what.as_deref(), Some(Frozen::Child { child: own, .. }) if *own == child);
                step.stage == Stage::Child && own
            })
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
            return self
                .decider
                .complete(work(&key, step, &items), Yield::of(outputs));
        }
        // A child that was told to stop because the step's time was up.
        if let Some(late) = state.steps.get(&key).and_then(|step| step.failure.clone()) {
            return self.decider.fail(&key, 0, late);
        }
        let why = failure.map_or_else(|| format!("it was {status}"), |failure| failure.message);
        let message = format!("step {key}: the child run {child} did not succeed: {why}");
        self.decider.fail(&key, 0, Failure::new("child_failed", message));
    }

    /// The parent takes this run back.
    pub(crate) fn undo(&mut self, reason: String) {
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
