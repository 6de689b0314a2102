//! ServiceNow: fields that are sent, records that are found again, and what a search may hold.

use serde_json::{Value, json};
use types::{ArtifactKind, Label, Outcome, ProbeResult};
use wiremock::ResponseTemplate;

use crate::support::{KEY, World, answer, body, header, told};

const SYS_ID: &str = "0123456789abcdef0123456789abcdef";
const STORY_ID: &str = "fedcba9876543210fedcba9876543210";
const INCIDENT: &str = "/api/now/table/incident";
const ARTICLE: &str = "/api/now/table/kb_knowledge";

fn incident() -> Value {
    json!({"sys_id": SYS_ID, "number": "INC0010001", "short_description": "HDMI black", "state": "1", "urgency": "2", "correlation_id": KEY})
}

fn query(request: &wiremock::Request, name: &str) -> String {
    request
        .url
        .query_pairs()
        .find(|(key, _)| key == name)
        .map_or(String::new(), |(_, value)| value.into_owned())
}

#[tokio::test]
async fn an_incident_is_opened_with_the_marker() {
    let world = World::new().await;
    world
        .answers("POST", INCIDENT, answer(201, json!({"result": incident()})), 0)
        .await;
    let args = json!({"short_description": "HDMI black", "description": "Boardroom 4A", "urgency": "Medium"});
    let Outcome::Succeeded { output, artifacts } = world.perform("servicenow.create_incident", args).await
    else {
        panic!("not opened")
    };
    assert_eq!(
        (&output.value["number"], &output.value["sys_id"]),
        (&json!("INC0010001"), &json!(SYS_ID))
    );
    let url = format!(
        "{}/nav_to.do?uri=incident.do%3Fsys_id%3D{SYS_ID}",
        world.server.uri()
    );
    assert_eq!(output.value["url"], url);
    assert_eq!(output.labels.at("/number"), Label::System.into());
    assert!(output.labels.at("/short_description").contains(Label::Untrusted));
    assert_eq!(
        (artifacts[0].kind, artifacts[0].external_id.as_str()),
        (ArtifactKind::Incident, "INC0010001")
    );
    let sent = &world.seen("POST", INCIDENT).await[0];
    assert_eq!(
        body(sent),
        json!({"short_description": "HDMI black", "description": "Boardroom 4A", "urgency": "2", "correlation_id": KEY})
    );
    assert_eq!(header(sent, "authorization"), "Basic YWdlbnQ6cGFzcw==");
}

