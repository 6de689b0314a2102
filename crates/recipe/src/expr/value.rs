//! Values on the way through an expression: parts of what is in scope, values built here, and
//! names that turned out to be missing; each with its labels.

use serde_json::Value;
use types::{Failure, Label, LabelMap, Labeled, Labels};

use super::undefined;

/// One value inside an evaluation.
#[derive(Debug, Clone)]
pub(crate) enum Val<'s> {
    /// A part of a value in scope; its labels are looked up when they are needed.
    Part {
        root: &'s Labeled,
        value: &'s Value,
        pointer: String,
        /// Labels of what decided that it is this part.
        extra: Labels,
    },
    /// A value built in the expression.
    Own { value: Value, labels: LabelMap },
    /// Something that isn't there. Only `default`, `is defined` and a longer path may touch it.
    Missing(Missing),
}

/// What is missing and what to say about it.
#[derive(Debug, Clone)]
pub(crate) struct Missing {
    pub path: String,
    pub near: Option<String>,
    pub reason: Option<String>,
    pub labels: Labels,
}

impl Missing {
    pub(crate) fn failure(&self) -> Failure {
        let mut message = format!("'{}' is undefined", self.path);
        if let Some(reason) = &self.reason {
            message.push_str(": ");
            message.push_str(reason);
        }
        if let Some(near) = &self.near {
            message.push_str(&format!(", did you mean '{near}'"));
        }
        undefined(message)
    }
}

impl<'s> Val<'s> {
    pub(crate) fn whole(root: &'s Labeled) -> Self {
        Val::Part {
            root,
            value: &root.value,
            pointer: String::new(),
            extra: Labels::NONE,
        }
    }

    /// A constant of the recipe's text.
    pub(crate) fn constant(value: impl Into<Value>) -> Self {
        Val::own(value, Label::Author.into())
    }

    pub(crate) fn own(value: impl Into<Value>, labels: Labels) -> Self {
        Val::Own {
            value: value.into(),
            labels: LabelMap::all(labels),
        }
    }

    pub(crate) fn labeled(labeled: Labeled) -> Self {
        Val::Own {
            value: labeled.value,
            labels: labeled.labels,
        }
    }

    /// The JSON value; null for something missing (callers have ruled that out).
    pub(crate) fn json(&self) -> &Value {
        match self {
            Val::Part { value, .. } => value,
            Val::Own { value, .. } => value,
            Val::Missing(_) => &Value::Null,
        }
    }

    /// The labels of the value itself, not of what lies inside it.
    pub(crate) fn own_labels(&self) -> Labels {
        match self {
            Val::Part {
                root, pointer, extra, ..
            } => root.labels.at(pointer).union(*extra),
            Val::Own { labels, .. } => labels.at(""),
            Val::Missing(missing) => missing.labels,
        }
    }

    /// The labels of the value and of everything inside it.
    pub(crate) fn all_labels(&self) -> Labels {
        match self {
            Val::Part {
                root, pointer, extra, ..
            } => root.labels.within(pointer).union(*extra),
            Val::Own { labels, .. } => labels.within(""),
            Val::Missing(missing) => missing.labels,
        }
    }

    /// The same value, which depends on something with these labels too.
    pub(crate) fn taint(self, more: Labels) -> Self {
        match self {
            Val::Part {
                root,
                value,
                pointer,
                extra,
            } => Val::Part {
                root,
                value,
                pointer,
                extra: extra.union(more),
            },
            Val::Own { value, labels } => Val::Own {
                value,
                labels: taint_map(&labels, more),
            },
            Val::Missing(mut missing) => {
                missing.labels = missing.labels.union(more);
                Val::Missing(missing)
            }
        }
    }

    /// The entry of an object or the item of a list, if it is there.
    pub(crate) fn child(&self, token: &str) -> Option<Val<'s>> {
        let step = format!("/{}", token.replace('~', "~0").replace('/', "~1"));
        match self {
            Val::Part {
                root,
                value,
                pointer,
                extra,
            } => {
                let child = inner(value, token)?;
                let pointer = format!("{pointer}{step}");
                Some(Val::Part {
                    root,
                    value: child,
                    pointer,
                    extra: *extra,
                })
            }
            Val::Own { value, labels } => {
                let child = inner(value, token)?;
                Some(Val::Own {
                    value: child.clone(),
                    labels: labels.part(&step),
                })
            }
            Val::Missing(_) => None,
        }
    }

    /// The value with its labels, detached from the scope.
    ///
    /// # Errors
    /// `template_undefined` for something missing.
    pub(crate) fn into_labeled(self) -> Result<Labeled, Failure> {
        match self {
            Val::Part {
                root,
                value,
                pointer,
                extra,
            } => {
                let labels = root.labels.part(&pointer);
                let labels = if extra.is_empty() {
                    labels
                } else {
                    taint_map(&labels, extra)
                };
                Ok(Labeled {
                    value: value.clone(),
                    labels,
                })
            }
            Val::Own { value, labels } => Ok(Labeled { value, labels }),
            Val::Missing(missing) => Err(missing.failure()),
        }
    }

    /// The same value if it is there.
    ///
    /// # Errors
    /// `template_undefined` for something missing.
    pub(crate) fn present(self) -> Result<Self, Failure> {
        match self {
            Val::Missing(missing) => Err(missing.failure()),
            present => Ok(present),
        }
    }
}

fn inner<'v>(value: &'v Value, token: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) => map.get(token),
        Value::Array(items) => items.get(token.parse::<usize>().ok()?),
        _ => None,
    }
}

fn taint_map(labels: &LabelMap, more: Labels) -> LabelMap {
    let mut tainted = LabelMap::all(labels.at("").union(more));
    for (path, own) in labels.iter() {
        tainted.set(path, own.union(more));
    }
    tainted
}

/// Whether a value counts as true in a condition.
pub(crate) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// The kind of a value in words, for messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "none",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The text of a value inside a string: strings as they are, `none`, JSON for everything else.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}
