//! Values on the command line: `name=text`, `name:=JSON`, files.

use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};
use types::Failure;

/// The largest file or standard input read, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// One `name=value` of the command line, not yet typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The name.
    pub name: String,
    value: Given,
}

#[derive(Debug, Clone, PartialEq)]
enum Given {
    Text(String),
    Json(Value),
}

impl std::str::FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, value)) = text.split_once('=') else {
            return Err("write NAME=TEXT, or NAME:=JSON".to_owned());
        };
        let (name, value) = match name.strip_suffix(':') {
            Some(name) => {
                let json =
                    serde_json::from_str(value).map_err(|error| format!("the value isn't JSON: {error}"))?;
                (name, Given::Json(json))
            }
            None => (name, Given::Text(value.to_owned())),
        };
        if name.is_empty() {
            return Err("the name before '=' is empty".to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            value,
        })
    }
}

impl Pair {
    /// The value, read as what the schema wants. A text stays a text where one is allowed or nothing
    /// is known.
    pub fn typed(&self, schema: Option<&Value>) -> Value {
        match &self.value {
            Given::Json(value) => value.clone(),
            Given::Text(text) => typed(text, schema),
        }
    }
}

/// A text read as what a schema wants; if it can't be, the text, so that checking says what is wrong.
pub fn typed(text: &str, schema: Option<&Value>) -> Value {
    let kinds: Vec<&str> = match schema.and_then(|schema| schema.get("type")) {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let object = kinds.contains(&"object") && text.trim_start().starts_with('{');
    if kinds.is_empty() || (kinds.contains(&"string") && !object) {
        return Value::from(text);
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// An object from a file of JSON or YAML; `-` is standard input.
///
/// # Errors
/// `file_unreadable`, `argument_invalid`.
pub fn object_file(path: &Path) -> Result<Map<String, Value>, Failure> {
    let text = text_file(path)?;
    let value: Value = serde_saphyr::from_str(&text)
        .map_err(|error| invalid(format!("'{}' is neither JSON nor YAML: {error}", path.display())))?;
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(invalid(format!(
            "'{}' does not hold names and values",
            path.display()
        ))),
    }
}

/// The text of a file; `-` is standard input.
///
/// # Errors
/// `file_unreadable`.
pub fn text_file(path: &Path) -> Result<String, Failure> {
    let bytes = bytes_file(path)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::new(
            "invalid_utf8",
            format!("'{}' is not valid UTF-8 from byte {at} on", path.display()),
        )
    })
}

/// The bytes of a file; `-` is standard input.
///
/// # Errors
/// `file_unreadable`.
pub fn bytes_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |why: String| {
        Failure::new(
            "file_unreadable",
            format!("failed to read '{}': {why}", path.display()),
        )
    };
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(failed(format!("it is larger than {LARGEST} bytes")));
    }
    Ok(bytes)
}

/// A wrong argument that clap can't know of.
pub fn invalid(message: impl Into<String>) -> Failure {
    Failure::new("argument_invalid", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pair_is_typed_by_the_schema() {
        let read = |text: &str, schema: Value| text.parse::<Pair>().map(|pair| pair.typed(Some(&schema)));
        let number = || json!({"type": "integer"});
        for (text, schema, value) in [
            ("n=5", number(), json!(5)),
            ("n=five", number(), json!("five")),
            ("n=5", json!({"type": "string"}), json!("5")),
            ("n=5", json!({}), json!("5")),
            ("n:=5", json!({}), json!(5)),
            ("n=a=b", json!({}), json!("a=b")),
            ("n=", json!({}), json!("")),
            ("n=[1]", json!({"type": ["array", "null"]}), json!([1])),
            (
                "n={\"a\":1}",
                json!({"type": ["object", "string"]}),
                json!({"a": 1}),
            ),
            (
                "n=decline",
                json!({"type": ["object", "string"]}),
                json!("decline"),
            ),
        ] {
            assert_eq!(read(text, schema), Ok(value), "{text}");
        }
        assert!(
            read("n", json!({})).is_err()
                && read("=5", json!({})).is_err()
                && read("n:=x", json!({})).is_err()
        );
    }
}
