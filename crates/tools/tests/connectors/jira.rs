//! Jira: what is sent, how refusals are told, and finding issues, comments and transitions again.

use serde_json::{Value, json};
use types::{ArtifactKind, Outcome, ProbeResult};
use wiremock::matchers::{body_partial_json, method, path};
use wiremock::{Mock, ResponseTemplate};

use crate::support::{KEY, World, answer, body, header, told};

const ISSUE: &str = "/rest/api/3/issue";
const ONE: &str = "/rest/api/3/issue/OPS-1";
const COMMENT: &str = "/rest/api/3/issue/OPS-1/comment";
const TRANSITIONS: &str = "/rest/api/3/issue/OPS-1/transitions";
const SEARCH: &str = "/rest/api/3/search/jql";

fn opened() -> Value {
    json!({"project": "OPS", "summary": "No picture", "description": "# Seen\nin **4A**", "labels": ["av"], "priority": "High", "parent": "OPS-1"})
}

/// What a look-up came to: `happened`, `absent`, or the code of its doubt.
fn seen(result: &ProbeResult) -> &str {
    match result {
        ProbeResult::Happened { .. } => "happened",
        ProbeResult::Absent => "absent",
        ProbeResult::Unclear { failure } => &failure.code,
    }
}

#[tokio::test]
async fn an_issue_is_opened_with_a_document_and_a_label() {
    let world = World::new().await;
    world
        .answers(
            "POST",
            ISSUE,
            answer(201, json!({"id": "10007", "key": "OPS-7"})),
            0,
        )
        .await;
    let Outcome::Succeeded { output, artifacts } = world.perform("jira.create_issue", opened()).await else {
        panic!("not opened")
    };
    assert_eq!(output.value["key"], "OPS-7");
    let url = output.value["url"].as_str().expect("an address");
    assert!(url.ends_with("/browse/OPS-7"), "{url}");
    assert_eq!(artifacts[0].kind, ArtifactKind::Task);
    let sent = &world.seen("POST", ISSUE).await[0];
    assert!(header(sent, "authorization").starts_with("Basic "));
    let fields = &body(sent)["fields"];
    assert_eq!(fields["project"], json!({"key": "OPS"}));
    assert_eq!(fields["issuetype"], json!({"name": "Task"}));
    assert_eq!(fields["labels"], json!(["av", format!("agentops-{KEY}")]));
    assert_eq!(
        (&fields["priority"], &fields["parent"]),
        (&json!({"name": "High"}), &json!({"key": "OPS-1"}))
    );
    let blocks = &fields["description"]["content"];
    assert_eq!(blocks[0]["type"], "heading");
    assert_eq!(blocks[1]["content"][1]["marks"], json!([{"type": "strong"}]));
}

#[tokio::test]
async fn refusals_are_repeated_by_field() {
    let world = World::new().await;
    let refusal =
        json!({"errorMessages": ["No."], "errors": {"priority": "The priority selected is invalid."}});
    world.answers("POST", ISSUE, answer(400, refusal), 0).await;
    let Outcome::Failed { failure, .. } = world.perform("jira.create_issue", opened()).await else {
        panic!("not refused")
    };
    assert_eq!(failure.code, "tool_refused");
    let said = "No.; priority: The priority selected is invalid.";
    assert!(failure.message.ends_with(said), "{}", failure.message);
}

#[tokio::test]
async fn an_issue_is_found_again_by_its_label() {
    let ours =
        json!({"id": "10007", "key": "OPS-7", "fields": {"labels": ["av", format!("agentops-{KEY}")]}});
    let other = json!({"id": "10008", "key": "OPS-8", "fields": {"labels": ["agentops-other"]}});
    for (issues, expected) in [
        (json!([other, ours]), "happened"),
        (json!([]), "absent"),
        (json!([other]), "look_up_unclear"),
        (json!("none"), "answer_unreadable"),
    ] {
        let world = World::new().await;
        world
            .tells("POST", SEARCH, json!({"issues": issues, "isLast": true}))
            .await;
        let found = world.look_up("jira.create_issue", opened()).await;
        assert_eq!(seen(&found), expected);
        if let ProbeResult::Happened { output, .. } = found {
            assert_eq!(output.value["key"], "OPS-7");
        }
        let jql = body(&world.seen("POST", SEARCH).await[0])["jql"].clone();
        assert_eq!(jql, format!("project = \"OPS\" AND labels = \"agentops-{KEY}\""));
    }
}

