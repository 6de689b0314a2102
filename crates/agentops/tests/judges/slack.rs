//! Slack: a round trip by slack-sdk.

use sandbox::Vendor;

use crate::peers::Tls;

#[tokio::test]
async fn the_slack_sdk_completes_a_round_trip() {
    let tls = Tls::start().await;
    let told = tls.sdk("slack", Vendor::Slack).await;
    let state = tls.sandbox.state();
    let channels = state["slack"]["channels"].as_array().expect("channels");
    let messages: usize = channels
        .iter()
        .map(|channel| channel["messages"].as_array().map_or(0, Vec::len))
        .sum();
    assert_eq!(messages, 2);
    assert_eq!(told["texts"], serde_json::json!(["hello"]));
}
