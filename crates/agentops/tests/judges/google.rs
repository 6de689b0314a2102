//! Google Drive: our requests and the sandbox's answers against Drive's discovery document, our
//! request for a token like that of Google's SDK, and a round trip by it.

use sandbox::Vendor;
use serde_json::{Map, Value, json};

use crate::openapi::{compile, misfits};
use crate::peers::{self, Tls, python_file};
use crate::recorder::{Exchange, Recorded};
use crate::same::{Judge, all_problems};

const DOCUMENT: &str = "googleapiclient/discovery_cache/documents/drive.v3.json";
const PREFIX: &str = "/google";

/// A discovery document, and its schemas as JSON Schema.
struct Discovery {
    document: Value,
    schemas: Value,
}

impl Discovery {
    fn open() -> Self {
        let document = peers::document(&python_file(DOCUMENT));
        let schemas = closed(&document["schemas"]);
        Self { document, schemas }
    }

    /// Everything that is wrong with an exchange.
    fn problems(&self, exchange: &Exchange) -> Vec<String> {
        let path = exchange.path.strip_prefix(PREFIX).unwrap_or(&exchange.path);
        let what = format!("{} {path}", exchange.method);
        let Some(method) = self.method(&exchange.method, path) else {
            return vec![format!("{what}: no such method")];
        };
        let mut problems = self.query_problems(method, &exchange.query);
        let sent = match path.strip_prefix("/upload") {
            Some(_) => first_part(&exchange.sent),
            None => exchange.request(),
        };
        problems.extend(self.body_problems("request", &method["request"], sent));
        let told = match exchange.status {
            200 => exchange.answer(),
            other => return vec![format!("{what}: status {other}")],
        };
        problems.extend(self.body_problems("answer", &method["response"], told));
        problems
            .into_iter()
            .map(|problem| format!("{what}: {problem}"))
            .collect()
    }

    /// The method whose path fits, among those of all resources.
    fn method(&self, verb: &str, path: &str) -> Option<&Value> {
        let resources = self.document["resources"].as_object()?;
        let methods = resources
            .values()
            .filter_map(|resource| resource["methods"].as_object());
        methods.flat_map(Map::values).find(|method| {
            let service = self.document["servicePath"].as_str().unwrap_or_default();
            let plain = format!("/{service}{}", method["path"].as_str().unwrap_or_default());
            let upload = method["mediaUpload"]["protocols"]["simple"]["path"].as_str();
            method["httpMethod"] == verb
                && (fits(&plain, path) || upload.is_some_and(|upload| fits(upload, path)))
        })
    }

    fn query_problems(&self, method: &Value, query: &str) -> Vec<String> {
        let url = reqwest::Url::parse(&format!("http://q/?{query}")).expect("a query");
        let problem = |(name, text): (String, String)| {
            let own = &method["parameters"][&name];
            let parameter = if own.is_null() {
                &self.document["parameters"][&name]
            } else {
                own
            };
            let fits = match parameter["type"].as_str() {
                Some("boolean") => matches!(text.as_str(), "true" | "false"),
                Some("integer") => text.parse::<u32>().is_ok(),
                Some(_) => parameter["location"] == "query",
                None => false,
            };
            (!fits).then(|| format!("query parameter {name}={text} is not documented so"))
        };
        url.query_pairs().into_owned().filter_map(problem).collect()
    }

    fn body_problems(&self, what: &str, documented: &Value, body: Option<Value>) -> Vec<String> {
        match (documented["$ref"].as_str(), body) {
            (None, None) => Vec::new(),
            (None, Some(body)) => vec![format!("{what}: a body is not documented: {body}")],
            (Some(_), None) => vec![format!("{what}: a JSON body is missing")],
            (Some(name), Some(body)) => {
                let schema = json!({"$ref": format!("#/schemas/{name}"), "schemas": self.schemas});
                misfits(what, &compile(&schema), &body)
            }
        }
    }
}

