//! ServiceNow's tables, queries, views and attachments.

use reqwest::{Method, StatusCode};
use sandbox::{SERVICENOW_API_KEY, SERVICENOW_TOKEN};
use serde_json::{Value, json};

use crate::rig::{Rig, ask, header};

const TABLE: &str = "/servicenow/api/now/table";
const FILES: &str = "/servicenow/api/now/attachment";

impl Rig {
    async fn list(&self, rest: &str) -> Vec<Value> {
        let (status, body) = ask(self.as_user(Method::GET, &format!("{TABLE}/{rest}"))).await;
        assert_eq!(status, 200, "{body}");
        body["result"].as_array().expect("a list").clone()
    }

    async fn create(&self, table: &str, body: &Value) -> Value {
        let (status, body) = ask(self.as_user(Method::POST, &format!("{TABLE}/{table}")).json(body)).await;
        assert_eq!(status, 201, "{body}");
        body["result"].clone()
    }

    async fn seeded(&self) -> Value {
        self.list("incident?sysparm_query=short_descriptionLIKEboardroom 4a")
            .await[0]
            .clone()
    }
}

fn id(record: &Value) -> &str {
    record["sys_id"].as_str().expect("a sys_id")
}

#[tokio::test]
async fn three_kinds_of_credentials_are_accepted() {
    let rig = Rig::start().await;
    let path = format!("{TABLE}/incident");
    let bare = || rig.bare(Method::GET, &path);
    assert_eq!(ask(rig.as_user(Method::GET, &path)).await.0, 200);
    assert_eq!(ask(bare().bearer_auth(SERVICENOW_TOKEN)).await.0, 200);
    assert_eq!(ask(bare().header("x-sn-apikey", SERVICENOW_API_KEY)).await.0, 200);
    for request in [
        bare(),
        bare().bearer_auth("guess"),
        bare().basic_auth("agentops", Some("guess")),
        bare().header("x-sn-apikey", "guess"),
    ] {
        let (status, body) = ask(request).await;
        assert_eq!((status.as_u16(), &body["status"]), (401, &json!("failure")));
        assert!(body["error"]["message"].is_string() && body["error"]["detail"].is_string());
    }
}

#[tokio::test]
async fn an_incident_lives_through_create_read_change_and_delete() {
    let rig = Rig::start().await;
    let sent = json!({
        "short_description": "No sound", "urgency": 1, "impact": "2", "assignment_group": "AV Operations",
        "correlation_id": "run_1/act/0", "nonsense": "dropped", "u_own": "kept",
    });
    let request = rig
        .as_user(Method::POST, &format!("{TABLE}/incident"))
        .json(&sent);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 201);
    let location = header(&answer, "location");
    assert_eq!(header(&answer, "x-ratelimit-limit"), "10000");
    header(&answer, "x-ratelimit-reset");
    header(&answer, "x-ratelimit-rule");
    let body: Value = answer.json().await.expect("JSON");
    let made = &body["result"];
    assert_eq!(id(made).len(), 32);
    assert!(
        location.ends_with(&format!("/incident/{}", id(made))),
        "{location}"
    );
    assert_eq!(
        (&made["number"], &made["state"], &made["priority"]),
        (&json!("INC0010002"), &json!("1"), &json!("2"))
    );
    assert_eq!(made["sys_created_on"], "2023-11-14 22:13:20");
    assert_eq!((&made["u_own"], made.get("nonsense")), (&json!("kept"), None));
    assert_eq!(
        made["assignment_group"]["value"].as_str().map(str::len),
        Some(32),
        "a name became a reference"
    );

    rig.clock.advance_s(60);
    let path = format!("{TABLE}/incident/{}", id(made));
    for method in [Method::PATCH, Method::PUT] {
        let (status, body) = ask(rig
            .as_user(method, &path)
            .json(&json!({"state": "6", "work_notes": "done"})))
        .await;
        assert_eq!((status.as_u16(), &body["result"]["state"]), (200, &json!("6")));
        assert_eq!(body["result"]["short_description"], "No sound");
        assert_eq!(body["result"]["sys_updated_on"], "2023-11-14 22:14:20");
    }
    let (_, got) = ask(rig.as_user(Method::GET, &path)).await;
    assert_eq!(
        (&got["result"]["sys_mod_count"], &got["result"]["work_notes"]),
        (&json!("2"), &json!(""))
    );
    let (_, shown) = ask(rig.as_user(Method::GET, &format!("{path}?sysparm_display_value=true"))).await;
    assert!(
        shown["result"]["work_notes"]
            .as_str()
            .is_some_and(|notes| notes.matches("done").count() == 2)
    );

    assert_eq!(
        ask(rig.as_user(Method::DELETE, &path)).await,
        (StatusCode::NO_CONTENT, Value::Null)
    );
    let (status, body) = ask(rig.as_user(Method::GET, &path)).await;
    assert_eq!(
        (status.as_u16(), &body["error"]["message"]),
        (404, &json!("No Record found"))
    );
}

