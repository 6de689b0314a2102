//! What misbehaving vendors do to a call: what is known not to have happened, what nobody knows, and
//! how an effect of unknown outcome is found again.

use sandbox::{Fault, FaultKind, Vendor};
use serde_json::{Value, json};
use types::{CallLimit, Idempotency, Outcome, ProbeResult};

use crate::rig::{Rig, told};
use crate::{code, tracking};

/// A write, and how to hit exactly the request that does it.
pub struct Case {
    pub action: &'static str,
    pub args: Value,
    pub vendor: Vendor,
    pub method: &'static str,
    pub path: &'static str,
}

/// Writes that add nothing which could be counted: they set what is there already.
const ADD_NOTHING: [&str; 7] = [
    "github.close_issue",
    "github.create_branch",
    "servicenow.update_incident",
    "servicenow.add_work_note",
    "servicenow.update_article",
    "pagerduty.acknowledge",
    "pagerduty.resolve",
];

/// Actions whose answer is its status alone, so there is nothing to misread.
const STATUS_ALONE: [&str; 2] = ["zoom.restart_room", "jira.transition"];

impl Case {
    fn fault(&self, kind: FaultKind) -> Fault {
        Fault::new(self.vendor, kind)
            .method(self.method)
            .on(self.path)
            .times(1)
    }
}

/// Every write of every vendor.
async fn writes(rig: &Rig) -> Vec<Case> {
    let session = json!({"topic": "All hands", "start_time": "2027-01-20T17:00:00Z"});
    let article = rig
        .output(
            "servicenow.create_article",
            json!({"title": "t", "html": "<p>h</p>"}),
        )
        .await;
    let story = rig
        .output("servicenow.create_story", json!({"short_description": "s"}))
        .await;
    let known = rig.output("servicenow.find_incidents", json!({})).await;
    let incident = &known["incidents"][0]["number"];
    let parent = rig
        .output(
            "slack.post_message",
            json!({"channel": "#av-events", "text": "p"}),
        )
        .await;
    let slack = |args| Case {
        action: "slack.post_message",
        args,
        vendor: Vendor::Slack,
        method: "POST",
        path: "/api/chat.postMessage",
    };
    let table = |action, path, args| Case {
        action,
        args,
        vendor: Vendor::ServiceNow,
        method: "POST",
        path,
    };
    let zoom = |action, args| Case {
        action,
        args,
        vendor: Vendor::Zoom,
        method: "POST",
        path: "/v2/users",
    };
    let mut cases = tracking::writes(rig).await;
    cases.extend(code::writes(rig).await);
    cases.extend([
        slack(json!({"channel": "#alerts", "text": "hello"})),
        slack(json!({"channel": "#av-events", "text": "reply", "thread_ts": parent["ts"]})),
        zoom("zoom.create_meeting", session.clone()),
        zoom("zoom.create_webinar", session),
        Case {
            action: "zoom.restart_room",
            args: json!({"room_id": "ZR-101"}),
            vendor: Vendor::Zoom,
            method: "PATCH",
            path: "/v2/rooms",
        },
        table(
            "servicenow.create_incident",
            "/api/now/table/incident",
            json!({"short_description": "i"}),
        ),
        table(
            "servicenow.create_article",
            "/api/now/table/kb_knowledge",
            json!({"title": "a", "html": "<p>b</p>"}),
        ),
        table(
            "servicenow.create_story",
            "/api/now/table/rm_story",
            json!({"short_description": "s"}),
        ),
        table(
            "servicenow.create_subtask",
            "/api/now/table/rm_scrum_task",
            json!({"story": story["sys_id"], "short_description": "t"}),
        ),
        table(
            "servicenow.create_task",
            "/api/now/table/task",
            json!({"short_description": "t"}),
        ),
        table(
            "servicenow.attach_file",
            "/api/now/attachment/file",
            json!({"sys_id": article["sys_id"], "file_name": "a.txt", "content": "abc"}),
        ),
        Case {
            action: "servicenow.update_incident",
            args: json!({"incident": incident, "state": "on_hold"}),
            vendor: Vendor::ServiceNow,
            method: "PATCH",
            path: "/api/now/table/incident",
        },
        Case {
            action: "servicenow.add_work_note",
            args: json!({"incident": incident, "note": "n"}),
            vendor: Vendor::ServiceNow,
            method: "PATCH",
            path: "/api/now/table/incident",
        },
        Case {
            action: "servicenow.update_article",
            args: json!({"article": article["number"], "title": "u"}),
            vendor: Vendor::ServiceNow,
            method: "PATCH",
            path: "/api/now/table/kb_knowledge",
        },
        Case {
            action: "google_drive.upload_file",
            args: json!({"name": "a.txt", "content": "abc"}),
            vendor: Vendor::Google,
            method: "POST",
            path: "/upload/drive/v3/files",
        },
        Case {
            action: "qsys_control.set_gain",
            args: json!({"device_id": "core-4a", "channel": "main", "db": -3.0}),
            vendor: Vendor::Devices,
            method: "POST",
            path: "/qsys_control/action",
        },
    ]);
    cases
}

