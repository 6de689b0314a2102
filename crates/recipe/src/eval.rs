//! Templates and conditions: one expression engine for both, which keeps types and records the
//! labels of every value that an expression read.

use std::collections::BTreeMap;
use std::sync::Arc;

use types::{Failure, Labeled, Labels};

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
pub fn eval(_expr: &Expr, _scope: &Scope) -> Result<Labeled, EvalError> {
    unreachable!()
}

/// Computes a condition: whether the value is true, and the labels of all that it read.
///
/// # Errors
/// See [`EvalError`].
pub fn condition(_expr: &Expr, _scope: &Scope) -> Result<(bool, Labels), EvalError> {
    unreachable!()
}

/// Renders a template to a value. Literals carry the label `author`.
///
/// # Errors
/// See [`EvalError`].
pub fn render(_template: &Template, _scope: &Scope) -> Result<Labeled, EvalError> {
    unreachable!()
}
