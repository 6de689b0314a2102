//! The same promises while vendors lose answers and the server goes away.

use serde_json::{Value, json};

use crate::house::{House, fault, fixture};

#[tokio::test]
async fn every_answer_is_lost_and_every_effect_is_there_once() {
    let house = House::new();
    house.save(&fixture("every-write.yaml"), "every-write");
    let before = house.world().await;
    let once = |vendor: &str, path: &str| {
        let mut rule = fault(vendor, "PATCH", path, "lost_answer");
        rule["times"] = json!(1);
        rule
    };
    house
        .faults(&json!([
            fault("slack", "POST", "/api/chat.postMessage", "lost_answer"),
            fault("zoom", "POST", "/v2/users", "lost_answer"),
            fault("servicenow", "POST", "/api/now", "lost_answer"),
            once("servicenow", "/api/now/table/incident"),
            once("servicenow", "/api/now/table/kb_knowledge"),
        ]))
        .await;
    let run = house.begin("every-write", &json!({}));
    let view = house.succeeds(&run);
    let lost = house.fired().await;
    assert_eq!(lost, 13, "an answer was not lost");

    let log = house.log();
    assert!(
        !log.contains("nobody waits for a look-up"),
        "an effect was looked up twice:\n{log}"
    );

    let outputs = view["run"]["outputs"].as_object().expect("outputs");
    assert!(outputs.values().all(|output| !output.is_null()), "{outputs:?}");
    let after = house.world().await;
    let added = |table: &str| after.records(table, "number").len() - before.records(table, "number").len();
    for table in ["rm_story", "rm_scrum_task", "task", "incident", "kb_knowledge"] {
        assert_eq!(added(table), 1, "{table}");
    }
    assert_eq!(after.sessions("Meeting"), ["One meeting"]);
    assert_eq!(after.sessions("Webinar"), ["One webinar"]);
    assert_eq!(after.attachments().len(), 1);
    assert_eq!(after.messages("avops"), ["One message", "One reply"]);
    assert_eq!(after.all_messages(), 3);
    assert!(
        after.records("incident", "state").contains(&"2".to_owned()),
        "the update was lost"
    );
    assert!(
        after
            .records("kb_knowledge", "workflow_state")
            .iter()
            .all(|state| state == "published")
    );
}

#[tokio::test]
async fn a_restart_whose_answer_is_lost_is_never_repeated_on_a_guess() {
    let house = House::new();
    house
        .faults(&json!([fault("zoom", "PATCH", "/v2/rooms", "lost_answer")]))
        .await;
    let run = house.begin("zoom-room-hdmi-black", &json!({"room": "Boardroom 4A"}));
    let approval = house.until_approval(&run);
    house.json(&["approvals", "approve", &approval, "--as", "bob"]);

    let view = house.until_asked(&run, "uncertain");
    assert_eq!(
        (&view["asks"][0]["step"], &view["run"]["needs_attention"]),
        (&json!("act/restart"), &json!(true))
    );
    assert_eq!(house.world().await.restarts(), 1);
    house.json(&["run", "resolve", &run, "restart", "happened", "--as", "bob"]);
    let view = house.succeeds(&run);
    assert_eq!(view["run"]["outputs"]["restarted"], true);
    assert_eq!(house.world().await.restarts(), 1, "it was done twice");
}

#[tokio::test]
async fn a_server_that_goes_away_in_the_middle_goes_on_where_it_was() {
    let mut house = House::new();
    let mut slow = fault("servicenow", "POST", "/api/now/table/rm_scrum_task", "latency");
    slow["ms"] = json!(1_500);
    house.faults(&json!([slow])).await;
    let run = house.begin(
        "event-intake-wizard",
        &json!({
            "event_type": "webinar", "topic": "Half way", "date": "2030-01-20T17:00:00Z", "contact": "Dana",
            "options": ["polls"],
        }),
    );
    let filing = |view: &Value| {
        let steps = view["steps"].as_array().expect("steps");
        steps
            .iter()
            .any(|step| step["step"] == "act/standard_tasks[0]" && step["status"] == "running")
    };
    house.until(&run, "its tasks", filing);
    house.stop();
    let view = house.json(&["run", "show", &run]);
    let unfinished =
        !["succeeded", "failed", "cancelled"].contains(&view["run"]["status"].as_str().expect("a state"));
    assert!(unfinished, "{:#}", view["run"]);

    house.start();
    house.until_asked(&run, "task");
    house.stop();
    house.start();
    house.json(&["run", "task", &run, "rehearsal", "done", "--as", "bob"]);
    house.succeeds(&run);
    let world = house.world().await;
    assert_eq!(world.records("rm_story", "number").len(), 1);
    assert_eq!(world.records("rm_scrum_task", "number").len(), 5);
    assert_eq!(world.sessions("Webinar"), ["Half way"]);
    assert_eq!(world.messages("av-events").len(), 2);
}
