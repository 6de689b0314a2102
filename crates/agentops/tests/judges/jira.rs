//! Jira: our requests like those of jira.js, which is made from Atlassian's OpenAPI document, and both
//! sides of every exchange of its schemas; every document of ours against Atlassian's own JSON Schema; and
//! a round trip by the `jira` SDK.

use ports::Tools as _;
use sandbox::Vendor;
use serde_json::{Value, json};

use crate::openapi::{compile, misfits};
use crate::peers::{self, Tls};
use crate::recorder::{Exchange, Recorded};
use crate::same::{Judge, all_problems};
use crate::vendor_types::{By, Claim, problems};

const SCHEMA: &str = "npm/node_modules/@atlaskit/adf-schema/dist/json-schema/v1/full.json";

/// Texts of every kind that people write.
const TEXTS: [&str; 8] = [
    "One line.",
    "Two\nlines\n\nand a second paragraph",
    "# Title\n###### Small\n- a\n- `b` and **c**\n\n1. one\n2. two",
    "> quoted\n> twice\n---\n[here](https://avops.example/a?b=c) and [no](javascript:x)",
    "```sh\nls -l\n\n# comment\n```\n```\n```",
    "**open `marks [and](brackets",
    "   \n\t\n",
    "emoji 🙂, ümlaut, zero\u{200b}width, * star, _under_",
];

/// Documents inside a request or an answer.
fn documents<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) if fields.get("type") == Some(&json!("doc")) => found.push(value),
        Value::Object(fields) => fields.values().for_each(|field| documents(field, found)),
        Value::Array(items) => items.iter().for_each(|item| documents(item, found)),
        _ => {}
    }
}

/// Uses every action and every look-up; gives back the exchanges and the issue that they are about.
async fn exchange(rig: &Recorded) -> (Vec<Exchange>, String) {
    let opened =
        json!({"project": "OPS", "summary": "s", "description": "d", "labels": ["av"], "priority": "High"});
    let issue = rig.output("jira.create_issue", opened.clone()).await["key"].clone();
    rig.output("jira.get_issue", json!({"issue": issue})).await;
    rig.output("jira.search", json!({"jql": "project = OPS"})).await;
    let said = json!({"issue": issue, "text": "words"});
    rig.output("jira.comment", said.clone()).await;
    let moved = json!({"issue": issue, "to": "In Progress"});
    rig.output("jira.transition", moved.clone()).await;
    let by_number = json!({"issue": issue, "to": "21"});
    rig.perform("back", "jira.transition", &by_number).await;
    for (action, args) in [
        ("jira.create_issue", &opened),
        ("jira.comment", &said),
        ("jira.transition", &moved),
    ] {
        rig.look_up(&format!("key-{action}"), action, args).await;
        rig.look_up("nobody", action, args).await;
    }
    let health = rig
        .registry
        .health(types::TenantId::DEFAULT, "jira", types::Mode::Mock)
        .await;
    assert!(health.ok, "{health:?}");
    let issue = issue.as_str().expect("a key").to_owned();
    (rig.exchanges("/jira"), issue)
}

#[tokio::test]
async fn our_requests_are_like_those_of_an_sdk_made_from_atlassians_document() {
    let rig = Recorded::start().await;
    let (ours, issue) = exchange(&rig).await;
    let listed = ours
        .iter()
        .find(|exchange| exchange.path.ends_with("/comment/list"));
    let ids = listed
        .and_then(Exchange::request)
        .expect("the ids that were asked for");
    let things = json!({
        "issue": issue, "comment": ids["ids"][0], "way_on": "11", "way_back": "21",
    });
    let (known, _) = rig.record("record_jira.mjs", Vendor::Jira, things).await;
    let why = "an issue's fields are those of its site, so Atlassian's document leaves them open";
    let judge = Judge::new(labelled(known)).except("/fields", why).except(
        "/properties/0/value",
        "the value of a property is what its owner makes it",
    );
    assert_eq!(all_problems(&judge, &ours), Vec::<String>::new());
}

/// Without the calls that only make the others possible.
fn labelled(mut known: Vec<Exchange>) -> Vec<Exchange> {
    known.retain(|exchange| exchange.label.contains('.'));
    known
}

/// The schemas of jira.js for what is sent and told there; none where a sandbox tells nothing.
fn schemas(exchange: &Exchange) -> (&'static str, Option<&'static str>) {
    let parts: Vec<&str> = exchange.path.split('/').skip(5).collect();
    match (exchange.method.as_str(), parts.as_slice()) {
        ("GET", ["myself"]) => ("GetCurrentUser", Some("DashboardUser")),
        ("POST", ["issue"]) => ("CreateIssue", Some("CreatedIssue")),
        ("GET", ["issue", _]) => ("GetIssue", Some("Issue")),
        ("POST", ["issue", _, "comment"]) => ("AddComment", Some("Comment")),
        ("GET", ["issue", _, "comment"]) => ("GetComments", Some("PageOfComments")),
        ("POST", ["comment", "list"]) => ("GetCommentsByIds", Some("PageComment")),
        ("POST", ["issue", _, "transitions"]) => ("DoTransition", None),
        ("POST", ["search", "jql"]) => (
            "SearchAndReconsileIssuesUsingJqlPost",
            Some("SearchAndReconcileResults"),
        ),
        other => panic!("{other:?}"),
    }
}

