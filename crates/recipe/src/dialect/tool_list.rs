//! The tool list: `steps` with a dotted id, whose first part names the phase, a `tool` and its
//! `input`. Later steps read earlier ones by their id.

use super::{Older, Today};
use crate::yaml::Node;

impl Older<'_, '_, '_> {
    pub(super) fn tool_list(&mut self, root: &Node) -> Today {
        self.sequence(root, &["steps"])
    }
}
