//! What a tool's actions are: schemas, effect, idempotency, risk. Data that the registry fills and
//! the recipe checker, the door and the engine read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Label, LabelMap, Labels, Millis};

/// What an action does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Changes something that can be lived with or taken back.
    Write,
    /// Interrupts or removes something.
    Destructive,
}

impl Effect {
    /// The name in documents and the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::Read => "read",
            Effect::Write => "write",
            Effect::Destructive => "destructive",
        }
    }
}

/// What makes a second call with the same arguments safe, if anything does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Idempotency {
    /// The action changes nothing or sets a state: calling again gives the same world.
    Natural,
    /// The vendor takes an idempotency or de-duplication key.
    NativeKey,
    /// The effect carries a marker by which it can be looked up afterwards.
    Marker {
        /// How long the vendor may need until a look-up sees the effect, in milliseconds.
        settle_ms: Millis,
    },
    /// Nothing: a second call is a second effect.
    Unkeyed,
}

impl Idempotency {
    /// The name in documents and the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Idempotency::Natural => "natural",
            Idempotency::NativeKey => "native_key",
            Idempotency::Marker { .. } => "marker",
            Idempotency::Unkeyed => "unkeyed",
        }
    }
}

/// How much harm a wrong call can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Hardly any.
    Low,
    /// Somebody is disturbed or has to tidy up.
    Medium,
    /// Service is interrupted, data or money lost.
    High,
}

/// What an argument steers; consequential classes are all but `Text`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgClass {
    /// Who receives something: a channel, an address, a user.
    Recipient,
    /// What is acted on: a room, a record, a device.
    Target,
    /// An address that is fetched or shown.
    Url,
    /// Money or a count that costs.
    Amount,
    /// Something that is executed.
    Command,
    /// Words.
    Text,
}

/// One action of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActionSpec {
    /// The tool's name, such as `zoom`.
    pub tool: String,
    /// The action's name without the tool, such as `find_room`.
    pub action: String,
    /// One sentence: what it does.
    pub description: String,
    /// Other names that resolve to this action, bare (`create_kb`) or dotted (`servicenow.kb.create`).
    #[serde(default)]
    pub aliases: Vec<String>,
    /// JSON Schema (2020-12) of the arguments, an object.
    pub input: Value,
    /// JSON Schema of the output.
    pub output: Value,
    /// Class of each argument by its top-level name; a missing one is `Text`.
    #[serde(default)]
    pub arg_classes: BTreeMap<String, ArgClass>,
    /// Labels of output fields by pointer pattern (`*` stands for one array index or key, such as
    /// `/rooms/*/id`). Anything not listed is untrusted.
    #[serde(default)]
    pub trust: BTreeMap<String, Label>,
    /// What it does to the world.
    pub effect: Effect,
    /// What makes calling again safe.
    pub idempotency: Idempotency,
    /// How much harm a wrong call can do.
    pub risk: Risk,
    /// Whether it only tells people something: `on_uncertain` is then `redo` by default.
    #[serde(default)]
    pub notification: bool,
    /// Whether the connector can find out after an unknown outcome what happened.
    #[serde(default)]
    pub probe: bool,
    /// The longest one call may take, in milliseconds.
    pub timeout_ms: Millis,
}

impl ActionSpec {
    /// `tool.action`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.tool, self.action)
    }

    /// The labels of an output of this action, by its declared trust.
    pub fn label(&self, output: &Value) -> LabelMap {
        let mut labels = LabelMap::all(Labels::UNTRUSTED);
        for (pattern, label) in &self.trust {
            let tokens: Vec<&str> = pattern.split('/').skip(1).collect();
            mark(output, &tokens, &mut String::new(), *label, &mut labels);
        }
        labels
    }
}

fn mark(value: &Value, pattern: &[&str], at: &mut String, label: Label, labels: &mut LabelMap) {
    let Some((first, rest)) = pattern.split_first() else {
        // Trust is declared for scalars; a container that turns up in its place stays untrusted.
        if !value.is_object() && !value.is_array() {
            labels.set(at.clone(), label.into());
        }
        return;
    };
    let length = at.len();
    let mut step = |token: &str, inner: &Value| {
        at.push('/');
        at.push_str(token);
        mark(inner, rest, at, label, labels);
        at.truncate(length);
    };
    match value {
        Value::Object(map) if *first == "*" => {
            for (key, inner) in map {
                step(&key.replace('~', "~0").replace('/', "~1"), inner);
            }
        }
        Value::Array(items) if *first == "*" => {
            for (index, inner) in items.iter().enumerate() {
                step(&index.to_string(), inner);
            }
        }
        _ => {
            if let Some(inner) = value.pointer(&format!("/{first}")) {
                step(first, inner);
            }
        }
    }
}

/// How a tool stands in the registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// The unique name, such as `zoom`.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Version of the connector; frozen with every call.
    pub version: String,
    /// Its actions.
    pub actions: Vec<ActionSpec>,
}

/// What the version of a tool begins with whose actions are named and described by somebody else.
pub const FOREIGN_VERSION: &str = "mcp-";

impl ToolSpec {
    /// Whether the names and descriptions of its actions come from outside the installation. Such
    /// names are never meant by a bare name, and such descriptions choose no action: else whoever
    /// writes them could take the place of another tool's action.
    pub fn is_foreign(&self) -> bool {
        self.version.starts_with(FOREIGN_VERSION)
    }
}

