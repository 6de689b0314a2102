//! Tickets at the built-in desk and through ServiceNow, by the same actions.

use serde_json::{Value, json};
use types::{ArtifactKind, Outcome, ProbeResult};
use wiremock::ResponseTemplate;

use crate::support::{KEY, World, answer, body, told};

const INCIDENTS: &str = "/api/now/table/incident";
const SYS_ID: &str = "0123456789abcdef0123456789abcdef";

fn record(state: &str) -> Value {
    json!({"sys_id": SYS_ID, "number": "INC0010001", "short_description": "No sound",
        "description": "", "state": state, "urgency": "1", "opened_at": "2023-11-14 22:13:20",
        "correlation_id": KEY})
}

async fn output(world: &World, key: &str, action: &str, args: Value) -> Value {
    match world.perform_keyed(key, action, args).await {
        Outcome::Succeeded { output, .. } => output.value,
        other => panic!("{key}: {other:?}"),
    }
}

#[tokio::test]
async fn the_built_in_desk_keeps_a_ticket_through_its_life() {
    let world = World::new().await;
    let made = world
        .perform(
            "incident_ticketing.create_ticket",
            json!({"title": "No sound", "urgency": "high"}),
        )
        .await;
    let Outcome::Succeeded {
        output: made,
        artifacts,
    } = made
    else {
        panic!("{made:?}")
    };
    assert_eq!(
        (artifacts[0].kind, artifacts[0].external_id.as_str()),
        (ArtifactKind::Incident, "TKT-1")
    );
    assert_eq!(
        (&made.value["status"], &made.value["through"]),
        (&json!("new"), &json!("built_in"))
    );
    let again = world
        .output(
            "incident_ticketing.create_ticket",
            json!({"title": "No sound", "urgency": "high"}),
        )
        .await;
    assert_eq!(again, made.value, "the same call opens one ticket");

    for (key, action, args) in [
        (
            "u",
            "update_ticket",
            json!({"ticket": "TKT-1", "status": "in_progress", "assignee": "ann"}),
        ),
        (
            "c",
            "comment_on_ticket",
            json!({"ticket": "tkt-1", "comment": "Looked at it."}),
        ),
        (
            "c",
            "comment_on_ticket",
            json!({"ticket": "tkt-1", "comment": "Looked at it."}),
        ),
        (
            "r",
            "resolve_ticket",
            json!({"ticket": "1", "resolution": "A new cable."}),
        ),
    ] {
        output(&world, key, &format!("incident_ticketing.{action}"), args).await;
    }
    let read = world
        .output("incident_ticketing.get_ticket", json!({"ticket": "TKT-1"}))
        .await;
    for (field, expected) in [
        ("status", "resolved"),
        ("assignee", "ann"),
        ("resolution", "A new cable."),
        ("urgency", "high"),
    ] {
        assert_eq!(read[field], expected, "{field}");
    }
    assert_eq!(read["comments"].as_array().map(Vec::len), Some(1), "{read}");
    let find = |open_only: bool| json!({"text": "sound", "open_only": open_only});
    let open = world.output("incident_ticketing.find_tickets", find(true)).await;
    let all = world.output("incident_ticketing.find_tickets", find(false)).await;
    assert_eq!(
        (
            open["tickets"].as_array().map(Vec::len),
            all["tickets"].as_array().map(Vec::len)
        ),
        (Some(0), Some(1))
    );
    assert!(
        world
            .server
            .received_requests()
            .await
            .expect("recorded")
            .is_empty()
    );
}

#[tokio::test]
async fn a_ticket_that_is_not_there_is_named() {
    let world = World::new().await;
    for ticket in ["TKT-7", "INC0010001", "TKT-", "99999999999999999999"] {
        let missing = world
            .perform("incident_ticketing.get_ticket", json!({"ticket": ticket}))
            .await;
        assert_eq!(told(&missing), "failed record_not_found", "{ticket}");
    }
    let odd = world
        .perform(
            "incident_ticketing.update_ticket",
            json!({"ticket": "TKT-1", "urgency": "urgent"}),
        )
        .await;
    assert_eq!(told(&odd), "failed arguments_invalid");
}

