//! Templates and conditions: one expression engine for both, which keeps types and records the
//! labels of every value that an expression read.
//!
//! Labels say whose text a value is. They follow contents and choices (a condition taints what it
//! chose), not the bare fact that a field was there: `zoom_room.id` has the labels of the id.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use types::{Failure, Label, Labeled, Labels};

use crate::expr::parse::{self, Findings};
use crate::expr::{self, Machine};
use crate::program::{Expr, Template};

/// The names that an expression can read.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    names: BTreeMap<String, Arc<Labeled>>,
}

impl Scope {
    /// Puts a value in scope under a top-level name.
    pub fn set(&mut self, name: impl Into<String>, value: Arc<Labeled>) {
        self.names.insert(name.into(), value);
    }

    /// The value with this top-level name.
    pub fn get(&self, name: &str) -> Option<&Arc<Labeled>> {
        self.names.get(name)
    }

    /// Every top-level name, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }
}

/// Why an expression gave no value. The failure's code is one of `template_undefined`,
/// `template_syntax`, `template_fuel`, `template_failed`, `template_too_large`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(transparent)]
pub struct EvalError(#[from] pub Failure);

/// Computes an expression; the result carries the union of the labels of all that it read, or the
/// part's own labels where the result is a part of one value.
///
/// # Errors
/// See [`EvalError`].
pub fn eval(expr: &Expr, scope: &Scope) -> Result<Labeled, EvalError> {
    let tree = parse::expression(&expr.source)?;
    Ok(Machine::new(scope).result(&tree)?)
}

/// Computes a condition: whether the value is true, and the labels of all that it read.
///
/// # Errors
/// See [`EvalError`].
pub fn condition(expr: &Expr, scope: &Scope) -> Result<(bool, Labels), EvalError> {
    let tree = parse::expression(&expr.source)?;
    Ok(Machine::new(scope).condition(&tree)?)
}

/// Renders a template to a value. Literals carry the label `author`.
///
/// # Errors
/// See [`EvalError`].
pub fn render(template: &Template, scope: &Scope) -> Result<Labeled, EvalError> {
    let mut left = expr::MAX_RESULT;
    render_within(template, scope, &mut left)
}

/// Renders with a bound on the size of all expressions' results together.
fn render_within(template: &Template, scope: &Scope, left: &mut usize) -> Result<Labeled, EvalError> {
    let rendered = match template {
        Template::Literal { v } => return Ok(Labeled::new(v.clone(), Label::Author)),
        Template::Whole { e } => eval(e, scope)?,
        Template::Text { e } => {
            let tree = parse::template(&e.source)?;
            let (text, labels) = Machine::new(scope).text(&tree)?;
            Labeled::with(text, labels)
        }
        Template::List { items } => {
            let parts = items.iter().map(|item| render_within(item, scope, left));
            let mut list = Labeled::array(parts.collect::<Result<Vec<_>, _>>()?);
            list.labels.set("", Label::Author.into());
            return Ok(list);
        }
        Template::Map { entries } => {
            let parts = entries
                .iter()
                .map(|(key, entry)| Ok((key.clone(), render_within(entry, scope, left)?)));
            let mut object = Labeled::object(parts.collect::<Result<Vec<_>, EvalError>>()?);
            object.labels.set("", Label::Author.into());
            return Ok(object);
        }
    };
    let size = expr::size_up_to(&rendered.value, *left);
    *left = left.checked_sub(size).ok_or_else(expr::too_large)?;
    Ok(rendered)
}

impl Expr {
    /// Parses an expression; the older spellings `$context.x`, `$run_id` and `${item}` become
    /// today's.
    ///
    /// # Errors
    /// A failure with the code `template_syntax`.
    pub fn parse(source: &str) -> Result<Self, Failure> {
        let source = parse::modern(source.trim(), true);
        let tree = parse::expression(&source)?;
        let findings = Findings::of_expression(&tree);
        match findings.mistake {
            Some(failure) => Err(failure),
            None => {
                let names = findings.names();
                drop(tree);
                Ok(Self { source, names })
            }
        }
    }

    /// Whether the source is one plain path such as `zoom_room.id`, and its parts.
    pub fn path(&self) -> Option<Vec<String>> {
        parse::path_of(&parse::expression(&self.source).ok()?)
    }
}

impl Template {
    /// Reads a value: a string that is one whole `{{ … }}` after trimming keeps its type, a string
    /// with expressions inside is text, everything else is a constant.
    ///
    /// # Errors
    /// The first failure, with the code `template_syntax`.
    pub fn parse(value: &Value) -> Result<Self, Failure> {
        match value {
            Value::String(text) => Self::parse_text(text),
            Value::Array(items) => {
                let items = items.iter().map(Self::parse).collect::<Result<Vec<_>, _>>()?;
                Ok(Self::list(items))
            }
            Value::Object(map) => {
                let entries = map
                    .iter()
                    .map(|(key, entry)| Ok((key.clone(), Self::parse(entry)?)));
                Ok(Self::map(entries.collect::<Result<Vec<_>, Failure>>()?))
            }
            other => Ok(Self::literal(other.clone())),
        }
    }

    /// Reads a string.
    ///
    /// # Errors
    /// A failure with the code `template_syntax`.
    pub fn parse_text(text: &str) -> Result<Self, Failure> {
        let source = parse::modern(text, false);
        if !source.contains("{{") && !source.contains("{%") {
            return Ok(Self::literal(text));
        }
        if let Some(inner) = whole(source.trim())
            && let Ok(e) = Expr::parse(inner)
        {
            return Ok(Self::Whole { e });
        }
        let tree = parse::template(&source)?;
        let findings = Findings::of_template(&tree);
        match findings.mistake {
            Some(failure) => Err(failure),
            None => {
                let names = findings.names();
                drop(tree);
                Ok(Self::Text {
                    e: Expr { source, names },
                })
            }
        }
    }

    /// A list; of constants alone it is a constant.
    pub fn list(items: Vec<Template>) -> Self {
        match items.iter().map(Template::constant).collect::<Option<Vec<_>>>() {
            Some(values) => Self::literal(values),
            None => Self::List { items },
        }
    }

    /// An object; of constants alone it is a constant.
    pub fn map(entries: Vec<(String, Template)>) -> Self {
        let constants = entries
            .iter()
            .map(|(key, entry)| Some((key.clone(), entry.constant()?)));
        match constants.collect::<Option<serde_json::Map<_, _>>>() {
            Some(values) => Self::literal(values),
            None => Self::Map { entries },
        }
    }

    fn constant(&self) -> Option<Value> {
        match self {
            Template::Literal { v } => Some(v.clone()),
            _ => None,
        }
    }
}

/// The text between the braces if the string may be one whole expression.
fn whole(trimmed: &str) -> Option<&str> {
    let inner = trimmed.strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    Some(inner.strip_suffix('-').unwrap_or(inner))
}

#[cfg(test)]
mod tests;
