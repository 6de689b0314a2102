//! The API's reference out of its OpenAPI document: its operations and forms, and `docs/api.md`. The page
//! `/reference` is made beside it (`reference_page`).

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::openapi;

/// One operation, as both forms need it.
pub(super) struct Operation<'a> {
    pub(super) method: String,
    pub(super) path: &'a str,
    pub(super) id: &'a str,
    pub(super) tag: &'a str,
    pub(super) summary: &'a str,
    pub(super) description: &'a str,
    /// `public`, or a role.
    pub(super) role: &'a str,
    /// The scope that a token needs, or nothing.
    pub(super) scope: &'a str,
    pub(super) parameters: Vec<Field<'a>>,
    /// The form of a JSON body.
    pub(super) body: Option<&'a str>,
    /// The media types of a body of another kind.
    pub(super) files: Vec<&'a str>,
    /// Status and form of each answer.
    pub(super) answers: Vec<(&'a str, &'a str)>,
}

/// A parameter, or a field of a form.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    /// `path`, `query` or `header`; nothing for a field.
    pub(super) place: &'a str,
    pub(super) form: String,
    pub(super) required: bool,
    pub(super) meaning: &'a str,
}

impl Operation<'_> {
    /// The role and the scope in a few words.
    fn asks(&self) -> String {
        match self.scope {
            "" => self.role.to_owned(),
            scope => format!("{}, scope {scope}", self.role),
        }
    }
}

/// `docs/api.md`.
pub fn markdown() -> String {
    let document = openapi::document_json();
    let mut text = String::from(
        "<!-- Made from the routes: `agentops reference api`. -->\n# The HTTP API\n\n\
         Served by `agentops serve`; `/reference` is this page in a browser and `/openapi.json` the document \
         for programs, which also lies here as [openapi.json](openapi.json). How to use it, with examples \
         that are run as tests: [http.md](http.md).\n",
    );
    for (tag, operations) in by_tag(document) {
        let _ = write!(
            text,
            "\n## {tag}\n\n| request | asks for | what it does |\n|---|---|---|\n"
        );
        for one in operations {
            let body = one
                .body
                .map(|body| format!(" Body: `{body}`."))
                .unwrap_or_default();
            let answers: Vec<_> = one
                .answers
                .iter()
                .filter(|(_, name)| !name.is_empty())
                .map(|(status, name)| format!("{status} `{name}`"))
                .collect();
            let answers = if answers.is_empty() {
                String::new()
            } else {
                format!(" Answers {}.", answers.join(", "))
            };
            let summary = one.summary.replace('|', "\\|");
            let _ = writeln!(
                text,
                "| `{} {}` | {} | {summary}{body}{answers} |",
                one.method,
                one.path,
                one.asks()
            );
        }
    }
    text.push_str("\n## Forms\n");
    for (name, schema) in schemas(document) {
        let _ = write!(text, "\n### {name}\n\n{}\n\n", text_of(schema, "description"));
        let fields = fields(schema);
        if !fields.is_empty() {
            text.push_str("| field | form | meaning |\n|---|---|---|\n");
        }
        for field in fields {
            let meaning = field.meaning.replace('|', "\\|").replace('\n', " ");
            let form = field.form.replace('|', "\\|");
            let _ = writeln!(text, "| `{}` | {form} | {meaning} |", field.name);
        }
    }
    text
}

/// Operations by tag, in the document's order.
pub(super) fn by_tag(document: &Value) -> Vec<(&str, Vec<Operation<'_>>)> {
    let mut tags: Vec<(&str, Vec<Operation<'_>>)> = Vec::new();
    for (path, item) in entries(document, "/paths") {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if !matches!(method.as_str(), "get" | "post" | "put" | "patch" | "delete") {
                continue;
            }
            let one = read(path, method, operation);
            match tags.iter_mut().find(|(tag, _)| *tag == one.tag) {
                Some((_, list)) => list.push(one),
                None => tags.push((one.tag, vec![one])),
            }
        }
    }
    tags
}

fn read<'a>(path: &'a str, method: &str, operation: &'a Value) -> Operation<'a> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let answers = entries(operation, "/responses").filter(|(status, _)| *status != "default");
    Operation {
        method: method.to_uppercase(),
        path,
        id: text_of(operation, "operationId"),
        tag: operation
            .pointer("/tags/0")
            .and_then(Value::as_str)
            .unwrap_or("other"),
        summary: text_of(operation, "summary"),
        description: text_of(operation, "description"),
        role: text_of(operation, "x-role"),
        scope: text_of(operation, "x-scope"),
        parameters: parameters.map(parameter).collect(),
        body: operation
            .pointer("/requestBody/content/application~1json/schema/$ref")
            .and_then(name_of),
        files: entries(operation, "/requestBody/content")
            .map(|(kind, _)| kind)
            .filter(|kind| *kind != "application/json")
            .collect(),
        answers: answers
            .map(|(status, answer)| {
                let schema = answer.pointer("/content/application~1json/schema/$ref");
                (status, schema.and_then(name_of).unwrap_or_default())
            })
            .collect(),
    }
}

pub(super) fn schemas(document: &Value) -> impl Iterator<Item = (&str, &Value)> {
    entries(document, "/components/schemas")
}

fn entries<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let map: Option<&'a Map<String, Value>> = value.pointer(pointer).and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

fn parameter(one: &Value) -> Field<'_> {
    let schema = &one["schema"];
    let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
    let bounds = match (least, most) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        _ => String::new(),
    };
    Field {
        name: text_of(one, "name"),
        place: text_of(one, "in"),
        form: form(schema).replace(" or null", "") + &bounds,
        required: one["required"] == true,
        meaning: text_of(one, "description"),
    }
}

/// Fields with their form and meaning; those of a form with kinds, kind by kind.
pub(super) fn fields(schema: &Value) -> Vec<Field<'_>> {
    let kinds = schema["oneOf"].as_array().into_iter().flatten();
    let all = std::iter::once(schema).chain(kinds);
    all.flat_map(|one| entries(one, "/properties").map(move |(name, field)| (one, name, field)))
        .map(|(one, name, field)| Field {
            name,
            place: "",
            form: form(field),
            required: one["required"]
                .as_array()
                .is_some_and(|names| names.iter().any(|must| must == name)),
            meaning: text_of(field, "description"),
        })
        .collect()
}

/// The form of a field in a few words.
fn form(schema: &Value) -> String {
    if let Some(name) = schema.get("$ref").and_then(name_of) {
        return name.to_owned();
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().map(ToString::to_string).collect();
        return values.join(" or ");
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(forms) = schema[key].as_array() {
            return forms.iter().map(form).collect::<Vec<_>>().join(" or ");
        }
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", form(&schema["items"])),
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            let kinds: Vec<_> = kinds.iter().filter_map(Value::as_str).collect();
            kinds.join(" or ")
        }
        _ => "anything".to_owned(),
    }
}

fn name_of(reference: &Value) -> Option<&str> {
    reference.as_str()?.rsplit('/').next()
}

pub(super) fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
