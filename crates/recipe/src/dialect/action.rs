//! Which action of today an older call means, and whether it only reads.

use types::{Effect, Lookup};

use super::Older;
use super::build::scalar;
use crate::ipav::is_plain_words;
use crate::reader::snake_case;
use crate::yaml::Node;

/// Endings of a tool's older names.
const ENDINGS: &[&str] = &[
    "_api", "_admin", "_ctrl", "_control", "_client", "_service", "_server", "_mcp",
];
/// First words of actions that change nothing.
const READING: &[&str] = &[
    "get", "list", "find", "lookup", "fetch", "read", "search", "query", "describe", "check", "verify",
    "validate", "evaluate", "show", "status", "inspect", "probe", "ping", "count", "compare",
];

/// A call as it was written.
pub(super) struct Call<'n> {
    /// Where the action's name stands.
    pub node: &'n Node,
    /// The tool, if it stands apart.
    pub tool: Option<String>,
    /// The action.
    pub action: String,
}

/// What a call is today.
pub(super) enum Meant {
    /// `tool.action`; perhaps of a tool that isn't here.
    Action(String),
    /// Plain words, to be bound like those of any recipe.
    Words(String),
}

impl<'n> Call<'n> {
    /// The call that a step makes: a tool and its action, or one name for both.
    pub(super) fn of(step: &'n Node) -> Option<Self> {
        let tool = super::build::first(step, &["using", "tool", "server", "connector", "mcp"]);
        let action = super::build::first(step, &["action", "call", "function", "operation", "method"]);
        let (node, tool) = match (action, tool) {
            (Some(action), tool) => (&action.value, tool.and_then(|entry| scalar(&entry.value))),
            (None, Some(tool)) => (&tool.value, None),
            (None, None) => return None,
        };
        Some(Self {
            node,
            tool,
            action: scalar(node)?,
        })
    }
}

impl Older<'_, '_, '_> {
    /// The action that is meant. One that no tool here offers keeps its older name and needs a tool;
    /// a slip in the name of one that does stays as it is, to be reported.
    pub(super) fn meant(&mut self, call: &Call<'_>) -> Meant {
        if is_plain_words(&call.action) {
            let wish = self.wishes(call.tool.as_deref(), &snake_case(&call.action));
            return match self.known(&wish) {
                Some(name) => Meant::Action(name),
                None => Meant::Words(call.action.clone()),
            };
        }
        let wishes = self.wishes(call.tool.as_deref(), &call.action);
        if let Some(name) = self.known(&wishes) {
            return Meant::Action(name);
        }
        if let Some(known) = wishes.iter().find_map(|wish| self.slip_of(wish)) {
            let message = format!(
                "there is no action '{}'",
                wishes.first().map_or("", String::as_str)
            );
            self.wrong("unknown_action", call.node, message);
            self.findings.suggest(known.clone());
            return Meant::Action(known);
        }
        let wish = wishes.into_iter().next().unwrap_or_default();
        if matches!(self.catalog.find(&wish), Lookup::MissingTool) {
            return Meant::Action(wish);
        }
        let (tool, action) = match wish.split_once('.') {
            Some((tool, action)) => (format!("mcp-{tool}"), action.to_owned()),
            None => (self.own_tool.clone(), wish.clone()),
        };
        let name = format!("{tool}.{}", snake_case(&action));
        let message = format!(
            "no tool here has the action '{wish}': it is kept as '{name}', which needs a tool '{tool}'"
        );
        self.assumed(call.node, message);
        Meant::Action(name)
    }

    /// Whether the action, or its name, says that it only reads.
    pub(super) fn reads(&self, name: &str) -> bool {
        match self.catalog.find(name) {
            Lookup::Found(spec) => spec.effect == Effect::Read,
            _ => {
                let action = name.rsplit('.').next().unwrap_or(name);
                READING.contains(&action.split('_').next().unwrap_or(action))
            }
        }
    }

    /// The fields of an action's output, if they are known.
    pub(super) fn fields(&self, name: &str) -> Option<std::collections::BTreeSet<String>> {
        let Lookup::Found(spec) = self.catalog.find(name) else {
            return None;
        };
        let fields = spec.output.get("properties")?.as_object()?;
        Some(fields.keys().cloned().collect())
    }

    /// The tool whose actions are called under this name, by the rules of calls; the name itself if
    /// there is none.
    pub(super) fn tool_called(&self, name: &str) -> String {
        let today = self.tool_name(name);
        if self.catalog.tool(&today).is_some() {
            return today;
        }
        let mut tools = tool_names(name).into_iter();
        tools
            .find(|tool| self.catalog.tool(tool).is_some())
            .unwrap_or(today)
    }

    fn known(&self, wishes: &[String]) -> Option<String> {
        wishes.iter().find_map(|wish| match self.catalog.find(wish) {
            Lookup::Found(spec) => Some(spec.name()),
            _ => None,
        })
    }

    /// The names under which an action may be known, as it was written first.
    fn wishes(&self, tool: Option<&str>, action: &str) -> Vec<String> {
        let (tool, action) = match tool {
            Some(tool) => (tool, action.strip_prefix(&format!("{tool}.")).unwrap_or(action)),
            None => match action.split_once('.') {
                Some((tool, action)) => (tool, action),
                None => {
                    let bare = [action.to_owned(), snake_case(action)];
                    return bare.into();
                }
            },
        };
        let tools = tool_names(tool);
        let actions = match action.contains('.') {
            true => vec![action.to_owned()],
            false => vec![action.to_owned(), snake_case(action)],
        };
        let mut wishes = Vec::new();
        for tool in &tools {
            for action in &actions {
                let wish = format!("{tool}.{action}");
                if !wishes.contains(&wish) {
                    wishes.push(wish);
                }
            }
        }
        wishes
    }

    /// The known name that was mistyped, if one is near enough.
    fn slip_of(&self, wish: &str) -> Option<String> {
        let (tool, action) = wish.rsplit_once('.').unwrap_or(("", wish));
        if action.len() < 5 {
            return None;
        }
        let most = if action.len() < 9 { 1 } else { 2 };
        let known = self.catalog.names().find(|known| {
            let (own, name) = known.rsplit_once('.').unwrap_or(("", known));
            own == tool && strsim::damerau_levenshtein(name, action) <= most
        });
        known.map(str::to_owned)
    }
}

/// The names under which a tool may be known, as it was written first.
fn tool_names(tool: &str) -> Vec<String> {
    let plain = tool.to_lowercase().replace('-', "_");
    let short = plain.strip_prefix("mcp_").unwrap_or(&plain).to_owned();
    let shorter = ENDINGS.iter().find_map(|ending| short.strip_suffix(ending));
    let shorter = shorter.map(str::to_owned);
    let mut tools = vec![tool.to_owned(), plain, short];
    tools.extend(shorter);
    tools
}
