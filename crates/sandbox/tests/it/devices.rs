//! Plain HTTP connectors.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::rig::{Rig, ask};

impl Rig {
    async fn act(&self, tool: &str, action: &str, args: Value) -> (StatusCode, Value) {
        let body = json!({"tool": tool, "action": action, "args": args});
        ask(self
            .bare(Method::POST, &format!("/devices/{tool}/action"))
            .json(&body))
        .await
    }
}

#[tokio::test]
async fn every_tool_tells_its_health() {
    let rig = Rig::start().await;
    for tool in ["qsys_control", "dante_ctrl", "network_api"] {
        let (status, body) = ask(rig.bare(Method::GET, &format!("/devices/{tool}/health"))).await;
        assert_eq!(
            (status.as_u16(), &body["ok"], &body["status"]),
            (200, &json!(true), &json!("online")),
            "{tool}"
        );
    }
    let (_, body) = ask(rig.bare(Method::GET, "/devices/qsys_control/devices")).await;
    assert_eq!(body["devices"][0]["device_id"], "core-4a");
}

#[tokio::test]
async fn actions_change_what_later_ones_see() {
    let rig = Rig::start().await;
    let gain = json!({"device_id": "core-4a", "channel": "main", "db": -6.5});
    let (status, body) = rig.act("qsys_control", "set_gain", gain).await;
    assert_eq!(status, 200);
    assert_eq!(body["ok"], true);
    assert_eq!(
        (&body["result"]["db"], &body["result"]["previous_db"]),
        (&json!(-6.5), &json!(-12.0))
    );
    rig.act(
        "qsys_control",
        "recall_snapshot",
        json!({"snapshot": "Presentation"}),
    )
    .await;
    let (_, body) = rig
        .act(
            "qsys_control",
            "get_device_status",
            json!({"device_id": "core-4a"}),
        )
        .await;
    assert_eq!(body["result"]["gains"]["main"], -6.5);
    assert_eq!(body["result"]["snapshot"], "Presentation");
    let state = json!({"device_id": "core-4a", "expected_state": "Operational"});
    assert_eq!(
        rig.act("qsys_control", "verify_device_state", state).await.1["result"]["ok"],
        true
    );

    let route = json!({"tx": "core-4a-out-2", "rx": "amp-2"});
    assert_eq!(
        rig.act("dante_ctrl", "verify_route", route.clone()).await.1["result"]["ok"],
        false
    );
    assert_eq!(
        rig.act("dante_ctrl", "ensure_route", route.clone()).await.1["result"]["changed"],
        true
    );
    assert_eq!(
        rig.act("dante_ctrl", "ensure_route", route.clone()).await.1["result"]["changed"],
        false
    );
    assert_eq!(
        rig.act("dante_ctrl", "verify_route", route).await.1["result"]["ok"],
        true
    );
    rig.act(
        "network_api",
        "set_qos",
        json!({"switch": "sw-4", "port": "12", "qos_policy": "gold"}),
    )
    .await;
    let (_, body) = rig
        .act("network_api", "get_port_metrics", json!({"switch": "sw-4"}))
        .await;
    assert_eq!(body["result"]["qos"]["12"], "gold");

    let log = rig.sandbox.state()["devices"]["log"].clone();
    assert_eq!(log[0]["action"], "set_gain");
    let command = json!({"command": "set_gain", "args": {"channel": "main", "db": 0}});
    let request = rig
        .bare(Method::POST, "/devices/qsys_control/devices/core-4a/command")
        .json(&command);
    assert_eq!(ask(request).await.1["result"]["previous_db"], -6.5);
}

#[tokio::test]
async fn wrong_actions_are_refused_and_change_nothing() {
    let rig = Rig::start().await;
    let before = rig.sandbox.state()["devices"].clone();
    let gain = |db: Value| json!({"device_id": "core-4a", "channel": "main", "db": db});
    let cases = [
        ("set_gain", gain(json!(99)), 422),
        ("set_gain", gain(json!("loud")), 400),
        (
            "set_gain",
            json!({"device_id": "core-9", "channel": "main", "db": 0}),
            404,
        ),
        ("set_gain", json!({"db": 0}), 400),
        ("recall_snapshot", json!({"snapshot": "Disco"}), 422),
        ("explode", json!({}), 400),
        ("set_gain", json!([1]), 400),
    ];
    for (action, args, expected) in cases {
        let (status, body) = rig.act("qsys_control", action, args.clone()).await;
        assert_eq!(
            (status.as_u16(), &body["ok"]),
            (expected, &json!(false)),
            "{action} {args}"
        );
        assert!(body["error"].is_string());
    }
    let path = "/devices/qsys_control/action";
    let mismatch = json!({"tool": "dante_ctrl", "action": "set_gain", "args": {}});
    assert_eq!(ask(rig.bare(Method::POST, path).json(&mismatch)).await.0, 400);
    assert_eq!(ask(rig.bare(Method::POST, path).body("no")).await.0, 400);
    assert_eq!(ask(rig.bare(Method::GET, path)).await.0, 405);
    assert_eq!(ask(rig.bare(Method::GET, "/devices/toaster/health")).await.0, 404);
    assert_eq!(
        ask(rig.bare(Method::GET, "/devices/qsys_control/nothing"))
            .await
            .0,
        404
    );
    assert_eq!(rig.sandbox.state()["devices"], before);
}

#[tokio::test]
async fn a_key_does_an_action_once() {
    let rig = Rig::start().await;
    let act = |key: &'static str, db: i32| {
        let args = json!({"device_id": "core-4a", "channel": "main", "db": db});
        let body = json!({"tool": "qsys_control", "action": "set_gain", "args": args});
        ask(rig
            .bare(Method::POST, "/devices/qsys_control/action")
            .header("idempotency-key", key)
            .json(&body))
    };
    let first = act("k1", -3).await;
    assert_eq!(first.1["result"]["previous_db"], -12.0);
    act("k2", -5).await;
    assert_eq!(act("k1", -3).await, first, "the first answer again");
    assert_eq!(act("k1", -4).await.0, 422, "another request under the same key");
    let state = rig.sandbox.state();
    assert_eq!(
        state["devices"]["tools"]["qsys_control"]["devices"]["core-4a"]["gains"]["main"],
        -5.0
    );
    assert_eq!(state["devices"]["log"].as_array().map(Vec::len), Some(2));
}
