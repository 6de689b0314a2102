//! Nodes to the checked tree: the top level of a recipe. Every problem is reported; what can't be
//! read is left out, and a recipe with errors is given to nobody.

mod actions;
mod guardrails;
mod kinds;
mod missing;
mod modifiers;
mod older;
mod step;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use types::Phase;

use crate::bind::Binder;
use crate::check::{Binding, CheckContext, Dialect};
use crate::diagnostic::{At, Findings, Severity};
use crate::expr::nearest;
use crate::names::Names;
use crate::program::{InputSpec, Recipe, Step, SuccessMetric, Template};
use crate::yaml::{Data, Entry, Node};

pub(crate) use kinds::default_title;
pub(crate) use step::{KINDS, json_path};
pub(crate) use values::{is_identifier, shown_duration, snake_case};

/// The most steps, nested ones included.
const MAX_STEPS: usize = 2_000;

/// Every key at the top of a recipe.
pub(crate) const TOP: &[&str] = &[
    "name",
    "description",
    "version",
    "changelog",
    "agent",
    "inputs",
    "params",
    "intake",
    "plan",
    "act",
    "verify",
    "guardrails",
    "success_metrics",
    "outputs",
];

/// Reads one recipe.
pub(crate) struct Reader<'c, 'f, 't> {
    pub context: &'c CheckContext<'c>,
    pub findings: &'f mut Findings<'t>,
    pub dialect: Dialect,
    pub names: Names,
    pub bindings: Vec<Binding>,
    /// Whether the recipe has rollback steps, so that writes need no `undo` of their own.
    has_rollback: bool,
    /// Ids that authors gave, with the line; and ids used so far.
    given_ids: BTreeMap<String, u32>,
    used_ids: BTreeSet<String>,
    steps: usize,
    recipe_name: String,
    /// Required inputs, and names that an `ask` fills so far.
    required_inputs: Vec<String>,
    asked: BTreeSet<String>,
    /// What a step in plain words is called.
    pending_title: Option<String>,
    binder: Option<Binder>,
    /// Whether the step at hand has a stand-in for its action in mock mode.
    stands_in: bool,
}

impl<'c, 'f, 't> Reader<'c, 'f, 't> {
    pub(crate) fn new(
        context: &'c CheckContext<'c>,
        findings: &'f mut Findings<'t>,
        dialect: Dialect,
    ) -> Self {
        Self {
            context,
            findings,
            dialect,
            names: Names::default(),
            bindings: Vec::new(),
            has_rollback: false,
            given_ids: BTreeMap::new(),
            used_ids: BTreeSet::new(),
            steps: 0,
            recipe_name: String::new(),
            required_inputs: Vec::new(),
            asked: BTreeSet::new(),
            pending_title: None,
            binder: None,
            stands_in: false,
        }
    }

    /// Reads the document.
    pub(crate) fn recipe(&mut self, root: &Node) -> Recipe {
        self.keys(root, TOP, "a recipe");
        self.names.survey(root);
        self.survey_ids(root);
        self.has_rollback = guardrails::mentions_rollback(root);
        let name = self.required_text(root, "name").unwrap_or_default();
        self.recipe_name.clone_from(&name);
        let inputs = root
            .get("inputs")
            .map(|node| self.inputs(node))
            .unwrap_or_default();
        self.required_inputs = inputs
            .iter()
            .filter(|input| input.required)
            .map(|input| input.name.clone())
            .collect();
        self.names
            .inputs
            .extend(inputs.iter().map(|input| input.name.clone()));
        let params = root
            .get("params")
            .map(|node| self.params(node))
            .unwrap_or_default();
        let mut sections = Phase::ALL
            .iter()
            .map(|phase| self.section(root, *phase))
            .collect::<Vec<_>>()
            .into_iter();
        let mut section = || sections.next().unwrap_or_default();
        let (intake, plan, act, verify) = (section(), section(), section(), section());
        Recipe {
            name,
            description: root
                .get("description")
                .and_then(|node| self.text(node))
                .unwrap_or_default(),
            version: root.get("version").and_then(|node| self.version(node)),
            changelog: root
                .get("changelog")
                .map(|node| self.texts(node))
                .unwrap_or_default(),
            agent: root.get("agent").and_then(|node| self.text(node)),
            inputs,
            intake,
            plan,
            act,
            verify,
            guardrails: root
                .get("guardrails")
                .map(|node| self.guardrails(node))
                .unwrap_or_default(),
            success_metrics: root
                .get("success_metrics")
                .map(|node| self.metrics(node))
                .unwrap_or_default(),
            outputs: root
                .get("outputs")
                .map(|node| self.outputs(node))
                .unwrap_or_default(),
            params,
        }
    }

    fn params(&mut self, node: &Node) -> serde_json::Value {
        if self.map(node, "params").is_none() {
            return serde_json::Value::Null;
        }
        self.names
            .params
            .extend(node.entries().iter().map(|entry| entry.key.clone()));
        node.to_json()
    }

    fn section(&mut self, root: &Node, phase: Phase) -> Vec<Step> {
        let Some(node) = root.get(phase.as_str()) else {
            let at = root
                .entries()
                .first()
                .map(|entry| entry.key_at)
                .unwrap_or_default();
            let message = format!("the section '{phase}' is missing");
            self.error("missing_section", at, &root.path, message);
            self.findings.suggest(format!("{phase}: []"));
            return Vec::new();
        };
        if matches!(node.data, Data::Null) {
            self.error(
                "missing_section",
                node.at,
                &node.path,
                format!("the section '{phase}' is empty"),
            );
            self.findings
                .suggest(format!("{phase}: [] says that this is on purpose"));
        }
        self.steps(node, phase.as_str())
    }

