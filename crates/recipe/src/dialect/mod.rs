//! Documents of earlier tools. Each form has a file; it turns the nodes of the older text into nodes
//! of today's, which keep their places, and today's reader does the rest: so there is one checker, one
//! set of messages, and every message points into the text as it was written.

mod action;
mod approvals;
mod build;
mod documents;
mod fixed_agents;
mod graph;
mod inputs;
mod ipav_lists;
mod orchestrator;
mod recognise;
mod refs;
mod saves;
mod step;
mod step_list;
mod tool_list;
mod top;
mod workflow;

use std::collections::BTreeSet;

use types::{Catalog, Lookup, Phase};

pub use documents::{Brings, BroughtAgent, BroughtGuardrails};
pub(crate) use recognise::recognise;
pub(crate) use top::slug_from;

use crate::check::Dialect;
use crate::diagnostic::{Findings, Severity};
use crate::reader::snake_case;
use crate::yaml::{Entry, Node};

/// What an older document is today.
pub(crate) struct Today {
    /// The recipe; none if the document holds none.
    pub recipe: Option<Node>,
    /// The short name that its id gives.
    pub slug: Option<String>,
    /// What it brings beside a recipe.
    pub brings: Vec<Brings>,
}

impl Today {
    fn recipe(root: Node, slug: Option<String>) -> Self {
        Self {
            recipe: Some(root),
            slug,
            brings: Vec::new(),
        }
    }

    fn brings(one: Brings) -> Self {
        Self {
            recipe: None,
            slug: None,
            brings: vec![one],
        }
    }
}

/// Reads an older document. Everything assumed or left out goes to `findings`, with its place.
pub(crate) fn today(dialect: Dialect, root: &Node, catalog: &Catalog, findings: &mut Findings<'_>) -> Today {
    let mut older = Older {
        catalog,
        findings,
        refs: refs::Refs::default(),
        used_ids: BTreeSet::new(),
        allowed: Vec::new(),
        own_tool: "mcp-local".to_owned(),
    };
    match dialect {
        Dialect::Native => Today::recipe(root.clone(), None),
        Dialect::IpavLists => older.ipav_lists(root),
        Dialect::StepList => older.step_list(root),
        Dialect::ToolList => older.tool_list(root),
        Dialect::FixedAgents => older.fixed_agents(root),
        Dialect::Orchestrator => older.orchestrator(root),
        Dialect::Workflow => older.workflow(root),
        Dialect::Agent => older.agent(root),
        Dialect::Guardrails => older.guardrail_set(root),
        Dialect::Manifest => Today::brings(Brings::Tool(root.to_json())),
    }
}

/// Reads one older document.
pub(crate) struct Older<'o, 'c, 't> {
    catalog: &'c Catalog,
    findings: &'o mut Findings<'t>,
    refs: refs::Refs,
    used_ids: BTreeSet<String>,
    /// The allow-list of the agent whose steps are read; empty is none.
    allowed: Vec<approvals::Allowed>,
    /// The tool that an action without one is kept under if nothing here offers it.
    own_tool: String,
}

