//! The older lists of intake, plan, act and verify in plain words: what stands there as bare words
//! gets the key that it means, and what today has no word for is told.

use super::action::{Call, Meant};
use super::build::{self, first, scalar};
use super::top::{TALK, slug_of};
use super::{Older, Today};
use crate::ipav::is_plain_words;
use crate::reader::{is_identifier, snake_case};
use crate::yaml::{Data, Entry, Node};

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

    /// A bare text of a list as a step; a step in its older spelling as today's.
    fn words(&mut self, node: &Node, section: &str) -> Node {
        let Some(text) = node.as_text() else {
            return self.spelled(node);
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

    /// A question in parts, and an action that no tool here offers.
    fn spelled(&mut self, node: &Node) -> Node {
        let Data::Map(parts) = &node.data else {
            return node.clone();
        };
        let entries = parts.iter().flat_map(|part| match part.key.as_str() {
            "gather" | "ask" if matches!(part.value.data, Data::Map(_)) => self.question(part),
            "action" => vec![self.offered(part)],
            _ => vec![part.clone()],
        });
        build::map(node, entries.collect())
    }

    fn question(&self, part: &Entry) -> Vec<Entry> {
        let name = first(&part.value, &["field", "name", "as", "id", "key"]);
        let prompt = first(&part.value, &["prompt", "question", "label", "description"]);
        match (name, prompt) {
            (Some(name), Some(prompt)) => {
                let called = snake_case(&scalar(&name.value).unwrap_or_default());
                let prompt = build::renamed(part, "ask", prompt.value.clone());
                vec![
                    prompt,
                    build::renamed(name, "as", build::text(&name.value, called)),
                ]
            }
            (Some(name), None) => vec![build::renamed(part, "gather", name.value.clone())],
            _ => vec![part.clone()],
        }
    }

    fn offered(&mut self, part: &Entry) -> Entry {
        let unknown = |name: &str| matches!(self.catalog.find(name), types::Lookup::Unknown);
        let bare = part
            .value
            .as_text()
            .filter(|name| !is_plain_words(name) && unknown(name));
        let Some(action) = bare.map(str::to_owned) else {
            return part.clone();
        };
        let call = Call {
            node: &part.value,
            tool: None,
            action,
        };
        match self.meant(&call) {
            Meant::Action(name) => build::renamed(part, "action", build::text(&part.value, name)),
            Meant::Words(_) => part.clone(),
        }
    }
}