#[tokio::test]
async fn created_records_are_found_again_by_their_marker() {
    for (action, kind, table, field, args) in [
        (
            "servicenow.create_incident",
            ArtifactKind::Incident,
            "incident",
            "correlation_id",
            json!({"short_description": "x"}),
        ),
        (
            "servicenow.create_article",
            ArtifactKind::Kb,
            "kb_knowledge",
            "meta",
            json!({"title": "t", "html": "x"}),
        ),
        (
            "servicenow.create_story",
            ArtifactKind::Story,
            "rm_story",
            "correlation_id",
            json!({"short_description": "x"}),
        ),
        (
            "servicenow.create_subtask",
            ArtifactKind::Task,
            "rm_scrum_task",
            "correlation_id",
            json!({"story": STORY_ID, "short_description": "x"}),
        ),
        (
            "servicenow.create_task",
            ArtifactKind::Task,
            "task",
            "correlation_id",
            json!({"short_description": "x"}),
        ),
    ] {
        let route = format!("/api/now/table/{table}");
        let mut record = json!({"sys_id": SYS_ID, "number": "REC0000001"});
        record[field] = if field == "meta" {
            format!("av, {KEY}").into()
        } else {
            KEY.into()
        };
        let world = World::new().await;
        world.tells("GET", &route, json!({"result": [record]})).await;
        let found = world.look_up(action, args.clone()).await;
        let ProbeResult::Happened { output, artifacts } = found else {
            panic!("{action}: {found:?}")
        };
        assert_eq!((&output.value["sys_id"], artifacts.len()), (&json!(SYS_ID), 1));
        assert_eq!(artifacts[0].kind, kind, "{action}");
        let asked = query(&world.seen("GET", &route).await[0], "sysparm_query");
        assert!(asked.starts_with(field) && asked.ends_with(KEY), "{asked}");
        assert!(
            world.seen("POST", &route).await.is_empty(),
            "a look-up creates nothing"
        );

        let world = World::new().await;
        world.tells("GET", &route, json!({"result": []})).await;
        assert_eq!(
            world.look_up(action, args.clone()).await,
            ProbeResult::Absent,
            "{action}"
        );

        // An instance that ignores the condition answers with other records: that proves nothing.
        record[field] = format!("{KEY}-of-another").into();
        for doubtful in [
            answer(200, json!({"result": [record]})),
            ResponseTemplate::new(500),
            answer(200, json!({})),
            answer(401, json!({})),
        ] {
            let world = World::new().await;
            world.answers("GET", &route, doubtful, 0).await;
            let found = world.look_up(action, args.clone()).await;
            assert!(
                matches!(found, ProbeResult::Unclear { .. }),
                "{action}: {found:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_incident_is_read_and_changed_by_number() {
    let world = World::new().await;
    world
        .tells("GET", INCIDENT, json!({"result": [incident()]}))
        .await;
    world
        .tells(
            "PATCH",
            &format!("{INCIDENT}/{SYS_ID}"),
            json!({"result": incident()}),
        )
        .await;
    assert_eq!(
        world
            .output("servicenow.get_incident", json!({"incident": "INC0010001"}))
            .await["sys_id"],
        SYS_ID
    );
    let args = json!({"incident": "INC0010001", "state": "resolved", "close_notes": "restarted"});
    world.output("servicenow.update_incident", args).await;
    let sent = &world.seen("PATCH", &format!("{INCIDENT}/{SYS_ID}")).await[0];
    assert_eq!(body(sent), json!({"state": "6", "close_notes": "restarted"}));
    world
        .output(
            "servicenow.add_work_note",
            json!({"incident": SYS_ID, "note": "seen"}),
        )
        .await;
    let sent = &world.seen("PATCH", &format!("{INCIDENT}/{SYS_ID}")).await[1];
    assert_eq!(body(sent), json!({"work_notes": "seen"}));
}

#[tokio::test]
async fn a_record_that_is_not_there_is_told_so() {
    let world = World::new().await;
    world.tells("GET", INCIDENT, json!({"result": []})).await;
    for reference in ["INC0099999", SYS_ID] {
        let outcome = world
            .perform(
                "servicenow.update_incident",
                json!({"incident": reference, "state": "closed"}),
            )
            .await;
        let expected = if reference == SYS_ID {
            "failed tool_refused"
        } else {
            "failed record_not_found"
        };
        assert_eq!(told(&outcome), expected, "{reference}");
        assert_eq!(
            told(
                &world
                    .perform("servicenow.get_incident", json!({"incident": reference}))
                    .await
            ),
            "failed record_not_found"
        );
    }
}

#[tokio::test]
async fn a_failed_look_at_a_record_leaves_its_change_out_of_doubt() {
    let world = World::new().await;
    world
        .answers("GET", INCIDENT, ResponseTemplate::new(503), 0)
        .await;
    let outcome = world
        .perform(
            "servicenow.update_incident",
            json!({"incident": "INC0010001", "state": "closed"}),
        )
        .await;
    assert_eq!(told(&outcome), "retry tool_failed");
}

#[tokio::test]
async fn a_search_shows_open_incidents_and_holds_no_other_condition() {
    let world = World::new().await;
    let closed = json!({"sys_id": STORY_ID, "number": "INC0010002", "state": "7"});
    world
        .tells("GET", INCIDENT, json!({"result": [closed, incident()]}))
        .await;
    let found = world
        .output("servicenow.find_incidents", json!({"text": " HDMI "}))
        .await;
    assert_eq!(found["incidents"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["incidents"][0]["number"], "INC0010001");
    let asked = query(&world.seen("GET", INCIDENT).await[0], "sysparm_query");
    assert_eq!(asked, "short_descriptionLIKEHDMI^ORDERBYDESCsys_created_on");
    let all = world
        .output("servicenow.find_incidents", json!({"open_only": false}))
        .await;
    assert_eq!(all["incidents"].as_array().map(Vec::len), Some(2));
    let sly = world
        .perform("servicenow.find_incidents", json!({"text": "x^NQactive=true"}))
        .await;
    assert_eq!(told(&sly), "failed arguments_invalid");
}

#[tokio::test]
async fn an_article_is_a_draft_unless_told_otherwise() {
    let world = World::new().await;
    let record = json!({"sys_id": SYS_ID, "number": "KB0012345", "short_description": "HDMI", "workflow_state": "draft"});
    world
        .answers("POST", ARTICLE, answer(201, json!({"result": record})), 0)
        .await;
    let args = json!({"title": "HDMI", "html": "<p>x</p>", "category": "AV", "tags": ["zoom", "rooms"]});
    let Outcome::Succeeded { output, artifacts } = world.perform("servicenow.create_article", args).await
    else {
        panic!("not written")
    };
    let url = format!("{}/kb_view.do?sysparm_article=KB0012345", world.server.uri());
    assert_eq!(
        (&output.value["url"], artifacts[0].url.as_deref()),
        (&json!(url), Some(url.as_str()))
    );
    assert_eq!(
        (artifacts[0].kind, artifacts[0].external_id.as_str()),
        (ArtifactKind::Kb, "KB0012345")
    );
    let sent = body(&world.seen("POST", ARTICLE).await[0]);
    assert_eq!(
        sent,
        json!({"short_description": "HDMI", "text": "<p>x</p>", "category": "AV", "meta": format!("zoom, rooms, {KEY}"), "workflow_state": "draft"})
    );
    let older =
        json!({"short_description": "HDMI", "text": "x", "kb_knowledge_base": SYS_ID, "publish": true});
    let older = tools::canonical_arguments("servicenow.create_article", &older);
    world.output("servicenow.create_article", older).await;
    let sent = body(&world.seen("POST", ARTICLE).await[1]);
    assert_eq!(
        (&sent["workflow_state"], &sent["kb_knowledge_base"], &sent["text"]),
        (&json!("published"), &json!(SYS_ID), &json!("x"))
    );
}

#[tokio::test]
async fn an_article_is_read_with_its_body() {
    let world = World::new().await;
    let reference = json!({"link": "https://x", "value": "base"});
    world.tells("GET", ARTICLE, json!({"result": [{"sys_id": SYS_ID, "number": "KB1234", "text": "<p>x</p>", "workflow_state": "published", "category": "", "kb_knowledge_base": reference}]})).await;
    let article = world
        .output("servicenow.get_article", json!({"article": SYS_ID}))
        .await;
    assert_eq!(
        (&article["html"], &article["category"], &article["workflow_state"]),
        (&json!("<p>x</p>"), &Value::Null, &json!("published"))
    );
}

#[tokio::test]
async fn a_file_is_attached_and_found_again_by_its_stored_name() {
    let args =
        json!({"sys_id": SYS_ID, "file_name": "log.txt", "content": "lines", "content_type": "text/plain"});
    let world = World::new().await;
    let stored = json!({"sys_id": STORY_ID, "file_name": "log-x.txt", "table_name": "kb_knowledge", "table_sys_id": SYS_ID, "size_bytes": "5", "download_link": "https://x/file"});
    world
        .answers(
            "POST",
            "/api/now/attachment/file",
            answer(201, json!({"result": stored})),
            0,
        )
        .await;
    let output = world.output("servicenow.attach_file", args.clone()).await;
    assert_eq!(
        (&output["size_bytes"], &output["record"]),
        (&json!(5), &json!(SYS_ID))
    );
    let sent = &world.seen("POST", "/api/now/attachment/file").await[0];
    assert_eq!(
        (sent.body.as_slice(), header(sent, "content-type")),
        (&b"lines"[..], "text/plain")
    );
    assert_eq!(query(sent, "table_name"), "kb_knowledge");
    let name = query(sent, "file_name");
    assert!(name.starts_with("log-") && name.ends_with(".txt"), "{name}");

    let listed = |name: &str| json!({"result": [{"sys_id": STORY_ID, "file_name": name}]});
    let world = World::new().await;
    world.tells("GET", "/api/now/attachment", listed(&name)).await;
    assert!(matches!(
        world.look_up("servicenow.attach_file", args.clone()).await,
        ProbeResult::Happened { .. }
    ));
    let world = World::new().await;
    world
        .tells("GET", "/api/now/attachment", json!({"result": []}))
        .await;
    assert_eq!(
        world.look_up("servicenow.attach_file", args.clone()).await,
        ProbeResult::Absent
    );
    let world = World::new().await;
    world.tells("GET", "/api/now/attachment", listed("log.txt")).await;
    assert!(matches!(
        world.look_up("servicenow.attach_file", args).await,
        ProbeResult::Unclear { .. }
    ));
}

#[tokio::test]
async fn a_story_has_subtasks() {
    let world = World::new().await;
    world
        .tells(
            "GET",
            "/api/now/table/rm_story",
            json!({"result": [{"sys_id": STORY_ID, "number": "STRY0010001"}]}),
        )
        .await;
    let told =
        json!({"sys_id": SYS_ID, "number": "STSK0010001", "story": {"link": "https://x", "value": STORY_ID}});
    world
        .answers(
            "POST",
            "/api/now/table/rm_scrum_task",
            answer(201, json!({"result": told})),
            0,
        )
        .await;
    let args = json!({"story": "STRY0010001", "short_description": "Book the crew", "planned_hours": 2});
    let subtask = world.output("servicenow.create_subtask", args).await;
    assert_eq!(
        (&subtask["number"], &subtask["story"]),
        (&json!("STSK0010001"), &json!(STORY_ID))
    );
    let sent = body(&world.seen("POST", "/api/now/table/rm_scrum_task").await[0]);
    assert_eq!(
        sent,
        json!({"short_description": "Book the crew", "planned_hours": "2", "story": STORY_ID, "correlation_id": KEY})
    );
}

#[tokio::test]
async fn servicenows_own_words_are_repeated() {
    let world = World::new().await;
    let refusal = json!({"error": {"message": "Operation Failed", "detail": "ACL restricts the record"}, "status": "failure"});
    world.answers("POST", INCIDENT, answer(403, refusal), 0).await;
    let outcome = world
        .perform("servicenow.create_incident", json!({"short_description": "x"}))
        .await;
    let Outcome::Failed { failure, .. } = &outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        failure
            .message
            .contains("Operation Failed (ACL restricts the record)"),
        "{failure}"
    );
}
