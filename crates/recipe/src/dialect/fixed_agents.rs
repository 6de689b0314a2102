//! Fixed agents: a document that is an agent with its allow-list (`mcp`) and the steps that it takes.
//! The agent is kept as one, and what its list says of approval and risk goes to the steps.

use types::Phase;

use super::approvals::Allowed;
use super::build::{self, first, many, scalar};
use super::documents::{Brings, BroughtAgent};
use super::top::Sections;
use super::{Older, Today};
use crate::reader::snake_case;
use crate::yaml::{Data, Node};

impl Older<'_, '_, '_> {
    pub(super) fn fixed_agents(&mut self, root: &Node) -> Today {
        let name = first(root, &["agent_name", "name", "title"]).and_then(|name| scalar(&name.value));
        let name = name.unwrap_or_default();
        self.own_tool = snake_case(&name);
        self.allowed = self.allow_list(root);
        let steps = first(root, &["steps"])
            .map(|steps| many(&steps.value))
            .unwrap_or_default();
        let steps: Vec<Node> = steps.iter().map(|step| self.with_tool(step)).collect();
        self.survey(root, steps.iter());
        let mut sections = Sections::default();
        let phase = agent_phase(&name);
        for step in &steps {
            if let Some(made) = self.step(step) {
                sections.put(made.phase.or(phase).unwrap_or(Phase::Act), made);
            }
        }
        let tools: Vec<String> = self.tools_of(root);
        let mut today = self.finish(root, sections, None, &["steps", "scope", "mcp"]);
        if let Some(recipe) = &mut today.recipe
            && let Data::Map(entries) = &mut recipe.data
            && let Some(agent) = first(root, &["agent_name"])
        {
            entries.push(build::renamed(
                agent,
                "agent",
                build::text(&agent.value, name.clone()),
            ));
        }
        self.scope(root);
        let scope = first(root, &["scope"]).and_then(|scope| first(&scope.value, &["description"]));
        let instructions = scope.and_then(|text| scalar(&text.value)).unwrap_or_default();
        today.brings.push(Brings::Agent(BroughtAgent {
            id: None,
            name,
            domain: phase.map_or_else(String::new, |phase| phase.to_string()),
            instructions: instructions.trim_end().to_owned(),
            tools,
            recipes: Vec::new(),
            guardrails: Vec::new(),
        }));
        today
    }

    /// A call without a tool is of the tool that the allow-list names for it.
    fn with_tool(&mut self, step: &Node) -> Node {
        let Some(call) = super::action::Call::of(step) else {
            return step.clone();
        };
        if call.tool.is_some() || call.action.contains('.') {
            return step.clone();
        }
        let holders: Vec<String> = self
            .allowed
            .iter()
            .filter(|allowed| allowed.name == call.action)
            .map(|allowed| allowed.tool.clone())
            .collect();
        let Some(tool) = holders.first() else {
            return step.clone();
        };
        if holders.len() > 1 {
            let message = format!(
                "'{}' is taken to be the action of '{tool}', the first tool that offers it",
                call.action
            );
            self.assumed(call.node, message);
        }
        let mut entries = step.entries().to_vec();
        entries.push(build::entry("using", build::text(call.node, tool.clone())));
        build::map(step, entries)
    }

    fn allow_list(&mut self, root: &Node) -> Vec<Allowed> {
        let mut allowed = Vec::new();
        let tools = first(root, &["mcp", "tools"])
            .map(|mcp| many(&mcp.value))
            .unwrap_or_default();
        for tool in tools {
            let Some(name) = first(tool, &["tool", "name", "server"]).and_then(|name| scalar(&name.value))
            else {
                continue;
            };
            let actions = first(tool, &["allow", "actions", "allowed"]).map(|allow| many(&allow.value));
            for action in actions.unwrap_or_default() {
                let own = first(action, &["name", "action", "call"]);
                let Some(action_name) = own.map_or_else(|| scalar(action), |own| scalar(&own.value)) else {
                    continue;
                };
                allowed.push(Allowed {
                    tool: name.clone(),
                    name: action_name,
                    needs: self.needs(action),
                });
            }
        }
        allowed
    }

    /// The agent's tools, by the names they have here.
    fn tools_of(&self, root: &Node) -> Vec<String> {
        let listed = first(root, &["mcp", "tools"])
            .map(|mcp| many(&mcp.value))
            .unwrap_or_default();
        let mut tools: Vec<String> = listed
            .iter()
            .filter_map(|tool| {
                let name = first(tool, &["tool", "name", "server"]);
                name.map_or_else(|| scalar(tool), |name| scalar(&name.value))
            })
            .map(|name| self.tool_name(&name))
            .collect();
        tools.dedup();
        tools
    }

    fn scope(&mut self, root: &Node) {
        let parts = first(root, &["scope"])
            .map(|scope| scope.value.entries())
            .unwrap_or_default();
        for part in parts.iter().filter(|part| part.key != "description") {
            self.left_over(
                part,
                &["description"],
                &["owner", "notes", "summary", "name"],
                "'scope'",
            );
        }
    }
}

/// The phase that an agent's name tells: `PlanAgent`, `act_agent`.
pub(super) fn agent_phase(name: &str) -> Option<Phase> {
    snake_case(name).split('_').find_map(super::phase_named)
}
