//! Single values: texts, numbers, booleans, durations, expressions, templates; each with the
//! message that fits what was written instead.

use serde_json::Value;
use types::{Failure, Millis};

use super::Reader;
use crate::diagnostic::At;
use crate::expr::parse::{self, Findings as Found};
use crate::program::{Expr, Template};
use crate::traps::quoted;
use crate::yaml::{Data, Entry, Node};

/// Words that other YAML readers take for booleans.
const WORDY_BOOLEANS: &[(&str, bool)] = &[
    ("yes", true),
    ("on", true),
    ("y", true),
    ("no", false),
    ("off", false),
    ("n", false),
];

impl Reader<'_, '_, '_> {
    /// A text. Numbers and booleans without quotes are refused: what was written may be lost.
    pub(crate) fn text(&mut self, node: &Node) -> Option<String> {
        match &node.data {
            Data::Text(text, _) => Some(text.clone()),
            Data::Number(number, written) => {
                let message =
                    format!("a text is due here, but {written} without quotes is the number {number}");
                self.error("yaml_number", node.at, &node.path, message);
                self.findings.suggest(quoted(written));
                None
            }
            Data::Bool(flag) => {
                let message = format!("a text is due here, but {flag} without quotes is a boolean");
                self.error("yaml_boolean", node.at, &node.path, message);
                self.findings.suggest(quoted(&flag.to_string()));
                None
            }
            _ => {
                self.wrong(node, "a text");
                None
            }
        }
    }

    /// A list of texts, or one text.
    pub(crate) fn texts(&mut self, node: &Node) -> Vec<String> {
        match &node.data {
            Data::List(items) => items.iter().filter_map(|item| self.text(item)).collect(),
            _ => self.text(node).into_iter().collect(),
        }
    }

    pub(crate) fn boolean(&mut self, node: &Node) -> Option<bool> {
        if let Data::Bool(flag) = node.data {
            return Some(flag);
        }
        let word = node.as_text().map(str::to_lowercase).unwrap_or_default();
        match WORDY_BOOLEANS.iter().find(|(known, _)| *known == word) {
            Some((_, flag)) => {
                let message = format!("'{word}' is a text in YAML 1.2, a boolean is due here");
                self.error("yaml_boolean", node.at, &node.path, message);
                self.findings.suggest(flag.to_string());
            }
            None => self.wrong(node, "true or false"),
        }
        None
    }

    /// A whole number of at least `least`.
    pub(crate) fn count(&mut self, node: &Node, least: u64, most: u64) -> Option<u64> {
        let number = match &node.data {
            Data::Number(number, _) => number.as_u64(),
            _ => None,
        };
        let fitting = number.filter(|number| (least..=most).contains(number));
        if fitting.is_none() {
            self.wrong(node, &format!("a whole number from {least} to {most}"));
        }
        fitting
    }

    /// A number that isn't negative.
    pub(crate) fn amount(&mut self, node: &Node) -> Option<f64> {
        let number = match &node.data {
            Data::Number(number, _) => number.as_f64().filter(|number| *number >= 0.0),
            _ => None,
        };
        if number.is_none() {
            self.wrong(node, "a number that isn't negative");
        }
        number
    }

    /// Seconds as a number, or a span such as `90s`, `10m`, `1h30m`; at most a year.
    pub(crate) fn duration(&mut self, node: &Node) -> Option<Millis> {
        let millis = match &node.data {
            Data::Number(number, _) => number.as_f64().and_then(seconds),
            Data::Text(text, _) => span(text),
            _ => None,
        };
        if millis.is_none() {
            let message = format!("a span of time is due here, not {}", said(node));
            self.error("wrong_value", node.at, &node.path, message);
            self.findings.suggest("seconds such as 30, or 90s, 10m, 1h30m");
        }
        millis
    }

    pub(crate) fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        match &node.data {
            Data::Map(entries) => Some(entries),
            Data::Null => Some(&[]),
            _ => {
                self.wrong(node, &format!("a map for {what}"));
                None
            }
        }
    }

    pub(crate) fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match &node.data {
            Data::List(items) => Some(items),
            Data::Null => Some(&[]),
            _ => {
                self.wrong(node, &format!("a list for {what}"));
                None
            }
        }
    }

    pub(crate) fn required<'n>(&mut self, node: &'n Node, key: &str, what: &str) -> Option<&'n Node> {
        let found = node.get(key);
        if found.is_none() {
            self.error(
                "missing_key",
                first_key(node),
                &node.path,
                format!("{what} needs the key '{key}'"),
            );
        }
        found
    }

    pub(crate) fn required_text(&mut self, node: &Node, key: &str) -> Option<String> {
        let what = if node.path.is_empty() { "a recipe" } else { "this" };
        let node = self.required(node, key, what)?;
        self.text(node)
    }

    fn wrong(&mut self, node: &Node, due: &str) {
        if !matches!(node.data, Data::Broken) {
            self.error(
                "wrong_value",
                node.at,
                &node.path,
                format!("{due} is due here, not {}", said(node)),
            );
        }
    }

    /// A name that expressions can use.
    pub(crate) fn identifier(&mut self, name: &str, at: At, path: &str) -> bool {
        let fine = is_identifier(name);
        if !fine {
            let message =
                format!("'{name}' isn't a name: letters, digits and '_', not beginning with a digit");
            self.error("wrong_value", at, path, message);
            self.findings.suggest(snake_case(name));
        }
        fine
    }

    /// A condition. `{{ … }}` around it is allowed.
    pub(crate) fn expression(&mut self, node: &Node) -> Option<Expr> {
        let source = match &node.data {
            Data::Bool(flag) => flag.to_string(),
            Data::Text(text, _) => unwrapped(text.trim()).to_owned(),
            _ => {
                self.wrong(node, "an expression");
                return None;
            }
        };
        let older = source;
        let source = self.dialect.condition(&older);
        if source != older {
            let message = "a room that is 'online' is one that is Available or InMeeting";
            self.note("older_assumed", node.at, &node.path, message);
        }
        match Expr::parse(&source) {
            Ok(expr) => {
                self.check_names(&expr.source, true, node);
                Some(expr)
            }
            Err(failure) => {
                self.syntax(node, &failure);
                None
            }
        }
    }

    /// A value with expressions in it. What doesn't parse is reported and becomes null.
    pub(crate) fn template(&mut self, node: &Node) -> Template {
        match &node.data {
            Data::Text(text, _) => match Template::parse_text(text) {
                Ok(template) => {
                    match &template {
                        Template::Whole { e } => self.check_names(&e.source, true, node),
                        Template::Text { e } => self.check_names(&e.source, false, node),
                        _ => {}
                    }
                    template
                }
                Err(failure) => {
                    self.syntax(node, &failure);
                    Template::literal(Value::Null)
                }
            },
            Data::List(items) => Template::list(items.iter().map(|item| self.template(item)).collect()),
            Data::Map(entries) => Template::map(
                entries
                    .iter()
                    .map(|e| (e.key.clone(), self.template(&e.value)))
                    .collect(),
            ),
            _ => Template::literal(node.to_json()),
        }
    }

    /// A template that must be text.
    pub(crate) fn words(&mut self, node: &Node) -> Option<Template> {
        self.text(node)?;
        Some(self.template(node))
    }

    fn syntax(&mut self, node: &Node, failure: &Failure) {
        self.error(&failure.code, node.at, &node.path, failure.message.clone());
        if let Some((left, right)) = node.as_text().and_then(|text| text.split_once(" = ")) {
            self.findings.suggest(format!("{left} == {right}"));
        } else if let Some(hint) = &failure.hint {
            self.findings.suggest(hint.clone());
        }
    }

    /// Reports names that nothing defines at this place.
    pub(crate) fn check_names(&mut self, source: &str, in_expression: bool, node: &Node) {
        let found = if in_expression {
            parse::expression(source).map(|tree| Found::of_expression(&tree))
        } else {
            parse::template(source).map(|tree| Found::of_template(&tree))
        };
        for path in found.map(|found| found.paths).unwrap_or_default() {
            if let Some(wrong) = self.names.check(&path) {
                self.error("template_undefined", node.at, &node.path, wrong.message);
                if let Some(suggestion) = wrong.suggestion {
                    self.findings.suggest(suggestion);
                }
            }
        }
    }
}

