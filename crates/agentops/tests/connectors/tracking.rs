//! Jira and PagerDuty: their actions on a well-behaved sandbox, and their writes for the faults.

use ports::Tools as _;
use sandbox::Vendor;
use serde_json::{Value, json};
use types::{Mode, TenantId};

use crate::faults::Case;
use crate::rig::{Rig, told};

/// Every action of Jira.
pub async fn jira(rig: &Rig) {
    let text = "# Seen\nNo picture in **4A**\n- cable\n- input";
    let opened = rig
        .output(
            "jira.create_issue",
            json!({"project": "OPS", "summary": "No picture", "description": text, "labels": ["av"]}),
        )
        .await;
    let key = opened["key"].clone();
    assert_eq!(key, "OPS-2");
    let said = rig
        .output("jira.comment", json!({"issue": key, "text": "Cable swapped."}))
        .await;
    assert_eq!(said["issue"], key);
    let moved = rig
        .output("jira.transition", json!({"issue": key, "to": "in progress"}))
        .await;
    assert_eq!(moved["status"], "In Progress");
    let read = rig.output("jira.get_issue", json!({"issue": key})).await;
    assert_eq!(read["description"], "Seen\nNo picture in 4A\n- cable\n- input");
    assert_eq!(
        (&read["status"], &read["labels"]),
        (&moved["status"], &json!(["av"]))
    );
    let found = rig
        .output(
            "jira.search",
            json!({"jql": "project = OPS AND status = \"In Progress\"", "limit": 5}),
        )
        .await;
    assert_eq!(found["issues"][0]["key"], key);
    for (action, args) in [
        ("jira.get_issue", json!({"issue": "OPS-999"})),
        ("jira.search", json!({"jql": "colour = red"})),
        ("jira.create_issue", json!({"project": "NONE", "summary": "x"})),
        ("jira.transition", json!({"issue": key, "to": "Nowhere"})),
    ] {
        let refused = rig.perform("refused", action, &args).await;
        assert_eq!(told(&refused), "failed tool_refused", "{action}");
    }
}

/// Every action of PagerDuty.
pub async fn pagerduty(rig: &Rig) {
    let alert = rig
        .output(
            "pagerduty.trigger",
            json!({"summary": "Boardroom 4A is down", "severity": "critical"}),
        )
        .await;
    let key = alert["dedup_key"].clone();
    let status = |rig: &Rig| {
        let state = rig.sandbox.state();
        state["pagerduty"]["alerts"][0]["status"].clone()
    };
    for (action, expected) in [
        ("pagerduty.acknowledge", "acknowledged"),
        ("pagerduty.resolve", "resolved"),
    ] {
        rig.output(action, json!({"dedup_key": key})).await;
        assert_eq!(status(rig), expected);
    }
}

/// Their writes, and how to hit exactly the request that does each.
pub async fn writes(rig: &Rig) -> Vec<Case> {
    let alert = rig.output("pagerduty.trigger", json!({"summary": "first"})).await;
    let case = |action, args: Value, vendor, path| Case {
        action,
        args,
        vendor,
        method: "POST",
        path,
    };
    let issue = |action, path, args| case(action, args, Vendor::Jira, path);
    let event = |action, args| case(action, args, Vendor::PagerDuty, "/v2/enqueue");
    let key = json!({"dedup_key": alert["dedup_key"]});
    vec![
        issue(
            "jira.create_issue",
            "/rest/api/3/issue",
            json!({"project": "OPS", "summary": "s"}),
        ),
        issue(
            "jira.comment",
            "/rest/api/3/issue/OPS-1/comment",
            json!({"issue": "OPS-1", "text": "t"}),
        ),
        issue(
            "jira.transition",
            "/rest/api/3/issue/OPS-1/transitions",
            json!({"issue": "OPS-1", "to": "51"}),
        ),
        event("pagerduty.trigger", json!({"summary": "s"})),
        event("pagerduty.acknowledge", key.clone()),
        event("pagerduty.resolve", key),
    ]
}

#[tokio::test]
async fn tickets_through_jira_and_servicenow_go_the_same_way_to_the_end() {
    for through in ["jira:OPS", "servicenow"] {
        let rig = Rig::start(false).await;
        rig.keep_tickets(through);
        let wish = json!({"title": "No \"sound\"", "urgency": "high", "category": "audio"});
        let made = rig.output("incident_ticketing.create_ticket", wish).await;
        let ticket = made["number"].clone();
        let step = json!({"ticket": ticket, "status": "in_progress"});
        let moved = rig.output("incident_ticketing.update_ticket", step).await;
        assert_eq!(moved["status"], "in_progress", "{through}");
        let comment = json!({"ticket": ticket, "comment": "cable swapped"});
        rig.output("incident_ticketing.comment_on_ticket", comment).await;
        let find = |open_only: bool| json!({"text": "No \"sound\"", "open_only": open_only});
        let found = rig.output("incident_ticketing.find_tickets", find(true)).await;
        assert_eq!(found["tickets"][0]["number"], ticket, "{through}");
        let done = json!({"ticket": ticket, "resolution": "A new cable."});
        for _ in 0..2 {
            let done = rig
                .output("incident_ticketing.resolve_ticket", done.clone())
                .await;
            assert_eq!(done["status"], "resolved", "{through}");
        }
        let read = rig
            .output("incident_ticketing.get_ticket", json!({"ticket": ticket}))
            .await;
        let seen = (&read["status"], &read["urgency"], &read["through"]);
        let keeper = through.split(':').next().unwrap_or_default();
        assert_eq!(seen, (&json!("resolved"), &json!("high"), &json!(keeper)));
        let open = rig.output("incident_ticketing.find_tickets", find(true)).await;
        assert_eq!(open["tickets"], json!([]), "{through}");
        let health = rig
            .registry
            .health(TenantId::DEFAULT, "incident_ticketing", Mode::Mock)
            .await;
        assert!(health.ok, "{health:?}");
        if through == "jira:OPS" {
            let state = rig.sandbox.state();
            let issues = state["jira"]["issues"].as_object().expect("issues");
            let issue = issues
                .values()
                .find(|issue| issue["key"] == ticket)
                .expect("the issue");
            assert_eq!(
                issue["comments"].as_array().map(Vec::len),
                Some(2),
                "the resolution stands once"
            );
        }
        rig.sandbox.shutdown().await;
    }
}
