//! Zoom: tokens, rooms by any name, health, policy, restart, and finding sessions again.

use serde_json::{Value, json};
use types::{ArtifactKind, Label, Outcome, ProbeResult};
use wiremock::matchers::{header as has_header, method, path, query_param};
use wiremock::{Mock, ResponseTemplate};

use crate::support::{KEY, World, answer, body, form, header, told};

async fn signed_in() -> World {
    let world = World::new().await;
    world.gives_token("t1", 0).await;
    world
}

async fn with_rooms() -> World {
    let world = signed_in().await;
    Mock::given(method("GET"))
        .and(path("/v2/rooms"))
        .and(query_param("next_page_token", "two"))
        .respond_with(answer(
            200,
            json!({"rooms": [
            {"id": "z3", "room_id": "r3", "name": "Huddle", "location_id": "l1", "status": "InMeeting"},
            {"id": "z4", "room_id": "r4", "name": "Huddle", "location_id": "l2", "status": "Available"},
        ], "next_page_token": ""}),
        ))
        .with_priority(1)
        .mount(&world.server)
        .await;
    world
        .tells(
            "GET",
            "/v2/rooms",
            json!({"rooms": [
        {"id": "z1", "room_id": "r1", "name": "Boardroom 4A", "location_id": "l1", "status": "Offline"},
        {"id": "z2", "room_id": "r2", "name": "Training", "location_id": "l1", "status": "Available"},
    ], "next_page_token": "two"}),
        )
        .await;
    world
        .tells(
            "GET",
            "/v2/rooms/z1",
            json!({"basic": {"name": "Boardroom 4A", "email": "boardroom-4a@avops.example"}}),
        )
        .await;
    world
        .tells(
            "GET",
            "/v2/metrics/zoomrooms",
            json!({"zoom_rooms": [
        {"id": "z1", "email": "boardroom-4a@avops.example", "calendar_name": "Boardroom"},
    ], "next_page_token": ""}),
        )
        .await;
    world
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_before_it_expires() {
    let world = with_rooms().await;
    for _ in 0..2 {
        world.output("zoom.list_rooms", json!({})).await;
    }
    let fetched = world.seen("POST", "/oauth/token").await;
    assert_eq!(fetched.len(), 1);
    assert_eq!(form(&fetched[0])["grant_type"], "account_credentials");
    assert_eq!(form(&fetched[0])["account_id"], "account");
    assert_eq!(
        header(&fetched[0], "authorization"),
        "Basic Y2xpZW50OmNsaWVudC1zZWNyZXQ="
    );
    world.clock.advance(3_599_000);
    world.output("zoom.list_rooms", json!({})).await;
    assert_eq!(world.seen("POST", "/oauth/token").await.len(), 2);
}

#[tokio::test]
async fn an_expired_token_is_replaced_once_and_the_call_goes_on() {
    let world = World::new().await;
    world.gives_token("old", 1).await;
    world.gives_token("new", 0).await;
    let expired = answer(401, json!({"code": 124, "message": "Access token is expired."}));
    Mock::given(method("PATCH"))
        .and(has_header("authorization", "Bearer old"))
        .respond_with(expired)
        .mount(&world.server)
        .await;
    Mock::given(method("PATCH"))
        .and(has_header("authorization", "Bearer new"))
        .respond_with(ResponseTemplate::new(202))
        .mount(&world.server)
        .await;
    assert_eq!(
        told(&world.perform("zoom.restart_room", json!({"room_id": "z1"})).await),
        "ok"
    );
    assert_eq!(world.seen("PATCH", "/v2/rooms/z1/events").await.len(), 2);
}

#[tokio::test]
async fn a_token_that_stays_refused_is_a_refusal() {
    let world = signed_in().await;
    world
        .answers(
            "PATCH",
            "/v2/rooms/z1/events",
            answer(401, json!({"code": 124, "message": "Invalid access token."})),
            0,
        )
        .await;
    let outcome = world.perform("zoom.restart_room", json!({"room_id": "z1"})).await;
    assert_eq!(told(&outcome), "failed credentials_refused");
    assert_eq!(
        world.seen("PATCH", "/v2/rooms/z1/events").await.len(),
        2,
        "tried once more, not for ever"
    );
}

#[tokio::test]
async fn without_a_token_nothing_is_in_doubt() {
    for (template, expected) in [
        (
            answer(
                400,
                json!({"reason": "Invalid client_id", "error": "invalid_client"}),
            ),
            "failed credentials_refused",
        ),
        (ResponseTemplate::new(503), "retry tool_failed"),
        (
            answer(200, json!({"token_type": "bearer"})),
            "retry answer_unreadable",
        ),
    ] {
        let world = World::new().await;
        world.answers("POST", "/oauth/token", template, 0).await;
        assert_eq!(
            told(&world.perform("zoom.restart_room", json!({"room_id": "z1"})).await),
            expected
        );
        assert!(world.seen("PATCH", "/v2/rooms/z1/events").await.is_empty());
    }
}

#[tokio::test]
async fn a_failed_token_after_a_refusal_leaves_nothing_in_doubt() {
    let world = World::new().await;
    world.gives_token("old", 1).await;
    world
        .answers("POST", "/oauth/token", ResponseTemplate::new(500), 0)
        .await;
    world
        .answers("PATCH", "/v2/rooms/z1/events", answer(401, json!({})), 0)
        .await;
    let outcome = world.perform("zoom.restart_room", json!({"room_id": "z1"})).await;
    assert_eq!(told(&outcome), "retry tool_failed");
}

#[tokio::test]
async fn a_room_is_found_by_id_name_and_address() {
    let world = with_rooms().await;
    for query in [
        "z1",
        "r1",
        "boardroom 4a",
        " BOARDROOM 4A ",
        "Boardroom-4A@avops.example",
    ] {
        let room = world.output("zoom.find_room", json!({"query": query})).await;
        assert_eq!(
            (&room["id"], &room["email"]),
            (&json!("z1"), &json!("boardroom-4a@avops.example")),
            "{query}"
        );
    }
}

#[tokio::test]
async fn without_a_dashboard_profiles_are_read() {
    let world = with_rooms().await;
    world.server.reset().await;
    world.gives_token("t1", 0).await;
    world
        .answers(
            "GET",
            "/v2/metrics/zoomrooms",
            answer(403, json!({"code": 200, "message": "no plan"})),
            0,
        )
        .await;
    world
        .tells(
            "GET",
            "/v2/rooms",
            json!({"rooms": [{"id": "z2", "name": "B"}, {"id": "z1", "name": "A"}]}),
        )
        .await;
    world
        .tells(
            "GET",
            "/v2/rooms/z1",
            json!({"basic": {"email": "a@avops.example"}}),
        )
        .await;
    world
        .tells(
            "GET",
            "/v2/rooms/z2",
            json!({"basic": {"email": "b@avops.example"}}),
        )
        .await;
    assert_eq!(
        world
            .output("zoom.find_room", json!({"query": "a@avops.example"}))
            .await["id"],
        "z1"
    );
}

#[tokio::test]
async fn a_room_without_a_readable_profile_is_found_all_the_same() {
    let world = with_rooms().await;
    let room = world.output("zoom.find_room", json!({"query": "Training"})).await;
    assert_eq!((&room["id"], &room["email"]), (&json!("z2"), &Value::Null));
}

#[tokio::test]
async fn an_unknown_or_doubtful_name_is_told_with_near_names() {
    let world = with_rooms().await;
    let outcome = world
        .perform("zoom.find_room", json!({"query": "Bordroom 4A"}))
        .await;
    let Outcome::Failed { failure, .. } = &outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(failure.code, "room_not_found");
    assert!(
        failure.hint.as_deref().unwrap_or("").contains("Boardroom 4A"),
        "{failure:?}"
    );
    let outcome = world.perform("zoom.find_room", json!({"query": "huddle"})).await;
    assert_eq!(told(&outcome), "failed room_ambiguous");
}

#[tokio::test]
async fn what_zoom_says_of_rooms_is_labelled() {
    let world = with_rooms().await;
    let Outcome::Succeeded { output, .. } = world.perform("zoom.find_room", json!({"query": "z1"})).await
    else {
        panic!("no room")
    };
    assert_eq!(output.labels.at("/id"), Label::System.into());
    assert!(output.labels.at("/name").contains(Label::Untrusted));
    let rooms = world.output("zoom.list_rooms", json!({"limit": 3})).await;
    assert_eq!(
        (rooms["rooms"].as_array().map(Vec::len), &rooms["total"]),
        (Some(3), &json!(4))
    );
}

#[tokio::test]
async fn health_tells_metrics_under_plain_names() {
    let world = with_rooms().await;
    world.tells("GET", "/v2/metrics/zoomrooms/z1", json!({
        "id": "z1", "room_name": "Boardroom 4A", "status": "In Meeting", "health": "warning", "issues": ["High CPU"],
        "metrics": {"cpu_percent": 91.5, "packet_loss": 0.2, "jitter_ms": 8, "other": 1},
    })).await;
    for room in ["z1", "Boardroom 4A"] {
        let health = world.output("zoom.room_health", json!({"room_id": room})).await;
        assert_eq!(health["status"], "InMeeting");
        assert_eq!(
            health["metrics"],
            json!({"cpu_percent": 91.5, "packet_loss": 0.2, "jitter_ms": 8})
        );
        assert_eq!(health["issues"], json!(["High CPU"]));
    }
    for asked in world.seen("GET", "/v2/metrics/zoomrooms/z1").await {
        assert_eq!(asked.url.query(), Some("from=2023-11-13&to=2023-11-14"));
    }
}

#[tokio::test]
async fn devices_are_listed() {
    let world = signed_in().await;
    world.tells("GET", "/v2/rooms/z1/devices", json!({"devices": [{"id": "d1", "device_type": "Controller", "status": "Online", "app_version": "6", "device_system": "iPadOS"}]})).await;
    let devices = world.output("zoom.room_devices", json!({"room_id": "z1"})).await;
    assert_eq!(devices["devices"][0]["device_type"], "Controller");
}

#[tokio::test]
async fn settings_are_checked_against_the_shipped_or_a_given_policy() {
    let world = signed_in().await;
    world
        .tells(
            "GET",
            "/v2/rooms/z1/settings",
            json!({
                "meeting_security": {"encryption_type": "none", "meeting_password_required": true},
                "zoom_rooms": {"weekly_system_restart": false},
            }),
        )
        .await;
    let report = world.output("zoom.check_policy", json!({"room_id": "z1"})).await;
    let settings: Vec<&str> = report["violations"]
        .as_array()
        .expect("violations")
        .iter()
        .filter_map(|v| v["setting"].as_str())
        .collect();
    assert_eq!(
        settings,
        [
            "meeting_security.encryption_type",
            "zoom_rooms.weekly_system_restart"
        ]
    );
    assert_eq!((&report["ok"], &report["checked"]), (&json!(false), &json!(3)));
    let own = json!({"name": "ours", "rules": [{"setting": "meeting_security.encryption_type", "expected": "none"}]});
    let report = world
        .output("zoom.check_policy", json!({"room_id": "z1", "policy": own}))
        .await;
    assert_eq!(
        (&report["ok"], &report["policy"], &report["checked"]),
        (&json!(true), &json!("ours"), &json!(1))
    );
    let bad = json!({"room_id": "z1", "policy": {"rules": [{"setting": "a"}]}});
    assert_eq!(
        told(&world.perform("zoom.check_policy", bad).await),
        "failed arguments_invalid"
    );
}

#[tokio::test]
async fn a_restart_goes_to_the_room_that_was_named() {
    let world = with_rooms().await;
    world
        .answers("PATCH", "/v2/rooms/z1/events", ResponseTemplate::new(202), 0)
        .await;
    assert_eq!(
        world
            .output("zoom.restart_room", json!({"room_id": "Boardroom 4A"}))
            .await,
        json!({"room_id": "z1", "accepted": true})
    );
    assert_eq!(
        body(&world.seen("PATCH", "/v2/rooms/z1/events").await[0]),
        json!({"method": "zoomroom.restart"})
    );
    // An id is one segment of the path, whatever stands in it.
    let outcome = world
        .perform("zoom.restart_room", json!({"room_id": "../users/me"}))
        .await;
    assert_ne!(told(&outcome), "ok");
    assert!(
        world
            .seen("PATCH", "/v2/rooms/..%2Fusers%2Fme/events")
            .await
            .len()
            == 1
    );
    assert_eq!(
        told(&world.perform("zoom.restart_room", json!({"room_id": ".."})).await),
        "failed arguments_invalid"
    );
}

#[tokio::test]
async fn a_webinar_is_scheduled_with_the_marker_in_its_agenda() {
    let world = signed_in().await;
    world.answers("POST", "/v2/users/events@avops.example/webinars", answer(201, json!({
        "id": 91234567890u64, "topic": "All hands", "start_time": "2030-10-21T17:00:00Z", "duration": 60,
        "join_url": "https://zoom.us/w/91234567890", "start_url": "https://zoom.us/s/91234567890?zak=hush",
    })), 0).await;
    let args = json!({"topic": "All hands", "start_time": "2030-10-21T17:00:00Z", "agenda": "News", "host": "events@avops.example"});
    let outcome = world.perform("zoom.create_webinar", args).await;
    assert!(!format!("{outcome:?}").contains("hush"), "{outcome:?}");
    let Outcome::Succeeded { output, artifacts } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(output.value["id"], "91234567890");
    assert_eq!(
        (artifacts[0].kind, artifacts[0].external_id.as_str()),
        (ArtifactKind::Webinar, "91234567890")
    );
    assert_eq!(artifacts[0].url.as_deref(), Some("https://zoom.us/w/91234567890"));
    let sent = body(
        &world
            .seen("POST", "/v2/users/events@avops.example/webinars")
            .await[0],
    );
    assert_eq!(sent["agenda"], format!("News\n[agentops:{KEY}]"));
    assert_eq!((&sent["type"], &sent["duration"]), (&json!(5), &json!(60)));
}

#[tokio::test]
async fn a_session_is_found_again_by_its_marker() {
    let args = json!({"topic": "All hands", "start_time": "2030-10-21T17:00:00Z"});
    let ours = json!({"id": 9, "join_url": "https://zoom.us/j/9", "agenda": format!("[agentops:{KEY}]")});
    let other = json!({"id": 8, "agenda": format!("[agentops:{KEY}2]")});
    for (kind, action) in [
        ("meetings", "zoom.create_meeting"),
        ("webinars", "zoom.create_webinar"),
    ] {
        let route = format!("/v2/users/me/{kind}");
        let world = signed_in().await;
        let listed = json!({ kind: [other, ours] });
        world.tells("GET", &route, listed).await;
        let ProbeResult::Happened { output, .. } = world.look_up(action, args.clone()).await else {
            panic!("not found")
        };
        assert_eq!(output.value["id"], "9");
        let world = signed_in().await;
        let listed = json!({ kind: [other] });
        world.tells("GET", &route, listed).await;
        assert_eq!(world.look_up(action, args.clone()).await, ProbeResult::Absent);
        for doubtful in [
            ResponseTemplate::new(500),
            answer(200, json!({})),
            answer(404, json!({})),
            answer(200, json!({ kind: [], "next_page_token": "again" })),
        ] {
            let world = signed_in().await;
            world.answers("GET", &route, doubtful, 0).await;
            assert!(matches!(
                world.look_up(action, args.clone()).await,
                ProbeResult::Unclear { .. }
            ));
        }
    }
}

#[tokio::test]
async fn webinars_are_looked_up_page_by_page() {
    let args = json!({"topic": "All hands", "start_time": "2030-10-21T17:00:00Z"});
    let route = "/v2/users/me/webinars";
    let page =
        |number: u64, webinars: Value| json!({"page_number": number, "page_count": 2, "webinars": webinars});
    let world = signed_in().await;
    world
        .answers("GET", route, answer(200, page(1, json!([]))), 1)
        .await;
    let ours = json!([{"id": 9, "agenda": format!("[agentops:{KEY}]")}]);
    world.answers("GET", route, answer(200, page(2, ours)), 0).await;
    let ProbeResult::Happened { output, .. } = world.look_up("zoom.create_webinar", args).await else {
        panic!("not found")
    };
    assert_eq!(output.value["id"], "9");
    for (asked, page) in world.seen("GET", route).await.iter().zip(["1", "2"]) {
        let pages = format!("type=scheduled&page_size=300&page_number={page}");
        assert_eq!(asked.url.query(), Some(pages.as_str()));
    }
}

#[tokio::test]
async fn a_restart_leaves_nothing_to_look_up() {
    let world = signed_in().await;
    let found = world.look_up("zoom.restart_room", json!({"room_id": "z1"})).await;
    let ProbeResult::Unclear { failure } = found else {
        panic!("{found:?}")
    };
    assert_eq!(failure.code, "look_up_impossible");
}

#[tokio::test]
async fn zooms_own_words_are_repeated() {
    let world = signed_in().await;
    let refusal = json!({"code": 300, "message": "Validation Failed.", "errors": [{"field": "start_time", "message": "Invalid field."}]});
    world
        .answers("POST", "/v2/users/me/webinars", answer(400, refusal), 0)
        .await;
    let outcome = world
        .perform(
            "zoom.create_webinar",
            json!({"topic": "x", "start_time": "2030-10-21T17:00:00Z"}),
        )
        .await;
    let Outcome::Failed { failure, .. } = &outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        failure
            .message
            .contains("Validation Failed. start_time: Invalid field."),
        "{failure}"
    );
}