#[tokio::test]
async fn servicenow_keeps_tickets_as_incidents() {
    let world = World::new().await;
    world.keep_tickets("servicenow");
    world
        .answers("POST", INCIDENTS, answer(201, json!({"result": record("1")})), 0)
        .await;
    let route = format!("{INCIDENTS}/{SYS_ID}");
    world.tells("PATCH", &route, json!({"result": record("6")})).await;
    world
        .tells("GET", INCIDENTS, json!({"result": [record("2")]}))
        .await;

    let wish = json!({"title": "No sound", "urgency": "high", "assignee": "ann"});
    let made = world.output("incident_ticketing.create_ticket", wish).await;
    let told = (
        &made["number"],
        &made["status"],
        &made["urgency"],
        &made["through"],
    );
    assert_eq!(
        told,
        (
            &json!("INC0010001"),
            &json!("new"),
            &json!("high"),
            &json!("servicenow")
        )
    );
    let sent = body(&world.seen("POST", INCIDENTS).await[0]);
    let expected =
        json!({"short_description": "No sound", "urgency": "1", "assigned_to": "ann", "correlation_id": KEY});
    assert_eq!(sent, expected);

    let resolve = json!({"ticket": SYS_ID, "resolution": "A new cable.", "code": "Solution provided"});
    let done = output(&world, "r", "incident_ticketing.resolve_ticket", resolve).await;
    assert_eq!(done["status"], "resolved");
    let comment = json!({"ticket": SYS_ID, "comment": "Looked at it."});
    output(&world, "c", "incident_ticketing.comment_on_ticket", comment).await;
    let sent: Vec<Value> = world.seen("PATCH", &route).await.iter().map(body).collect();
    let closed = json!({"state": "6", "close_notes": "A new cable.", "close_code": "Solution provided"});
    assert_eq!(sent, [closed, json!({"work_notes": "Looked at it."})]);

    let found = world.output("incident_ticketing.find_tickets", json!({})).await;
    assert_eq!(found["tickets"][0]["status"], "in_progress");
    assert!(world.registry_health("incident_ticketing").await.ok);
}

#[tokio::test]
async fn a_call_stays_where_it_began_when_the_setting_changes() {
    let world = World::new().await;
    world.keep_tickets("servicenow");
    world
        .answers("POST", INCIDENTS, ResponseTemplate::new(502), 0)
        .await;
    world
        .tells("GET", INCIDENTS, json!({"result": [record("1")]}))
        .await;
    let wish = json!({"title": "No sound"});
    let lost = world
        .perform("incident_ticketing.create_ticket", wish.clone())
        .await;
    assert_eq!(told(&lost), "unknown tool_failed");
    world.keep_tickets("built_in");
    let found = world
        .look_up("incident_ticketing.create_ticket", wish.clone())
        .await;
    let ProbeResult::Happened { output, .. } = found else {
        panic!("{found:?}")
    };
    assert_eq!(
        output.value["number"], "INC0010001",
        "it is looked for where it was sent"
    );
    let other = world
        .perform_keyed("another", "incident_ticketing.create_ticket", wish)
        .await;
    let Outcome::Succeeded { output, .. } = other else {
        panic!("{other:?}")
    };
    assert_eq!(output.value["through"], "built_in");
}

#[tokio::test]
async fn a_built_in_ticket_of_unknown_outcome_is_found_by_its_key() {
    let world = World::new().await;
    let wish = json!({"title": "No sound"});
    let absent = world
        .look_up("incident_ticketing.create_ticket", wish.clone())
        .await;
    assert_eq!(absent, ProbeResult::Absent);
    let made = world
        .output("incident_ticketing.create_ticket", wish.clone())
        .await;
    let found = world.look_up("incident_ticketing.create_ticket", wish).await;
    let ProbeResult::Happened { output, .. } = found else {
        panic!("{found:?}")
    };
    assert_eq!(output.value, made);
}

#[tokio::test]
async fn a_keeper_that_nobody_knows_is_a_setting_to_mend() {
    let world = World::new().await;
    world.keep_tickets("zoom");
    let refused = world
        .perform("incident_ticketing.create_ticket", json!({"title": "x"}))
        .await;
    assert_eq!(told(&refused), "failed tool_misconfigured");
}
