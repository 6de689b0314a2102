//! The control interface: faults, state, settings and reset from outside the process.

use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Rig, ask};

#[tokio::test]
async fn faults_are_set_listed_and_cleared() {
    let rig = Rig::start().await;
    let faults = |method| rig.bare(method, "/_sandbox/faults");
    assert_eq!(ask(faults(Method::GET)).await.1, json!([]));
    let rules = json!([
        {"vendor": "zoom", "kind": "rate_limit", "retry_after_s": 3, "path_prefix": "/v2/rooms", "method": "GET", "times": 2},
        {"vendor": "servicenow", "kind": "server_error", "status": 503, "every": 4},
        {"vendor": "slack", "kind": "latency", "ms": 5},
        {"vendor": "slack", "kind": "expired_token"},
        {"vendor": "slack", "kind": "timeout"},
        {"vendor": "devices", "kind": "lost_answer"},
        {"vendor": "devices", "kind": "rubbish"},
    ]);
    let (status, listed) = ask(faults(Method::PUT).json(&rules)).await;
    assert_eq!(status, 200);
    let with_counts: Vec<Value> = rules
        .as_array()
        .expect("a list")
        .iter()
        .map(|rule| {
            let mut rule = rule.clone();
            rule["seen"] = json!(0);
            rule["fired"] = json!(0);
            rule
        })
        .collect();
    assert_eq!(listed, json!(with_counts));
    assert_eq!(ask(rig.bare(Method::GET, "/zoom/v2/rooms")).await.0, 429);
    assert_eq!(ask(faults(Method::GET)).await.1[0]["fired"], 1);
    assert_eq!(ask(faults(Method::DELETE)).await.0, 204);
    assert_eq!(ask(rig.bare(Method::GET, "/zoom/v2/rooms")).await.0, 401);
}

#[tokio::test]
async fn unusable_rules_are_refused_and_the_old_ones_stay() {
    let rig = Rig::start().await;
    let put = |rules: &Value| ask(rig.bare(Method::PUT, "/_sandbox/faults").json(rules));
    put(&json!([{"vendor": "slack", "kind": "timeout"}])).await;
    let many: Vec<Value> = (0..101)
        .map(|_| json!({"vendor": "slack", "kind": "timeout"}))
        .collect();
    let cases = [
        (json!({"vendor": "slack", "kind": "timeout"}), "list"),
        (json!([{"vendor": "fax", "kind": "timeout"}]), "fax"),
        (json!([{"vendor": "slack", "kind": "explode"}]), "explode"),
        (
            json!([{"vendor": "slack", "kind": "rate_limit"}]),
            "retry_after_s",
        ),
        (json!([{"vendor": "slack", "kind": "timeout", "ms": 5}]), "ms"),
        (
            json!([{"vendor": "slack", "kind": "timeout", "tmies": 5}]),
            "tmies",
        ),
        (
            json!([{"vendor": "slack", "kind": "server_error", "status": 404}]),
            "404",
        ),
        (
            json!([{"vendor": "slack", "kind": "latency", "ms": 999_999}]),
            "999999",
        ),
        (
            json!([{"vendor": "slack", "kind": "timeout"}, {"vendor": "slack", "kind": "timeout", "times": 0}]),
            "position 2",
        ),
        (
            json!([{"vendor": "slack", "kind": "timeout", "method": "SHOUT"}]),
            "SHOUT",
        ),
        (json!(many), "101"),
    ];
    for (rules, said) in cases {
        let (status, body) = put(&rules).await;
        assert_eq!(
            (status.as_u16(), &body["code"]),
            (400, &json!("sandbox_fault_invalid")),
            "{said}"
        );
        let error = body["error"].as_str().expect("words");
        assert!(error.contains(said) || said == "list", "{said}: {error}");
    }
    assert_eq!(rig.sandbox.faults().len(), 1);
}

#[tokio::test]
async fn the_state_is_shown_and_reset() {
    let rig = Rig::start().await;
    let state = || ask(rig.bare(Method::GET, "/_sandbox/state"));
    let (_, before) = state().await;
    assert_eq!(before["zoom"]["rooms"].as_array().map(Vec::len), Some(6));
    let body = json!({"channel": "#general", "text": "x"});
    ask(rig
        .as_user(Method::POST, "/slack/api/chat.postMessage")
        .json(&body))
    .await;
    ask(rig
        .bare(Method::PUT, "/_sandbox/faults")
        .json(&json!([{"vendor": "slack", "kind": "rubbish"}])))
    .await;
    assert_ne!(state().await.1, before);
    assert_eq!(ask(rig.bare(Method::POST, "/_sandbox/reset")).await.0, 204);
    assert_eq!(state().await.1, before);
    assert!(rig.sandbox.faults().is_empty());
}

#[tokio::test]
async fn web_pages_of_other_origins_change_nothing() {
    let rig = Rig::start().await;
    let own = rig.sandbox.http_url().to_owned();
    for (header, value, status) in [
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://127.0.0.1:1", 403),
        ("origin", own.as_str(), 204),
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("sec-fetch-site", "same-origin", 204),
    ] {
        for (method, path) in [
            (Method::POST, "/_sandbox/reset"),
            (Method::DELETE, "/_sandbox/faults"),
        ] {
            let (answered, body) = ask(rig.bare(method, path).header(header, value)).await;
            assert_eq!(answered, status, "{header}: {value}");
            assert!(
                status == 204 || body["code"] == "sandbox_origin_refused",
                "{body}"
            );
        }
        let shown = ask(rig.bare(Method::GET, "/_sandbox/faults").header(header, value)).await;
        assert_eq!(shown.0, 200);
    }
}

#[tokio::test]
async fn settings_and_paths_are_checked() {
    let rig = Rig::start().await;
    let put = |body: Value| ask(rig.bare(Method::PUT, "/_sandbox/settings").json(&body));
    for wrong in [
        json!({}),
        json!({"zoom_restart_reads": -1}),
        json!({"zoom_restart_reads": 9_999}),
        json!({"speed": 1}),
    ] {
        let (status, body) = put(wrong).await;
        assert_eq!(
            (status.as_u16(), &body["code"]),
            (400, &json!("sandbox_setting_invalid"))
        );
    }
    for path in ["/", "/fax/api", "/_sandbox/nothing", "/_sandbox/ca.pem"] {
        let answer = rig.bare(Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{path}");
    }
}
