//! The arguments of a filter, test, function or method.

use serde_json::Value;
use types::{Failure, Labels};

use super::failed;
use super::value::{Val, kind, truth};

/// Arguments by position and by name.
#[derive(Debug, Default)]
pub(crate) struct Args<'s> {
    pub positional: Vec<Val<'s>>,
    pub named: Vec<(String, Val<'s>)>,
}

impl<'s> Args<'s> {
    /// The argument at this position or with this name.
    pub(crate) fn get(&self, position: usize, name: &str) -> Option<&Val<'s>> {
        let named = self.named.iter().find(|(own, _)| own == name).map(|(_, val)| val);
        named.or_else(|| self.positional.get(position))
    }

    /// Text at this position, if it is given.
    pub(crate) fn text(&self, position: usize, name: &str) -> Result<Option<&str>, Failure> {
        match self.get(position, name).map(Val::json) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(failed(format!("'{name}' must be a string, not {}", kind(other)))),
        }
    }

    /// A whole number at this position, if it is given.
    pub(crate) fn integer(&self, position: usize, name: &str) -> Result<Option<i64>, Failure> {
        match self.get(position, name).map(Val::json) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_i64()
                .map(Some)
                .ok_or_else(|| failed(format!("'{name}' must be a whole number, not {}", kind(value)))),
        }
    }

    /// A flag at this position; false if it isn't given.
    pub(crate) fn flag(&self, position: usize, name: &str) -> bool {
        self.get(position, name).is_some_and(|val| truth(val.json()))
    }

    /// The labels of all arguments.
    pub(crate) fn labels(&self) -> Labels {
        let named = self.named.iter().map(|(_, val)| val);
        self.positional
            .iter()
            .chain(named)
            .fold(Labels::NONE, |set, val| set.union(val.all_labels()))
    }

    /// The arguments after the first `count` positional ones.
    pub(crate) fn rest(&self, count: usize) -> Args<'s> {
        Args {
            positional: self.positional.iter().skip(count).cloned().collect(),
            named: self.named.clone(),
        }
    }
}
