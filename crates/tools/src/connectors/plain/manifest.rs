//! Manifests of plain HTTP tools: name, description, and actions with their parameters.
//!
//! A parameter is the name of a type (`string`, with `?` behind it if it may be left out) or a JSON
//! Schema. What an action does to the world is told by `effect`, `idempotency` and `risk`; an action
//! that doesn't tell is taken as destructive and never safe to repeat, and all its arguments as
//! consequential.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};
use types::{ActionSpec, ArgClass, Effect, Idempotency, Label, Risk, ToolSpec};

/// The largest manifest, in bytes.
const MOST_BYTES: usize = 256 * 1024;
const MOST_ACTIONS: usize = 200;
const DEFAULT_TIMEOUT_MS: u64 = 30_000;
const LONGEST_TIMEOUT_MS: u64 = 600_000;
const TYPES: [&str; 6] = ["string", "number", "integer", "boolean", "object", "array"];
const TOOL_KEYS: [&str; 7] = [
    "name",
    "description",
    "version",
    "base_url",
    "endpoints",
    "actions",
    "$schema",
];
const ACTION_KEYS: [&str; 10] = [
    "description",
    "parameters",
    "output",
    "effect",
    "idempotency",
    "risk",
    "notification",
    "timeout_ms",
    "arg_classes",
    "trust",
];

/// A plain HTTP tool, read from its manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpTool {
    /// As the catalogue shows it.
    pub spec: ToolSpec,
    /// Where it lives, if the manifest says so; a setting may say otherwise.
    pub base_url: Option<String>,
}

/// One thing that is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: a JSON Pointer (RFC 6901).
    pub path: String,
    /// What, and what to write instead.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        write!(f, "{path}: {}", self.message)
    }
}

/// Reads a manifest.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn http_tool(manifest: &str) -> Result<HttpTool, Vec<Problem>> {
    let alone = |message: String| {
        vec![Problem {
            path: String::new(),
            message,
        }]
    };
    if manifest.len() > MOST_BYTES {
        return Err(alone(format!(
            "the manifest has {} bytes; the most is {MOST_BYTES}",
            manifest.len()
        )));
    }
    let value: Value = serde_json::from_str(manifest).map_err(|error| alone(format!("not JSON: {error}")))?;
    let Some(object) = value.as_object() else {
        return Err(alone("a manifest is an object".to_owned()));
    };
    let mut reader = Reader { problems: Vec::new() };
    let tool = reader.tool(object);
    match reader.problems.is_empty() {
        true => Ok(tool),
        false => Err(reader.problems),
    }
}

struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn tool(&mut self, object: &Map<String, Value>) -> HttpTool {
        self.known_keys("", object, &TOOL_KEYS);
        let name = self.text("", object, "name").unwrap_or_default();
        if !name.is_empty() && !is_name(&name) {
            self.say(
                "/name",
                "a name has lower-case letters, digits, _ and -, and begins with a letter",
            );
        }
        let description = self.text("", object, "description").unwrap_or_default();
        let version = match object.get("version") {
            None => "1".to_owned(),
            Some(_) => self.text("", object, "version").unwrap_or_default(),
        };
        let base_url = object
            .get("base_url")
            .and_then(|_| self.text("", object, "base_url"));
        if base_url
            .as_deref()
            .is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://"))
        {
            self.say("/base_url", "a base URL begins with http:// or https://");
        }
        let mut actions = Vec::new();
        match object.get("actions").and_then(Value::as_object) {
            Some(listed) if listed.is_empty() => self.say("/actions", "there is no action"),
            Some(listed) if listed.len() > MOST_ACTIONS => {
                self.say("/actions", &format!("there are more than {MOST_ACTIONS} actions"));
            }
            Some(listed) => {
                for (action, body) in listed {
                    actions.extend(self.action(&name, action, body));
                }
            }
            None => self.say("/actions", "give the actions as an object by name"),
        }
        HttpTool {
            spec: ToolSpec {
                name,
                description,
                version,
                actions,
            },
            base_url,
        }
    }

    fn action(&mut self, tool: &str, action: &str, body: &Value) -> Option<ActionSpec> {
        let path = format!("/actions/{}", escape(action));
        if !is_name(action) {
            self.say(
                &path,
                "a name has lower-case letters, digits, _ and -, and begins with a letter",
            );
        }
        let Some(object) = body.as_object() else {
            self.say(&path, "an action is an object");
            return None;
        };
        self.known_keys(&path, object, &ACTION_KEYS);
        let classified = object.contains_key("effect");
        let effect = self
            .choice(&path, object, "effect", EFFECTS)
            .unwrap_or(Effect::Destructive);
        let unless_told = if effect == Effect::Read {
            Idempotency::Natural
        } else {
            Idempotency::Unkeyed
        };
        let idempotency = self
            .choice(&path, object, "idempotency", IDEMPOTENCIES)
            .unwrap_or(unless_told);
        let risk_unless_told = match effect {
            Effect::Read => Risk::Low,
            Effect::Write => Risk::Medium,
            Effect::Destructive => Risk::High,
        };
        let (input, mut arg_classes) = self.parameters(
            &path,
            object.get("parameters"),
            classified && effect == Effect::Read,
        );
        arg_classes.extend(self.table(&path, object, "arg_classes"));
        Some(ActionSpec {
            tool: tool.to_owned(),
            action: action.to_owned(),
            description: self.text(&path, object, "description").unwrap_or_default(),
            aliases: Vec::new(),
            input,
            output: self.schema(&path, object, "output"),
            arg_classes,
            trust: self.table::<Label>(&path, object, "trust"),
            effect,
            idempotency,
            risk: self
                .choice(&path, object, "risk", RISKS)
                .unwrap_or(risk_unless_told),
            notification: object
                .get("notification")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            probe: false,
            timeout_ms: self.timeout(&path, object),
        })
    }

    fn parameters(
        &mut self,
        path: &str,
        given: Option<&Value>,
        harmless: bool,
    ) -> (Value, BTreeMap<String, ArgClass>) {
        let path = format!("{path}/parameters");
        let (mut properties, mut required, mut classes) = (Map::new(), Vec::new(), BTreeMap::new());
        let none = Map::new();
        let listed = match given {
            None => &none,
            Some(Value::Object(listed)) => listed,
            Some(_) => {
                self.say(&path, "give the parameters as an object by name");
                &none
            }
        };
        for (name, kind) in listed {
            let at = format!("{path}/{}", escape(name));
            let (schema, optional) = self.parameter(&at, name, kind);
            properties.insert(name.clone(), schema);
            if !optional {
                required.push(Value::from(name.as_str()));
            }
            classes.insert(
                name.clone(),
                if harmless {
                    ArgClass::Text
                } else {
                    ArgClass::Target
                },
            );
        }
        let schema = json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
        (schema, classes)
    }

    fn parameter(&mut self, path: &str, name: &str, kind: &Value) -> (Value, bool) {
        let described = |mut schema: Map<String, Value>| {
            schema.entry("title").or_insert_with(|| name.into());
            schema
                .entry("description")
                .or_insert_with(|| format!("The tool's parameter {name}.").into());
            Value::Object(schema)
        };
        match kind {
            Value::String(text) => {
                let bare = text.strip_suffix('?').unwrap_or(text);
                if !TYPES.contains(&bare) {
                    self.say(
                        path,
                        &format!(
                            "'{text}' is no type: write {}, or a JSON Schema",
                            TYPES.join(", ")
                        ),
                    );
                }
                let schema = Map::from_iter([("type".to_owned(), Value::from(bare))]);
                (described(schema), bare != text)
            }
            Value::Object(schema) => {
                let mut schema = schema.clone();
                // `required: false` inside a parameter is a habit from other formats.
                let optional =
                    schema.contains_key("default") || schema.get("required") == Some(&Value::Bool(false));
                if schema.get("required").is_some_and(Value::is_boolean) {
                    schema.remove("required");
                }
                let schema = described(schema);
                self.compiles(path, &schema);
                (schema, optional)
            }
            _ => {
                self.say(path, "a parameter is the name of a type or a JSON Schema");
                (json!({}), true)
            }
        }
    }

    fn schema(&mut self, path: &str, object: &Map<String, Value>, key: &str) -> Value {
        let Some(schema) = object.get(key) else {
            return json!({ "description": "Whatever the tool answers." });
        };
        self.compiles(&format!("{path}/{key}"), schema);
        schema.clone()
    }

    fn compiles(&mut self, path: &str, schema: &Value) {
        if let Err(error) = jsonschema::draft202012::new(schema) {
            self.say(path, &format!("not a JSON Schema: {error}"));
        }
    }

    fn timeout(&mut self, path: &str, object: &Map<String, Value>) -> u64 {
        match object.get("timeout_ms").map(Value::as_u64) {
            None => DEFAULT_TIMEOUT_MS,
            Some(Some(timeout)) if (1..=LONGEST_TIMEOUT_MS).contains(&timeout) => timeout,
            Some(_) => {
                self.say(
                    &format!("{path}/timeout_ms"),
                    &format!("a time-out is 1 to {LONGEST_TIMEOUT_MS} milliseconds"),
                );
                DEFAULT_TIMEOUT_MS
            }
        }
    }

    fn choice<T: Copy>(
        &mut self,
        path: &str,
        object: &Map<String, Value>,
        key: &str,
        known: &[(&str, T)],
    ) -> Option<T> {
        let given = object.get(key)?;
        let found = known.iter().find(|(name, _)| given.as_str() == Some(name));
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.say(&format!("{path}/{key}"), &format!("write {}", names.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    fn table<T: serde::de::DeserializeOwned>(
        &mut self,
        path: &str,
        object: &Map<String, Value>,
        key: &str,
    ) -> BTreeMap<String, T> {
        let Some(given) = object.get(key) else {
            return BTreeMap::new();
        };
        serde_json::from_value(given.clone()).unwrap_or_else(|error| {
            self.say(&format!("{path}/{key}"), &error.to_string());
            BTreeMap::new()
        })
    }

    fn text(&mut self, path: &str, object: &Map<String, Value>, key: &str) -> Option<String> {
        match object.get(key).and_then(Value::as_str) {
            Some(text) if !text.trim().is_empty() => Some(text.to_owned()),
            _ => {
                self.say(&format!("{path}/{key}"), "a text is needed here");
                None
            }
        }
    }

    fn known_keys(&mut self, path: &str, object: &Map<String, Value>, known: &[&str]) {
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            let near = known
                .iter()
                .max_by(|a, b| strsim::jaro_winkler(a, key).total_cmp(&strsim::jaro_winkler(b, key)));
            let hint = near.map_or(String::new(), |near| format!(": did you mean {near}?"));
            self.say(&format!("{path}/{}", escape(key)), &format!("unknown key{hint}"));
        }
    }

    fn say(&mut self, path: &str, message: &str) {
        self.problems.push(Problem {
            path: path.to_owned(),
            message: message.to_owned(),
        });
    }
}

const EFFECTS: &[(&str, Effect)] = &[
    ("read", Effect::Read),
    ("write", Effect::Write),
    ("destructive", Effect::Destructive),
];
const IDEMPOTENCIES: &[(&str, Idempotency)] = &[
    ("natural", Idempotency::Natural),
    ("native_key", Idempotency::NativeKey),
    ("unkeyed", Idempotency::Unkeyed),
];
const RISKS: &[(&str, Risk)] = &[("low", Risk::Low), ("medium", Risk::Medium), ("high", Risk::High)];

fn is_name(name: &str) -> bool {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    name.len() <= 80 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(inside)
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
