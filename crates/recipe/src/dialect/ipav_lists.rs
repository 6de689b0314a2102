//! The older lists of intake, plan, act and verify in plain words: what stands there as bare words
//! gets the key that it means, and what today has no word for is told.

use super::build::{self, scalar};
use super::top::{TALK, slug_of};
use super::{Older, Today};
use crate::reader::{is_identifier, snake_case};
use crate::yaml::{Data, Node};

const SECTIONS: &[&str] = &["intake", "plan", "act", "verify"];

impl Older<'_, '_, '_> {
    pub(super) fn ipav_lists(&mut self, root: &Node) -> Today {
        let mut entries = Vec::new();
        for found in root.entries() {
            let key = found.key.as_str();
            match key {
                _ if SECTIONS.contains(&key) => {
                    entries.push(build::renamed(found, key, self.section(&found.value, key)));
                }
                "guardrails" => entries.push(build::renamed(found, key, self.guardrails(&found.value))),
                "success_metrics" => entries.push(build::renamed(found, key, self.metrics(&found.value))),
                "title" if root.get("name").is_none() => {
                    entries.push(build::renamed(found, "name", found.value.clone()));
                }
                "id" | "title" => {}
                _ if crate::reader::TOP.contains(&key) => entries.push(found.clone()),
                _ => self.left_over(found, crate::reader::TOP, TALK, "a recipe"),
            }
        }
        for section in SECTIONS {
            if root.get(section).is_none() {
                let message = format!("there is no section '{section}': it is taken to be empty");
                self.assumed(root, message);
                entries.push(build::entry(section, build::list(root, Vec::new())));
            }
        }
        Today::recipe(build::map(root, entries), slug_of(root))
    }

    fn section(&mut self, node: &Node, section: &str) -> Node {
        match &node.data {
            Data::List(items) => {
                let items = items.iter().map(|item| self.words(item, section)).collect();
                build::list(node, items)
            }
            Data::Null => build::list(node, Vec::new()),
            Data::Text(..) => build::list(node, vec![self.words(node, section)]),
            _ => node.clone(),
        }
    }

    /// A bare text of a list as a step.
    fn words(&mut self, node: &Node, section: &str) -> Node {
        let Some(text) = node.as_text() else {
            return node.clone();
        };
        let asked = |key: &str| vec![build::entry(key, node.clone())];
        let entries = match section {
            "intake" if is_identifier(text.trim()) => asked("gather"),
            "intake" if text.trim_end().ends_with('?') => {
                let name = build::text(node, snake_case(&scalar(node).unwrap_or_default()));
                vec![build::entry("ask", node.clone()), build::entry("as", name)]
            }
            "verify" => asked("check"),
            _ => asked("step"),
        };
        build::map(node, entries)
    }
}
