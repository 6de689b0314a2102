//! Devices on TCP lines: every action against the sandbox, and every way in which an answer goes wrong.

use sandbox::{Fault, FaultKind, Vendor};
use serde_json::{Value, json};
use types::Outcome;

use crate::rig::{Rig, told};

pub async fn qsys(rig: &Rig) {
    let status = rig.output("qsys.get_status", json!({})).await;
    assert_eq!((&status["state"], &status["code"]), (&json!("Active"), &json!(0)));
    let quiet = json!({"name": "MainGain", "value": -20.5, "ramp_seconds": 1});
    assert_eq!(rig.output("qsys.set_control", quiet).await["value"], -20.5);
    let read = rig
        .output(
            "qsys.get_controls",
            json!({"names": ["MainGain", "SourceSelect"]}),
        )
        .await;
    assert_eq!(
        (&read["controls"][0]["value"], &read["controls"][1]["text"]),
        (&json!(-20.5), &json!("HDMI 1"))
    );
    let wish = json!({"component": "Ceiling Mics", "controls": [{"name": "mute", "value": true}, {"name": "gain", "value": -3}]});
    rig.output("qsys.set_component", wish).await;
    let read = json!({"component": "Ceiling Mics", "controls": ["mute", "gain"]});
    let read = rig.output("qsys.get_component", read).await;
    assert_eq!(
        (&read["controls"][0]["value"], &read["controls"][1]["value"]),
        (&json!(true), &json!(-3))
    );
    rig.output("qsys.load_snapshot", json!({"snapshot": "Scenes", "bank": 3}))
        .await;
    let state = rig.sandbox.state();
    assert_eq!(
        (&state["qsys"]["snapshots"]["Scenes"], &state["qsys"]["changes"]),
        (&json!(3), &json!(3))
    );
}

pub async fn extron(rig: &Rig) {
    assert_eq!(
        rig.output("extron.get_version", json!({})).await["version"],
        "1.07"
    );
    rig.output("extron.set_tie", json!({"input": 7, "output": 2}))
        .await;
    rig.output(
        "extron.set_tie",
        json!({"input": 5, "output": 2, "signal": "audio"}),
    )
    .await;
    let tie = |signal: &str| json!({"output": 2, "signal": signal});
    assert_eq!(rig.output("extron.get_tie", tie("video")).await["input"], 7);
    assert_eq!(rig.output("extron.get_tie", tie("audio")).await["input"], 5);
    for signal in ["video", "audio"] {
        rig.output(
            "extron.set_mute",
            json!({"output": 2, "signal": signal, "muted": true}),
        )
        .await;
        assert_eq!(rig.output("extron.get_mute", tie(signal)).await["muted"], true);
    }
    rig.output("extron.set_volume", json!({"output": 2, "volume": 38}))
        .await;
    assert_eq!(
        rig.output("extron.get_volume", json!({"output": 2})).await["volume"],
        38
    );
    let state = rig.sandbox.state()["extron"]["outputs"]["2"].clone();
    let expected = json!({"video": 7, "audio": 5, "video_muted": true, "audio_muted": true, "volume": 38});
    assert_eq!(state, expected);
}

