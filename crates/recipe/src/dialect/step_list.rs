//! The step list: `steps` with `using`, `params`, `saves`, `when` and `fallback`. Preconditions and
//! the leading reads are planned, the rest is done, assertions verify.

use types::Phase;

use super::build::{first, many};
use super::top::Sections;
use super::{Older, Today};
use crate::yaml::Node;

impl Older<'_, '_, '_> {
    pub(super) fn step_list(&mut self, root: &Node) -> Today {
        self.sequence(root, &["steps"])
    }

    /// A document whose steps stand in one list.
    pub(super) fn sequence(&mut self, root: &Node, own: &[&str]) -> Today {
        let listed = first(root, &["steps"])
            .map(|steps| many(&steps.value))
            .unwrap_or_default();
        let conditions = first(root, &["preconditions"])
            .map(|entry| many(&entry.value))
            .unwrap_or_default();
        let checks = ["verify", "assertions"]
            .iter()
            .filter_map(|key| first(root, &[key]));
        let checks = checks.flat_map(|entry| many(&entry.value));
        self.survey(root, conditions.iter().chain(listed).chain(checks));
        let mut sections = Sections::default();
        if let Some(conditions) = first(root, &["preconditions"]) {
            for made in self.checks(&conditions.value) {
                sections.put(Phase::Plan, made);
            }
        }
        self.lay_out(listed, &mut sections, Phase::Plan);
        self.finish(root, sections, None, own)
    }

    /// Lays out steps in their order: where their ids say, else reads first and then the rest.
    pub(super) fn lay_out(&mut self, steps: &[Node], sections: &mut Sections, first_phase: Phase) {
        for node in steps {
            let Some(made) = self.step(node) else { continue };
            let now = sections.now();
            let wish = made.phase.unwrap_or(match made.reads || now > Phase::Act {
                true => now.max(first_phase),
                false => now.max(Phase::Act),
            });
            if sections.put(wish, made) {
                let message = format!(
                    "this step stays in '{}': steps are never put in another order",
                    sections.now()
                );
                self.assumed(node, message);
            }
        }
    }
}
