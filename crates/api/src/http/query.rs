//! Queries against what the OpenAPI document says of them: a parameter that it doesn't know, one that is
//! given twice, and a value that doesn't fit are refused before any handler runs, all at once.

use std::collections::HashMap;

use axum::extract::{MatchedPath, Query, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::problem::{Answer, Fault, Refusal};
use crate::Api;

/// The most faults told at once.
const MOST_FAULTS: usize = 20;
/// The most characters of a name or value repeated in a message.
const SHOWN: usize = 60;

/// The parameters of all routes, by method and path as the router names it.
#[derive(Debug, Default)]
pub(crate) struct Queries(HashMap<(Method, String), Vec<Parameter>>);

/// One parameter.
#[derive(Debug, PartialEq, Eq)]
struct Parameter {
    name: String,
    form: Form,
    /// Whether it may be given several times.
    many: bool,
}

/// What a value must be.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    Text,
    Flag,
    /// A whole number within these bounds.
    Number(i128, i128),
    OneOf(Vec<String>),
}

impl Queries {
    /// Reads the document.
    pub(crate) fn read(document: &Value) -> Self {
        let mut all = HashMap::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let Ok(method) = method.to_uppercase().parse::<Method>() else {
                    continue;
                };
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let queries = parameters.filter(|one| one["in"] == "query").map(parameter);
                all.insert((method, path.clone()), queries.collect());
            }
        }
        Self(all)
    }

    /// Everything that is wrong with a query; routes outside the document take any.
    fn faults(&self, method: &Method, path: &str, pairs: &[(String, String)]) -> Vec<Fault> {
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let Some(known) = self.0.get(&(method.clone(), path.to_owned())) else {
            return Vec::new();
        };
        let mut faults = Vec::new();
        for (position, (name, value)) in pairs.iter().enumerate() {
            if faults.len() == MOST_FAULTS {
                break;
            }
            let at = format!("?{}", cut(name));
            let Some(parameter) = known.iter().find(|one| one.name == *name) else {
                faults.push(Fault::new(at, unknown(known)));
                continue;
            };
            let twice = pairs.iter().take(position).any(|(before, _)| before == name);
            if twice && !parameter.many {
                faults.push(Fault::new(at, "it is given twice"));
            } else if let Some(wanted) = parameter.form.unmet(value) {
                faults.push(Fault::new(at, format!("'{}' is not {wanted}", cut(value))));
            }
        }
        faults
    }
}

