//! The first thing the door looks at: whether the arguments fit the action's JSON Schema.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::Value;
use types::{ActionSpec, Catalog, Failure};

/// How many problems one refusal names.
const MOST: usize = 20;

/// The compiled argument schemas of a catalogue.
#[derive(Debug, Default)]
pub struct Schemas {
    validators: BTreeMap<String, Result<Validator, String>>,
}

impl Schemas {
    /// Compiles the schemas of all actions. One that doesn't compile refuses every call of its action.
    pub fn new(catalog: &Catalog) -> Self {
        let compile = |action: &ActionSpec| {
            let validator = jsonschema::validator_for(&action.input).map_err(|error| error.to_string());
            (action.name(), validator)
        };
        Self {
            validators: catalog.actions().map(compile).collect(),
        }
    }

    /// # Errors
    /// `arguments_invalid` with every problem and its place, or `schema_broken` if the action's own
    /// schema can't be used.
    pub fn check(&self, action: &str, args: &Value) -> Result<(), Failure> {
        let validator = match self.validators.get(action) {
            Some(Ok(validator)) => validator,
            Some(Err(problem)) => {
                return Err(Failure::new(
                    "schema_broken",
                    format!("the schema of {action} can't be used: {problem}"),
                ));
            }
            None => return Err(Failure::new("schema_broken", format!("{action} has no schema"))),
        };
        let problems: Vec<String> = validator
            .iter_errors(args)
            .take(MOST)
            .map(|error| match error.instance_path().to_string() {
                path if path.is_empty() => error.to_string(),
                path => format!("{path}: {error}"),
            })
            .collect();
        if problems.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            "arguments_invalid",
            format!("the arguments of {action} don't fit: {}", problems.join("; ")),
        )
        .hint("`agentops tool show` lists the arguments of an action"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_problem_is_named_with_its_place() {
        let schema = json!({"type": "object", "required": ["a"], "properties": {"b": {"type": "integer"}}});
        let schemas = Schemas {
            validators: BTreeMap::from([(
                "x.y".to_owned(),
                Ok(jsonschema::validator_for(&schema).expect("schema")),
            )]),
        };
        let failure = schemas.check("x.y", &json!({"b": "no"})).expect_err("refused");
        assert_eq!(failure.code, "arguments_invalid");
        assert!(
            failure.message.contains("/b") && failure.message.contains("\"a\""),
            "{failure}"
        );
        assert!(schemas.check("x.y", &json!({"a": 1})).is_ok());
        assert_eq!(
            schemas.check("x.z", &json!({})).expect_err("refused").code,
            "schema_broken"
        );
    }
}
