//! Arguments: other names replaced before a call is frozen, and the check against the schema.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonschema::Validator;
use serde_json::{Map, Value};
use types::Failure;

use crate::aliases::argument_alias;
use crate::http::clip;

/// The most problems that one message lists.
const MOST_PROBLEMS: usize = 20;

/// The arguments of `action` (`tool.action`) with other names replaced by the schema's own, such as
/// `roomId` by `room_id`. For whoever makes a call out of what an older tool or a person wrote, before
/// the call is frozen: the door and the connectors know only the schema's names. A name that is given
/// both ways stays as it is, for the schema to refuse.
pub fn canonical_arguments(action: &str, args: &Value) -> Value {
    let Some(given) = args.as_object() else {
        return args.clone();
    };
    let mut canonical = Map::new();
    for (name, value) in given {
        match argument_alias(action, name) {
            Some(argument) if !given.contains_key(argument) => {
                canonical.insert(argument.to_owned(), value.clone())
            }
            _ => canonical.insert(name.clone(), value.clone()),
        };
    }
    Value::Object(canonical)
}

/// Checks the arguments of `action`, listing every problem at once.
pub(crate) fn check(action: &str, schema: &Validator, args: &Value) -> Result<(), Failure> {
    let mut problems: Vec<String> = schema
        .iter_errors(args)
        .take(MOST_PROBLEMS)
        .map(|error| match error.instance_path().as_str() {
            "" => clip(&error.to_string()),
            path => clip(&format!("{}: {error}", path.trim_start_matches('/'))),
        })
        .collect();
    if problems.is_empty() {
        return Ok(());
    }
    problems.sort();
    Err(Failure::new(
        "arguments_invalid",
        format!("{action} can't take these arguments: {}", problems.join("; ")),
    )
    .hint(format!("`agentops tool show {action}` lists the arguments")))
}

/// A text argument, if it is there.
pub(crate) fn text<'a>(args: &'a Value, name: &str) -> Option<&'a str> {
    args.get(name)?.as_str()
}

/// A file's content, given as text in `content` or as bytes in `content_base64`; at most `most` bytes.
///
/// # Errors
/// `arguments_invalid` if it is given in neither way or in both, isn't base64, or is too large.
pub(crate) fn content(args: &Value, most: usize) -> Result<Vec<u8>, crate::CallError> {
    let bytes = match (text(args, "content"), text(args, "content_base64")) {
        (Some(content), None) => content.as_bytes().to_vec(),
        (None, Some(encoded)) => STANDARD
            .decode(encoded)
            .map_err(|error| invalid(format!("content_base64 isn't base64: {error}")))?,
        _ => return Err(invalid("give either content or content_base64")),
    };
    if bytes.len() > most {
        let length = bytes.len();
        return Err(invalid(format!(
            "the file has {length} bytes; the most is {most}"
        )));
    }
    Ok(bytes)
}

/// A refusal of arguments that no schema could express.
pub(crate) fn invalid(message: impl Into<String>) -> crate::CallError {
    crate::CallError::refused(Failure::new("arguments_invalid", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn other_names_are_replaced_unless_both_are_given() {
        let canonical = |args| canonical_arguments("zoom.room_health", &args);
        assert_eq!(canonical(json!({"roomId": "a"})), json!({"room_id": "a"}));
        assert_eq!(
            canonical(json!({"room_id": "a", "room": "b"})),
            json!({"room_id": "a", "room": "b"})
        );
    }

    #[test]
    fn all_problems_are_listed() {
        let schema = json!({"type": "object", "required": ["a", "b"], "properties": {"a": {}, "b": {}, "c": {"type": "integer"}}, "additionalProperties": false});
        let schema = jsonschema::draft202012::new(&schema).expect("a schema");
        let failure = check("x.y", &schema, &json!({"c": "one", "d": 1})).expect_err("bad arguments");
        assert_eq!(failure.code, "arguments_invalid");
        for part in [
            "\"a\" is a required",
            "\"b\" is a required",
            "c: \"one\" is not of type",
            "'d' was unexpected",
        ] {
            assert!(failure.message.contains(part), "{part} in {}", failure.message);
        }
        assert_eq!(check("x.y", &schema, &json!({"a": 1, "b": 2})), Ok(()));
    }
}