    fn version(&mut self, node: &Node) -> Option<String> {
        match &node.data {
            Data::Number(number, written) => {
                if number.is_f64() && self.dialect == Dialect::Native {
                    let message = format!("the version is a number here and is kept as the text '{written}'");
                    self.findings
                        .add(Severity::Warning, "yaml_number", node.at, &node.path, message);
                    self.findings.suggest(crate::traps::quoted(written));
                }
                Some(written.clone())
            }
            _ => self.text(node),
        }
    }

    fn inputs(&mut self, node: &Node) -> Vec<InputSpec> {
        let Some(entries) = self.map(node, "inputs") else {
            return Vec::new();
        };
        entries.iter().filter_map(|entry| self.input(entry)).collect()
    }

    fn input(&mut self, entry: &Entry) -> Option<InputSpec> {
        const KEYS: &[&str] = &[
            "type",
            "required",
            "default",
            "description",
            "enum",
            "items",
            "properties",
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
            "pattern",
            "format",
        ];
        const TYPES: &[&str] = &["string", "number", "integer", "boolean", "array", "object"];
        self.identifier(&entry.key, entry.key_at, &entry.value.path);
        let node = &entry.value;
        if let Some(kind) = node.as_text() {
            // `room: string` is the shortest form.
            if !TYPES.contains(&kind) {
                self.one_of(node, kind, TYPES, "a type");
                return None;
            }
            let schema = serde_json::json!({"type": kind});
            return Some(InputSpec {
                name: entry.key.clone(),
                schema,
                required: true,
                default: None,
                description: String::new(),
            });
        }
        self.map(node, "an input")?;
        self.keys(node, KEYS, "an input");
        let mut schema = serde_json::Map::new();
        for part in node.entries() {
            match part.key.as_str() {
                "required" | "default" | "description" => {}
                "type" => {
                    let kind = self.text(&part.value)?;
                    if !TYPES.contains(&kind.as_str()) {
                        self.one_of(&part.value, &kind, TYPES, "a type");
                    }
                    schema.insert("type".into(), kind.into());
                }
                key => {
                    schema.insert(key.to_owned(), part.value.to_json());
                }
            }
        }
        let schema = serde_json::Value::Object(schema);
        let default = node.get("default").map(Node::to_json);
        if let (Some(given), Some(value)) = (node.get("default"), &default) {
            self.fits(given, value, &schema, &schema, "the default");
        }
        let required = node
            .get("required")
            .and_then(|node| self.boolean(node))
            .unwrap_or(default.is_none());
        let description = node
            .get("description")
            .and_then(|node| self.text(node))
            .unwrap_or_default();
        Some(InputSpec {
            name: entry.key.clone(),
            schema,
            required,
            default,
            description,
        })
    }

    fn metrics(&mut self, node: &Node) -> Vec<SuccessMetric> {
        let Some(items) = self.list(node, "success_metrics") else {
            return Vec::new();
        };
        let mut metrics = Vec::new();
        for item in items {
            if self.map(item, "a success metric").is_none() {
                continue;
            }
            self.keys(item, &["metric", "target"], "a success metric");
            let target = self
                .required(item, "target", "a success metric")
                .map(Node::to_json);
            if let (Some(metric), Some(target)) = (self.required_text(item, "metric"), target) {
                metrics.push(SuccessMetric { metric, target });
            }
        }
        metrics
    }

    fn outputs(&mut self, node: &Node) -> Vec<(String, Template)> {
        let Some(entries) = self.map(node, "outputs") else {
            return Vec::new();
        };
        entries
            .iter()
            .map(|entry| (entry.key.clone(), self.template(&entry.value)))
            .collect()
    }

    /// Remembers the ids that authors gave, so that made ones never collide with them.
    fn survey_ids(&mut self, node: &Node) {
        for entry in node.entries() {
            if let ("id", Some(id)) = (entry.key.as_str(), entry.value.as_text()) {
                self.given_ids.entry(id.to_owned()).or_insert(entry.value.at.line);
            }
            if !matches!(
                entry.key.as_str(),
                "with" | "inputs" | "params" | "outputs" | "output"
            ) {
                self.survey_ids(&entry.value);
            }
        }
        node.items().iter().for_each(|item| self.survey_ids(item));
    }

    pub(crate) fn error(&mut self, code: &str, at: At, path: &str, message: impl Into<String>) {
        self.findings.add(Severity::Error, code, at, path, message);
    }

    pub(crate) fn warning(&mut self, code: &str, at: At, path: &str, message: impl Into<String>) {
        self.findings.add(Severity::Warning, code, at, path, message);
    }

    /// Reports keys that mean nothing here.
    pub(crate) fn keys(&mut self, node: &Node, known: &[&str], what: &str) {
        for entry in node.entries() {
            if known.contains(&entry.key.as_str()) {
                continue;
            }
            let near = nearest(&entry.key, known.iter().copied());
            let message = match near {
                Some(_) => format!("{what} has no key '{}'", entry.key),
                None => format!(
                    "{what} has no key '{}'; known are {}",
                    entry.key,
                    known.join(", ")
                ),
            };
            self.error("unknown_key", entry.key_at, &entry.value.path, message);
            if let Some(near) = near {
                self.findings.suggest(near);
            }
        }
    }

    /// Reports a word that is none of the known ones.
    pub(crate) fn one_of(&mut self, node: &Node, word: &str, known: &[&str], what: &str) {
        let message = format!("'{word}' isn't {what}: expected one of {}", known.join(", "));
        self.error("wrong_value", node.at, &node.path, message);
        if let Some(near) = nearest(word, known.iter().copied()) {
            self.findings.suggest(near);
        }
    }
}