/// What jira.js would have been asked with, to send this.
fn asked(exchange: &Exchange) -> Value {
    let mut all = exchange.request().unwrap_or_else(|| json!({}));
    for (name, text) in exchange.query_pairs() {
        // Lists of names stand in one text, counts in digits.
        let list = matches!(name.as_str(), "fields" | "properties");
        all[&name] = match text.parse::<u64>() {
            Ok(number) => number.into(),
            Err(_) if list => text.split(',').collect(),
            Err(_) => text.into(),
        };
    }
    let parts: Vec<&str> = exchange.path.split('/').skip(5).collect();
    if let ["issue", key, ..] = parts.as_slice() {
        all["issueIdOrKey"] = (*key).into();
    }
    all
}

#[tokio::test]
async fn every_exchange_fits_schemas_made_from_atlassians_document() {
    let rig = Recorded::start().await;
    let (ours, _) = exchange(&rig).await;
    let schema = |folder: &str, name: &str| {
        let file = format!("{}{}", name[..1].to_lowercase(), &name[1..]);
        format!("jira.js/dist/cloud/{folder}/{file}.js {name}Schema")
    };
    let mut claims = Vec::new();
    for exchange in &ours {
        let what = format!("{} {}", exchange.method, exchange.path);
        let (sent, told) = schemas(exchange);
        let request = asked(exchange);
        if request != json!({}) {
            claims.push(Claim::new(
                format!("{what}: request"),
                schema("parameters", sent),
                request,
            ));
        }
        if let Some(told) = told {
            let answer = exchange.answer().expect("JSON");
            claims.push(Claim::new(
                format!("{what}: answer"),
                schema("models", told),
                answer,
            ));
        }
    }
    assert!(claims.len() > 20, "{}", claims.len());
    assert_eq!(problems(By::Zod, &claims), Vec::<String>::new());
}

#[tokio::test]
async fn every_document_fits_atlassians_schema() {
    let rig = Recorded::start().await;
    for (position, text) in TEXTS.iter().enumerate() {
        let args = json!({"project": "OPS", "summary": "s", "description": text});
        let issue = rig
            .perform(&format!("i{position}"), "jira.create_issue", &args)
            .await;
        assert!(matches!(issue, types::Outcome::Succeeded { .. }), "{issue:?}");
        let args = json!({"issue": "OPS-1", "text": text});
        let said = rig.perform(&format!("c{position}"), "jira.comment", &args).await;
        assert!(matches!(said, types::Outcome::Succeeded { .. }), "{said:?}");
    }
    rig.output("jira.get_issue", json!({"issue": "OPS-2"})).await;
    let schema = compile(&peers::document(SCHEMA));
    let mut judged = 0;
    for exchange in rig.exchanges("/jira") {
        for body in [exchange.request(), exchange.answer()].into_iter().flatten() {
            let mut found = Vec::new();
            documents(&body, &mut found);
            for document in found {
                let problems = misfits("document", &schema, document);
                assert!(problems.is_empty(), "{problems:#?} in {document:#}");
                judged += 1;
            }
        }
    }
    assert!(judged > 2 * TEXTS.len(), "{judged} documents were seen");
}

#[tokio::test]
async fn a_broken_document_is_found() {
    let schema = compile(&peers::document(SCHEMA));
    for broken in [
        json!({"version": 1, "type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}]}),
        json!({"version": 1, "type": "doc", "content": [{"type": "heading", "attrs": {"level": 7}}]}),
        json!({"version": 1, "type": "doc", "content": [{"type": "text", "text": "loose"}]}),
        json!({"type": "doc", "content": []}),
    ] {
        assert!(!misfits("document", &schema, &broken).is_empty(), "{broken}");
    }
}

#[tokio::test]
async fn the_jira_sdk_completes_a_round_trip() {
    let tls = Tls::start().await;
    let told = tls.sdk("jira", Vendor::Jira).await;
    let state = tls.sandbox.state();
    let issue = state["jira"]["issues"]
        .as_object()
        .expect("issues")
        .values()
        .find(|issue| issue["key"] == told["key"])
        .expect("the SDK's issue");
    assert_eq!(issue["status"], "Done");
    assert_eq!(issue["comments"].as_array().map(Vec::len), Some(1));
}
