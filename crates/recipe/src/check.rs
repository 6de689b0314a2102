//! The front door: bytes in, a checked recipe and every finding out.

use serde::{Deserialize, Serialize};
use types::Catalog;

use crate::diagnostic::{At, Diagnostic, Findings, Severity};
use crate::dialect::{self, Brings, slug_from};
use crate::program::Recipe;
use crate::reader::Reader;
use crate::yaml;

/// Tells which recipes another recipe runs.
pub type Children<'c> = dyn Fn(&str) -> Option<Vec<String>> + 'c;

/// What a recipe is checked against.
#[derive(Clone, Copy)]
pub struct CheckContext<'c> {
    /// Every action that exists.
    pub catalog: &'c Catalog,
    /// Names and slugs of the recipes that `run` may name; `None` if they aren't known here.
    pub recipes: Option<&'c [String]>,
    /// Groups and roles that may approve; `None` if they aren't known here.
    pub groups: Option<&'c [String]>,
    /// What other recipes run, to find circles.
    pub children: Option<&'c Children<'c>>,
}

impl<'c> CheckContext<'c> {
    /// A context that knows actions and nothing else.
    pub fn new(catalog: &'c Catalog) -> Self {
        Self {
            catalog,
            recipes: None,
            groups: None,
            children: None,
        }
    }
}

impl std::fmt::Debug for CheckContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckContext")
            .field("recipes", &self.recipes)
            .field("groups", &self.groups)
            .finish_non_exhaustive()
    }
}

/// The form a text was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Today's language.
    Native,
    /// The older lists of intake, plan, act and verify in plain words.
    IpavLists,
    /// One list of steps with `using`, `params`, `saves` and `fallback`.
    StepList,
    /// One list of steps with a dotted id, a `tool` and its `input`.
    ToolList,
    /// One agent with its allow-list and its steps.
    FixedAgents,
    /// Steps by agent.
    Orchestrator,
    /// A trigger and a graph of runs.
    Workflow,
    /// An agent; no recipe.
    Agent,
    /// A set of guardrails; no recipe.
    Guardrails,
    /// The manifest of a tool; no recipe.
    Manifest,
}

impl Dialect {
    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Dialect::Native => "today's form",
            Dialect::IpavLists => "IPAV lists",
            Dialect::StepList => "step list",
            Dialect::ToolList => "tool list",
            Dialect::FixedAgents => "fixed agents",
            Dialect::Orchestrator => "orchestrator",
            Dialect::Workflow => "workflow",
            Dialect::Agent => "agent",
            Dialect::Guardrails => "guardrails",
            Dialect::Manifest => "tool manifest",
        }
    }

    /// Whether a document of this form holds a recipe.
    pub fn is_recipe(self) -> bool {
        !matches!(self, Dialect::Agent | Dialect::Guardrails | Dialect::Manifest)
    }
}

/// How a step in plain words was bound when it was checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// The step's id.
    pub step: String,
    /// The author's words.
    pub words: String,
    /// The action; `None` is a task for a person.
    pub action: Option<String>,
    /// How well the best action fits (BM25; comparable only within one recipe).
    pub score: f32,
    /// Other actions that fit, best first, with their scores.
    pub alternatives: Vec<(String, f32)>,
    /// Whether the action changes anything: show it before it runs.
    pub writes: bool,
    /// The line of the step.
    pub line: u32,
}

/// What checking a text came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// The checked tree; `None` if there is any error.
    pub recipe: Option<Recipe>,
    /// The name, even of a broken recipe, if it could be read.
    pub name: Option<String>,
    /// The description, if it could be read.
    pub description: Option<String>,
    /// The form of the text.
    pub dialect: Dialect,
    /// Every finding, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// How plain words were bound, in the order of the text.
    pub bindings: Vec<Binding>,
    /// The short name that the document's own id gives, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// What the document brings beside a recipe, or instead of one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brings: Vec<Brings>,
}

