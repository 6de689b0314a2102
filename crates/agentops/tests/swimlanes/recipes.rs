//! Each shipped recipe, with well-behaved vendors.

use serde_json::json;

use crate::house::{House, fixture};

#[tokio::test]
async fn a_black_display_is_repaired_with_an_approval() {
    let house = House::new();
    let run = house.begin("zoom-room-hdmi-black", &json!({}));
    let asked = house.until_asked(&run, "input");
    assert_eq!(asked["asks"][0]["name"], "room");
    house.json(&["run", "input", &run, "room=Boardroom 4A", "--as", "ann"]);

    let approval = house.until_approval(&run);
    assert_eq!(
        house.world().await.restarts(),
        0,
        "nothing is restarted before somebody agrees"
    );
    let refused = house.ends(4, &["approvals", "approve", &approval, "--as", "ann"]);
    assert_eq!(refused["error"]["code"], "self_approval_off");
    house.json(&["approvals", "approve", &approval, "--as", "bob"]);

    let view = house.succeeds(&run);
    let outputs = &view["run"]["outputs"];
    assert_eq!(
        (&outputs["room_status"], &outputs["restarted"]),
        (&json!("Available"), &json!(true))
    );
    let world = house.world().await;
    assert_eq!(world.restarts(), 1);
    // The incident that was open is the one that is resolved: no second one.
    assert_eq!(world.records("incident", "state"), ["6"]);
    assert_eq!(
        world.records("incident", "number"),
        [outputs["incident"].as_str().expect("a number")]
    );
    assert_eq!(world.messages("avops").len(), 1);

    // A room that is in order again is left alone, and has a new incident that says so.
    let again = house.begin("zoom-room-hdmi-black", &json!({"room": "ZR-101"}));
    let view = house.succeeds(&again);
    assert_eq!(view["run"]["outputs"]["restarted"], false);
    assert_eq!(house.world().await.restarts(), 1);
}

#[tokio::test]
async fn a_denied_restart_is_not_done_and_people_hear_of_it() {
    let house = House::new();
    let run = house.begin("zoom-room-hdmi-black", &json!({"room": "Boardroom 4A"}));
    let approval = house.until_approval(&run);
    house.json(&["approvals", "deny", &approval, "--note", "not now", "--as", "bob"]);
    let view = house.ends(5, &["run", "watch", &run]);
    assert_eq!(
        view["run"]["failure"]["code"], "approval_denied",
        "{:#}",
        view["run"]
    );
    let world = house.world().await;
    assert_eq!(world.restarts(), 0);
    let messages = world.messages("avops");
    assert!(
        messages.len() == 1 && messages[0].contains("did not repair"),
        "{messages:?}"
    );
}

#[tokio::test]
async fn an_event_is_filed_booked_checked_and_confirmed() {
    let house = House::new();
    let run = house.begin(
        "event-intake-wizard",
        &json!({
            "event_type": "town_hall", "topic": "All hands", "date": "2030-01-20T17:00:00Z",
            "contact": "Dana", "options": ["recording", "captions"],
        }),
    );
    house.until_asked(&run, "task");
    let world = house.world().await;
    assert_eq!(
        world.records("rm_story", "short_description"),
        ["All hands (town hall)"]
    );
    assert_eq!(
        world.records("rm_scrum_task", "number").len(),
        6,
        "four for every event, one for each option"
    );
    assert_eq!(
        (world.sessions("Webinar"), world.sessions("Meeting").len()),
        (vec!["All hands".to_owned()], 0)
    );
    assert_eq!(world.messages("av-events").len(), 1);
    house.json(&["run", "task", &run, "rehearsal", "done", "--as", "bob"]);

    let view = house.succeeds(&run);
    let outputs = &view["run"]["outputs"];
    assert_eq!(outputs["tasks"].as_array().map(Vec::len), Some(6));
    assert!(
        outputs["join_url"]
            .as_str()
            .is_some_and(|url| url.starts_with("http")),
        "{outputs}"
    );
    let messages = house.world().await.messages("av-events");
    assert!(
        messages.len() == 2 && messages[1].contains("rehearsed and ready"),
        "{messages:?}"
    );
}

#[tokio::test]
async fn a_rehearsal_that_went_badly_fails_the_run_and_people_hear_of_it() {
    let house = House::new();
    let run = house.begin(
        "event-intake-wizard",
        &json!({
            "event_type": "training", "topic": "Cameras", "date": "2030-01-20T17:00:00Z", "contact": "Dana",
            "options": [],
        }),
    );
    house.until_asked(&run, "task");
    house.json(&[
        "run",
        "task",
        &run,
        "rehearsal",
        "failed",
        "--note",
        "no sound",
        "--as",
        "bob",
    ]);
    let view = house.ends(5, &["run", "watch", &run]);
    assert_eq!(view["run"]["status"], "failed");
    let messages = house.world().await.messages("av-events");
    assert!(
        messages.len() == 2 && messages[1].contains("is not ready"),
        "{messages:?}"
    );
}