impl Older<'_, '_, '_> {
    /// Takes in the names that a document gives before anything that reads them.
    fn survey<'n>(&mut self, root: &Node, steps: impl Iterator<Item = &'n Node>) {
        for step in steps {
            let fields = action::Call::of(step).and_then(|call| self.quiet_fields(&call));
            if let Some(written) = build::first(step, step::ID).and_then(|id| build::scalar(&id.value)) {
                self.name_id(&written, fields);
            }
            for name in saves::names(step) {
                self.dash(&name);
                let today = self.refs.dashed.get(&name).cloned().unwrap_or(name);
                self.refs.saved.insert(today);
            }
        }
        if let Some(inputs) = build::first(root, &["inputs"]) {
            self.refs.declares = true;
            let listed = inputs.value.items().iter().filter_map(|item| {
                let named = build::first(item, &["name", "id", "key"]);
                named.map_or_else(|| build::scalar(item), |name| build::scalar(&name.value))
            });
            let names: Vec<String> = inputs
                .value
                .entries()
                .iter()
                .map(|entry| entry.key.clone())
                .chain(listed)
                .collect();
            for name in names {
                self.dash(&name);
                let today = self.refs.dashed.get(&name).cloned().unwrap_or(name);
                self.refs.inputs.insert(today);
            }
        }
    }

    fn name_id(&mut self, written: &str, fields: Option<BTreeSet<String>>) {
        let id = snake_case(written);
        self.used_ids.insert(id.clone());
        written.split('.').for_each(|part| self.dash(part));
        let target = refs::Target {
            id: id.clone(),
            fields,
        };
        for name in [written.to_owned(), written.replace('-', "_"), id] {
            self.refs.ids.entry(name).or_insert_with(|| target.clone());
        }
    }

    /// A name with a dash is called otherwise today.
    fn dash(&mut self, name: &str) {
        if name.contains('-') {
            self.refs.dashed.insert(name.to_owned(), name.replace('-', "_"));
        }
    }

    fn quiet_fields(&self, call: &action::Call<'_>) -> Option<BTreeSet<String>> {
        let name = match &call.tool {
            Some(tool) => format!("{tool}.{}", call.action),
            None => call.action.clone(),
        };
        let found = matches!(self.catalog.find(&name), Lookup::Found(_));
        found.then(|| self.fields(&name)).flatten()
    }

    /// The name of a recipe that another document runs.
    fn recipe_name(&self, node: &Node) -> Node {
        match node.as_text() {
            Some(text) => build::text(node, slug_from(text)),
            None => node.clone(),
        }
    }

    /// Tells what was taken to be meant.
    fn assumed(&mut self, node: &Node, message: impl Into<String>) {
        self.findings
            .add(Severity::Note, "older_assumed", node.at, &node.path, message);
    }

    /// Tells what does something and can't be carried over.
    fn dropped(&mut self, node: &Node, message: impl Into<String>) {
        self.findings
            .add(Severity::Warning, "older_dropped", node.at, &node.path, message);
    }

    fn wrong(&mut self, code: &str, node: &Node, message: impl Into<String>) {
        self.findings
            .add(Severity::Error, code, node.at, &node.path, message);
    }

    /// A key that nothing reads: a slip is an error; what only talks to people is told; anything else
    /// is a warning.
    fn left_over(&mut self, entry: &Entry, known: &[&str], talk: &[&str], what: &str) {
        let key = entry.key.as_str();
        let at = entry.key_at;
        let path = &entry.value.path;
        if talk.contains(&key) {
            let message = format!("'{key}' speaks to people only: it is left out");
            return self
                .findings
                .add(Severity::Note, "older_dropped", at, path, message);
        }
        if let Some(near) = slip(key, known) {
            let message = format!("{what} has no key '{key}'");
            self.findings
                .add(Severity::Error, "unknown_key", at, path, message);
            return self.findings.suggest(near);
        }
        let message = format!("{what} has nothing like '{key}' today: it is left out");
        self.findings
            .add(Severity::Warning, "older_dropped", at, path, message);
    }
}

/// The known key that was mistyped.
fn slip<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let most = match key.chars().count() {
        0..=3 => return None,
        4..=7 => 1,
        _ => 2,
    };
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(key, known), *known))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, known)| known)
}

/// The phase that a word names.
fn phase_named(word: &str) -> Option<Phase> {
    let word = word.trim().to_lowercase();
    let known: &[(Phase, &[&str])] = &[
        (
            Phase::Intake,
            &[
                "intake", "baseline", "triage", "collect", "gather", "discover", "detect", "observe",
                "monitor",
            ],
        ),
        (
            Phase::Plan,
            &[
                "plan", "planning", "prepare", "diagnose", "analyze", "analyse", "assess", "design", "decide",
            ],
        ),
        (
            Phase::Act,
            &[
                "act",
                "action",
                "execute",
                "execution",
                "remediate",
                "fix",
                "deploy",
                "apply",
                "change",
                "run",
                "do",
            ],
        ),
        (
            Phase::Verify,
            &[
                "verify",
                "verification",
                "validate",
                "test",
                "check",
                "confirm",
                "learn",
                "report",
                "close",
                "review",
                "publish",
                "document",
                "notify",
            ],
        ),
    ];
    known
        .iter()
        .find(|(_, words)| words.contains(&word.as_str()))
        .map(|(phase, _)| *phase)
}
