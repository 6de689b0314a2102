//! The API's reference out of its OpenAPI document: as the page `/reference`, and as `docs/api.md`.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::openapi;

/// One operation, as both forms need it.
struct Operation<'a> {
    method: String,
    path: &'a str,
    id: &'a str,
    tag: &'a str,
    summary: &'a str,
    description: &'a str,
    asks: String,
    parameters: Vec<(&'a str, &'a str, &'a str)>,
    body: Option<&'a str>,
    answers: Vec<(&'a str, &'a str)>,
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
                one.method, one.path, one.asks
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
        for (field, form, meaning) in fields {
            let meaning = meaning.replace('|', "\\|").replace('\n', " ");
            let _ = writeln!(text, "| `{field}` | {} | {meaning} |", form.replace('|', "\\|"));
        }
    }
    text
}

/// The page.
pub(super) fn html() -> String {
    let document = openapi::document_json();
    let mut text = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>AgentOps API</title><link rel=\"stylesheet\" href=\"/page.css\"></head><body><main>\
         <h1>AgentOps API</h1>",
    );
    let about = document
        .pointer("/info/description")
        .and_then(Value::as_str)
        .unwrap_or_default();
    for paragraph in about.split("\n\n") {
        let _ = write!(text, "<p>{}</p>", escaped(paragraph));
    }
    text.push_str("<p><a href=\"/openapi.json\">openapi.json</a></p>");
    for (tag, operations) in by_tag(document) {
        let _ = write!(text, "<h2>{}</h2>", escaped(tag));
        for one in operations {
            push_operation(&mut text, &one);
        }
    }
    text.push_str("<h2>Forms</h2>");
    for (name, schema) in schemas(document) {
        let _ = write!(
            text,
            "<details id=\"{0}\"><summary><code>{0}</code> <span class=\"quiet\">{1}</span></summary><div><table>",
            escaped(name),
            escaped(text_of(schema, "description"))
        );
        for (field, form, meaning) in fields(schema) {
            let _ = write!(
                text,
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
                escaped(field),
                escaped(&form),
                escaped(meaning)
            );
        }
        text.push_str("</table></div></details>");
    }
    text.push_str("</main></body></html>");
    text
}

fn push_operation(text: &mut String, one: &Operation<'_>) {
    let _ = write!(
        text,
        "<details id=\"{}\"><summary><span class=\"method\">{}</span><code>{}</code><span>{}</span>\
         <span class=\"asks quiet\">{}</span></summary><div>",
        escaped(one.id),
        escaped(&one.method),
        escaped(one.path),
        escaped(one.summary),
        escaped(&one.asks)
    );
    for paragraph in one.description.split("\n\n").filter(|text| !text.is_empty()) {
        let _ = write!(text, "<p>{}</p>", escaped(paragraph));
    }
    text.push_str("<table>");
    for (name, place, meaning) in &one.parameters {
        let _ = write!(
            text,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            escaped(name),
            escaped(place),
            escaped(meaning)
        );
    }
    if let Some(body) = one.body {
        let _ = write!(
            text,
            "<tr><td>body</td><td><a href=\"#{0}\">{0}</a></td><td></td></tr>",
            escaped(body)
        );
    }
    for (status, name) in &one.answers {
        let _ = write!(
            text,
            "<tr><td>{}</td><td>{}</td><td></td></tr>",
            escaped(status),
            escaped(name)
        );
    }
    text.push_str("</table></div></details>");
}

/// Operations by tag, in the document's order.
fn by_tag(document: &Value) -> Vec<(&str, Vec<Operation<'_>>)> {
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
    let role = text_of(operation, "x-role");
    let asks = match text_of(operation, "x-scope") {
        "" => role.to_owned(),
        scope => format!("{role}, scope {scope}"),
    };
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
        asks,
        parameters: parameters
            .map(|one| {
                (
                    text_of(one, "name"),
                    text_of(one, "in"),
                    text_of(one, "description"),
                )
            })
            .collect(),
        body: operation
            .pointer("/requestBody/content/application~1json/schema/$ref")
            .and_then(name_of),
        answers: answers
            .map(|(status, answer)| {
                let schema = answer.pointer("/content/application~1json/schema/$ref");
                (status, schema.and_then(name_of).unwrap_or_default())
            })
            .collect(),
    }
}

fn schemas(document: &Value) -> impl Iterator<Item = (&str, &Value)> {
    entries(document, "/components/schemas")
}

fn entries<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let map: Option<&'a Map<String, Value>> = value.pointer(pointer).and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

/// Fields with their form and meaning; those of a form with kinds, kind by kind.
fn fields(schema: &Value) -> Vec<(&str, String, &str)> {
    let kinds = schema["oneOf"].as_array().into_iter().flatten();
    let all = std::iter::once(schema).chain(kinds);
    all.flat_map(|one| entries(one, "/properties"))
        .map(|(name, field)| (name, form(field), text_of(field, "description")))
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

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
