//! Whether a schema that a stranger wrote can be used: it must be one, be small, point nowhere outside
//! itself, come to an end, and hold no pattern that takes for ever.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The largest schema, in bytes of JSON.
const MOST_BYTES: usize = 64 * 1024;
/// The deepest nesting.
const MOST_DEPTH: usize = 32;
/// The most parts that are checked for one value, references followed.
const MOST_PARTS: usize = 5_000;
/// The longest pattern, in bytes.
const MOST_PATTERN: usize = 500;
/// The most memory that one compiled pattern may take, in bytes.
const PATTERN_MEMORY: usize = 256 * 1024;

/// The schema as it is used from here on, without what names its dialect and its place.
///
/// # Errors
/// In words, why it can't be used.
pub(super) fn usable(schema: &Value) -> Result<Value, String> {
    let Some(object) = schema.as_object() else {
        return Err("it is no object".to_owned());
    };
    let size = schema.to_string().len();
    if size > MOST_BYTES {
        return Err(format!("it has {size} bytes; at most {MOST_BYTES} are taken"));
    }
    let mut object = object.clone();
    object.remove("$schema");
    object.remove("$id");
    let schema = Value::Object(object);
    walk(&schema, 0)?;
    let mut judge = Judge {
        root: &schema,
        sizes: BTreeMap::new(),
        open: BTreeSet::new(),
    };
    judge.parts(&schema)?;
    jsonschema::draft202012::new(&schema)
        .map(|_| schema.clone())
        .map_err(|error| format!("it is no JSON Schema: {}", crate::http::clip(&error.to_string())))
}

