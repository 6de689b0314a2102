//! Slack's methods, errors and pages.

use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Rig, ask};

impl Rig {
    async fn say(&self, body: Value) -> Value {
        let (status, body) = ask(self
            .as_user(Method::POST, "/slack/api/chat.postMessage")
            .json(&body))
        .await;
        assert_eq!(status, 200);
        body
    }

    async fn form(&self, method: &str, fields: &[(&str, &str)]) -> Value {
        let (status, body) = ask(self
            .as_user(Method::POST, &format!("/slack/api/{method}"))
            .form(fields))
        .await;
        assert_eq!(status, 200);
        body
    }
}

fn texts(body: &Value) -> Vec<&str> {
    let messages = body["messages"]
        .as_array()
        .unwrap_or_else(|| panic!("messages in {body}"));
    messages
        .iter()
        .map(|message| message["text"].as_str().expect("text"))
        .collect()
}

#[tokio::test]
async fn tokens_are_checked() {
    let rig = Rig::start().await;
    let (_, body) = ask(rig.as_user(Method::POST, "/slack/api/auth.test")).await;
    assert_eq!((&body["ok"], &body["user"]), (&json!(true), &json!("agentops")));
    let (status, body) = ask(rig.bare(Method::POST, "/slack/api/auth.test")).await;
    assert_eq!(
        (status.as_u16(), body),
        (200, json!({"ok": false, "error": "not_authed"}))
    );
    let (_, body) = ask(rig
        .bare(Method::POST, "/slack/api/auth.test")
        .bearer_auth("wrong"))
    .await;
    assert_eq!(body["error"], "invalid_auth");
}

#[tokio::test]
async fn a_posted_message_is_in_the_history_with_its_metadata() {
    let rig = Rig::start().await;
    let metadata = json!({"event_type": "agentops_step", "event_payload": {"key": "run_1/act/0"}});
    let blocks = json!([{"type": "section", "text": {"type": "mrkdwn", "text": "*hi*"}}]);
    let posted = rig
        .say(json!({"channel": "#avops", "text": "hi", "metadata": metadata, "blocks": blocks}))
        .await;
    assert_eq!(posted["ok"], true);
    assert_eq!(posted["ts"], "1700000000.000000");
    assert_eq!(posted["message"]["metadata"], metadata);
    let channel = posted["channel"].as_str().expect("an id");
    assert!(channel.starts_with('C'));

    let with = rig
        .form(
            "conversations.history",
            &[("channel", channel), ("include_all_metadata", "true")],
        )
        .await;
    assert_eq!(with["messages"][0]["metadata"], metadata);
    assert_eq!(with["messages"][0]["blocks"], blocks);
    let without = rig.form("conversations.history", &[("channel", channel)]).await;
    assert_eq!(without["messages"][0]["metadata"], Value::Null);
}

#[tokio::test]
async fn posting_takes_a_form_with_json_inside() {
    let rig = Rig::start().await;
    let metadata = r#"{"event_type":"e","event_payload":{"k":1}}"#;
    let fields = [("channel", "av-rooms"), ("text", "a & b"), ("metadata", metadata)];
    let posted = rig.form("chat.postMessage", &fields).await;
    assert_eq!(posted["message"]["text"], "a & b");
    assert_eq!(posted["message"]["metadata"]["event_payload"]["k"], 1);
}

#[tokio::test]
async fn stamps_increase_while_the_clock_stands_still() {
    let rig = Rig::start().await;
    let mut stamps = Vec::new();
    for n in 0..3 {
        let posted = rig
            .say(json!({"channel": "alerts", "text": format!("{n}")}))
            .await;
        stamps.push(posted["ts"].as_str().expect("a stamp").to_owned());
    }
    assert_eq!(
        stamps,
        ["1700000000.000000", "1700000000.000001", "1700000000.000002"]
    );
    rig.clock.advance_s(5);
    assert_eq!(
        rig.say(json!({"channel": "alerts", "text": "later"})).await["ts"],
        "1700000005.000000"
    );
}

#[tokio::test]
async fn wrong_posts_are_refused_as_slack_refuses_them() {
    let rig = Rig::start().await;
    let long = "x".repeat(40_001);
    let cases = [
        (json!({"channel": "#nowhere", "text": "x"}), "channel_not_found"),
        (json!({"text": "x"}), "channel_not_found"),
        (json!({"channel": "#avops"}), "no_text"),
        (json!({"channel": "#avops", "text": long}), "msg_too_long"),
        (
            json!({"channel": "#avops", "text": "x", "thread_ts": "1.000001"}),
            "thread_not_found",
        ),
        (
            json!({"channel": "#avops", "text": "x", "metadata": {"event_type": "e"}}),
            "invalid_metadata_format",
        ),
        (
            json!({"channel": "#avops", "text": "x", "blocks": "no"}),
            "invalid_blocks_format",
        ),
        (
            json!({"channel": "#avops", "text": "x", "blocks": {}}),
            "invalid_blocks",
        ),
        (json!(["no", "object"]), "json_not_object"),
    ];
    for (body, expected) in cases {
        let answer = rig.say(body.clone()).await;
        assert_eq!(
            (&answer["ok"], &answer["error"]),
            (&json!(false), &json!(expected)),
            "{body}"
        );
    }
    let request = rig
        .as_user(Method::POST, "/slack/api/chat.postMessage")
        .header("content-type", "application/json");
    assert_eq!(ask(request.body("{no")).await.1["error"], "invalid_json");
    let history = rig
        .form("conversations.history", &[("channel", "C0AVOPS001")])
        .await;
    assert_eq!(texts(&history), [""; 0]);
}

