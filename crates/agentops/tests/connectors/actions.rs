//! Every action once, on a well-behaved sandbox, in an order in which later ones can use what
//! earlier ones made.

use std::collections::BTreeSet;

use ports::Tools;
use serde_json::{Value, json};
use types::{Mode, Outcome, TenantId};

use crate::rig::{Rig, told};
use crate::{code, lines, tracking};

#[tokio::test]
async fn every_action_works_over_http() {
    every_action(Rig::start(false).await).await;
}

#[tokio::test]
async fn every_action_works_over_tls() {
    every_action(Rig::start(true).await).await;
}

async fn every_action(rig: Rig) {
    rig.sandbox.set_zoom_restart_reads(1).expect("a setting");
    slack(&rig).await;
    zoom(&rig).await;
    servicenow(&rig).await;
    tracking::jira(&rig).await;
    tracking::pagerduty(&rig).await;
    code::github(&rig).await;
    local(&rig).await;
    devices(&rig).await;
    calendar(&rig).await;
    tickets(&rig).await;
    lines::qsys(&rig).await;
    lines::extron(&rig).await;
    google_drive(&rig).await;
    web(&rig).await;
    email(&rig).await;
    let all: BTreeSet<String> = rig
        .registry
        .catalog()
        .actions()
        .map(types::ActionSpec::name)
        .collect();
    assert_eq!(
        *rig.tried.lock().expect("the list"),
        all,
        "an action was not tried"
    );
    for tool in [
        "slack",
        "zoom",
        "servicenow",
        "jira",
        "github",
        "pagerduty",
        "local",
        "qsys_control",
        "calendar_scheduler",
        "incident_ticketing",
        "qsys",
        "extron",
        "google_drive",
        "web_search",
        "page_fetch",
        "email",
    ] {
        let health = rig.registry.health(TenantId::DEFAULT, tool, Mode::Mock).await;
        assert!(health.ok, "{health:?}");
    }
    rig.sandbox.shutdown().await;
}

async fn slack(rig: &Rig) {
    assert!(rig.output("slack.auth_test", json!({})).await["team_id"].is_string());
    let channels = rig.output("slack.list_channels", json!({"prefix": "av"})).await;
    assert_eq!(channels["channels"].as_array().expect("channels").len(), 4);
    let said = rig
        .output(
            "slack.post_message",
            json!({"channel": "#avops", "text": "hello"}),
        )
        .await;
    let link = said["permalink"].as_str().expect("a permalink");
    assert!(link.contains("/archives/"), "{link}");
    let reply = json!({"channel": "#avops", "text": "again", "thread_ts": said["ts"]});
    match rig.perform("another key", "slack.post_message", &reply).await {
        Outcome::Succeeded { output, artifacts } => {
            assert_ne!(output.value["ts"], said["ts"]);
            assert_eq!(artifacts[0].url.as_deref(), output.value["permalink"].as_str());
        }
        other => panic!("{other:?}"),
    }
    let history = rig.output("slack.history", json!({"channel": "#avops"})).await;
    // Replies are read in their thread, as in Slack itself.
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(1));
}

