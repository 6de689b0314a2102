//! The front door: bytes in, a checked recipe and every finding out.

use serde::{Deserialize, Serialize};
use types::Catalog;

use crate::diagnostic::{At, Diagnostic, Findings, Severity};
use crate::ipav::{self, Recognised};
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
}

impl Checked {
    /// Whether the recipe can be run: no error, and every tool is there.
    pub fn runnable(&self) -> bool {
        self.recipe.is_some()
            && self
                .diagnostics
                .iter()
                .all(|found| found.severity == Severity::Warning)
    }
}

/// Checks a recipe's text and reports every problem in one pass.
pub fn check(text: &[u8], context: &CheckContext<'_>) -> Checked {
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
        recipe: None,
        name: text_of("name")
            .or_else(|| text_of("title"))
            .or_else(|| text_of("agent_name")),
        description: text_of("description"),
        dialect: Dialect::Native,
        diagnostics: Vec::new(),
        bindings: Vec::new(),
    };
    match ipav::recognise(&root, context.catalog) {
        Recognised::Dialect(dialect) => {
            checked.dialect = dialect;
            let mut reader = Reader::new(context, &mut findings, dialect);
            let recipe = reader.recipe(&root);
            checked.bindings = reader.bindings;
            let failed = findings
                .list
                .iter()
                .any(|found| found.severity == Severity::Error);
            checked.recipe = (!failed).then_some(recipe);
        }
        Recognised::NotYet(dialect, at) => {
            let message = format!("this is a recipe of the older form '{dialect}', which can't be read yet");
            findings.add(Severity::Error, "dialect_not_yet", at, "", message);
            findings.suggest("write it with the sections intake, plan, act and verify");
        }
        Recognised::Other(what, at) => {
            let message = format!("this is {what} of an earlier tool, which can't be read yet");
            findings.add(Severity::Error, "dialect_not_yet", at, "", message);
        }
        Recognised::Manifest(at) => {
            let message = "this is the manifest of a tool, not a recipe".to_owned();
            findings.add(Severity::Error, "wrong_value", at, "", message);
            findings.suggest("agentops tool add FILE");
        }
        Recognised::NotARecipe => {
            let message = format!(
                "a recipe is a map with a name and four sections, not {}",
                root.kind()
            );
            findings.add(Severity::Error, "wrong_value", root.at, "", message);
        }
    }
    checked.diagnostics = findings.sorted();
    checked
}

fn broken(diagnostics: Vec<Diagnostic>) -> Checked {
    Checked {
        recipe: None,
        name: None,
        description: None,
        dialect: Dialect::Native,
        diagnostics,
        bindings: Vec::new(),
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
