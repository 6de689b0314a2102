//! Taking back: undo steps in reverse order of success, then the rollback of the guardrails.

use types::StepStatus;

use crate::decide::{Decider, Flow};
use crate::event::Event;
use crate::frozen::FrozenUndo;
use crate::key::StepKey;
use crate::locate::{Items, Work};
use crate::state::StepState;

impl Decider<'_> {
    /// One round while the run is being undone.
    pub(crate) fn undo(&mut self) {
        for key in self.state.undoable.iter().rev() {
            let Some(owner) = self.state.steps.get(key) else {
                continue;
            };
            if owner.status == StepStatus::Undone {
                continue;
            }
            if self.undo_one(owner) {
                return;
            }
        }
        let Some(rollback_failed) = self.rollback() else {
            return;
        };
        let mut failed = self.failed_undo_steps();
        failed.extend(rollback_failed);
        let undo_failed = !failed.is_empty();
        self.events.push(Event::UndoFinished { failed });
        self.finish_stopped(self.state.failure.clone(), undo_failed);
    }

    /// Whether something of the owner's undo steps is still going on. A failed one is left behind:
    /// the others still have to be tried.
    fn undo_one(&mut self, owner: &StepState) -> bool {
        for FrozenUndo { step, title, what } in &owner.undo {
            match self.state.steps.get(step).map(|state| state.status) {
                None => {
                    if self.may_start {
                        self.begin(step, title, what.clone(), None);
                    }
                    return true;
                }
                Some(
                    StepStatus::Succeeded | StepStatus::Failed | StepStatus::Skipped | StepStatus::Undone,
                ) => {}
                Some(_) => {
                    self.progress(Work::frozen(step));
                    return true;
                }
            }
        }
        false
    }

    /// The rollback steps that failed and whose `on_error` did not help; none while something of the
    /// rollback is still going on.
    fn rollback(&mut self) -> Option<Vec<StepKey>> {
        let mut failed = Vec::new();
        for step in &self.program.recipe.guardrails.rollback {
            match self.block("rollback", std::slice::from_ref(step), &Items::new()) {
                Flow::Busy => return None,
                Flow::Done => {}
                Flow::Failed(_) => failed.push(StepKey::new("rollback", &step.id)),
            }
        }
        Some(failed)
    }

    fn failed_undo_steps(&self) -> Vec<StepKey> {
        let failed = |key: &StepKey| {
            let step = self.state.steps.get(key);
            step.is_some_and(|step| step.status == StepStatus::Failed)
        };
        self.state
            .undoable
            .iter()
            .filter_map(|key| self.state.steps.get(key))
            .flat_map(|owner| owner.undo.iter().map(|undo| undo.step.clone()))
            .filter(failed)
            .collect()
    }
}