/// Lets a request through whose query fits, or refuses it with every fault.
pub(crate) async fn fits(State(api): State<Api>, request: Request, next: Next) -> Response {
    match check(&api.queries, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn check(queries: &Queries, request: &Request) -> Answer<()> {
    let path = request.extensions().get::<MatchedPath>();
    let Some(path) = path
        .map(MatchedPath::as_str)
        .filter(|path| path.starts_with("/api/"))
    else {
        return Ok(());
    };
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(request.uri())
        .map_err(|error| Refusal::new("query_invalid", error.body_text()))?;
    let faults = queries.faults(request.method(), path, &pairs);
    if faults.is_empty() {
        return Ok(());
    }
    let said: Vec<String> = faults
        .iter()
        .map(|fault| format!("{}: {}", fault.at.trim_start_matches('?'), fault.message))
        .collect();
    Err(Refusal::new(
        "query_invalid",
        format!("the query doesn't fit: {}", said.join("; ")),
    )
    .hint("the reference at /reference shows what it takes")
    .with(faults))
}

impl Form {
    /// What a value should be and isn't.
    fn unmet(&self, value: &str) -> Option<String> {
        match self {
            Form::Text => None,
            Form::Flag => (!matches!(value, "true" | "false")).then(|| "true or false".to_owned()),
            Form::Number(least, most) => {
                let fits = value
                    .parse::<i128>()
                    .is_ok_and(|number| (*least..=*most).contains(&number));
                (!fits).then(|| match (*least, *most) {
                    (i128::MIN..0, _) => "a whole number".to_owned(),
                    (least, most) if most >= i128::from(u32::MAX) => format!("a whole number from {least}"),
                    (least, most) => format!("a whole number from {least} to {most}"),
                })
            }
            Form::OneOf(values) => (!values.iter().any(|one| one == value)).then(|| values.join(" or ")),
        }
    }
}

fn parameter(one: &Value) -> Parameter {
    let schema = &one["schema"];
    let many = is(schema, "array");
    Parameter {
        name: one["name"].as_str().unwrap_or_default().to_owned(),
        form: form(if many { &schema["items"] } else { schema }),
        many,
    }
}

fn form(schema: &Value) -> Form {
    let values = schema["enum"].as_array();
    if let Some(values) = values {
        let texts = values.iter().filter_map(Value::as_str);
        return Form::OneOf(texts.map(str::to_owned).collect());
    }
    if is(schema, "boolean") {
        return Form::Flag;
    }
    if is(schema, "integer") {
        // A generator may write bounds as 1.0.
        let bound = |key: &str| schema[key].as_f64().map(|number| number as i128);
        let least = bound("minimum").unwrap_or(i64::MIN.into());
        let most = match (schema["format"].as_str(), least) {
            (Some("int32"), 0..) => u32::MAX.into(),
            (Some("int32"), _) => i32::MAX.into(),
            (_, 0..) => u64::MAX.into(),
            _ => i64::MAX.into(),
        };
        return Form::Number(least, bound("maximum").unwrap_or(most));
    }
    Form::Text
}

/// Whether a schema is of a type, or of it or null.
fn is(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(one) => one == kind,
        Value::Array(kinds) => kinds.iter().any(|one| one == kind),
        _ => false,
    }
}

fn unknown(known: &[Parameter]) -> String {
    let names: Vec<&str> = known.iter().map(|one| one.name.as_str()).collect();
    match names.as_slice() {
        [] => "there is no such parameter; this takes none".to_owned(),
        names => format!("there is no such parameter; this takes {}", names.join(", ")),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openapi;

    fn faults(path: &str, query: &str) -> Vec<(String, String)> {
        let queries = Queries::read(openapi::document_json());
        let uri = format!("{path}?{query}").parse().expect("a URI");
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&uri).expect("pairs");
        let found = queries.faults(&Method::GET, path, &pairs);
        found.into_iter().map(|fault| (fault.at, fault.message)).collect()
    }

    fn fault(at: &str, message: &str) -> (String, String) {
        (at.to_owned(), message.to_owned())
    }

    #[test]
    fn every_fault_of_a_query_is_told_at_its_parameter() {
        let runs = "/api/v1/runs";
        assert_eq!(
            faults(
                runs,
                "limit=500&mode=mock&attention=true&from=-1&status=failed,waiting"
            ),
            []
        );
        let number = "is not a whole number from 1 to 500";
        for wrong in ["0", "501", "-1", "1.5", "x", "", "99999999999999999999"] {
            let expected = [fault("?limit", &format!("'{wrong}' {number}"))];
            assert_eq!(faults(runs, &format!("limit={wrong}")), expected);
        }
        assert_eq!(
            faults(runs, "mode=moc&attention=1&limit=1&limit=2&from=x"),
            [
                fault("?mode", "'moc' is not mock or real"),
                fault("?attention", "'1' is not true or false"),
                fault("?limit", "it is given twice"),
                fault("?from", "'x' is not a whole number"),
            ]
        );
        let known = "there is no such parameter; this takes cursor, limit";
        assert_eq!(faults("/api/v1/agents", "limt=5"), [fault("?limt", known)]);
        let none = "there is no such parameter; this takes none";
        assert_eq!(faults("/api/v1/agents/{agent}", "a"), [fault("?a", none)]);
        let audit = "/api/v1/audit/leaves";
        assert_eq!(faults(audit, "after=18446744073709551615"), []);
        let wrong = fault("?after", "'-1' is not a whole number from 0");
        assert_eq!(faults(audit, "after=-1"), [wrong]);
        assert_eq!(faults("/api/v1/bundle", "recipe=a&recipe=b"), []);
        assert_eq!(faults(runs, &"a=1&".repeat(100)).len(), MOST_FAULTS);
    }

    #[test]
    fn every_list_takes_a_cursor_and_a_limit() {
        let queries = Queries::read(openapi::document_json());
        let paths = openapi::document_json()["paths"].as_object().expect("paths");
        let mut lists = 0;
        for (path, item) in paths {
            let id = item["get"]["operationId"].as_str().unwrap_or_default();
            if !id.starts_with("list_") {
                continue;
            }
            lists += 1;
            let known = &queries.0[&(Method::GET, path.clone())];
            let has = |name: &str, form: Form| {
                known
                    .iter()
                    .any(|one| one.name == name && one.form == form && !one.many)
            };
            assert!(
                has("cursor", Form::Text) && has("limit", Form::Number(1, 500)),
                "{id}: {known:?}"
            );
        }
        assert!(lists >= 15, "{lists}");
    }
}