#[tokio::test]
async fn a_refusal_is_known_and_nothing_has_happened() {
    let rig = Rig::start(false).await;
    for case in writes(&rig).await {
        let before = rig.effects();
        rig.faults(vec![case.fault(FaultKind::RateLimit { retry_after_s: 7 })]);
        let refused = rig.perform("k1", case.action, &case.args).await;
        assert_eq!(
            told(&refused),
            "retry tool_rate_limited after 7000",
            "{}",
            case.action
        );
        assert_eq!(rig.effects(), before, "{}", case.action);
        let then = rig.perform("k1", case.action, &case.args).await;
        assert_eq!(told(&then), "held back tool_closed for 7000", "{}", case.action);
        rig.clock.advance(7_000);
        let then = rig.perform("k1", case.action, &case.args).await;
        assert_eq!(told(&then), "ok", "{}", case.action);
        code::close_pull_requests(&rig).await;
    }
}

#[tokio::test]
async fn an_expired_token_is_fetched_again_once_and_other_credentials_are_refused() {
    let rig = Rig::start(false).await;
    for case in writes(&rig).await {
        let before = rig.effects();
        rig.faults(vec![case.fault(FaultKind::ExpiredToken)]);
        let outcome = rig.perform("k2", case.action, &case.args).await;
        if matches!(case.vendor, Vendor::Zoom | Vendor::Google) {
            assert_eq!(
                (told(&outcome).as_str(), rig.effects()),
                ("ok", before + 1),
                "{}",
                case.action
            );
        } else {
            assert_eq!(told(&outcome), "failed credentials_refused", "{}", case.action);
            assert_eq!(rig.effects(), before, "{}", case.action);
        }
    }
    rig.faults(Vec::new());
    rig.clock.advance(2 * 3_600_000);
    rig.output("zoom.list_rooms", json!({})).await;
    // A token that Zoom never accepts is not fetched for ever.
    rig.faults(vec![Fault::new(Vendor::Zoom, FaultKind::ExpiredToken).on("/v2/")]);
    let outcome = rig.perform("k2", "zoom.list_rooms", &json!({})).await;
    assert_eq!(told(&outcome), "failed credentials_refused");
}

#[tokio::test]
async fn without_an_answer_that_can_be_read_nobody_knows() {
    let rig = Rig::start(false).await;
    // More failures in a row than a circuit lets pass.
    let patient = CallLimit {
        failures: Some(100),
        ..CallLimit::default()
    };
    rig.registry.set_limits([("*".to_owned(), patient)].into());
    let kinds = [
        (FaultKind::ServerError { status: 503 }, false, "tool_failed"),
        (FaultKind::Timeout, false, "call_timed_out"),
        (FaultKind::LostAnswer, true, "tool_failed"),
        (FaultKind::Rubbish, true, "answer_unreadable"),
    ];
    for (position, case) in writes(&rig).await.into_iter().enumerate() {
        for (kind, happens, code) in kinds {
            let what = format!("{} {kind:?}", case.action);
            // As in runs, no two effects share a key.
            let key = format!("{position} {kind:?}");
            let before = rig.effects();
            rig.faults(vec![case.fault(kind)]);
            let millis = match kind {
                // What is read first from a real repository takes a while.
                FaultKind::Timeout if case.action == "github.put_file" => 2_500,
                FaultKind::Timeout => 250,
                _ => 20_000,
            };
            let outcome = rig.perform_within(&key, case.action, &case.args, millis).await;
            let expected = match kind {
                FaultKind::Rubbish if STATUS_ALONE.contains(&case.action) => "ok".to_owned(),
                _ => format!("unknown {code}"),
            };
            assert_eq!(told(&outcome), expected, "{what}");
            rig.faults(Vec::new());
            settle(&rig, &case, &key, before, happens, &what).await;
            code::close_pull_requests(&rig).await;
        }
    }
}

