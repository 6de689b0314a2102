//! Branches side by side: how many may be under way, and how they end together when one fails.

use recipe::program::Step;
use types::{Actor, StepStatus, Timestamp};

use crate::decide::{Decider, Flow};
use crate::event::Event;
use crate::frozen::Frozen;
use crate::key::StepKey;
use crate::locate::{Items, Work};
use crate::program::Action;
use crate::settle::Yield;
use crate::state::Stage;

impl Decider<'_> {
    /// One round of a `parallel` step; `most` branches may be under way at once.
    pub(crate) fn branches(
        &mut self,
        work: Work<'_>,
        branches: &[Vec<Step>],
        most: usize,
        items: &Items,
    ) -> Flow {
        let key = work.key;
        let Some(state) = self.state.steps.get(key) else {
            return Flow::Busy;
        };
        let inside = format!("{key}.");
        if self.may_start && state.deadline.is_some_and(|deadline| deadline <= self.now) {
            self.tell_children(&inside, "the step's time is up");
            let step = Some(key.clone());
            self.events.push(Event::TimerFired { step });
            return Flow::Busy;
        }
        // A look without beginning anything: what has ended, what has failed.
        let (events, actions) = (self.events.len(), self.actions.len());
        let flows = self.walk_branches(key, branches, items, false, usize::MAX);
        if self.events.len() > events {
            return Flow::Busy;
        }
        self.actions.truncate(actions);
        // The first to fail is the cause; the others may have failed since they were told to stop.
        let failed = flows.iter().enumerate().filter_map(|(index, flow)| match flow {
            Flow::Failed(failure) => Some((self.failed_at(&key.branch(index)), failure)),
            _ => None,
        });
        // A child that was told to stop may do so within the same millisecond.
        let failed = failed.min_by_key(|(at, failure)| (*at, failure.code == "child_failed"));
        let failed = failed.map(|(_, failure)| failure.clone());
        if let Some(failure) = state.failure.clone().or(failed) {
            // The other branches begin nothing new; effects under way come to an end first.
            if self.has_just_failed(&inside) {
                self.tell_children(&inside, "another branch of the parent run has failed");
            }
            self.settle_open(&inside);
            if self.state.open_effects(&inside).next().is_none() {
                self.void_approvals(&inside, "another branch has failed");
                self.fail(key, 0, failure);
            }
        } else if flows.iter().all(|flow| *flow == Flow::Done) {
            self.complete(work, Yield::of(types::Labeled::null()));
        } else {
            self.walk_branches(key, branches, items, self.may_start, most.max(1));
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

    /// When the last step of a branch that has failed did so.
    fn failed_at(&self, prefix: &str) -> Option<Timestamp> {
        let inside = format!("{prefix}/");
        let steps = self
            .state
            .steps
            .iter()
            .filter(|(key, step)| key.as_str().starts_with(&inside) && step.status == StepStatus::Failed);
        steps.filter_map(|(_, step)| step.finished_at).max()
    }

    /// Whether a step under `prefix` failed at this very instant, so that what it means is told once.
    fn has_just_failed(&self, prefix: &str) -> bool {
        self.state.steps.iter().any(|(key, step)| {
            key.as_str().starts_with(prefix)
                && step.status == StepStatus::Failed
                && step.finished_at == Some(self.now)
        })
    }

    /// Where nothing new may begin under `prefix` (`""` is all): goes on only with finding out what
    /// effects of unknown outcome did.
    pub(crate) fn settle_open(&mut self, prefix: &str) {
        let due: Vec<StepKey> = self
            .state
            .steps
            .iter()
            .filter(|(key, step)| {
                key.as_str().starts_with(prefix)
                    && match step.stage {
                        Stage::LookUp { at, .. } => at <= self.now,
                        Stage::Retry { at, .. } => at <= self.now && step.repeats_unknown_write(),
                        _ => step.repeats_unknown_write(),
                    }
            })
            .map(|(key, _)| key.clone())
            .collect();
        let before = std::mem::replace(&mut self.may_start, !self.state.paused);
        for key in due {
            self.progress(Work::frozen(&key));
        }
        self.may_start = before;
    }

    /// Asks children running under `prefix` (`""` is all) to stop.
    pub(crate) fn tell_children(&mut self, prefix: &str, reason: &str) {
        for (key, step) in &self.state.steps {
            if let (Stage::Child, Some(Frozen::Child { child, .. })) = (&step.stage, step.what.as_deref())
                && key.as_str().starts_with(prefix)
            {
                let message = crate::Message::Cancel {
                    by: Actor::system("parent run"),
                    reason: reason.to_owned(),
                };
                self.actions.push(Action::Tell { run: *child, message });
            }
        }
    }
}