#[tokio::test]
async fn a_comment_is_found_again_by_its_property() {
    let property = |key: &str| json!([{"key": "agentops", "value": {"key": key}}]);
    for (values, expected) in [
        (
            json!([{"id": "5", "properties": property("other")}, {"id": "4", "properties": property(KEY)}]),
            "happened",
        ),
        (
            json!([{"id": "5", "properties": []}, {"id": "4", "properties": property("other")}]),
            "absent",
        ),
        (json!([{"id": "5"}, {"id": "4"}]), "look_up_unclear"),
        (json!([{"id": "5", "properties": []}]), "look_up_unclear"),
    ] {
        let world = World::new().await;
        let listed = json!({"total": 2, "comments": [{"id": "5"}, {"id": "4"}]});
        world.tells("GET", COMMENT, listed).await;
        world
            .tells("POST", "/rest/api/3/comment/list", json!({"values": values}))
            .await;
        let found = world
            .look_up("jira.comment", json!({"issue": "OPS-1", "text": "seen"}))
            .await;
        assert_eq!(seen(&found), expected);
        if let ProbeResult::Happened { output, .. } = found {
            assert_eq!(output.value["id"], "4");
        }
    }
}

fn standing(status: &str) -> Value {
    json!({"key": "OPS-1", "fields": {"status": {"name": status}}, "transitions": [
        {"id": "11", "name": "Start work", "to": {"name": "In Progress"}},
        {"id": "31", "name": "Done", "to": {"name": "Done"}},
    ]})
}

#[tokio::test]
async fn a_transition_is_looked_up_by_name_or_status_and_marked() {
    for (to, id, status) in [
        ("start work", "11", "In Progress"),
        ("In Progress", "11", "In Progress"),
        ("Done", "31", "Done"),
    ] {
        let world = World::new().await;
        world.tells("GET", ONE, standing("To Do")).await;
        world
            .answers("POST", TRANSITIONS, ResponseTemplate::new(204), 0)
            .await;
        let output = world
            .output("jira.transition", json!({"issue": "OPS-1", "to": to}))
            .await;
        assert_eq!(output["status"], status);
        let sent = body(&world.seen("POST", TRANSITIONS).await[0]);
        assert_eq!(sent["transition"], json!({"id": id}));
        assert_eq!(sent["properties"][0]["key"], format!("agentops-{KEY}"));
    }
}

#[tokio::test]
async fn an_issue_that_is_there_already_is_left_alone_and_a_way_that_is_not_there_is_refused() {
    let world = World::new().await;
    world.tells("GET", ONE, standing("Closed")).await;
    let moved = world
        .output("jira.transition", json!({"issue": "OPS-1", "to": "closed"}))
        .await;
    assert_eq!(moved["status"], "Closed");
    let outcome = world
        .perform("jira.transition", json!({"issue": "OPS-1", "to": "Nowhere"}))
        .await;
    assert_eq!(told(&outcome), "failed tool_refused");
    let Outcome::Failed { failure, .. } = outcome else {
        panic!("refused")
    };
    let said = &failure.message;
    assert!(said.contains("'Start work' to In Progress"), "{said}");
    assert!(world.seen("POST", TRANSITIONS).await.is_empty());
}

#[tokio::test]
async fn a_transition_is_found_again_by_its_property() {
    for (properties, expected) in [
        (json!({format!("agentops-{KEY}"): {"to": "Done"}}), "happened"),
        (json!({}), "absent"),
        (Value::Null, "look_up_unclear"),
    ] {
        let world = World::new().await;
        let mut issue = standing("Done");
        issue["properties"] = properties;
        world.tells("GET", ONE, issue).await;
        let args = json!({"issue": "OPS-1", "to": "Done"});
        assert_eq!(seen(&world.look_up("jira.transition", args).await), expected);
    }
}

#[tokio::test]
async fn a_search_reads_pages_until_the_limit() {
    let world = World::new().await;
    let document = json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "words"}]}]});
    let issue = |key: &str| json!({"id": "1", "key": key, "fields": {"summary": "s", "labels": ["av", "agentops-x"], "description": document}});
    Mock::given(method("POST"))
        .and(path(SEARCH))
        .and(body_partial_json(json!({"nextPageToken": "t2"})))
        .respond_with(answer(200, json!({"issues": [issue("OPS-3")], "isLast": true})))
        .with_priority(1)
        .mount(&world.server)
        .await;
    let first = json!({"issues": [issue("OPS-1"), issue("OPS-2")], "nextPageToken": "t2"});
    world.tells("POST", SEARCH, first).await;
    let search = |limit: u32| world.output("jira.search", json!({"jql": "project = OPS", "limit": limit}));
    let found = search(5).await;
    let keys: Vec<&Value> = found["issues"]
        .as_array()
        .expect("issues")
        .iter()
        .map(|issue| &issue["key"])
        .collect();
    assert_eq!(keys, ["OPS-1", "OPS-2", "OPS-3"]);
    assert_eq!(found["has_more"], false);
    assert_eq!(
        (&found["issues"][0]["description"], &found["issues"][0]["labels"]),
        (&json!("words"), &json!(["av"])),
        "documents are told as text, our own labels not at all"
    );
    let cut = search(1).await;
    assert_eq!(
        (cut["issues"].as_array().map(Vec::len), &cut["has_more"]),
        (Some(1), &json!(true))
    );
}
