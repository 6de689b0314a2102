//! ServiceNow: a round trip by pysnc.

use sandbox::Vendor;

use crate::peers::Tls;

#[tokio::test]
async fn the_servicenow_sdk_completes_a_round_trip() {
    let tls = Tls::start().await;
    let told = tls.sdk("servicenow", Vendor::ServiceNow).await;
    let state = tls.sandbox.state();
    let records = state["servicenow"]["records"].as_object().expect("records");
    let id = told["sys_id"].as_str().expect("an id");
    assert_eq!(records[id]["urgency"], "1");
}
