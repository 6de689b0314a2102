//! Slack: our requests like those of both of Slack's SDKs, both sides of every exchange of the types that
//! its SDK for Node declares, and a round trip by slack-sdk.

use sandbox::Vendor;
use serde_json::json;

use crate::peers::Tls;
use crate::recorder::{Exchange, Recorded};
use crate::same::{Judge, all_problems};
use crate::vendor_types::{By, claims, problems};

/// The methods that we call, and what the SDK's types of them begin with.
const METHODS: [(&str, &str); 6] = [
    ("auth.test", "AuthTest"),
    ("chat.getPermalink", "ChatGetPermalink"),
    ("chat.postMessage", "ChatPostMessage"),
    ("conversations.history", "ConversationsHistory"),
    ("conversations.list", "ConversationsList"),
    ("conversations.replies", "ConversationsReplies"),
];

/// Uses every action, both look-ups, and a refusal.
async fn exchange(rig: &Recorded) -> Vec<Exchange> {
    rig.output("slack.auth_test", json!({})).await;
    rig.output("slack.list_channels", json!({})).await;
    let words = json!({"channel": "#avops", "text": "first"});
    let posted = rig.output("slack.post_message", words.clone()).await;
    let reply = json!({"channel": "#avops", "text": "second", "thread_ts": posted["ts"]});
    rig.perform("reply", "slack.post_message", &reply).await;
    let window = json!({"channel": "avops", "limit": 5, "oldest": "1.000000", "latest": "9999999999.000000"});
    rig.output("slack.history", window).await;
    rig.look_up("nobody", "slack.post_message", &words).await;
    rig.look_up("reply", "slack.post_message", &reply).await;
    rig.perform(
        "refused",
        "slack.post_message",
        &json!({"channel": "#nowhere", "text": "x"}),
    )
    .await;
    rig.exchanges("/slack")
}

#[tokio::test]
async fn our_requests_are_like_those_of_slacks_sdks() {
    let rig = Recorded::start().await;
    let ours = exchange(&rig).await;
    let state = rig.sandbox.state();
    let channels = state["slack"]["channels"].as_array().expect("channels");
    let avops = channels
        .iter()
        .find(|channel| channel["name"] == "avops")
        .expect("the channel");
    let things = json!({"channel": "#avops", "channel_id": avops["id"]});
    let (mut known, told) = rig.record("record_slack.py", Vendor::Slack, things.clone()).await;
    let base = tools::Access::of("slack")
        .base_url
        .expect("Slack has one address");
    assert_eq!(told["base"], format!("{base}/api/"));
    known.extend(rig.record("record_slack.mjs", Vendor::Slack, things).await.0);
    known.retain(|exchange| exchange.label.contains('.'));
    assert_eq!(all_problems(&Judge::new(known), &ours), Vec::<String>::new());
}

#[tokio::test]
async fn every_exchange_is_of_slacks_own_types() {
    let rig = Recorded::start().await;
    let ours = exchange(&rig).await;
    for (method, _) in METHODS {
        assert!(
            ours.iter().any(|exchange| exchange.path.ends_with(method)),
            "{method}"
        );
    }
    let claims = claims(&ours, |exchange| {
        let method = exchange.path.rsplit('/').next().unwrap_or_default();
        let name = METHODS
            .iter()
            .find(|(known, _)| *known == method)
            .expect("a method")
            .1;
        let kind = |what: &str| format!("import(\"@slack/web-api\").{name}{what}");
        (Some(kind("Arguments")), kind("Response"))
    });
    assert_eq!(problems(By::TypeScript, &claims), Vec::<String>::new());
}

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