#[tokio::test]
async fn every_table_numbers_its_records() {
    let rig = Rig::start().await;
    let story = rig
        .create("rm_story", &json!({"short_description": "Town hall"}))
        .await;
    let task = rig
        .create(
            "rm_scrum_task",
            &json!({"short_description": "Book", "story": id(&story)}),
        )
        .await;
    let article = rig
        .create(
            "kb_knowledge",
            &json!({"short_description": "How", "text": "<p>so</p>"}),
        )
        .await;
    let plain = rig.create("task", &json!({"short_description": "Any"})).await;
    let numbers: Vec<&Value> = [&story, &task, &article, &plain]
        .iter()
        .map(|record| &record["number"])
        .collect();
    assert_eq!(
        numbers,
        ["STRY0010001", "STSK0010001", "KB0010002", "TASK0010001"]
    );
    assert_eq!(task["story"]["value"], id(&story));
    assert_eq!(article["workflow_state"], "draft");
    let path = format!("{TABLE}/kb_knowledge/{}", id(&article));
    let (_, body) = ask(rig
        .as_user(Method::PATCH, &path)
        .json(&json!({"workflow_state": "published"})))
    .await;
    assert_eq!(
        (&body["result"]["workflow_state"], &body["result"]["published"]),
        (&json!("published"), &json!("2023-11-14"))
    );
    let subtasks = rig
        .list(&format!("rm_scrum_task?sysparm_query=story={}", id(&story)))
        .await;
    assert_eq!(subtasks.len(), 1);
    // Tasks of every class are tasks.
    let tasks = rig
        .list("task?sysparm_fields=number,sys_class_name&sysparm_query=ORDERBYDESCnumber")
        .await;
    let numbers: Vec<&Value> = tasks.iter().map(|task| &task["number"]).collect();
    assert_eq!(
        numbers,
        ["TASK0010001", "STSK0010001", "STRY0010001", "INC0010001"]
    );
    let page = rig.bare(Method::GET, "/servicenow/kb_view.do?sysparm_article=KB0010002");
    assert!(
        page.send()
            .await
            .expect("a page")
            .text()
            .await
            .expect("text")
            .contains("<p>so</p>")
    );
}

#[tokio::test]
async fn lists_are_paged_counted_and_linked() {
    let rig = Rig::start().await;
    for n in 0..5 {
        rig.create("rm_story", &json!({"short_description": format!("story {n}")}))
            .await;
    }
    let path = format!(
        "{TABLE}/rm_story?sysparm_limit=2&sysparm_offset=2&sysparm_fields=short_description&sysparm_query=ORDERBYDESCnumber"
    );
    let answer = rig.as_user(Method::GET, &path).send().await.expect("an answer");
    assert_eq!(header(&answer, "x-total-count"), "5");
    let links = header(&answer, "link");
    let next = links
        .split(',')
        .find(|link| link.ends_with("rel=\"next\""))
        .expect("a next page")
        .to_owned();
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(
        body["result"],
        json!([{"short_description": "story 2"}, {"short_description": "story 1"}])
    );
    let url = next.split(['<', '>']).nth(1).expect("a link");
    let rest = url.split_once("/table/").expect("a table").1;
    assert_eq!(rig.list(rest).await, [json!({"short_description": "story 0"})]);
}

#[tokio::test]
async fn records_are_found_by_query() {
    let rig = Rig::start().await;
    let made = rig
        .create(
            "incident",
            &json!({"short_description": "a^b", "correlation_id": "key-1"}),
        )
        .await;
    let found = rig.list("incident?sysparm_query=correlation_id=key-1").await;
    assert_eq!(found.len(), 1);
    assert_eq!(id(&found[0]), id(&made));
    assert_eq!(
        rig.list("incident?sysparm_query=correlation_id=key-2").await,
        [Value::Null; 0]
    );
    assert_eq!(
        rig.list("incident?sysparm_query=short_descriptionLIKEa%5E%5Eb^active=true")
            .await
            .len(),
        1
    );
    assert_eq!(rig.list("incident?correlation_id=key-1").await.len(), 1);
}

