//! The orchestrator: steps by agent. It becomes one recipe whose steps name their agents; profiles
//! become `params`, and approvals before an agent's phase become steps that wait for them.

use types::Phase;

use super::build::{self, entry, first, many, scalar};
use super::fixed_agents::agent_phase;
use super::top::Sections;
use super::{Older, Today};
use crate::reader::snake_case;
use crate::yaml::{Data, Node};

const OWN: &[&str] = &[
    "steps_by_agent",
    "agents",
    "roles",
    "mcp_required",
    "profiles",
    "approvals",
    "tools_required",
];

impl Older<'_, '_, '_> {
    pub(super) fn orchestrator(&mut self, root: &Node) -> Today {
        self.own_tool = "orchestrator".to_owned();
        let by_agent = first(root, &["steps_by_agent"]).map(|entry| &entry.value);
        let agents: Vec<(String, Vec<Node>)> = by_agent.map(|node| self.by_agent(node)).unwrap_or_default();
        self.profiles(root);
        self.survey(root, agents.iter().flat_map(|(_, steps)| steps));
        self.listed_agents(root, &agents);
        let mut sections = Sections::default();
        let approvals = first(root, &["approvals"]).map(|entry| &entry.value);
        for (agent, steps) in &agents {
            let wish = agent_phase(agent).unwrap_or_else(|| sections.now().max(Phase::Plan));
            let gate = approvals.and_then(|approvals| approvals.get(agent));
            let mut gates = gate.map(|gate| self.gates(gate, agent)).unwrap_or_default();
            for step in steps {
                let Some(mut made) = self.step(step) else { continue };
                made.node = titled(&made.node, agent);
                gates.append(&mut made.before);
                made.before = std::mem::take(&mut gates);
                if sections.put(made.phase.unwrap_or(wish), made) {
                    let message = format!(
                        "this step stays in '{}': steps are never put in another order",
                        sections.now()
                    );
                    self.assumed(step, message);
                }
            }
        }
        self.other_approvals(root, &agents);
        self.required_tools(root);
        let params = first(root, &["profiles"]).map(|profiles| profiles.value.clone());
        self.finish(root, sections, params, OWN)
    }

    /// Each agent's steps in the order of the text. An id that another agent's step has too is told
    /// apart by its agent.
    fn by_agent(&mut self, node: &Node) -> Vec<(String, Vec<Node>)> {
        let Data::Map(agents) = &node.data else {
            self.wrong(
                "wrong_value",
                node,
                "'steps_by_agent' is a map of agents, each with its steps",
            );
            return Vec::new();
        };
        let mut seen = std::collections::BTreeSet::new();
        let mut all = Vec::new();
        for agent in agents {
            let mut steps = Vec::new();
            let listed = match &agent.value.data {
                Data::Null => &[],
                Data::Map(_) => first(&agent.value, &["steps"])
                    .map(|steps| many(&steps.value))
                    .unwrap_or_default(),
                _ => many(&agent.value),
            };
            let mut own = std::collections::BTreeSet::new();
            for step in listed {
                let id = first(step, super::step::ID);
                let written = id.and_then(|id| scalar(&id.value));
                match (id, written) {
                    (Some(id), Some(written))
                        if seen.contains(&snake_case(&written)) && own.insert(written.clone()) =>
                    {
                        let renamed = format!("{}_{}", snake_case(&agent.key), snake_case(&written));
                        self.assumed(
                            &id.value,
                            format!("another agent has a step '{written}': this one is called '{renamed}'"),
                        );
                        let entries = step.entries().iter().map(|part| match part.key == id.key {
                            true => {
                                build::renamed(part, &part.key, build::text(&part.value, renamed.clone()))
                            }
                            false => part.clone(),
                        });
                        steps.push(build::map(step, entries.collect()));
                    }
                    (_, written) => {
                        own.extend(written);
                        steps.push(step.clone());
                    }
                }
            }
            seen.extend(own.iter().map(|id| snake_case(id)));
            all.push((agent.key.clone(), steps));
        }
        all
    }

    /// `default_room_type` stands in for the context's `room_type`.
    fn profiles(&mut self, root: &Node) {
        for profile in first(root, &["profiles"])
            .map(|entry| entry.value.entries())
            .unwrap_or_default()
        {
            let name = profile.key.strip_prefix("default_").unwrap_or(&profile.key);
            self.refs.profiles.insert(name.to_owned(), profile.key.clone());
        }
    }

    fn listed_agents(&mut self, root: &Node, agents: &[(String, Vec<Node>)]) {
        let Some(listed) = first(root, &["agents"]) else {
            return;
        };
        let names: Vec<String> = many(&listed.value).iter().filter_map(agent_name).collect();
        for (item, name) in many(&listed.value).iter().zip(&names) {
            if agents.iter().all(|(agent, _)| agent != name) {
                self.assumed(item, format!("'{name}' has no steps here"));
            }
        }
        let order: Vec<&String> = names
            .iter()
            .filter(|name| agents.iter().any(|(agent, _)| agent == *name))
            .collect();
        let text: Vec<&String> = agents
            .iter()
            .map(|(agent, _)| agent)
            .filter(|agent| names.contains(agent))
            .collect();
        if order != text {
            let message = "the agents are listed in another order than their steps stand in: the order of the steps holds";
            self.findings.add(
                crate::Severity::Warning,
                "older_assumed",
                listed.key_at,
                &listed.value.path,
                message,
            );
        }
    }

    /// Approvals for agents that have no steps can't hold anything back.
    fn other_approvals(&mut self, root: &Node, agents: &[(String, Vec<Node>)]) {
        for approval in first(root, &["approvals"])
            .map(|entry| entry.value.entries())
            .unwrap_or_default()
        {
            if agents
                .iter()
                .all(|(agent, steps)| *agent != approval.key || steps.is_empty())
            {
                let message = format!(
                    "'{}' has no steps that this approval could hold back",
                    approval.key
                );
                self.dropped(&approval.value, message);
            }
        }
    }

    fn required_tools(&mut self, root: &Node) {
        let required = first(root, &["mcp_required", "tools_required"]);
        for item in required.map(|entry| many(&entry.value)).unwrap_or_default() {
            let Some(name) = scalar(item) else { continue };
            let today = self.tool_called(&name);
            let message = match self.catalog.tool(&today) {
                Some(_) if today == name => continue,
                Some(_) => format!("'{name}' is called '{today}' here"),
                None => format!("there is no tool '{name}' here: steps that call it can be kept but not run"),
            };
            self.assumed(item, message);
        }
        if let Some(roles) = first(root, &["roles"]) {
            let message = "who is in these groups stands in the setting approvals.groups";
            self.findings.add(
                crate::Severity::Note,
                "older_dropped",
                roles.key_at,
                &roles.value.path,
                message,
            );
        }
    }
}

fn agent_name(node: &Node) -> Option<String> {
    first(node, &["name", "id"]).map_or_else(|| scalar(node), |name| scalar(&name.value))
}

/// The step with its agent in its title.
fn titled(node: &Node, agent: &str) -> Node {
    let Data::Map(parts) = &node.data else {
        return node.clone();
    };
    let words = |key: &str| node.get(key).and_then(Node::as_text);
    let title = words("title")
        .map(str::to_owned)
        .or_else(|| words("id").map(|id| id.replace('_', " ")));
    let title = format!("{agent}: {}", title.unwrap_or_else(|| "step".to_owned()));
    let mut entries: Vec<_> = parts.iter().filter(|part| part.key != "title").cloned().collect();
    entries.push(entry("title", build::text(node, title)));
    build::map(node, entries)
}
