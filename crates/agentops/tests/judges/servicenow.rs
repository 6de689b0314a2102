//! ServiceNow: our requests like those of pysnc, which is ServiceNow's own, and a round trip by it.

use sandbox::Vendor;
use serde_json::{Map, Value, json};

use crate::peers::Tls;
use crate::recorder::{Exchange, Recorded};
use crate::same::{Judge, all_problems};

/// Why nothing of pysnc says which fields a record has.
const FIELDS: &str = "an instance's tables say which fields a record has; pysnc takes any";

/// Uses every action and every look-up; gives back the exchanges.
async fn exchange(rig: &Recorded) -> Vec<Exchange> {
    let incident = json!({"short_description": "s", "description": "d", "urgency": "high", "impact": "low"});
    let opened = rig.output("servicenow.create_incident", incident.clone()).await;
    let at = |name: &str, value: &str| json!({"incident": opened["number"], name: value});
    rig.output("servicenow.get_incident", json!({"incident": opened["sys_id"]}))
        .await;
    rig.output("servicenow.find_incidents", json!({"text": "s", "limit": 3}))
        .await;
    rig.output("servicenow.update_incident", at("description", "more"))
        .await;
    rig.output("servicenow.add_work_note", at("note", "looked")).await;
    let article = json!({"title": "t", "html": "<p>x</p>", "tags": ["av"]});
    let written = rig.output("servicenow.create_article", article.clone()).await;
    rig.output("servicenow.get_article", json!({"article": written["number"]}))
        .await;
    let change = json!({"article": written["sys_id"], "html": "<p>y</p>"});
    rig.output("servicenow.update_article", change).await;
    let file = json!({"sys_id": written["sys_id"], "file_name": "a.txt", "content": "x", "content_type": "text/plain"});
    rig.output("servicenow.attach_file", file.clone()).await;
    let story = json!({"short_description": "s", "acceptance_criteria": "a"});
    let told = rig.output("servicenow.create_story", story.clone()).await;
    let subtask = json!({"short_description": "s", "story": told["number"], "planned_hours": 2});
    rig.output("servicenow.create_subtask", subtask.clone()).await;
    let task = json!({"short_description": "s", "due_date": "2030-01-01"});
    rig.output("servicenow.create_task", task.clone()).await;
    for (action, args) in [
        ("servicenow.create_incident", incident),
        ("servicenow.create_article", article),
        ("servicenow.attach_file", file),
        ("servicenow.create_story", story),
        ("servicenow.create_subtask", subtask),
        ("servicenow.create_task", task),
    ] {
        rig.look_up("nobody", action, &args).await;
    }
    rig.exchanges("/servicenow")
}

#[tokio::test]
async fn our_requests_are_like_those_of_servicenows_own_sdk() {
    let rig = Recorded::start().await;
    let ours = exchange(&rig).await;
    // The records that our connector changed, for pysnc to change them, too.
    let mut changed = Map::new();
    let mut attached = None;
    for exchange in &ours {
        let parts: Vec<&str> = exchange.path.split('/').skip(5).collect();
        match (exchange.method.as_str(), parts.as_slice()) {
            ("PATCH", [table, record]) => {
                changed.insert((*table).to_owned(), (*record).into());
            }
            ("POST", ["file"]) => attached = Some(exchange.query_pairs()),
            _ => {}
        }
    }
    assert_eq!(changed.keys().collect::<Vec<_>>(), ["incident", "kb_knowledge"]);
    let made = ["rm_story", "rm_scrum_task", "task"];
    let pairs: Map<String, Value> = attached
        .expect("a file was attached")
        .into_iter()
        .map(|(name, text)| (name, text.into()))
        .collect();
    let things = json!({"changed": changed, "made": made, "attached": pairs});
    let (mut known, _) = rig
        .record("record_servicenow.py", Vendor::ServiceNow, things)
        .await;
    known.retain(|exchange| exchange.label.contains('.'));
    for exchange in &mut known {
        // An address without a version is that of the newest; pysnc names version 1 here only.
        exchange.path = exchange
            .path
            .replace("/api/now/v1/attachment", "/api/now/attachment");
    }
    let mut judge = Judge::new(known);
    for field in FIELD_NAMES {
        judge = judge.except(field, FIELDS);
    }
    for option in OPTIONS {
        judge = judge.except(
            option,
            "pysnc always says how it wants values and pages; ServiceNow has defaults",
        );
    }
    let judge = judge.except(
        "query/sysparm_limit",
        "pysnc has no way to limit a list of attachments",
    );
    assert_eq!(all_problems(&judge, &ours), Vec::<String>::new());
}

/// Fields that our connector writes; the sandbox's tables have them.
const FIELD_NAMES: [&str; 13] = [
    "/acceptance_criteria",
    "/correlation_id",
    "/description",
    "/due_date",
    "/impact",
    "/meta",
    "/planned_hours",
    "/short_description",
    "/story",
    "/text",
    "/urgency",
    "/work_notes",
    "/workflow_state",
];
/// Parameters that pysnc never leaves out.
const OPTIONS: [&str; 4] = [
    "query/sysparm_display_value",
    "query/sysparm_exclude_reference_link",
    "query/sysparm_offset",
    "query/sysparm_suppress_pagination_header",
];

#[tokio::test]
async fn the_servicenow_sdk_completes_a_round_trip() {
    let tls = Tls::start().await;
    let told = tls.sdk("servicenow", Vendor::ServiceNow).await;
    let state = tls.sandbox.state();
    let records = state["servicenow"]["records"].as_object().expect("records");
    let id = told["sys_id"].as_str().expect("an id");
    assert_eq!(records[id]["urgency"], "1");
}