#[tokio::test]
async fn history_pages_stay_put_while_messages_arrive() {
    let rig = Rig::start().await;
    for n in 0..5 {
        rig.say(json!({"channel": "#avops", "text": format!("m{n}")}))
            .await;
    }
    let first = rig
        .form(
            "conversations.history",
            &[("channel", "C0AVOPS001"), ("limit", "2")],
        )
        .await;
    assert_eq!(texts(&first), ["m4", "m3"]);
    assert_eq!(first["has_more"], true);
    rig.say(json!({"channel": "#avops", "text": "new"})).await;
    let mut seen = Vec::new();
    let mut cursor = first["response_metadata"]["next_cursor"]
        .as_str()
        .expect("a cursor")
        .to_owned();
    for _ in 0..3 {
        let fields = [("channel", "C0AVOPS001"), ("limit", "2"), ("cursor", &cursor)];
        let page = rig.form("conversations.history", &fields).await;
        seen.extend(texts(&page).into_iter().map(str::to_owned));
        match page["response_metadata"]["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["m2", "m1", "m0"]);
    let wrong = rig
        .form(
            "conversations.history",
            &[("channel", "C0AVOPS001"), ("cursor", "zzz")],
        )
        .await;
    assert_eq!(wrong["error"], "invalid_cursor");
}

#[tokio::test]
async fn history_is_cut_by_time() {
    let rig = Rig::start().await;
    for text in ["a", "b", "c"] {
        rig.say(json!({"channel": "#avops", "text": text})).await;
        rig.clock.advance_s(1);
    }
    let cut = |edges: &'static [(&'static str, &'static str)]| {
        let mut fields = vec![("channel", "C0AVOPS001")];
        fields.extend_from_slice(edges);
        let rig = &rig;
        async move { rig.form("conversations.history", &fields).await }
    };
    assert_eq!(texts(&cut(&[("oldest", "1700000000")]).await), ["c", "b"]);
    assert_eq!(
        texts(&cut(&[("oldest", "1700000000"), ("inclusive", "true")]).await),
        ["c", "b", "a"]
    );
    assert_eq!(texts(&cut(&[("latest", "1700000001.000000")]).await), ["a"]);
    assert_eq!(cut(&[("latest", "soon")]).await["error"], "invalid_ts_latest");
    // A read method doesn't look into a JSON body.
    let request = rig.as_user(Method::POST, "/slack/api/conversations.history");
    assert_eq!(
        ask(request.json(&json!({"channel": "C0AVOPS001"}))).await.1["error"],
        "channel_not_found"
    );
}

#[tokio::test]
async fn replies_are_in_their_thread_only() {
    let rig = Rig::start().await;
    let first = rig.say(json!({"channel": "#avops", "text": "first"})).await;
    let stamp = first["ts"].as_str().expect("a stamp");
    let reply = rig
        .say(json!({"channel": "#avops", "text": "reply", "thread_ts": stamp}))
        .await;
    assert_eq!(reply["message"]["thread_ts"], stamp);
    let history = rig
        .form("conversations.history", &[("channel", "C0AVOPS001")])
        .await;
    assert_eq!(texts(&history), ["first"]);
    assert_eq!(history["messages"][0]["reply_count"], 1);
    let thread = rig
        .form(
            "conversations.replies",
            &[("channel", "C0AVOPS001"), ("ts", stamp)],
        )
        .await;
    assert_eq!(texts(&thread), ["first", "reply"]);
}

#[tokio::test]
async fn channels_are_listed_in_pages() {
    let rig = Rig::start().await;
    let first = rig.form("conversations.list", &[("limit", "4")]).await;
    let cursor = first["response_metadata"]["next_cursor"]
        .as_str()
        .expect("a cursor");
    let second = rig
        .form("conversations.list", &[("limit", "4"), ("cursor", cursor)])
        .await;
    let names: Vec<&str> = [&first, &second]
        .iter()
        .flat_map(|page| page["channels"].as_array().expect("channels"))
        .map(|channel| channel["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(
        names,
        [
            "avops",
            "av-rooms",
            "av-events",
            "av-support",
            "alerts",
            "general"
        ]
    );
    assert_eq!(second["response_metadata"]["next_cursor"], "");
}

#[tokio::test]
async fn a_permalink_leads_to_the_message() {
    let rig = Rig::start().await;
    let posted = rig.say(json!({"channel": "#avops", "text": "<b>look</b>"})).await;
    let stamp = posted["ts"].as_str().expect("a stamp");
    let path = format!("/slack/api/chat.getPermalink?channel=C0AVOPS001&message_ts={stamp}");
    let (_, body) = ask(rig.as_user(Method::GET, &path)).await;
    let link = body["permalink"].as_str().expect("a link");
    assert!(link.ends_with("/archives/C0AVOPS001/p1700000000000000"), "{link}");
    let page = rig.client.get(link).send().await.expect("a page");
    assert_eq!(page.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(page.text().await.expect("text").contains("<b>look</b>"));
    let path = "/slack/api/chat.getPermalink?channel=C0AVOPS001&message_ts=1.000000";
    assert_eq!(
        ask(rig.as_user(Method::GET, path)).await.1["error"],
        "message_not_found"
    );
}

#[tokio::test]
async fn an_unknown_method_is_slacks_own_error() {
    let rig = Rig::start().await;
    let (status, body) = ask(rig.as_user(Method::POST, "/slack/api/chat.shout")).await;
    assert_eq!(status, 200);
    assert_eq!(
        body,
        json!({"ok": false, "error": "unknown_method", "req_method": "chat.shout"})
    );
    let answer = rig
        .bare(Method::GET, "/slack/nothing")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 404);
}
