//! Taking back: undo steps in reverse order of success, then the rollback of the guardrails.

use types::StepStatus;

use crate::decide::{Decider, Flow};
use crate::event::Event;
use crate::frozen::FrozenUndo;
use crate::key::StepKey;
use crate::locate::Items;
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
        if self.rollback() {
            return;
        }
        let failed = self.failed_compensations();
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
                    self.progress(step, None, &Items::new());
                    return true;
                }
            }
        }
        false
    }

    /// Whether something of the rollback is still going on.
    fn rollback(&mut self) -> bool {
        for step in &self.program.recipe.guardrails.rollback {
            let key = StepKey::new("rollback", &step.id);
            match self.block("rollback", std::slice::from_ref(step), &Items::new()) {
                Flow::Busy => return true,
                Flow::Done | Flow::Failed(_) => debug_assert!(self.state.steps.contains_key(&key)),
            }
        }
        false
    }

    fn failed_compensations(&self) -> Vec<StepKey> {
        let failed = |step: &StepState| step.status == StepStatus::Failed;
        let undo = self
            .state
            .undoable
            .iter()
            .filter_map(|key| self.state.steps.get(key))
            .flat_map(|owner| owner.undo.iter().map(|undo| &undo.step));
        let rollback = self
            .state
            .steps
            .keys()
            .filter(|key| key.as_str().starts_with("rollback/"));
        undo.chain(rollback)
            .filter(|key| self.state.steps.get(*key).is_some_and(failed))
            .cloned()
            .collect()
    }
}
