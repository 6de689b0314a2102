//! Documents that are no recipe: agents, sets of guardrails, manifests of tools; and what a recipe's
//! document brings beside it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::build::{self, first, many, scalar};
use super::{Older, Today, slug_from};
use crate::yaml::{Data, Node};

/// Something that a document brings beside a recipe, or instead of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "what")]
pub enum Brings {
    /// An agent.
    Agent(BroughtAgent),
    /// A set of guardrails.
    Guardrails(BroughtGuardrails),
    /// A workflow, as it was written; a recipe comes with it.
    Workflow(Value),
    /// The manifest of a tool, as it was written.
    Tool(Value),
}

/// An agent as an older document describes it, by the names that tools and recipes have here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BroughtAgent {
    /// Its id there, by which other documents name it.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// What it looks after.
    pub domain: String,
    /// How it should work.
    pub instructions: String,
    /// Its tools.
    pub tools: Vec<String>,
    /// Its recipes, by short name.
    pub recipes: Vec<String>,
    /// Sets of guardrails that it names, by short name.
    pub guardrails: Vec<String>,
}

/// What of a set of guardrails today's settings can hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BroughtGuardrails {
    /// Its short name.
    pub slug: String,
    /// The only tools that agents under it may use, by the names they have here; none is all.
    pub allow_tools: Option<Vec<String>>,
    /// Rules by action: `ask` or `deny`. They only ever make a rule stricter.
    pub rules: Vec<(String, String)>,
    /// The most calls a minute of tools, by the names they have here. They only ever lower a limit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<(String, u32)>,
    /// All of it as it was written.
    pub document: Value,
}

