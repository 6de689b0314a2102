//! Arguments that a call lacks: required ones, and one of several that would do.

use serde_json::Value;
use types::ActionSpec;

use super::Reader;
use super::values::first_key;
use crate::diagnostic::At;
use crate::program::Template;
use crate::yaml::Node;

impl Reader<'_, '_, '_> {
    /// Reports what the action needs and isn't given.
    pub(super) fn missing(&mut self, with: &Node, at: At, args: &[(String, Template)], spec: &ActionSpec) {
        let at = if with.entries().is_empty() {
            at
        } else {
            first_key(with)
        };
        let given = |name: &str| args.iter().any(|(given, _)| given == name);
        for name in required(&spec.input) {
            if given(name) {
                continue;
            }
            let message = format!("'{}' needs the argument '{name}'", spec.name());
            self.error("bad_argument", at, &with.path, message);
            if let Some(source) = self.names.source_of(name, false) {
                self.findings.suggest(format!("{name}: \"{{{{ {source} }}}}\""));
            }
        }
        let names = one_of(&spec.input);
        let message = match names.iter().filter(|name| given(name)).count() {
            _ if names.is_empty() => return,
            1 => return,
            0 => format!(
                "'{}' needs one of the arguments {}",
                spec.name(),
                names.join(", ")
            ),
            _ => format!(
                "'{}' takes only one of the arguments {}",
                spec.name(),
                names.join(", ")
            ),
        };
        self.error("bad_argument", at, &with.path, message);
    }
}

/// The arguments that a call can't do without.
pub(super) fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// Arguments of which exactly one is given: those of a `oneOf` each of whose forms requires one and says
/// nothing else. Any other `oneOf` is left to the check of the whole call.
fn one_of(schema: &Value) -> Vec<&str> {
    let forms = schema.get("oneOf").and_then(Value::as_array);
    let names_one = |form: &Value| {
        let only = form.as_object().is_some_and(|form| form.len() == 1);
        only && required(form).count() == 1
    };
    match forms {
        Some(forms) if forms.iter().all(names_one) => forms.iter().flat_map(required).collect(),
        _ => Vec::new(),
    }
}
