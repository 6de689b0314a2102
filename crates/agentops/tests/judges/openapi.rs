//! Judging an exchange by an OpenAPI 3.0 document: the operation is there, its parameters and bodies
//! fit, the answer's status is documented and its body fits. Also plain JSON Schemas.

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::peers;
use crate::recorder::Exchange;

/// How many problems one message shows.
const MOST_SHOWN: usize = 8;

/// A document with its `nullable` spelled as JSON Schema does.
pub struct OpenApi {
    document: Value,
}

struct Operation<'a> {
    template: String,
    shared: &'a Value,
    spec: &'a Value,
}

impl OpenApi {
    /// Reads the document at a path below the judges' folder.
    pub fn open(path: &str) -> Self {
        let mut document = peers::document(path);
        plain(&mut document);
        Self { document }
    }

    /// Everything that is wrong with an exchange whose paths begin with `prefix`.
    pub fn problems(&self, exchange: &Exchange, prefix: &str) -> Vec<String> {
        let path = exchange.path.strip_prefix(prefix).unwrap_or(&exchange.path);
        let what = format!("{} {path}", exchange.method);
        let Some(operation) = self.operation(&exchange.method, path) else {
            return vec![format!("{what}: no such operation")];
        };
        let mut problems = self.query_problems(&operation, &exchange.query);
        problems.extend(self.request_problems(&operation, exchange));
        problems.extend(self.answer_problems(&operation, exchange));
        problems
            .into_iter()
            .map(|problem| format!("{what} ({}): {problem}", operation.template))
            .collect()
    }

    /// The operation whose template fits the path; the one with the fewest parameters.
    fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let verb = method.to_lowercase();
        let (template, item) = self.document["paths"]
            .as_object()?
            .iter()
            .filter(|(template, item)| fits(template, path) && item[&verb].is_object())
            .min_by_key(|(template, _)| template.matches('{').count())?;
        Some(Operation {
            template: template.clone(),
            shared: &item["parameters"],
            spec: &item[&verb],
        })
    }

    fn query_problems(&self, operation: &Operation<'_>, query: &str) -> Vec<String> {
        let lists = [operation.shared, &operation.spec["parameters"]];
        let declared: Vec<&Value> = lists
            .into_iter()
            .filter_map(Value::as_array)
            .flatten()
            .map(|parameter| self.followed(parameter))
            .filter(|parameter| parameter["in"] == "query")
            .collect();
        let url = reqwest::Url::parse(&format!("http://q/?{query}")).expect("a query");
        let sent: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let mut problems = Vec::new();
        for (name, text) in &sent {
            match declared
                .iter()
                .find(|parameter| parameter["name"] == name.as_str())
            {
                None => problems.push(format!("query parameter {name} is not documented")),
                Some(parameter) => {
                    let value = read(text, self.followed(&parameter["schema"]));
                    problems.extend(self.misfits(&format!("query {name}"), &parameter["schema"], &value));
                }
            }
        }
        for parameter in declared.iter().filter(|parameter| parameter["required"] == true) {
            if !sent.iter().any(|(name, _)| parameter["name"] == name.as_str()) {
                problems.push(format!("query parameter {} is missing", parameter["name"]));
            }
        }
        problems
    }

    fn request_problems(&self, operation: &Operation<'_>, exchange: &Exchange) -> Vec<String> {
        let body = self.followed(&operation.spec["requestBody"]);
        let schema = &body["content"]["application/json"]["schema"];
        match exchange.request() {
            Some(sent) if schema.is_null() => vec![format!("a body is not documented: {sent}")],
            Some(sent) => self.misfits("request", schema, &sent),
            None if body["required"] == true => vec!["a JSON body is missing".to_owned()],
            None => Vec::new(),
        }
    }

    fn answer_problems(&self, operation: &Operation<'_>, exchange: &Exchange) -> Vec<String> {
        let responses = &operation.spec["responses"];
        let response = self.followed(&responses[exchange.status.to_string()]);
        if response.is_null() {
            return vec![format!("status {} is not documented", exchange.status)];
        }
        let Some(content) = response["content"].as_object() else {
            return Vec::new();
        };
        let Some(told) = exchange.answer() else {
            let text = exchange.content_type.starts_with("text/") || exchange.content_type.contains("diff");
            return match text {
                true => Vec::new(),
                false => vec![format!("the answer is no JSON: {}", exchange.content_type)],
            };
        };
        let media = content
            .get("application/json")
            .or_else(|| content.values().next())
            .unwrap_or(&Value::Null);
        self.misfits("answer", &media["schema"], &told)
    }

    fn misfits(&self, what: &str, schema: &Value, value: &Value) -> Vec<String> {
        misfits(what, &compile(&self.whole(schema)), value)
    }

    /// The thing itself, if this is a reference to it.
    fn followed<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|at| at.strip_prefix('#')) {
            Some(pointer) => self.document.pointer(pointer).unwrap_or(&Value::Null),
            None => value,
        }
    }

    /// The schema with the parts of the document that it refers to, and no others.
    fn whole(&self, schema: &Value) -> Value {
        let mut parts = Map::new();
        let mut seen = BTreeSet::new();
        let mut waiting = references(schema);
        while let Some(reference) = waiting.pop() {
            if !seen.insert(reference.clone()) {
                continue;
            }
            let name = reference.trim_start_matches("#/components/schemas/");
            let part = self.document["components"]["schemas"][name].clone();
            waiting.extend(references(&part));
            parts.insert(name.to_owned(), part);
        }
        json!({ "allOf": [schema], "components": { "schemas": parts } })
    }
}

