//! Workflows: a trigger and a graph of runs. The graph becomes a small recipe that runs the others;
//! the whole document is kept, for the trigger that nothing here pulls yet.

use types::Phase;

use super::build::{self, entry, first, many, scalar};
use super::documents::Brings;
use super::graph::is_end;
use super::step::Made;
use super::top::Sections;
use super::{Older, Today, slug_from};
use crate::reader::snake_case;
use crate::yaml::{Data, Entry, Node};

const OWN: &[&str] = &[
    "trigger", "triggers", "graph", "nodes", "recipe", "with", "enabled", "edges",
];

impl Older<'_, '_, '_> {
    pub(super) fn workflow(&mut self, root: &Node) -> Today {
        let nodes = first(root, &["graph", "nodes"]).map(|graph| match first(&graph.value, &["nodes"]) {
            Some(nodes) => many(&nodes.value),
            None => many(&graph.value),
        });
        let single = [root.clone()];
        let nodes = nodes.unwrap_or(&single);
        for node in nodes {
            if let Some(id) = first(node, super::step::ID).and_then(|id| scalar(&id.value)) {
                self.name_id(&id, None);
            }
        }
        let mut sections = Sections::default();
        let mut agents: Vec<String> = Vec::new();
        for node in self.in_order(root, nodes) {
            if let Some(step) = self.graph_node(node, &mut agents) {
                sections.put(Phase::Act, step);
            }
        }
        if let Some(trigger) = first(root, &["trigger", "triggers", "enabled"]) {
            let kind = first(&trigger.value, &["cron", "type", "every", "event"])
                .and_then(|kind| scalar(&kind.value));
            let message = format!(
                "nothing here starts a run by itself yet{}: the trigger is kept in the setting workflows.kept",
                kind.map_or_else(String::new, |kind| format!(" ({kind})"))
            );
            self.findings.add(
                crate::Severity::Warning,
                "older_dropped",
                trigger.key_at,
                &trigger.value.path,
                message,
            );
        }
        let mut today = self.finish(root, sections, None, OWN);
        agents.dedup();
        match agents.as_slice() {
            [] => {}
            [agent] => self.for_agent(root, agent, &mut today),
            several => {
                let message = format!(
                    "a run has one agent, and this workflow names {}: name one when it is started",
                    several.join(", ")
                );
                self.findings.add(
                    crate::Severity::Warning,
                    "older_dropped",
                    root.at,
                    &root.path,
                    message,
                );
            }
        }
        today.brings.push(Brings::Workflow(root.to_json()));
        today
    }

    fn for_agent(&mut self, root: &Node, agent: &str, today: &mut Today) {
        if let Some(Node {
            data: Data::Map(entries),
            ..
        }) = &mut today.recipe
            && entries.iter().all(|entry| entry.key != "agent")
        {
            entries.push(entry("agent", build::text(root, agent)));
        }
    }

    /// One node of the graph as a step; `None` for an end.
    fn graph_node(&mut self, node: &Node, agents: &mut Vec<String>) -> Option<Made> {
        if is_end(node) {
            return None;
        }
        let mut entries = Vec::new();
        if let Some(id) = first(node, super::step::ID)
            && let Some(written) = scalar(&id.value)
            && first(node, &["trigger", "graph"]).is_none()
        {
            entries.push(build::renamed(
                id,
                "id",
                build::text(&id.value, snake_case(&written)),
            ));
        }
        let run = first(node, &["run"]).filter(|run| matches!(run.value.data, Data::Map(_)));
        let body = run.map_or(node, |run| &run.value);
        let each = first(body, &["items", "foreach", "for_each", "in"]);
        let inner =
            first(body, &["do", "body", "run"]).filter(|inner| matches!(inner.value.data, Data::Map(_)));
        if let Some(each) = each {
            entries.push(build::renamed(each, "for_each", self.items(&each.value)));
            let name = first(body, &["as", "item_name"]);
            entries.extend(name.map(|name| build::renamed(name, "as", name.value.clone())));
        }
        let what = inner.map_or(body, |inner| &inner.value);
        let branches =
            first(body, &["branches", "parallel"]).filter(|entry| matches!(entry.value.data, Data::List(_)));
        if let Some(branches) = branches {
            let steps = many(&branches.value)
                .iter()
                .filter_map(|branch| self.graph_node(branch, agents));
            let steps: Vec<Node> = steps.map(|made| made.node).collect();
            entries.push(build::renamed(
                branches,
                "parallel",
                build::list(&branches.value, steps),
            ));
        } else if !self.runs(what, agents, &mut entries) {
            if super::action::Call::of(node).is_some() {
                return self.step(node);
            }
            let message = "this node says nothing to run: it needs a recipe";
            self.wrong("step_kind", node, message);
            return None;
        }
        if let Some(when) = first(node, &["when", "if", "condition"]) {
            entries.push(build::renamed(when, "when", self.refs.expression(&when.value)));
        }
        for more in ["retry", "on_error", "timeout_s"] {
            let found = first(node, &[more]);
            entries.extend(found.map(|found| build::renamed(found, more, found.value.clone())));
        }
        Some(Made {
            node: build::map(node, entries),
            before: Vec::new(),
            phase: None,
            reads: false,
        })
    }

    /// The recipe that is run, with its inputs, and for which agent.
    fn runs(&mut self, node: &Node, agents: &mut Vec<String>, entries: &mut Vec<Entry>) -> bool {
        let recipe = first(node, &["recipe", "recipe_id", "workflow"]);
        let plain = first(node, &["run"]).filter(|run| run.value.as_text().is_some());
        let Some(recipe) = recipe.or(plain) else {
            return false;
        };
        entries.push(build::renamed(recipe, "run", self.recipe_name(&recipe.value)));
        if let Some(with) =
            first(node, &["with", "inputs", "params", "args"]).filter(|_| node.get("graph").is_none())
        {
            let value = self.refs.template(&with.value);
            let value = self.undashed(value);
            entries.push(build::renamed(with, "with", value));
        }
        if let Some(agent) = first(node, &["agent", "agent_id"])
            && let Some(id) = scalar(&agent.value)
        {
            let name = agent_called(&id);
            if name != id {
                self.assumed(&agent.value, format!("the agent '{id}' is taken to be '{name}'"));
            }
            if !agents.contains(&name) {
                agents.push(name);
            }
        }
        true
    }

    /// Inputs by the names that they have today.
    fn undashed(&mut self, mut with: Node) -> Node {
        if let Data::Map(entries) = &mut with.data {
            for entry in entries.iter_mut().filter(|entry| entry.key.contains('-')) {
                let today = entry.key.replace('-', "_");
                self.assumed(
                    &entry.value,
                    format!("the input '{}' is called '{today}' from now on", entry.key),
                );
                entry.key = today;
            }
        }
        with
    }

    /// What a loop goes over: a path, a template, or a list.
    fn items(&mut self, node: &Node) -> Node {
        match node.as_text() {
            Some(text) if !text.contains(['{', '$']) => self.refs.expression(node),
            _ => self.refs.template(node),
        }
    }
}

/// `agent-zoom-room-doctor-v1` is Zoom Room Doctor.
pub(super) fn agent_called(id: &str) -> String {
    if id.contains(' ') {
        return id.to_owned();
    }
    let Some(stem) = id.strip_prefix("agent-") else {
        return id.to_owned();
    };
    let words = slug_from(stem);
    let words = words.split('-').map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    });
    words.collect::<Vec<String>>().join(" ")
}