/// What can be seen keyword by keyword.
fn walk(value: &Value, depth: usize) -> Result<(), String> {
    if depth > MOST_DEPTH {
        return Err(format!("it is nested more than {MOST_DEPTH} deep"));
    }
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                match key.as_str() {
                    "$dynamicRef" | "$recursiveRef" | "$id" | "$schema" if inner.is_string() => {
                        return Err(format!("it uses {key}, which is not taken from strangers"));
                    }
                    "$ref"
                        if inner
                            .as_str()
                            .is_some_and(|to| !to.starts_with("#/") && to != "#") =>
                    {
                        return Err(format!(
                            "it refers to '{}' outside itself",
                            crate::http::clip(&inner.to_string())
                        ));
                    }
                    "pattern" => pattern(inner)?,
                    "patternProperties" => {
                        for name in inner.as_object().into_iter().flatten().map(|(name, _)| name) {
                            pattern(&Value::from(name.as_str()))?;
                        }
                    }
                    _ => {}
                }
                walk(inner, depth + 1)?;
            }
        }
        Value::Array(items) => {
            for item in items {
                walk(item, depth + 1)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Only patterns that are matched in time proportional to the text: those of the `regex` engine.
fn pattern(value: &Value) -> Result<(), String> {
    // A property may be called `pattern`.
    let Some(text) = value.as_str() else { return Ok(()) };
    if text.len() > MOST_PATTERN {
        return Err(format!(
            "a pattern has {} bytes; at most {MOST_PATTERN} are taken",
            text.len()
        ));
    }
    regex::RegexBuilder::new(text)
        .size_limit(PATTERN_MEMORY)
        .build()
        .map(drop)
        .map_err(|_| {
            format!(
                "the pattern '{}' can't be matched in bounded time",
                crate::http::clip(text)
            )
        })
}

/// Counts what is checked for one value, with references followed: a schema that leads back to itself
/// never ends, and one whose references fan out grows without end.
struct Judge<'s> {
    root: &'s Value,
    sizes: BTreeMap<String, usize>,
    open: BTreeSet<String>,
}

impl Judge<'_> {
    fn parts(&mut self, value: &Value) -> Result<usize, String> {
        let mut count = 1usize;
        let inner: Vec<&Value> = match value {
            Value::Object(map) => {
                if let Some(to) = map.get("$ref").and_then(Value::as_str) {
                    count = count.saturating_add(self.target(to)?);
                }
                map.values().collect()
            }
            Value::Array(items) => items.iter().collect(),
            _ => return Ok(0),
        };
        for part in inner {
            count = count.saturating_add(self.parts(part)?);
        }
        if count > MOST_PARTS {
            return Err(format!("its references unfold to more than {MOST_PARTS} parts"));
        }
        Ok(count)
    }

    fn target(&mut self, to: &str) -> Result<usize, String> {
        if let Some(size) = self.sizes.get(to) {
            return Ok(*size);
        }
        let pointer = percent_decoded(to.trim_start_matches('#'));
        let Some(found) = self.root.pointer(&pointer) else {
            return Err(format!(
                "it refers to '{}', which isn't there",
                crate::http::clip(to)
            ));
        };
        if !self.open.insert(to.to_owned()) {
            return Err(format!("it leads back to itself by '{}'", crate::http::clip(to)));
        }
        if self.open.len() > MOST_DEPTH {
            return Err(format!("its references are chained more than {MOST_DEPTH} deep"));
        }
        let found = found.clone();
        let size = self.parts(&found)?;
        self.open.remove(to);
        self.sizes.insert(to.to_owned(), size);
        Ok(size)
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, code.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_loses_its_dialect_and_keeps_the_rest() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#", "$id": "x", "type": "object",
            "properties": {"a": {"$ref": "#/$defs/a"}, "pattern": {"type": "string", "pattern": "^[a-z]+$"}},
            "$defs": {"a": {"type": "integer"}},
        });
        let used = usable(&schema).expect("usable");
        assert_eq!(used["properties"], schema["properties"]);
        assert!(used.get("$schema").is_none() && used.get("$id").is_none());
    }

    #[test]
    fn hostile_schemas_are_told_apart() {
        let mut deep = json!({"type": "string"});
        for _ in 0..40 {
            deep = json!({"properties": {"a": deep}});
        }
        let mut fan = serde_json::Map::new();
        for level in 0..30 {
            let next = format!("#/$defs/l{}", level + 1);
            fan.insert(
                format!("l{level}"),
                json!({"allOf": [{"$ref": next}, {"$ref": next}]}),
            );
        }
        fan.insert("l30".into(), json!({"type": "string"}));
        for (schema, part) in [
            (json!(true), "no object"),
            (json!({"type": "nothing"}), "no JSON Schema"),
            (json!({"description": "x".repeat(70_000)}), "bytes"),
            (deep, "nested"),
            (
                json!({"$ref": "https://evil.example/schema.json"}),
                "outside itself",
            ),
            (
                json!({"properties": {"a": {"$ref": "file:///etc/passwd"}}}),
                "outside itself",
            ),
            (
                json!({"properties": {"a": {"$id": "https://evil.example", "$ref": "#/x"}}}),
                "$id",
            ),
            (json!({"$dynamicRef": "#meta"}), "$dynamicRef"),
            (json!({"$ref": "#"}), "back to itself"),
            (
                json!({"$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}}),
                "back to itself",
            ),
            (json!({"$ref": "#/$defs/none"}), "isn't there"),
            (json!({"$defs": fan, "$ref": "#/$defs/l0"}), "unfold"),
            (
                json!({"properties": {"a": {"pattern": "(?=x)(a+)+$"}}}),
                "bounded time",
            ),
            (
                json!({"properties": {"a": {"pattern": "(a{1000}){1000}"}}}),
                "bounded time",
            ),
            (json!({"patternProperties": {"(\\w+)\\1": {}}}), "bounded time"),
            (
                json!({"properties": {"a": {"pattern": "a".repeat(600)}}}),
                "a pattern has",
            ),
        ] {
            let why = usable(&schema).expect_err("refused");
            assert!(why.contains(part), "{part} in {why}");
        }
    }
}