/// Everything in which a value doesn't fit a schema, with where.
pub fn misfits(what: &str, schema: &Validator, value: &Value) -> Vec<String> {
    schema
        .iter_errors(value)
        .take(MOST_SHOWN)
        .map(|error| {
            let words: String = error.to_string().chars().take(300).collect();
            format!("{what}{}: {words}", error.instance_path())
        })
        .collect()
}

/// A validator of the draft that OpenAPI 3.0 and older packages are written in.
pub fn compile(schema: &Value) -> Validator {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft4)
        .should_validate_formats(true)
        .build(schema)
        .expect("the vendor's schema compiles")
}

/// Every reference to a part of the document inside a schema.
fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter()
                .chain(fields.values().flat_map(references))
                .collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// Turns `nullable: true` into a choice, as JSON Schema has no such word.
fn plain(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(plain);
            if fields.get("nullable") == Some(&Value::Bool(true)) {
                fields.remove("nullable");
                let schema = Value::Object(std::mem::take(fields));
                fields.insert("anyOf".to_owned(), json!([{ "type": "null" }, schema]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

/// Whether a path fits a template; a path or a reference at its end may hold slashes, as GitHub's do.
fn fits(template: &str, path: &str) -> bool {
    let wanted: Vec<&str> = template.split('/').collect();
    let given: Vec<&str> = path.split('/').collect();
    let open = |part: &str| part.starts_with('{');
    let swallows = matches!(wanted.last(), Some(&("{path}" | "{ref}"))) && given.len() > wanted.len();
    (given.len() == wanted.len() || swallows)
        && wanted
            .iter()
            .zip(&given)
            .all(|(part, piece)| open(part) && !piece.is_empty() || part == piece)
}

/// A query's text as the kind of value that its schema speaks of.
fn read(text: &str, schema: &Value) -> Value {
    let kind = schema["type"].as_str().unwrap_or("string");
    match kind {
        "integer" | "number" | "boolean" => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        "array" => text.split(',').collect(),
        _ => text.into(),
    }
}

#[test]
fn a_judge_finds_what_does_not_fit() {
    let mut document = json!({
        "paths": {"/things/{id}": {"post": {
            "parameters": [{"in": "query", "name": "page", "schema": {"type": "integer"}}],
            "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/new"}}}},
            "responses": {"201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/thing"}}}}},
        }}},
        "components": {"schemas": {
            "new": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
            "thing": {"type": "object", "required": ["owner"], "properties": {"owner": {"type": "string", "nullable": true}}},
        }},
    });
    plain(&mut document);
    let judge = OpenApi { document };
    let check = |path: &str, query: &str, sent: Value, status: u16, told: Value| {
        let exchange = Exchange {
            method: "POST".into(),
            path: path.into(),
            query: query.into(),
            sent: sent.to_string().into(),
            status,
            content_type: "application/json".into(),
            told: told.to_string().into(),
            ..Exchange::default()
        };
        judge.problems(&exchange, "/v").len()
    };
    let (named, owned) = (json!({"name": "a"}), json!({"owner": null}));
    assert_eq!(
        check("/v/things/1", "page=2", named.clone(), 201, owned.clone()),
        0
    );
    assert_eq!(check("/v/others/1", "", named.clone(), 201, owned.clone()), 1);
    assert_eq!(
        check("/v/things/1", "page=x", named.clone(), 201, owned.clone()),
        1
    );
    assert_eq!(
        check("/v/things/1", "size=1", named.clone(), 201, owned.clone()),
        1
    );
    assert_eq!(check("/v/things/1", "", json!({}), 201, owned.clone()), 1);
    assert_eq!(check("/v/things/1", "", named.clone(), 200, owned), 1);
    assert_eq!(check("/v/things/1", "", named.clone(), 201, json!({})), 1);
    assert_eq!(check("/v/things/1", "", named, 201, json!({"owner": 1})), 1);
}