#[tokio::test]
async fn references_and_choices_are_shown_as_asked() {
    let rig = Rig::start().await;
    let incident = rig.seeded().await;
    assert_eq!(incident["priority"], "3");
    assert!(
        incident["assignment_group"]["link"]
            .as_str()
            .is_some_and(|link| link.contains("/sys_user_group/"))
    );
    let shown = |flag: &'static str| {
        let path = format!("incident?sysparm_query=number=INC0010001&{flag}");
        let rig = &rig;
        async move { rig.list(&path).await[0].clone() }
    };
    let labels = shown("sysparm_display_value=true").await;
    assert_eq!(
        (&labels["priority"], &labels["state"]),
        (&json!("3 - Moderate"), &json!("New"))
    );
    assert_eq!(labels["assignment_group"]["display_value"], "AV Operations");
    let both = shown("sysparm_display_value=all&sysparm_exclude_reference_link=true").await;
    assert_eq!(
        both["priority"],
        json!({"display_value": "3 - Moderate", "value": "3"})
    );
    assert_eq!(both["caller_id"]["display_value"], "Dana Reyes");
    assert_eq!(both["caller_id"].get("link"), None);
    let bases = rig
        .list("kb_knowledge_base?sysparm_query=title=AV Operations")
        .await;
    assert_eq!(bases.len(), 1);
}

#[tokio::test]
async fn wrong_requests_get_the_error_envelope() {
    let rig = Rig::start().await;
    let url = |rest: &str| format!("/servicenow/api/now/{rest}");
    let post = |rest: &str| rig.as_user(Method::POST, &url(rest));
    let cases = [
        (rig.as_user(Method::GET, &url("table/toasters")), 400),
        (rig.as_user(Method::GET, &url("table/incident/0")), 404),
        (rig.as_user(Method::GET, &url("nothing")), 400),
        (
            post("table/incident")
                .header("content-type", "application/json")
                .body("{no"),
            400,
        ),
        (post("table/incident").json(&json!([1])), 400),
        (post("table/incident").body("short_description=x"), 415),
        (post("table/sys_user").json(&json!({"name": "intruder"})), 403),
        (post("attachment/file").body("x"), 400),
    ];
    for (request, expected) in cases {
        let shown = format!("{request:?}");
        let (status, body) = ask(request).await;
        assert_eq!(status, expected, "{shown}");
        assert_eq!(body["status"], "failure", "{shown}");
        assert!(body["error"]["message"].is_string(), "{shown}");
    }
    // An incident isn't found in another table.
    let incident = rig.seeded().await;
    assert_eq!(
        ask(rig.as_user(Method::GET, &url(&format!("table/rm_story/{}", id(&incident)))))
            .await
            .0,
        404
    );
    assert_eq!(
        ask(rig.as_user(Method::GET, &url(&format!("table/task/{}", id(&incident)))))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn files_are_attached_found_and_fetched() {
    let rig = Rig::start().await;
    let incident = rig.seeded().await;
    let bytes: Vec<u8> = (0..=255).collect();
    let path = format!(
        "{FILES}/file?table_name=incident&table_sys_id={}&file_name=log%201.bin",
        id(&incident)
    );
    let upload = rig
        .as_user(Method::POST, &path)
        .header("content-type", "image/png")
        .body(bytes.clone());
    let (status, body) = ask(upload).await;
    assert_eq!(status, 201);
    let made = &body["result"];
    assert_eq!(
        (&made["file_name"], &made["size_bytes"]),
        (&json!("log 1.bin"), &json!("256"))
    );
    let query = format!(
        "{FILES}?sysparm_query=table_name=incident^table_sys_id={}",
        id(&incident)
    );
    let (_, listed) = ask(rig.as_user(Method::GET, &query)).await;
    assert_eq!(listed["result"], json!([made]));
    let answer = rig
        .as_user(Method::GET, &format!("{FILES}/{}/file", id(made)))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert_eq!(answer.bytes().await.expect("bytes"), bytes);

    let missing = format!("{FILES}/file?table_name=incident&table_sys_id=0&file_name=x");
    assert_eq!(ask(rig.as_user(Method::POST, &missing).body("x")).await.0, 404);
    let path = format!("{TABLE}/incident/{}", id(&incident));
    ask(rig.as_user(Method::DELETE, &path)).await;
    let (_, listed) = ask(rig.as_user(Method::GET, &query)).await;
    assert_eq!(listed["result"], json!([]), "attachments go with their record");
}