async fn zoom(rig: &Rig) {
    let rooms = rig.output("zoom.list_rooms", json!({"status": "Offline"})).await;
    assert_eq!(rooms["rooms"][0]["name"], "Boardroom 4A");
    for query in ["zr-101", "boardroom 4a", "Boardroom-4A@avops.example"] {
        let room = rig.output("zoom.find_room", json!({"query": query})).await;
        assert_eq!(
            (&room["id"], &room["status"]),
            (&json!("ZR-101"), &json!("Offline")),
            "{query}"
        );
    }
    let nowhere = rig
        .perform("k", "zoom.find_room", &json!({"query": "Bordroom 4A"}))
        .await;
    assert_eq!(told(&nowhere), "failed room_not_found");
    let devices = rig
        .output("zoom.room_devices", json!({"room_id": "ZR-101"}))
        .await;
    assert_eq!(devices["devices"][0]["status"], "Offline");
    let sick = rig.output("zoom.room_health", json!({"room_id": "ZR-201"})).await;
    assert_eq!(sick["metrics"]["cpu_percent"], 93.0);
    let policy = rig
        .output("zoom.check_policy", json!({"room_id": "ZR-301"}))
        .await;
    assert_eq!(policy["ok"], false);
    assert_eq!(
        rig.output("zoom.check_policy", json!({"room_id": "ZR-102"}))
            .await["ok"],
        true
    );
    let restarted = rig
        .output("zoom.restart_room", json!({"room_id": "ZR-101"}))
        .await;
    assert_eq!(restarted["accepted"], true);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let room = rig.output("zoom.find_room", json!({"query": "ZR-101"})).await;
        seen.push(room["status"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(seen, ["Offline", "Available", "Available"]);
    for action in ["zoom.create_meeting", "zoom.create_webinar"] {
        let args = json!({"topic": "All hands", "start_time": "2027-01-20T17:00:00Z", "duration": 45});
        let made = rig.output(action, args).await;
        assert!(
            made["join_url"]
                .as_str()
                .is_some_and(|url| url.starts_with("http")),
            "{made}"
        );
        assert!(made.get("start_url").is_none(), "the host's link is a secret");
    }
}

async fn servicenow(rig: &Rig) {
    let known = rig
        .output("servicenow.find_incidents", json!({"text": "Boardroom 4A"}))
        .await;
    assert_eq!(known["incidents"].as_array().map(Vec::len), Some(1));
    let made = rig
        .output(
            "servicenow.create_incident",
            json!({"short_description": "No sound", "urgency": "high"}),
        )
        .await;
    let number = made["number"].clone();
    let updated = rig
        .output(
            "servicenow.update_incident",
            json!({"incident": number, "state": "in_progress"}),
        )
        .await;
    assert_eq!(
        (&updated["sys_id"], &updated["state"]),
        (&made["sys_id"], &json!("2"))
    );
    rig.output(
        "servicenow.add_work_note",
        json!({"incident": number, "note": "cable swapped"}),
    )
    .await;
    let read = rig
        .output("servicenow.get_incident", json!({"incident": number}))
        .await;
    assert_eq!(read["urgency"], "1");

    let page =
        json!({"title": "Silent room", "html": "<p>Check the mute.</p>", "tags": ["av"], "category": "AV"});
    let article = rig.output("servicenow.create_article", page).await;
    assert_eq!(article["workflow_state"], "draft");
    let id = article["number"].clone();
    rig.output(
        "servicenow.update_article",
        json!({"article": id, "workflow_state": "published"}),
    )
    .await;
    let read = rig.output("servicenow.get_article", json!({"article": id})).await;
    assert_eq!(
        (&read["title"], &read["workflow_state"]),
        (&json!("Silent room"), &json!("published"))
    );
    let file = json!({"sys_id": article["sys_id"], "file_name": "sop.md", "content": "one\ntwo", "content_type": "text/markdown"});
    assert_eq!(rig.output("servicenow.attach_file", file).await["size_bytes"], 7);

    let story = rig
        .output(
            "servicenow.create_story",
            json!({"short_description": "All hands"}),
        )
        .await;
    for parent in [&story["sys_id"], &story["number"]] {
        let task = rig
            .output(
                "servicenow.create_subtask",
                json!({"story": parent, "short_description": "Rehearse"}),
            )
            .await;
        assert_eq!(task["story"], story["sys_id"]);
    }
    let task = rig
        .output(
            "servicenow.create_task",
            json!({"short_description": "Clean", "assignment_group": "AV Operations"}),
        )
        .await;
    assert!(task["url"].as_str().is_some_and(|url| url.starts_with("http")));
}

async fn local(rig: &Rig) {
    let list = json!({"items": [{"item": "a", "ok": true}, {"item": "b", "value": 1, "expected": 2}, "c"]});
    let checked = rig.output("local.run_checklist", list).await;
    assert_eq!(checked["ok"], false);
    let limits = json!({"metrics": {"cpu_percent": 93}, "thresholds": {"cpu_percent": 85}});
    assert_eq!(
        rig.output("local.evaluate_thresholds", limits).await["breaches"][0]["metric"],
        "cpu_percent"
    );
    assert_eq!(
        rig.output("local.slug", json!({"text": "All Hands!"})).await["slug"],
        "all-hands"
    );
    let report = rig
        .output("local.report_status", json!({"title": "T", "notes": ["n"]}))
        .await;
    assert!(report["text"].as_str().is_some_and(|text| text.contains('n')));
    let page = rig
        .output(
            "local.sop_to_article",
            json!({"sop": "# Reset <it>\n- Unplug\n- Wait"}),
        )
        .await;
    assert_eq!(page["title"], "Reset <it>");
    assert!(!page["html"].to_string().contains("<it>"), "{page}");
    assert_eq!(
        rig.output("local.echo", json!({"a": [1]})).await,
        json!({"a": [1]})
    );
    rig.output("local.noop", json!({})).await;
    assert_eq!(
        rig.output("local.note", json!({"text": "so"})).await["text"],
        "so"
    );
    for _ in 0..2 {
        rig.output(
            "local.save_recipe_draft",
            json!({"name": "draft", "text": "name: x"}),
        )
        .await;
        rig.output("local.save_file", json!({"name": "a.txt", "content": "abc"}))
            .await;
    }
    assert_eq!(
        rig.sink.kept.lock().expect("the sink").len(),
        2,
        "each is kept once for its key"
    );
}

async fn devices(rig: &Rig) {
    let louder = json!({"device_id": "core-4a", "channel": "main", "db": -6.5});
    assert_eq!(rig.output("qsys_control.set_gain", louder).await["db"], -6.5);
    rig.output(
        "qsys_control.recall_snapshot",
        json!({"snapshot": "Presentation"}),
    )
    .await;
    let status: Value = rig
        .output("qsys_control.get_device_status", json!({"device_id": "core-4a"}))
        .await;
    assert_eq!(
        (&status["gains"]["main"], &status["snapshot"]),
        (&json!(-6.5), &json!("Presentation"))
    );
    let spec = rig.spec("qsys_control.recall_snapshot");
    assert_eq!(
        spec.effect,
        types::Effect::Destructive,
        "what nobody has classified is destructive"
    );
}

async fn calendar(rig: &Rig) {
    let made = rig
        .output(
            "calendar_scheduler.create_event",
            json!({"calendar": "Boardroom 4A", "title": "All hands", "start": "2025-02-03T10:00:00+01:00", "minutes": 60}),
        )
        .await;
    let moved = rig
        .output(
            "calendar_scheduler.reschedule_event",
            json!({"event": made["id"], "start": "2025-02-03T12:00:00Z"}),
        )
        .await;
    assert_eq!((&moved["id"], &moved["minutes"]), (&made["id"], &json!(60)));
    let span =
        json!({"calendar": "boardroom 4a", "from": "2025-02-03T08:00:00Z", "to": "2025-02-03T18:00:00Z"});
    let seen = rig.output("calendar_scheduler.check_availability", span).await;
    assert_eq!(seen["busy"][0]["event"], made["id"]);
    rig.output("calendar_scheduler.cancel_event", json!({"event": made["id"]}))
        .await;
    let listed = rig
        .output(
            "calendar_scheduler.list_events",
            json!({"to": "2025-03-01T00:00:00Z"}),
        )
        .await;
    assert_eq!(listed["events"], json!([]));
}

async fn tickets(rig: &Rig) {
    let made = rig
        .output("incident_ticketing.create_ticket", json!({"title": "No sound"}))
        .await;
    let ticket = made["number"].clone();
    let louder = json!({"ticket": ticket, "urgency": "high"});
    rig.output("incident_ticketing.update_ticket", louder).await;
    let comment = json!({"ticket": ticket, "comment": "cable swapped"});
    rig.output("incident_ticketing.comment_on_ticket", comment).await;
    let found = rig
        .output("incident_ticketing.find_tickets", json!({"text": "sound"}))
        .await;
    assert_eq!(found["tickets"][0]["number"], ticket);
    let done = json!({"ticket": ticket, "resolution": "A new cable."});
    rig.output("incident_ticketing.resolve_ticket", done).await;
    let read = rig
        .output("incident_ticketing.get_ticket", json!({"ticket": ticket}))
        .await;
    assert_eq!(
        (&read["status"], &read["urgency"], &read["comments"][0]["text"]),
        (&json!("resolved"), &json!("high"), &json!("cable swapped"))
    );
}

async fn google_drive(rig: &Rig) {
    let report = json!({"name": "Ann's report.md", "content": "# Done", "mime_type": "text/markdown", "folder_id": "events"});
    let file = rig.output("google_drive.upload_file", report).await;
    assert_eq!(
        (&file["size_bytes"], &file["mime_type"]),
        (&json!(6), &json!("text/markdown"))
    );
    let id = &file["file_id"];
    let read = rig.output("google_drive.get_file", json!({"file_id": id})).await;
    assert_eq!(read, file);
    let found = rig
        .output(
            "google_drive.list_files",
            json!({"name": "Ann's report.md", "folder_id": "events"}),
        )
        .await;
    assert_eq!(found["files"], json!([file]));
    let none = rig
        .output("google_drive.list_files", json!({"folder_id": "other"}))
        .await;
    assert_eq!(none["files"], json!([]));
    for with in [
        json!({"anyone": true}),
        json!({"email": "ann@a.example"}),
        json!({"domain": "a.example"}),
    ] {
        let mut args = with;
        args["file_id"] = id.clone();
        let shared = rig.output("google_drive.share_file", args.clone()).await;
        assert_eq!(shared["link"], file["link"]);
        // The same receiver again is the same permission.
        assert_eq!(rig.output("google_drive.share_file", args).await, shared);
    }
    let state = rig.sandbox.state();
    let permissions = &state["google"]["files"][id.as_str().expect("an id")]["permissions"];
    assert_eq!(permissions.as_object().map(serde_json::Map::len), Some(3));
    let gone = rig
        .perform("k", "google_drive.get_file", &json!({"file_id": "nobody"}))
        .await;
    assert_eq!(told(&gone), "failed tool_refused");
}

async fn web(rig: &Rig) {
    let found = rig
        .output("web_search.search", json!({"query": "hdmi picture"}))
        .await;
    let first = &found["results"][0];
    assert_eq!(first["title"], "No picture over HDMI in a Zoom room");
    rig.search_by("brave");
    let by_brave = rig
        .output(
            "web_search.search",
            json!({"query": "hdmi picture", "language": "en"}),
        )
        .await;
    assert_eq!(
        (&by_brave["engine"], &by_brave["results"][0]),
        (&json!("brave"), first)
    );
    let page = rig
        .output(
            "page_fetch.fetch_page",
            json!({"url": "https://docs.av.example/hdmi"}),
        )
        .await;
    assert_eq!((&page["url"], &page["title"]), (&first["url"], &first["title"]));
    let text = page["text"].as_str().expect("a text");
    assert!(text.contains("- Check the cable at both ends."), "{text}");
    assert!(!text.contains("track") && !text.contains("reviewed"), "{text}");
    let forum = json!({"url": "https://forum.av.example/t/boardroom-audio"});
    let page = rig.output("page_fetch.fetch_page", forum).await;
    let text = page["text"].as_str().expect("a text");
    assert!(
        !text.contains("restart every room") && text.ends_with("Thanks, that worked."),
        "{text}"
    );
    for (url, expected) in [
        ("https://docs.av.example/checklist.txt", "ok"),
        ("https://docs.av.example/away", "failed domain_not_allowed"),
        ("https://elsewhere.example/", "failed domain_not_allowed"),
        ("https://docs.av.example/logo.png", "failed page_unreadable"),
        ("https://docs.av.example/nothing", "failed tool_refused"),
    ] {
        let outcome = rig
            .perform("k", "page_fetch.fetch_page", &json!({"url": url}))
            .await;
        assert_eq!(told(&outcome), expected, "{url}");
    }
}

async fn email(rig: &Rig) {
    let args = json!({"to": "Ann <ann@a.example>, bob@b.example", "cc": "c@c.example", "subject": "Room 4A",
        "text": "It is back.\n.\n", "html": "<p>It is back."});
    let sent = rig.output("email.send", args).await;
    assert_eq!(sent["recipients"], 3);
    let state = rig.sandbox.state();
    let message = &state["mail"]["messages"][0];
    assert_eq!(
        message["to"],
        json!(["ann@a.example", "bob@b.example", "c@c.example"])
    );
    assert_eq!(
        (&message["subject"], &message["message_id"]),
        (&json!("Room 4A"), &sent["message_id"])
    );
    assert_eq!(message["encrypted"], rig.sandbox.smtps_url().is_some());
    assert!(
        message["data"]
            .as_str()
            .is_some_and(|data| data.contains("\r\n.\r\n")),
        "{message}"
    );
}