#[tokio::test]
async fn a_procedure_becomes_one_article() {
    let house = House::new();
    let sop = "# Silent room\n\nUse this when nobody is heard.\n\n1. Look at the mute light.\n2. Change the battery.\n";
    for (publish, state) in [(false, "draft"), (true, "published")] {
        let run = house.begin(
            "sop-to-knowledge-article",
            &json!({"sop": sop, "publish": publish}),
        );
        let view = house.succeeds(&run);
        let outputs = &view["run"]["outputs"];
        assert_eq!(outputs["state"], state);
        assert!(
            outputs["url"].as_str().is_some_and(|url| url.contains("KB")),
            "{outputs}"
        );
    }
    let world = house.world().await;
    let articles = world.records("kb_knowledge", "short_description");
    assert_eq!(
        articles.iter().filter(|title| *title == "Silent room").count(),
        2,
        "{articles:?}"
    );
    let files = world.attachments();
    assert!(
        files.len() == 2 && files.iter().all(|name| name.starts_with("procedure-")),
        "{files:?}"
    );
    assert_eq!(world.messages("avops").len(), 2);
}

#[tokio::test]
async fn a_policy_check_files_a_task_only_for_what_is_wrong() {
    let house = House::new();
    for (room, ok, tasks) in [("Huddle 2B", true, 0), ("Briefing Center", false, 1)] {
        let run = house.begin("zoom-room-admin-policy-check", &json!({"room": room}));
        let view = house.succeeds(&run);
        assert_eq!(view["run"]["outputs"]["ok"], ok, "{room}");
        assert_eq!(
            house.world().await.records("task", "number").len(),
            tasks,
            "{room}"
        );
    }
    assert_eq!(house.world().await.messages("avops").len(), 2);
}

#[tokio::test]
async fn a_health_check_posts_one_card_and_a_task_for_each_room_that_is_not_well() {
    let house = House::new();
    let unwell = ["Boardroom 4A", "Training Room 1", "Auditorium West"];
    for (room, rooms, unwell, tasks) in [
        ("all", 6, &unwell[..], 3),
        ("Huddle 2B", 1, &[], 3),
        ("Training Room 1", 1, &unwell[1..2], 4),
        ("Boardroom 4A", 1, &unwell[..1], 5),
    ] {
        let run = house.begin("zoom-room-health-check", &json!({"room": room}));
        let view = house.succeeds(&run);
        let outputs = &view["run"]["outputs"];
        assert_eq!(outputs["rooms"], rooms, "{room}");
        let mut told: Vec<&str> = outputs["unwell"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str())
            .collect();
        told.sort_by_key(|name| unwell.iter().position(|known| known == name));
        assert_eq!(told, unwell, "{room}");
        assert_eq!(outputs["ok"], unwell.is_empty(), "{room}");
        assert_eq!(
            house.world().await.records("task", "number").len(),
            tasks,
            "{room}"
        );
    }
    let world = house.world().await;
    let cards = world.messages("av-rooms");
    assert!(
        cards.len() == 4 && cards[0].contains("3 of 6 are well"),
        "{cards:?}"
    );
    for line in [
        ":red_circle: Boardroom 4A is Offline",
        ":red_circle: Training Room 1 is Available, cpu_percent 93",
        ":red_circle: Auditorium West is UnderConstruction",
        ":large_green_circle: All Hands Studio is InMeeting",
    ] {
        assert!(cards[0].contains(line), "{line} in {}", cards[0]);
    }
    assert!(cards[3].contains("0 of 1 are well"), "{}", cards[3]);
    let tasks = world.records("task", "short_description");
    let offline = tasks.iter().filter(|task| *task == "Boardroom 4A is Offline");
    assert_eq!(offline.count(), 2, "{tasks:?}");
}

#[tokio::test]
async fn the_short_form_of_earlier_tools_checks_and_runs() {
    let house = House::new();
    let file = fixture("room-review.yaml");
    let checked = house.json(&["recipe", "check", file.to_str().expect("a path of text")]);
    let noted = checked["files"][0]["diagnostics"].as_array().expect("a list");
    let codes: Vec<&str> = noted.iter().filter_map(|note| note["code"].as_str()).collect();
    assert_eq!(codes, ["older_assumed"; 3], "what was assumed is said: {noted:?}");
    house.save(&file, "room-review");
    let run = house.begin("room-review", &json!({"room": "Huddle 2B"}));
    house.succeeds(&run);
    assert_eq!(house.world().await.messages("avops"), ["Huddle 2B was looked at"]);

    // A room that is offline fails the check, and the rollback says so.
    let run = house.begin("room-review", &json!({"room": "Boardroom 4A"}));
    house.ends(5, &["run", "watch", &run]);
    assert_eq!(
        house.world().await.messages("avops")[1..],
        ["the review stopped half way"]
    );
}
