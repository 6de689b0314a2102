//! Jira and PagerDuty: what they refuse, in their own words, and what a state file of before holds.

use reqwest::{Method, RequestBuilder};
use sandbox::{JIRA_EMAIL, JIRA_TOKEN, PAGERDUTY_API_TOKEN, PAGERDUTY_ROUTING_KEY};
use serde_json::{Value, json};

use crate::rig::{Rig, ask};

impl Rig {
    fn jira(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, &format!("/jira/rest/api/3/{path}"))
            .basic_auth(JIRA_EMAIL, Some(JIRA_TOKEN))
    }

    async fn event(&self, event: Value) -> (u16, Value) {
        let request = self.bare(Method::POST, "/pagerduty/v2/enqueue").json(&event);
        let (status, body) = ask(request).await;
        (status.as_u16(), body)
    }
}

fn document(text: &str) -> Value {
    json!({"version": 1, "type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]})
}

#[tokio::test]
async fn jira_wants_an_account() {
    let rig = Rig::start().await;
    let path = "/jira/rest/api/3/myself";
    assert_eq!(ask(rig.bare(Method::GET, path)).await.0, 401);
    let wrong = rig.bare(Method::GET, path).basic_auth(JIRA_EMAIL, Some("x"));
    assert_eq!(ask(wrong).await.0, 401);
    assert_eq!(
        ask(rig.jira(Method::GET, "myself")).await.1["displayName"],
        "AgentOps"
    );
    assert_eq!(ask(rig.jira(Method::GET, "nothing")).await.0, 404);
}

#[tokio::test]
async fn wrong_issues_are_refused_field_by_field() {
    let rig = Rig::start().await;
    let good = json!({"project": {"key": "OPS"}, "issuetype": {"name": "Task"}, "summary": "s"});
    let with = |name: &str, value: Value| {
        let mut fields = good.clone();
        fields[name] = value;
        fields
    };
    for (fields, wrong) in [
        (json!({}), vec!["issuetype", "project", "summary"]),
        (with("summary", json!("two\nlines")), vec!["summary"]),
        (with("summary", json!("x".repeat(256))), vec!["summary"]),
        (with("description", json!("plain text")), vec!["description"]),
        (with("labels", json!(["two words"])), vec!["labels"]),
        (with("priority", json!({"name": "Urgent"})), vec!["priority"]),
        (with("assignee", json!({"accountId": "nobody"})), vec!["assignee"]),
        (with("parent", json!({"key": "OPS-99"})), vec!["parent"]),
        (with("issuetype", json!({"name": "Sub-task"})), vec!["parent"]),
    ] {
        let request = rig.jira(Method::POST, "issue").json(&json!({ "fields": fields }));
        let (status, body) = ask(request).await;
        let errors = body["errors"].as_object().expect("errors");
        let mut named: Vec<&str> = errors.keys().map(String::as_str).collect();
        named.sort_unstable();
        assert_eq!((status.as_u16(), named), (400, wrong), "{fields}");
    }
    let fields = with("parent", json!({"key": "OPS-1"}));
    let (status, made) = ask(rig.jira(Method::POST, "issue").json(&json!({ "fields": fields }))).await;
    assert_eq!((status.as_u16(), &made["key"]), (201, &json!("OPS-2")));
}

#[tokio::test]
async fn comments_page_and_tell_properties_only_when_asked() {
    let rig = Rig::start().await;
    for n in 0..3 {
        let body = json!({"body": document(&format!("{n}")), "properties": [{"key": "k", "value": n}]});
        let (status, _) = ask(rig.jira(Method::POST, "issue/OPS-1/comment").json(&body)).await;
        assert_eq!(status, 201);
    }
    let path = "issue/OPS-1/comment?orderBy=-created&startAt=1&maxResults=1";
    let (_, page) = ask(rig.jira(Method::GET, path)).await;
    assert_eq!(
        (&page["total"], page["comments"].as_array().map(Vec::len)),
        (&json!(3), Some(1))
    );
    assert_eq!(page["comments"][0]["body"], document("1"));
    assert_eq!(page["comments"][0]["properties"], Value::Null);
    let id: u64 = page["comments"][0]["id"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .expect("an id");
    let by_id = rig.jira(Method::POST, "comment/list?expand=properties");
    let (_, found) = ask(by_id.json(&json!({"ids": [id]}))).await;
    assert_eq!(
        found["values"][0]["properties"],
        json!([{"key": "k", "value": 1}])
    );
    let plain = json!({"body": "plain text"});
    assert_eq!(
        ask(rig.jira(Method::POST, "issue/OPS-1/comment").json(&plain))
            .await
            .0,
        400
    );
    let none = json!({"body": document("x")});
    assert_eq!(
        ask(rig.jira(Method::POST, "issue/OPS-99/comment").json(&none))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn a_search_pages_by_token_and_shows_the_wanted_fields() {
    let rig = Rig::start().await;
    for n in 0..3 {
        let fields = json!({"project": {"key": "AV"}, "issuetype": {"name": "Bug"}, "summary": format!("s{n}"), "labels": [format!("l{n}")]});
        ask(rig.jira(Method::POST, "issue").json(&json!({ "fields": fields }))).await;
    }
    let search = |body: Value| ask(rig.jira(Method::POST, "search/jql").json(&body));
    let asked = json!({"jql": "project = AV ORDER BY created ASC", "maxResults": 2, "fields": ["summary"]});
    let (_, first) = search(asked.clone()).await;
    assert_eq!(
        (first["issues"].as_array().map(Vec::len), &first["isLast"]),
        (Some(2), &json!(false))
    );
    assert_eq!(first["issues"][0]["fields"], json!({"summary": "s0"}));
    let mut next = asked;
    next["nextPageToken"] = first["nextPageToken"].clone();
    let (_, second) = search(next).await;
    assert_eq!(
        (&second["issues"][0]["key"], &second["isLast"]),
        (&json!("AV-3"), &json!(true))
    );
    assert_eq!(second["nextPageToken"], Value::Null);
    for (jql, count) in [
        ("labels in (l0, l2) AND project = AV", 2),
        ("project = AV AND status != \"To Do\"", 0),
        ("summary ~ S1", 1),
        ("text ~ picture", 1),
        ("assignee is EMPTY", 4),
    ] {
        let (_, found) = search(json!({ "jql": jql })).await;
        assert_eq!(found["issues"].as_array().map(Vec::len), Some(count), "{jql}");
    }
    for wrong in [
        json!({}),
        json!({"jql": "ORDER BY created"}),
        json!({"jql": "project = AV", "nextPageToken": "x"}),
    ] {
        assert_eq!(search(wrong).await.0, 400);
    }
}

#[tokio::test]
async fn a_transition_that_is_not_there_is_refused() {
    let rig = Rig::start().await;
    let go = |id: Value| {
        let body = json!({"transition": {"id": id}, "properties": [{"key": "k", "value": 1}]});
        ask(rig.jira(Method::POST, "issue/OPS-1/transitions").json(&body))
    };
    for wrong in [json!("41"), json!("x"), Value::Null] {
        assert_eq!(go(wrong).await.0, 400);
    }
    let (_, untouched) = ask(rig.jira(Method::GET, "issue/OPS-1?properties=k")).await;
    assert_eq!(untouched["properties"], json!({}));
    assert_eq!(go(json!(11)).await.0, 204);
    let (_, moved) = ask(rig.jira(
        Method::GET,
        "issue/OPS-1?fields=status&properties=k&expand=transitions",
    ))
    .await;
    assert_eq!(moved["fields"]["status"]["name"], "In Progress");
    assert_eq!(moved["properties"], json!({"k": 1}));
    let names: Vec<&Value> = moved["transitions"]
        .as_array()
        .expect("ways")
        .iter()
        .map(|way| &way["name"])
        .collect();
    assert_eq!(names, ["Stop work", "Done", "Escalate"]);
}

#[tokio::test]
async fn wrong_events_are_refused_with_everything_that_is_wrong() {
    let rig = Rig::start().await;
    let payload = json!({"summary": "s", "source": "x", "severity": "error"});
    for (event, said) in [
        (json!({}), 2),
        (
            json!({"routing_key": "short", "event_action": "trigger", "payload": payload}),
            1,
        ),
        (
            json!({"routing_key": PAGERDUTY_ROUTING_KEY, "event_action": "resolve"}),
            1,
        ),
        (
            json!({"routing_key": PAGERDUTY_ROUTING_KEY, "event_action": "trigger"}),
            3,
        ),
        (
            json!({"routing_key": PAGERDUTY_ROUTING_KEY, "event_action": "trigger", "payload": {"summary": "x".repeat(1025), "source": "x", "severity": "bad"}}),
            2,
        ),
    ] {
        let (status, body) = rig.event(event.clone()).await;
        assert_eq!(
            (status, body["errors"].as_array().map(Vec::len)),
            (400, Some(said)),
            "{event} {body}"
        );
    }
    let other = json!({"routing_key": "x".repeat(32), "event_action": "trigger", "payload": payload});
    assert_eq!(rig.event(other).await.1["message"], "Invalid routing key");
    assert_eq!(rig.sandbox.state()["pagerduty"]["alerts"], json!([]));
}

#[tokio::test]
async fn an_alert_that_was_resolved_is_raised_anew() {
    let rig = Rig::start().await;
    let event = |action: &str| {
        rig.event(json!({
            "routing_key": PAGERDUTY_ROUTING_KEY, "event_action": action, "dedup_key": "k",
            "payload": {"summary": "s", "source": "x", "severity": "error"},
        }))
    };
    for (action, alerts, status) in [
        ("acknowledge", 0, Value::Null),
        ("trigger", 1, json!("triggered")),
        ("trigger", 1, json!("triggered")),
        ("acknowledge", 1, json!("acknowledged")),
        ("resolve", 1, json!("resolved")),
        ("trigger", 2, json!("triggered")),
    ] {
        assert_eq!(
            event(action).await,
            (
                202,
                json!({"status": "success", "message": "Event processed", "dedup_key": "k"})
            )
        );
        let state = rig.sandbox.state();
        let all = state["pagerduty"]["alerts"].as_array().expect("alerts");
        let last = all.last().map_or(Value::Null, |alert| alert["status"].clone());
        assert_eq!((all.len(), last), (alerts, status), "{action}");
    }
    assert_eq!(ask(rig.bare(Method::GET, "/pagerduty/incidents")).await.0, 401);
    let token = format!("Token token={PAGERDUTY_API_TOKEN}");
    let (_, list) = ask(rig
        .bare(Method::GET, "/pagerduty/incidents?limit=1")
        .header("authorization", token))
    .await;
    assert_eq!(
        (list["incidents"].as_array().map(Vec::len), &list["more"]),
        (Some(1), &json!(true))
    );
    let link = list["incidents"][0]["html_url"].as_str().expect("a link");
    let page = rig
        .client
        .get(link)
        .send()
        .await
        .expect("a page")
        .text()
        .await
        .expect("text");
    assert!(page.contains("key k, 1 events"), "{page}");
}

#[tokio::test]
async fn a_state_file_of_before_still_loads() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sandbox.json");
    let rig = Rig::start().await;
    let mut state = rig.sandbox.state();
    for vendor in ["github", "jira", "pagerduty"] {
        state.as_object_mut().expect("an object").remove(vendor);
    }
    std::fs::write(&file, state.to_string()).expect("written");
    let options = sandbox::Options {
        state_file: Some(file),
        ..sandbox::Options::new(rig.clock.clone())
    };
    let loaded = sandbox::start(options).await.expect("it starts");
    assert_eq!(loaded.state()["jira"]["issues"], json!({}));
    assert_eq!(loaded.state()["slack"], rig.sandbox.state()["slack"]);
}