/// The place of a map's first key: where to point when something is missing in it.
pub(crate) fn first_key(node: &Node) -> At {
    node.entries().first().map_or(node.at, |entry| entry.key_at)
}

/// What was written, in a few words.
fn said(node: &Node) -> String {
    match &node.data {
        Data::Text(text, _) if text.chars().count() <= 40 => format!("'{text}'"),
        Data::Number(_, written) => written.clone(),
        Data::Bool(flag) => flag.to_string(),
        _ => node.kind().to_owned(),
    }
}

pub(crate) fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= 80
}

/// The text as a name: lower case, words joined by `_`.
pub(crate) fn snake_case(text: &str) -> String {
    let mut name = slug::slugify(camel_split(text)).replace('-', "_");
    name.truncate(60);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("n{name}")
    } else {
        name
    }
}

fn camel_split(text: &str) -> String {
    let mut out = String::new();
    let mut lower = false;
    for c in text.chars() {
        if c.is_uppercase() && lower {
            out.push('-');
        }
        lower = c.is_lowercase();
        out.push(c);
    }
    out
}

fn unwrapped(text: &str) -> &str {
    match text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}")) {
        Some(inner) if !inner.contains("}}") => inner.trim(),
        _ => text,
    }
}

/// The longest span, a year in milliseconds.
const YEAR_MS: f64 = 366.0 * 86_400_000.0;

fn seconds(seconds: f64) -> Option<Millis> {
    let millis = (seconds * 1000.0).round();
    (seconds >= 0.0 && millis <= YEAR_MS).then_some(millis as Millis)
}

/// A span such as `1h30m`, `250ms`, `90s`, `2d`.
pub(crate) fn span(text: &str) -> Option<Millis> {
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..]
            .find(|c: char| c.is_ascii_digit() || c == ' ')
            .map_or(rest.len(), |end| digits + end);
        let factor = match &rest[digits..unit_end] {
            "ms" => 0.001,
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        total += number * factor;
        rest = rest[unit_end..].trim_start();
    }
    seconds(total)
}

/// A span in the shortest of these spellings.
pub(crate) fn shown_duration(millis: Millis) -> String {
    match millis {
        0 => "0s".to_owned(),
        m if m % 3_600_000 == 0 => format!("{}h", m / 3_600_000),
        m if m % 60_000 == 0 => format!("{}m", m / 60_000),
        m if m % 1000 == 0 => format!("{}s", m / 1000),
        m => format!("{m}ms"),
    }
}