impl Checked {
    /// Whether the recipe can be run: no error, and every tool is there.
    pub fn runnable(&self) -> bool {
        self.recipe.is_some()
            && self
                .diagnostics
                .iter()
                .all(|found| matches!(found.severity, Severity::Warning | Severity::Note))
    }
}

/// Checks a recipe's text and reports every problem in one pass.
pub fn check(text: &[u8], context: &CheckContext<'_>) -> Checked {
    check_as(text, None, context)
}

/// As [`check`], for a text whose form is known from where it lies, such as a list of agents.
pub fn check_as(text: &[u8], known: Option<Dialect>, context: &CheckContext<'_>) -> Checked {
    let text = match decode(text) {
        Ok(text) => text,
        Err(diagnostic) => return broken(vec![*diagnostic]),
    };
    let mut findings = Findings::new(text);
    let Some(root) = yaml::parse(text, &mut findings) else {
        if findings.list.is_empty() {
            findings.add(
                Severity::Error,
                "missing_section",
                At::default(),
                "",
                "the text is empty",
            );
        }
        return broken(findings.sorted());
    };
    let text_of = |key: &str| root.get(key).and_then(yaml::Node::as_text).map(str::to_owned);
    let mut checked = Checked {
        name: text_of("name")
            .or_else(|| text_of("title"))
            .or_else(|| text_of("agent_name")),
        description: text_of("description").map(|text| text.trim_end().to_owned()),
        ..broken(Vec::new())
    };
    let seen = dialect::recognise(&root, context.catalog);
    // Where it lies tells only of what shows no form of its own.
    let Some(dialect) = seen.map(|seen| known.filter(|_| seen == Dialect::Native).unwrap_or(seen)) else {
        let message = format!(
            "a recipe is a map with a name and four sections, not {}",
            root.kind()
        );
        findings.add(Severity::Error, "wrong_value", root.at, "", message);
        checked.diagnostics = findings.sorted();
        return checked;
    };
    checked.dialect = dialect;
    let today = dialect::today(dialect, &root, context.catalog, &mut findings);
    if let Some(root) = &today.recipe {
        let mut reader = Reader::new(context, &mut findings, dialect);
        let recipe = reader.recipe(root);
        checked.bindings = reader.bindings;
        let failed = findings
            .list
            .iter()
            .any(|found| found.severity == Severity::Error);
        checked.recipe = (!failed).then_some(recipe);
    }
    (checked.slug, checked.brings) = (today.slug, today.brings);
    checked.diagnostics = findings.sorted();
    checked
}

/// The short name that an older document's id stands for: without the version behind it.
pub fn short_name(id: &str) -> String {
    slug_from(id)
}

fn broken(diagnostics: Vec<Diagnostic>) -> Checked {
    Checked {
        recipe: None,
        name: None,
        description: None,
        dialect: Dialect::Native,
        diagnostics,
        bindings: Vec::new(),
        slug: None,
        brings: Vec::new(),
    }
}

fn decode(bytes: &[u8]) -> Result<&str, Box<Diagnostic>> {
    let finding = |code: &str, line: usize, column: usize, source: &str, message: String| {
        Box::new(Diagnostic {
            severity: Severity::Error,
            code: code.to_owned(),
            message,
            line: u32::try_from(line).unwrap_or(1),
            column: u32::try_from(column).unwrap_or(1),
            length: 1,
            source_line: source.to_owned(),
            suggestion: None,
            path: String::new(),
        })
    };
    if bytes.len() > yaml::MAX_BYTES {
        let message = format!(
            "the recipe has {} bytes, more than {}",
            bytes.len(),
            yaml::MAX_BYTES
        );
        return Err(finding("recipe_too_large", 1, 1, "", message));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let at = error.valid_up_to();
            let before = String::from_utf8_lossy(&bytes[..at]);
            let line = before.matches('\n').count() + 1;
            let start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let message = format!("byte {at} (0x{:02x}) isn't UTF-8", bytes[at]);
            Err(finding(
                "invalid_utf8",
                line,
                before[start..].chars().count() + 1,
                &before[start..],
                message,
            ))
        }
    }
}
