//! Which names can be read where: inputs, what was saved before, steps that came before.

use std::collections::{BTreeMap, BTreeSet};

use crate::expr::nearest;
use crate::expr::parse::Path;
use crate::yaml::{Data, Node};

/// Names that a step can't save.
pub(crate) const BUILT_IN: &[&str] = &[
    "inputs", "intake", "s", "steps", "item", "run", "agent", "params", "loop", "range", "null", "none",
    "true", "false", "self",
];

/// What `run` holds.
const RUN: &[&str] = &["id", "recipe", "agent", "attempt", "started_at"];

/// What can be read at the place reached so far, and what comes later.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// Declared inputs, and names that an `ask` fills.
    pub inputs: BTreeSet<String>,
    /// Saved so far.
    pub saved: BTreeSet<String>,
    /// Names of `for_each` around the place.
    pub locals: Vec<String>,
    /// Steps so far.
    pub steps: BTreeSet<String>,
    pub params: BTreeSet<String>,
    /// Saved anywhere in the recipe, with the line.
    pub saved_later: BTreeMap<String, u32>,
    /// `intake` names read anywhere, in the order of the text.
    pub wanted: Vec<String>,
}

/// What is wrong with a name, and what to write instead.
pub(crate) struct Wrong {
    pub message: String,
    pub suggestion: Option<String>,
}

impl Names {
    /// Looks through the whole document for what will be saved and what is asked for.
    pub(crate) fn survey(&mut self, node: &Node) {
        match &node.data {
            Data::Text(text, _) => self.wanted_in(text),
            Data::List(items) => items.iter().for_each(|item| self.survey(item)),
            Data::Map(entries) => {
                for entry in entries {
                    if matches!(entry.key.as_str(), "save" | "saves") {
                        self.saves_in(&entry.value);
                    }
                    self.survey(&entry.value);
                }
            }
            _ => {}
        }
    }

    fn saves_in(&mut self, node: &Node) {
        match &node.data {
            Data::Text(name, _) => {
                self.saved_later.entry(name.clone()).or_insert(node.at.line);
            }
            Data::Map(entries) => {
                for entry in entries {
                    self.saved_later
                        .entry(entry.key.clone())
                        .or_insert(entry.key_at.line);
                }
            }
            _ => {}
        }
    }

    fn wanted_in(&mut self, text: &str) {
        for (at, _) in text.match_indices("intake.") {
            let name: String = text[at + "intake.".len()..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if !name.is_empty() && !self.wanted.contains(&name) {
                self.wanted.push(name);
            }
        }
    }

    /// What is wrong with reading this path here, if anything.
    pub(crate) fn check(&self, path: &Path) -> Option<Wrong> {
        let (root, rest) = path.parts.split_first()?;
        if path.guarded || self.locals.contains(root) {
            return None;
        }
        let child = rest.first();
        match root.as_str() {
            "inputs" | "intake" => {
                let child = child?;
                self.listed(root, child, &self.inputs, "no input and no 'ask' has this name")
            }
            "s" => child.and_then(|child| self.saved_name(&format!("s.{child}"), child, "s.")),
            "steps" => {
                let child = child?;
                self.listed("steps", child, &self.steps, "no step before this one has this id")
            }
            "run" => {
                let child = child?;
                let known = RUN.iter().map(|name| (*name).to_owned()).collect();
                self.listed(
                    "run",
                    child,
                    &known,
                    "a run has id, recipe, agent, attempt and started_at",
                )
            }
            "params" => {
                let child = child?;
                self.listed("params", child, &self.params, "'params' has no such entry")
            }
            "agent" => None,
            "item" => Some(Wrong {
                message: "'item' can be read only in a step with 'for_each'".to_owned(),
                suggestion: None,
            }),
            name => self.saved_name(name, name, ""),
        }
    }

    fn listed(&self, root: &str, child: &str, known: &BTreeSet<String>, why: &str) -> Option<Wrong> {
        if known.contains(child) {
            return None;
        }
        let near = nearest(child, known.iter().map(String::as_str));
        Some(Wrong {
            message: format!("'{root}.{child}' is undefined: {why}"),
            suggestion: near.map(|near| format!("{root}.{near}")),
        })
    }

    fn saved_name(&self, shown: &str, name: &str, prefix: &str) -> Option<Wrong> {
        if self.saved.contains(name) {
            return None;
        }
        if let Some(line) = self.saved_later.get(name) {
            return Some(Wrong {
                message: format!("'{shown}' is read before it is saved (line {line})"),
                suggestion: Some("move the step that saves it before this one".to_owned()),
            });
        }
        let own = self
            .saved
            .iter()
            .chain(&self.locals)
            .map(|name| format!("{prefix}{name}"));
        let roots = ["inputs", "intake", "steps", "run", "agent"].map(str::to_owned);
        let inputs = self.inputs.iter().map(|input| format!("intake.{input}"));
        let near = match self.inputs.contains(name) && prefix.is_empty() {
            true => Some(format!("intake.{name}")),
            false => {
                let known: Vec<String> = own.chain(roots).chain(inputs).collect();
                nearest(shown, known.iter().map(String::as_str)).map(str::to_owned)
            }
        };
        Some(Wrong {
            message: format!("'{shown}' is undefined: no step before this one saves it"),
            suggestion: near,
        })
    }

    /// Where an argument of this name can come from: a value of the same name, a saved object for
    /// an argument that takes one (`zoom_room` for `room`), or the object's `id` for its `…_id`.
    pub(crate) fn source_of(&self, argument: &str, takes_object: bool) -> Option<String> {
        if self.saved.contains(argument) {
            return Some(argument.to_owned());
        }
        let ending = format!("_{argument}");
        if takes_object && let Some(holder) = self.saved.iter().find(|name| name.ends_with(&ending)) {
            return Some(holder.clone());
        }
        if self.inputs.contains(argument) {
            return Some(format!("intake.{argument}"));
        }
        let stem = argument
            .strip_suffix("_id")
            .or_else(|| argument.strip_suffix("Id"))?;
        let ending = format!("_{stem}");
        let holder = self
            .saved
            .iter()
            .find(|name| *name == stem || name.ends_with(&ending));
        holder.map(|holder| format!("{holder}.id"))
    }
}