/// After an unknown outcome: what the table says must lead to exactly one effect.
async fn settle(rig: &Rig, case: &Case, key: &str, before: usize, happens: bool, what: &str) {
    let spec = rig.spec(case.action);
    let added = usize::from(!ADD_NOTHING.contains(&case.action));
    assert_eq!(rig.effects() - before, if happens { added } else { 0 }, "{what}");
    match spec.idempotency {
        Idempotency::Marker { .. } => {
            match rig.look_up(key, case.action, &case.args).await {
                ProbeResult::Happened { output, artifacts } => {
                    assert!(happens, "{what}: found, but nothing happened");
                    assert!(output.value.is_object() && !artifacts.is_empty(), "{what}");
                }
                ProbeResult::Absent => {
                    assert!(!happens, "{what}: it happened, but was not found");
                    assert_eq!(
                        told(&rig.perform(key, case.action, &case.args).await),
                        "ok",
                        "{what}"
                    );
                }
                ProbeResult::Unclear { failure } => panic!("{what}: {failure}"),
            }
            let other = rig.look_up("a key of nobody", case.action, &case.args).await;
            assert_eq!(other, ProbeResult::Absent, "{what}");
        }
        Idempotency::Natural | Idempotency::NativeKey => {
            assert_eq!(
                told(&rig.perform(key, case.action, &case.args).await),
                "ok",
                "{what}"
            );
        }
        Idempotency::Unkeyed => {
            let unclear = rig.look_up(key, case.action, &case.args).await;
            assert!(
                matches!(unclear, ProbeResult::Unclear { .. }),
                "{what}: {unclear:?}"
            );
            return;
        }
    }
    assert_eq!(rig.effects() - before, added, "{what}: not exactly one effect");
}

#[tokio::test]
async fn reads_can_be_made_again_after_any_fault() {
    let rig = Rig::start(false).await;
    let reads = [
        ("slack.history", json!({"channel": "avops"}), Vendor::Slack),
        ("zoom.room_health", json!({"room_id": "ZR-101"}), Vendor::Zoom),
        ("servicenow.find_incidents", json!({}), Vendor::ServiceNow),
        (
            "github.list_issues",
            json!({"repo": "avops/runbooks"}),
            Vendor::GitHub,
        ),
        ("jira.search", json!({"jql": "project = OPS"}), Vendor::Jira),
        ("web_search.search", json!({"query": "echo"}), Vendor::Search),
        ("google_drive.list_files", json!({}), Vendor::Google),
        (
            "qsys_control.get_device_status",
            json!({"device_id": "core-4a"}),
            Vendor::Devices,
        ),
    ];
    // Zoom's token is fetched before, so that the faults meet the reads themselves.
    rig.output("zoom.list_rooms", json!({})).await;
    rig.output("google_drive.list_files", json!({})).await;
    let kinds = [
        FaultKind::RateLimit { retry_after_s: 1 },
        FaultKind::ServerError { status: 500 },
        FaultKind::LostAnswer,
        FaultKind::Rubbish,
    ];
    for (action, args, vendor) in reads {
        for kind in kinds {
            rig.faults(vec![Fault::new(vendor, kind).times(1)]);
            let outcome = rig.perform("k", action, &args).await;
            let may_repeat = matches!(
                outcome,
                Outcome::Unknown { .. } | Outcome::Failed { retryable: true, .. }
            );
            assert!(may_repeat, "{action} {kind:?}: {outcome:?}");
            rig.clock.advance(1_000);
            assert_eq!(
                told(&rig.perform("k", action, &args).await),
                "ok",
                "{action} {kind:?}"
            );
        }
        rig.faults(vec![Fault::new(vendor, FaultKind::Latency { ms: 20 })]);
        assert_eq!(
            told(&rig.perform("k", action, &args).await),
            "ok",
            "{action} late"
        );
        rig.faults(Vec::new());
    }
}

#[tokio::test]
async fn a_dead_vendor_is_known_to_have_done_nothing() {
    let rig = Rig::start(false).await;
    let cases = writes(&rig).await;
    rig.sandbox.shutdown().await;
    for case in cases {
        let outcome = rig.perform("k", case.action, &case.args).await;
        assert!(
            matches!(
                outcome,
                // After some of them the tool is let alone.
                Outcome::Failed { retryable: true, .. } | Outcome::HeldBack { .. }
            ),
            "{}: {outcome:?}",
            case.action
        );
    }
}