impl Older<'_, '_, '_> {
    pub(super) fn agent(&mut self, root: &Node) -> Today {
        let text = |keys: &[&str]| {
            first(root, keys)
                .and_then(|entry| scalar(&entry.value))
                .unwrap_or_default()
        };
        let listed = |key: &str| -> Vec<String> {
            let entry = first(root, &[key]);
            entry
                .map(|entry| many(&entry.value).iter().filter_map(name_of).collect())
                .unwrap_or_default()
        };
        let name = text(&["name", "title"]);
        if name.trim().is_empty() {
            self.wrong("missing_key", root, "an agent needs the key 'name'");
        }
        let mut tools: Vec<String> = Vec::new();
        for (item, name) in first(root, &["tools"])
            .map(|entry| many(&entry.value))
            .unwrap_or_default()
            .iter()
            .zip(listed("tools"))
        {
            let today = self.tool_name(&name);
            if self.catalog.tool(&today).is_none() {
                self.findings.add(
                    crate::Severity::NeedsTool,
                    "needs_tool",
                    item.at,
                    &item.path,
                    format!("the tool '{name}' isn't configured: the agent can be kept but can't use it"),
                );
            }
            if !tools.contains(&today) {
                tools.push(today);
            }
        }
        if let Some(flag) = first(root, &["fallback_ok"]) {
            let message =
                "whether something stands in for a failed call is said by each recipe, for mock mode only";
            self.assumed(&flag.value, message);
        }
        if let Some(guardrails) = first(root, &["guardrails"]) {
            self.assumed(&guardrails.value, "of these guardrails only the list of tools limits the agent, if they come in the same import");
        }
        const READ: &[&str] = &[
            "id",
            "name",
            "title",
            "role",
            "domain",
            "persona",
            "instructions",
            "prompt",
            "system_prompt",
            "description",
            "recipes",
            "tools",
            "guardrails",
            "fallback_ok",
        ];
        for entry in root
            .entries()
            .iter()
            .filter(|entry| !READ.contains(&entry.key.as_str()))
        {
            self.left_over(entry, READ, super::top::TALK, "an agent");
        }
        let id = first(root, &["id"]).and_then(|entry| scalar(&entry.value));
        let instructions = text(&[
            "instructions",
            "role",
            "prompt",
            "system_prompt",
            "persona",
            "description",
        ]);
        Today::brings(Brings::Agent(BroughtAgent {
            id,
            name,
            domain: text(&["domain"]),
            instructions,
            tools,
            recipes: listed("recipes").iter().map(|id| slug_from(id)).collect(),
            guardrails: listed("guardrails").iter().map(|id| slug_from(id)).collect(),
        }))
    }

    pub(super) fn guardrail_set(&mut self, root: &Node) -> Today {
        let mut allow_tools = None;
        let mut rules = Vec::new();
        let mut limits = Vec::new();
        for entry in root.entries() {
            let names = || many(&entry.value).iter().filter_map(name_of);
            match entry.key.as_str() {
                "id" | "name" | "title" | "description" | "version" => {}
                "allow_tools" | "allowed_tools" => {
                    let mut tools: Vec<String> = names().map(|name| self.tool_name(&name)).collect();
                    tools.dedup();
                    allow_tools = Some(tools);
                    let message =
                        "agents that name these guardrails in the same import keep only these tools";
                    self.assumed(&entry.value, message);
                }
                "deny_tools" | "denied_tools" | "blocked_tools" | "deny_actions" | "denied_actions" => {
                    for item in many(&entry.value) {
                        self.rule(item, "deny", &mut rules);
                    }
                }
                "require_approval" | "approval_required" | "require_approval_for" | "ask" => {
                    for item in many(&entry.value) {
                        self.rule(item, "ask", &mut rules);
                    }
                }
                "rate_limits" | "rate_limit" => self.rates(&entry.value, &mut limits),
                key if super::top::TALK.contains(&key) => {
                    self.left_over(entry, &[], super::top::TALK, "a set of guardrails")
                }
                key => {
                    let message = format!(
                        "nothing here enforces '{key}' yet: it is kept in the setting guardrails.kept and does nothing"
                    );
                    self.findings.add(
                        crate::Severity::Warning,
                        "older_dropped",
                        entry.key_at,
                        &entry.value.path,
                        message,
                    );
                }
            }
        }
        let name = first(root, &["id", "name", "title"])
            .and_then(|entry| scalar(&entry.value))
            .unwrap_or_default();
        if name.trim().is_empty() {
            self.wrong(
                "missing_key",
                root,
                "a set of guardrails needs an 'id' or a 'name'",
            );
        }
        Today::brings(Brings::Guardrails(BroughtGuardrails {
            slug: slug_from(&name),
            allow_tools,
            rules,
            limits,
            document: root.to_json(),
        }))
    }

    /// A rule for an action, or for every action of a tool.
    fn rule(&mut self, item: &Node, rule: &str, rules: &mut Vec<(String, String)>) {
        let Some(name) = name_of(item) else { return };
        if let types::Lookup::Found(spec) = self.catalog.find(&name) {
            return rules.push((spec.name(), rule.to_owned()));
        }
        let tool = self.tool_name(&name);
        match self.catalog.tool(&tool) {
            Some(spec) => rules.extend(spec.actions.iter().map(|action| (action.name(), rule.to_owned()))),
            None => {
                let message =
                    format!("there is neither a tool nor an action '{name}' here: no rule is made for it");
                self.dropped(item, message);
            }
        }
    }

    /// The most calls a minute for each tool: `{slack: {rpm: 60}}`, or `{slack: 60}`.
    fn rates(&mut self, node: &Node, limits: &mut Vec<(String, u32)>) {
        const RATES: &[&str] = &["rpm", "per_minute", "requests_per_minute", "calls_per_minute"];
        let Data::Map(entries) = &node.data else {
            return self.dropped(
                node,
                "rate limits are taken from a map of tools alone: none is set",
            );
        };
        for entry in entries {
            let tool = self.tool_called(&entry.key);
            if self.catalog.tool(&tool).is_none() {
                let message = format!("there is no tool '{}' here: no limit is set for it", entry.key);
                self.dropped(&entry.value, message);
                continue;
            }
            let rate = match &entry.value.data {
                Data::Map(_) => first(&entry.value, RATES).map(|rate| &rate.value),
                _ => Some(&entry.value),
            };
            let most = rate.and_then(scalar).and_then(|rate| rate.parse::<u32>().ok());
            match most.filter(|most| *most > 0) {
                Some(most) => limits.push((tool, most)),
                None => self.dropped(
                    &entry.value,
                    "only a limit of whole calls a minute, such as {rpm: 30}, can be set: this one isn't",
                ),
            }
            let others = entry.value.entries().iter();
            for other in others.filter(|other| !RATES.contains(&other.key.as_str())) {
                let message = format!(
                    "'{}' is no limit that can be set here: it does nothing",
                    other.key
                );
                self.dropped(&other.value, message);
            }
        }
    }

    /// The name that a tool has here, if it is known by another one.
    pub(super) fn tool_name(&self, older: &str) -> String {
        let plain = older.to_lowercase();
        let own = |name: &str| self.catalog.tool(name).is_some();
        if own(&plain) {
            return plain;
        }
        // Every action of a tool is reachable under the tool's other names.
        let prefix = format!("{plain}.");
        let alias = self
            .catalog
            .actions()
            .find(|spec| spec.aliases.iter().any(|alias| alias.starts_with(&prefix)));
        if let Some(spec) = alias {
            return spec.tool.clone();
        }
        let snake = plain.replace('-', "_");
        let short = snake.strip_prefix("mcp_").unwrap_or(&snake);
        if own(short) {
            short.to_owned()
        } else {
            older.to_owned()
        }
    }
}

fn name_of(node: &Node) -> Option<String> {
    match &node.data {
        Data::Map(_) => {
            build::first(node, &["name", "id", "tool", "action"]).and_then(|entry| scalar(&entry.value))
        }
        _ => scalar(node),
    }
}
