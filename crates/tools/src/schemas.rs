//! The schemas of an action, compiled when they are first asked: most commands call one action of hundreds.

use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;
use types::{ActionSpec, Failure};

use crate::arguments;

/// What an action takes and answers.
#[derive(Default)]
pub(crate) struct Schemas {
    input: OnceLock<Result<Validator, Failure>>,
    output: OnceLock<Result<Validator, Failure>>,
}

impl Schemas {
    /// Checks arguments.
    ///
    /// # Errors
    /// `arguments_invalid` with all that is wrong; `manifest_invalid` if the schema can't be read, which is
    /// found out earlier for tools that were added.
    pub(crate) fn check(&self, spec: &ActionSpec, args: &Value) -> Result<(), Failure> {
        let input = self.input.get_or_init(|| compiled(spec, "input", &spec.input));
        arguments::check(&spec.name(), input.as_ref().map_err(Failure::clone)?, args)
    }

    /// Whether an answer is one that the action promises.
    pub(crate) fn promises(&self, spec: &ActionSpec, output: &Value) -> bool {
        let promised = self.output.get_or_init(|| compiled(spec, "output", &spec.output));
        promised.as_ref().is_ok_and(|promised| promised.is_valid(output))
    }
}

fn compiled(spec: &ActionSpec, part: &str, schema: &Value) -> Result<Validator, Failure> {
    jsonschema::draft202012::new(schema).map_err(|error| {
        let message = format!("the {part} schema of {} can't be read: {error}", spec.name());
        Failure::new("manifest_invalid", message)
    })
}
