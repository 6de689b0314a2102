//! One thing to say about a recipe's text: what, where, and what to write instead.

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The recipe can be kept as a draft but not run.
    Error,
    /// A tool isn't configured: everything is right, but it can't run here yet.
    NeedsTool,
    /// It runs, but perhaps not as meant.
    Warning,
    /// What an older text was taken to mean, or what of it speaks to people only.
    Note,
}

/// One finding. Lines and columns count from 1; columns and lengths count characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The stable code; each has a page under `docs/errors/`.
    pub code: String,
    /// What is wrong, lower case and without a full stop.
    pub message: String,
    /// The line where it begins.
    pub line: u32,
    /// The column where it begins.
    pub column: u32,
    /// How many characters of that line it covers; at least 1.
    pub length: u32,
    /// That line of the source.
    pub source_line: String,
    /// What to write instead, if it can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// JSON Pointer to the part of the document, `""` for all of it.
    pub path: String,
}

/// A place in the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct At {
    pub line: u32,
    pub column: u32,
    pub length: u32,
}

/// Every code that a finding can have.
pub const CODES: &[&str] = &[
    "argument_not_taken",
    "bad_argument",
    "bad_notify",
    "cyclic_run",
    "duplicate_id",
    "duplicate_save",
    "invalid_utf8",
    "missing_key",
    "missing_section",
    "needs_tool",
    "no_agent_runtime",
    "no_undo",
    "older_assumed",
    "older_dropped",
    "recipe_too_large",
    "reserved_name",
    "step_kind",
    "template_syntax",
    "template_undefined",
    "unbound_step",
    "unknown_action",
    "unknown_group",
    "unknown_key",
    "unknown_recipe",
    "unresolved_ask",
    "wrong_value",
    "yaml_alias_bomb",
    "yaml_boolean",
    "yaml_comment",
    "yaml_duplicate_key",
    "yaml_number",
    "yaml_syntax",
    "yaml_tag",
    "yaml_unquoted_template",
];

/// Collects findings for one text.
#[derive(Debug)]
pub(crate) struct Findings<'t> {
    lines: Vec<&'t str>,
    pub list: Vec<Diagnostic>,
}

/// The most findings kept for one text.
const MAX_FINDINGS: usize = 500;

impl<'t> Findings<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            lines: text.lines().collect(),
            list: Vec::new(),
        }
    }

    /// A line of the text, counted from 1; empty past its end.
    pub(crate) fn line(&self, line: u32) -> &'t str {
        (line as usize)
            .checked_sub(1)
            .and_then(|index| self.lines.get(index))
            .copied()
            .unwrap_or("")
    }

    pub(crate) fn add(
        &mut self,
        severity: Severity,
        code: &str,
        at: At,
        path: &str,
        message: impl Into<String>,
    ) {
        if self.list.len() >= MAX_FINDINGS {
            return;
        }
        self.list.push(Diagnostic {
            severity,
            code: code.to_owned(),
            message: message.into(),
            line: at.line.max(1),
            column: at.column.max(1),
            length: at.length.max(1),
            source_line: self.line(at.line.max(1)).chars().take(400).collect(),
            suggestion: None,
            path: path.to_owned(),
        });
    }

    /// Says what to write instead of what the newest finding is about.
    pub(crate) fn suggest(&mut self, suggestion: impl Into<String>) {
        if self.list.len() < MAX_FINDINGS
            && let Some(last) = self.list.last_mut()
        {
            last.suggestion = Some(suggestion.into());
        }
    }

    /// The findings in the order of the text, without repetitions.
    pub(crate) fn sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by(|a, b| {
            (a.line, a.column, a.severity, &a.code).cmp(&(b.line, b.column, b.severity, &b.code))
        });
        self.list.dedup_by(|b, a| {
            (a.line, a.column, &a.code, &a.message) == (b.line, b.column, &b.code, &b.message)
        });
        self.list
    }
}
