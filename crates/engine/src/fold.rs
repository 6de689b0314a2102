//! How one step's state changes when an event is folded into its run.

use std::sync::Arc;

use types::{Failure, RunId, StepStatus, Timestamp};

use crate::frozen::Frozen;
use crate::key::StepKey;
use crate::state::{Stage, StepState};

impl StepState {
    /// A step's time stands still while its approval is decided, while nobody knows what it did, while
    /// its tool waits for a person's answer, and while the run is paused.
    pub(crate) fn count_held_time(&mut self, paused: bool, at: Timestamp) {
        let held = paused
            || matches!(self.stage, Stage::Approval { .. } | Stage::Uncertain)
            || self.waits_for_answers();
        match (self.held_since, held) {
            (None, true) => self.held_since = Some(at),
            (Some(since), false) => {
                self.deadline = self.deadline.map(|deadline| deadline + at.since(since));
                self.held_since = None;
            }
            _ => {}
        }
    }

    /// The last attempt came to an unknown outcome, or there is word of it. An attempt counts once,
    /// however often its outcome stays unknown.
    pub(crate) fn count_outcome(&mut self, known: bool) {
        let counted = self.open && !matches!(self.stage, Stage::InFlight { .. });
        self.unknowns = match (known, counted) {
            (false, false) => self.unknowns + 1,
            (true, true) => self.unknowns.saturating_sub(1),
            _ => self.unknowns,
        };
        self.open = !known;
    }

    /// What can't be given up at once, a child run or branches, keeps the failure until it has ended.
    pub(crate) fn run_out_of_time(&mut self, key: &StepKey) {
        if matches!(self.stage, Stage::Child | Stage::Container) {
            self.deadline = None;
            self.failure = Some(timed_out(key));
        }
    }

    pub(crate) fn start_child(&mut self, new: RunId) {
        if let Some(Frozen::Child { child, .. }) = self.what.as_mut().map(Arc::make_mut) {
            *child = new;
        }
        self.wait(Stage::Child);
    }

    pub(crate) fn end(&mut self, status: StepStatus, at: Timestamp) {
        self.status = status;
        self.stage = Stage::Done;
        self.finished_at = Some(at);
    }

    pub(crate) fn wait(&mut self, stage: Stage) {
        self.status = match stage {
            Stage::Ready => StepStatus::Pending,
            _ => StepStatus::Waiting,
        };
        self.stage = stage;
    }
}

/// The failure of a step that has run out of time.
pub(crate) fn timed_out(key: &StepKey) -> Failure {
    Failure::new("step_timed_out", format!("step {key}: its time is up")).hint("raise the step's timeout_s")
}