/// The two devices: a change, the fault rules' path of it, and where the state shows that it was made.
fn changes() -> [(Vendor, &'static str, Value, &'static str, &'static str, Value); 2] {
    [
        (
            Vendor::QSys,
            "qsys.set_control",
            json!({"name": "MainGain", "value": -40}),
            "/Control.Set",
            "/qsys/controls/MainGain",
            json!(-40),
        ),
        (
            Vendor::Extron,
            "extron.set_tie",
            json!({"input": 3, "output": 4}),
            "/tie",
            "/extron/outputs/4/video",
            json!(3),
        ),
    ]
}

#[tokio::test]
async fn a_devices_lost_or_unreadable_answer_leaves_the_outcome_unknown() {
    for (vendor, action, args, path, place, value) in changes() {
        for (kind, code) in [
            (FaultKind::LostAnswer, "tool_failed"),
            (FaultKind::HalfLine, "tool_failed"),
            (FaultKind::Flood, "answer_unreadable"),
        ] {
            let rig = Rig::start(false).await;
            rig.faults(vec![Fault::new(vendor, kind).on(path).times(1)]);
            let outcome = rig.perform("k", action, &args).await;
            assert_eq!(told(&outcome), format!("unknown {code}"), "{action} {kind:?}");
            assert_eq!(
                rig.sandbox.state().pointer(place),
                Some(&value),
                "{action}: it was done all the same"
            );
            let again = rig.perform("k", action, &args).await;
            assert_eq!(told(&again), "ok", "setting it again is safe");
            rig.sandbox.shutdown().await;
        }
    }
}

#[tokio::test]
async fn garbage_from_a_device_is_no_answer() {
    let rig = Rig::start(false).await;
    for (vendor, action, args, path, _, _) in changes() {
        rig.faults(vec![Fault::new(vendor, FaultKind::Rubbish).on(path)]);
        let outcome = rig.perform_within("k", action, &args, 700).await;
        let expected = match vendor {
            Vendor::QSys => "unknown answer_unreadable",
            // Lines that mean nothing are passed over, as a front panel's are; then the time is up.
            _ => "unknown call_timed_out",
        };
        assert_eq!(told(&outcome), expected, "{action}");
    }
    rig.sandbox.shutdown().await;
}

#[tokio::test]
async fn a_silent_device_is_given_up_at_the_calls_deadline() {
    let rig = Rig::start(false).await;
    for (vendor, action, args, path, place, _) in changes() {
        let before = rig.sandbox.state().pointer(place).cloned();
        rig.faults(vec![Fault::new(vendor, FaultKind::Timeout).on(path)]);
        let outcome = rig.perform_within("k", action, &args, 500).await;
        assert_eq!(told(&outcome), "unknown call_timed_out", "{action}");
        assert_eq!(rig.sandbox.state().pointer(place).cloned(), before);
        // Before the change itself is sent, silence is known to have changed nothing.
        rig.faults(vec![Fault::new(vendor, FaultKind::Timeout)]);
        let outcome = rig.perform_within("k", action, &args, 500).await;
        assert_eq!(told(&outcome), "retry call_timed_out", "{action}");
    }
    rig.sandbox.shutdown().await;
}

#[tokio::test]
async fn what_a_device_refuses_is_known_not_to_have_happened() {
    let rig = Rig::start(false).await;
    for (action, args, expected) in [
        (
            "qsys.set_control",
            json!({"name": "NoSuch", "value": 1}),
            "failed record_not_found",
        ),
        (
            "qsys.set_control",
            json!({"name": "MainGain", "value": "loud"}),
            "failed device_refused",
        ),
        (
            "qsys.load_snapshot",
            json!({"snapshot": "NoSuch"}),
            "failed record_not_found",
        ),
        (
            "qsys.get_component",
            json!({"component": "NoSuch", "controls": ["a"]}),
            "failed record_not_found",
        ),
        (
            "extron.set_tie",
            json!({"input": 9, "output": 1}),
            "failed device_refused",
        ),
        (
            "extron.set_tie",
            json!({"input": 1, "output": 99}),
            "failed device_refused",
        ),
        ("extron.get_tie", json!({"output": 99}), "failed device_refused"),
    ] {
        let outcome = rig.perform("k", action, &args).await;
        assert_eq!(told(&outcome), expected, "{action} {args}");
        if let Outcome::Failed { failure, .. } = outcome {
            assert!(
                failure.hint.is_some() || failure.code == "device_refused",
                "{failure}"
            );
        }
    }
    let state = rig.sandbox.state();
    assert_eq!(
        (&state["qsys"]["changes"], &state["extron"]["changes"]),
        (&json!(0), &json!(0))
    );
    rig.sandbox.shutdown().await;
}

#[tokio::test]
async fn fault_rules_for_lines_and_for_http_are_told_apart() {
    let rig = Rig::start(false).await;
    for fault in [
        Fault::new(Vendor::Slack, FaultKind::HalfLine),
        Fault::new(Vendor::QSys, FaultKind::ServerError { status: 500 }),
        Fault::new(Vendor::Extron, FaultKind::Flood).method("POST"),
    ] {
        let refused = rig.sandbox.set_faults(vec![fault.clone()]);
        assert!(refused.is_err(), "{fault:?}");
    }
    rig.sandbox.shutdown().await;
}

#[tokio::test]
async fn several_connections_to_a_device_all_get_their_answer() {
    let rig = Rig::start(false).await;
    let calls = (0..8).map(|n| {
        let rig = &rig;
        async move {
            let args = json!({"input": n + 1, "output": n % 4 + 1});
            told(&rig.perform(&format!("k{n}"), "extron.set_tie", &args).await)
        }
    });
    let told = futures::future::join_all(calls).await;
    assert!(told.iter().all(|told| told == "ok"), "{told:?}");
    assert_eq!(rig.sandbox.state()["extron"]["changes"], 8);
    rig.sandbox.shutdown().await;
}