/// Discovery's schemas in JSON Schema's words. Properties that aren't named don't fit.
fn closed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (name, field) in fields {
                let value = match (name.as_str(), field) {
                    // The schema's own name, and marks that aren't JSON Schema's.
                    ("id" | "description" | "annotations", Value::String(_) | Value::Object(_))
                        if !field["type"].is_string() =>
                    {
                        continue;
                    }
                    ("required" | "deprecated", Value::Bool(_)) => continue,
                    ("type", Value::String(any)) if any == "any" => continue,
                    ("$ref", Value::String(to)) => format!("#/schemas/{to}").into(),
                    _ => closed(field),
                };
                kept.insert(name.clone(), value);
            }
            if kept.get("properties").is_some_and(Value::is_object)
                && kept.get("type") == Some(&json!("object"))
            {
                kept.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            Value::Object(kept)
        }
        Value::Array(items) => items.iter().map(closed).collect(),
        other => other.clone(),
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (wanted, given) = (template.split('/'), path.split('/'));
    let same = |(part, piece): (&str, &str)| part == piece || (part.starts_with('{') && !piece.is_empty());
    wanted.clone().count() == given.clone().count() && wanted.zip(given).all(same)
}

/// The metadata of an upload.
fn first_part(body: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(body);
    let part = text.split("\r\n\r\n").nth(1)?;
    serde_json::from_str(part.split("\r\n--").next()?).ok()
}

#[tokio::test]
async fn every_exchange_fits_drives_discovery_document() {
    let rig = Recorded::start().await;
    let report = json!({"name": "a.md", "content": "# Done", "mime_type": "text/markdown", "description": "d", "folder_id": "f"});
    let file = rig.output("google_drive.upload_file", report.clone()).await;
    let id = &file["file_id"];
    rig.output("google_drive.get_file", json!({"file_id": id})).await;
    rig.output("google_drive.list_files", json!({"name": "a.md"}))
        .await;
    for (key, with) in [
        ("1", json!({"file_id": id, "anyone": true})),
        (
            "2",
            json!({"file_id": id, "email": "ann@a.example", "role": "commenter"}),
        ),
        ("3", json!({"file_id": id, "domain": "a.example"})),
    ] {
        rig.perform(key, "google_drive.share_file", &with).await;
    }
    rig.look_up(
        "key-google_drive.upload_file",
        "google_drive.upload_file",
        &report,
    )
    .await;
    let judge = Discovery::open();
    let exchanges = rig.exchanges("/google/");
    let drive: Vec<&Exchange> = exchanges
        .iter()
        .filter(|exchange| exchange.path != "/google/token")
        .collect();
    assert!(drive.len() >= 9, "{}", drive.len());
    for exchange in drive {
        assert_eq!(judge.problems(exchange), Vec::<String>::new());
        let mut broken = exchange.clone();
        broken.told = json!({"surprise": 1}).to_string().into();
        assert!(
            !judge.problems(&broken).is_empty(),
            "{} {}",
            broken.method,
            broken.path
        );
        let mut broken = exchange.clone();
        broken.query.push_str("&surprise=1");
        assert!(!judge.problems(&broken).is_empty());
    }
}

#[tokio::test]
async fn our_request_for_a_token_is_like_that_of_googles_sdk() {
    let rig = Recorded::start().await;
    rig.output("google_drive.list_files", json!({})).await;
    let ours = rig.exchanges("/google/token");
    assert_eq!(ours.len(), 1);
    let (known, told) = rig.record("record_google.py", Vendor::Google, json!({})).await;
    let base = tools::Access::of("google_drive")
        .base_url
        .expect("Drive has one address");
    assert_eq!(told["token_url"], tools::secrets_url("google_drive", base));
    assert_eq!(format!("{base}/"), Discovery::open().document["rootUrl"]);
    assert_eq!(all_problems(&Judge::new(known), &ours), Vec::<String>::new());
}

#[tokio::test]
async fn googles_sdk_completes_a_round_trip() {
    let tls = Tls::start().await;
    let told = tls.sdk("google", Vendor::Google).await;
    let state = tls.sandbox.state();
    let file = &state["google"]["files"][told["id"].as_str().expect("an id")];
    assert_eq!(file["app_properties"], json!({"round": "trip"}));
    assert_eq!(file["permissions"]["anyoneWithLink"]["role"], "reader");
}
