//! Jira: every document of ours against Atlassian's own JSON Schema, and a round trip by the `jira` SDK.

use sandbox::Vendor;
use serde_json::{Value, json};

use crate::openapi::{compile, misfits};
use crate::peers::{self, Tls};
use crate::recorder::Recorded;

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
