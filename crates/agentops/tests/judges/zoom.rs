//! Zoom: our requests like those of Zoom's own SDK for Node, both sides of those exchanges of the types
//! that it declares, and a round trip by it over TLS. It doesn't know the API of Zoom Rooms (`/rooms`):
//! there zoomus, which other people made, judges methods, paths and the way to sign in.

use sandbox::Vendor;
use serde_json::{Value, json};

use crate::peers::Tls;
use crate::recorder::{Exchange, Recorded};
use crate::same::{Judge, all_problems};
use crate::vendor_types::{By, claims, problems};

const ROOM: &str = "ZR-101";

/// Uses every action and both look-ups.
async fn exchange(rig: &Recorded) -> Vec<Exchange> {
    let full = json!({
        "topic": "t", "start_time": "2030-10-21T17:00:00Z", "agenda": "a", "duration": 30,
        "timezone": "Europe/Berlin",
    });
    for action in ["zoom.create_meeting", "zoom.create_webinar"] {
        rig.output(action, full.clone()).await;
        rig.look_up("nobody", action, &full).await;
    }
    let room = json!({"room_id": ROOM});
    for action in [
        "zoom.room_health",
        "zoom.room_devices",
        "zoom.check_policy",
        "zoom.restart_room",
    ] {
        rig.output(action, room.clone()).await;
    }
    let email = rig.output("zoom.find_room", json!({"query": ROOM})).await["email"].clone();
    rig.perform("by address", "zoom.find_room", &json!({"query": email}))
        .await;
    rig.output(
        "zoom.list_rooms",
        json!({"status": "Available", "query_name": "o"}),
    )
    .await;
    rig.exchanges("/zoom")
}

/// True for what Zoom's own SDK doesn't know.
fn about_rooms(exchange: &Exchange) -> bool {
    exchange.path.starts_with("/zoom/v2/rooms")
}

fn judged(mut known: Vec<Exchange>) -> Vec<Exchange> {
    known.retain(|exchange| exchange.label.contains('.'));
    // Whoever asks for a token gives everything there is to give.
    let mut token = known
        .iter()
        .find(|exchange| exchange.label == "token.most")
        .cloned();
    if let Some(token) = &mut token {
        token.label = "token.least".to_owned();
    }
    known.extend(token);
    known
}

#[tokio::test]
async fn our_requests_are_like_those_of_zooms_own_sdk() {
    let rig = Recorded::start().await;
    let ours: Vec<Exchange> = exchange(&rig)
        .await
        .into_iter()
        .filter(|exchange| !about_rooms(exchange))
        .collect();
    let (known, told) = rig
        .record("record_zoom.mjs", Vendor::Zoom, json!({"room": ROOM}))
        .await;
    let base = tools::Access::of("zoom").base_url.expect("Zoom has one address");
    let token = tools::secrets_url("zoom", base);
    assert_eq!(told["bases"], json!([format!("{base}/v2"), token]));
    assert_eq!(
        all_problems(&Judge::new(judged(known)), &ours),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn our_requests_about_rooms_are_like_those_of_zoomus() {
    let rig = Recorded::start().await;
    let ours: Vec<Exchange> = exchange(&rig).await.into_iter().filter(about_rooms).collect();
    let (known, told) = rig
        .record("record_zoom_rooms.py", Vendor::Zoom, json!({"room": ROOM}))
        .await;
    let base = tools::Access::of("zoom").base_url.expect("Zoom has one address");
    assert_eq!(told["bases"][0], format!("{base}/v2"));
    let as_they_come = "zoomus sends what its caller gives";
    let judge = Judge::new(judged(known))
        .except("query/page_size", as_they_come)
        .except("query/status", as_they_come)
        .except("query/query_name", as_they_come)
        .except("query/id", "zoomus repeats the path's id")
        .except("/id", "zoomus repeats the path's id");
    assert_eq!(all_problems(&judge, &ours), Vec::<String>::new());
}

/// The SDK's types for what is sent and told there.
fn kinds(exchange: &Exchange) -> (Option<String>, String) {
    let parts: Vec<&str> = exchange.path.split('/').skip(3).collect();
    let post = exchange.method == "POST";
    let (module, name, sent) = match parts.as_slice() {
        ["users", _, "meetings"] if post => ("meetings", "MeetingsCreateMeeting", Some("RequestBody")),
        ["users", _, "webinars"] if post => ("meetings", "WebinarsCreateWebinar", Some("RequestBody")),
        ["users", _, "meetings"] => ("meetings", "MeetingsListMeetings", Some("QueryParams")),
        ["users", _, "webinars"] => ("meetings", "WebinarsListWebinars", Some("QueryParams")),
        ["metrics", "zoomrooms"] => ("accounts", "DashboardsListZoomRooms", Some("QueryParams")),
        ["metrics", "zoomrooms", _] => ("accounts", "DashboardsGetZoomRoomsDetails", Some("QueryParams")),
        other => panic!("{other:?}"),
    };
    let kind = |what: &str| format!("import(\"@zoom/rivet/{module}\").{name}{what}");
    let told = match name {
        // Zoom's type of a meeting that was made has no id of its host; that of one that is read has.
        "MeetingsCreateMeeting" => {
            let read = "import(\"@zoom/rivet/meetings\").MeetingsGetMeetingResponse";
            format!(
                "{} & Pick<{read}, \"uuid\" | \"host_id\" | \"status\">",
                kind("Response")
            )
        }
        _ => kind("Response"),
    };
    (sent.map(kind), told)
}

#[tokio::test]
async fn every_exchange_is_of_zooms_own_types() {
    let rig = Recorded::start().await;
    let mut ours = exchange(&rig).await;
    ours.retain(|exchange| !about_rooms(exchange) && exchange.path != "/zoom/oauth/token");
    assert!(ours.len() >= 6, "{}", ours.len());
    for exchange in &mut ours {
        let mut told = exchange.answer().expect("JSON");
        own(&mut told);
        exchange.told = told.to_string().into();
    }
    let claims = claims(&ours, kinds);
    assert_eq!(problems(By::TypeScript, &claims), Vec::<String>::new());
}

/// Takes out what the sandbox tells on top of Zoom's types.
fn own(told: &mut Value) {
    let strip = |room: &mut Value| {
        if let Some(fields) = room.as_object_mut() {
            // docs/sandbox.md says that the figures are the sandbox's own.
            fields.remove("metrics");
            // Misspelt in Zoom's type ("calender_name").
            fields.remove("calendar_name");
        }
    };
    let rooms = told.get_mut("zoom_rooms").and_then(Value::as_array_mut);
    rooms.into_iter().flatten().for_each(strip);
    strip(told);
}

#[tokio::test]
async fn zooms_sdk_completes_a_round_trip() {
    let tls = Tls::start().await;
    let told = tls.script("zoom.mjs", Vendor::Zoom).await;
    let state = tls.sandbox.state();
    let sessions = state["zoom"]["sessions"].as_object().expect("sessions");
    let number = told["webinar"].as_u64().expect("a number").to_string();
    assert_eq!(
        sessions.keys().collect::<Vec<_>>(),
        [&number],
        "the meeting was deleted"
    );
    assert_eq!(sessions[&number]["topic"], "From the SDK");
}
