//! The first thing the door looks at: whether the arguments fit the action's JSON Schema.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;
use types::{Catalog, Failure};

/// How many problems one refusal names.
const MOST: usize = 20;

/// The argument schemas of a catalogue, each compiled when it is first asked: a process calls some of
/// hundreds of actions.
#[derive(Debug, Default)]
pub struct Schemas {
    schemas: BTreeMap<String, Schema>,
}

#[derive(Debug)]
struct Schema {
    text: Value,
    compiled: OnceLock<Result<Validator, String>>,
}

impl Schemas {
    /// The schemas of all actions. One that doesn't compile refuses every call of its action.
    pub fn new(catalog: &Catalog) -> Self {
        let schemas = catalog.actions().map(|action| {
            let schema = Schema {
                text: action.input.clone(),
                compiled: OnceLock::new(),
            };
            (action.name(), schema)
        });
        Self {
            schemas: schemas.collect(),
        }
    }

    /// # Errors
    /// `arguments_invalid` with every problem and its place, or `schema_broken` if the action's own
    /// schema can't be used.
    pub fn check(&self, action: &str, args: &Value) -> Result<(), Failure> {
        let broken = |message: String| Failure::new("schema_broken", message);
        let Some(schema) = self.schemas.get(action) else {
            return Err(broken(format!("{action} has no schema")));
        };
        let validator = schema.compiled().map_err(|problem| {
            let message = format!("the schema of {action} can't be used: {problem}");
            broken(message)
        })?;
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

impl Schema {
    fn compiled(&self) -> Result<&Validator, &String> {
        let compile = || jsonschema::validator_for(&self.text).map_err(|error| error.to_string());
        self.compiled.get_or_init(compile).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_problem_is_named_with_its_place() {
        let schema = json!({"type": "object", "required": ["a"], "properties": {"b": {"type": "integer"}}});
        let of = |text| Schema {
            text,
            compiled: OnceLock::new(),
        };
        let schemas = Schemas {
            schemas: BTreeMap::from([
                ("x.y".to_owned(), of(schema)),
                ("x.broken".to_owned(), of(json!({"type": 5}))),
            ]),
        };
        let failure = schemas.check("x.y", &json!({"b": "no"})).expect_err("refused");
        assert_eq!(failure.code, "arguments_invalid");
        assert!(
            failure.message.contains("/b") && failure.message.contains("\"a\""),
            "{failure}"
        );
        assert!(schemas.check("x.y", &json!({"a": 1})).is_ok());
        for action in ["x.z", "x.broken"] {
            let refused = schemas.check(action, &json!({})).expect_err("refused");
            assert_eq!(refused.code, "schema_broken", "{action}");
        }
    }
}