/// How a name in a recipe resolves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lookup<'a> {
    /// To this action.
    Found(&'a ActionSpec),
    /// The tool isn't configured: a draft may name it, a run can't use it.
    MissingTool,
    /// The tool is there but has no such action, or a bare name means nothing.
    Unknown,
    /// A bare name that several tools offer.
    Ambiguous,
}

/// Every action that exists, by name and alias.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    tools: BTreeMap<String, ToolSpec>,
    names: BTreeMap<String, Vec<(String, usize)>>,
}

impl Catalog {
    /// A catalogue of these tools; a later tool replaces an earlier one of the same name.
    pub fn new(tools: impl IntoIterator<Item = ToolSpec>) -> Self {
        let tools: BTreeMap<String, ToolSpec> =
            tools.into_iter().map(|tool| (tool.name.clone(), tool)).collect();
        let mut names: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
        for tool in tools.values() {
            for (index, action) in tool.actions.iter().enumerate() {
                let mut known = vec![action.name()];
                if !tool.is_foreign() {
                    known.push(action.action.clone());
                    known.extend(action.aliases.iter().cloned());
                }
                for name in known {
                    let holders = names.entry(name).or_default();
                    if !holders.contains(&(tool.name.clone(), index)) {
                        holders.push((tool.name.clone(), index));
                    }
                }
            }
        }
        Self { tools, names }
    }

    /// Resolves `tool.action`, a bare action name or an alias.
    pub fn find(&self, name: &str) -> Lookup<'_> {
        match self.names.get(name).map(Vec::as_slice) {
            Some([(tool, index)]) => Lookup::Found(&self.tools[tool].actions[*index]),
            Some(holders) => {
                // An alias that a tool declares on purpose beats an action that merely has that name.
                let declared: Vec<_> = holders
                    .iter()
                    .map(|(tool, index)| &self.tools[tool].actions[*index])
                    .filter(|action| action.aliases.iter().any(|alias| alias == name))
                    .collect();
                match declared.as_slice() {
                    [action] => Lookup::Found(action),
                    _ => Lookup::Ambiguous,
                }
            }
            None => match name.split_once('.') {
                Some((tool, _)) if !self.tools.contains_key(tool) => Lookup::MissingTool,
                _ => Lookup::Unknown,
            },
        }
    }

    /// The tool with this name.
    pub fn tool(&self, name: &str) -> Option<&ToolSpec> {
        self.tools.get(name)
    }

    /// Every tool, by name.
    pub fn tools(&self) -> impl Iterator<Item = &ToolSpec> {
        self.tools.values()
    }

    /// Every action, by tool.
    pub fn actions(&self) -> impl Iterator<Item = &ActionSpec> {
        self.tools.values().flat_map(|tool| tool.actions.iter())
    }

    /// Every name that [`Catalog::find`] resolves.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn action(tool: &str, name: &str, aliases: &[&str]) -> ActionSpec {
        ActionSpec {
            tool: tool.into(),
            action: name.into(),
            description: String::new(),
            aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
            input: json!({}),
            output: json!({}),
            arg_classes: BTreeMap::new(),
            trust: BTreeMap::from([
                ("/rooms/*/id".to_owned(), Label::System),
                ("/deep".to_owned(), Label::System),
            ]),
            effect: Effect::Read,
            idempotency: Idempotency::Natural,
            risk: Risk::Low,
            notification: false,
            probe: false,
            timeout_ms: 1000,
        }
    }

    fn tool(name: &str, actions: Vec<ActionSpec>) -> ToolSpec {
        ToolSpec {
            name: name.into(),
            description: String::new(),
            version: "1".into(),
            actions,
        }
    }

    #[test]
    fn names_resolve_by_tool_bare_name_and_alias() {
        let catalog = Catalog::new([
            tool(
                "zoom",
                vec![
                    action("zoom", "find_room", &["lookup_zoom_room"]),
                    action("zoom", "health", &[]),
                ],
            ),
            tool("slack", vec![action("slack", "health", &[])]),
        ]);
        assert!(matches!(catalog.find("zoom.find_room"), Lookup::Found(a) if a.action == "find_room"));
        assert!(matches!(catalog.find("find_room"), Lookup::Found(_)));
        assert!(matches!(catalog.find("lookup_zoom_room"), Lookup::Found(_)));
        assert_eq!(catalog.find("health"), Lookup::Ambiguous);
        assert_eq!(catalog.find("zoom.dance"), Lookup::Unknown);
        assert_eq!(catalog.find("qsys.set_gain"), Lookup::MissingTool);
    }

    #[test]
    fn a_foreign_tool_takes_no_bare_name() {
        let mut theirs = tool("theirs", vec![action("theirs", "find_room", &["zoom.find_room"])]);
        theirs.version = format!("{FOREIGN_VERSION}1");
        let catalog = Catalog::new([theirs, tool("zoom", vec![action("zoom", "find_room", &[])])]);
        for name in ["find_room", "zoom.find_room"] {
            assert!(
                matches!(catalog.find(name), Lookup::Found(a) if a.tool == "zoom"),
                "{name}"
            );
        }
        assert!(matches!(catalog.find("theirs.find_room"), Lookup::Found(a) if a.tool == "theirs"));
    }

    #[test]
    fn only_declared_scalars_are_trusted() {
        let output = json!({"rooms": [{"id": "1", "name": "x"}], "deep": {"evil": "text"}});
        let labels = action("zoom", "list", &[]).label(&output);
        assert_eq!(labels.at("/rooms/0/id"), Label::System.into());
        assert_eq!(labels.at("/rooms/0/name"), Labels::UNTRUSTED);
        assert_eq!(labels.at("/deep/evil"), Labels::UNTRUSTED);
    }
}
