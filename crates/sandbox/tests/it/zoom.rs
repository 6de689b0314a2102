//! Zoom's tokens, rooms and dashboards.

use reqwest::{Method, RequestBuilder, StatusCode};
use sandbox::{ZOOM_CLIENT_ID, ZOOM_CLIENT_SECRET};
use serde_json::{Value, json};

use crate::rig::{Rig, ask, header};

/// A rig with a token.
pub struct Zoom {
    pub rig: Rig,
    pub token: String,
}

impl Zoom {
    pub async fn start() -> Self {
        let rig = Rig::start().await;
        let token = rig.zoom_token().await;
        Zoom { rig, token }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.rig
            .bare(method, &format!("/zoom/v2{path}"))
            .bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        ask(self.request(Method::GET, path)).await
    }

    async fn restart(&self, id: &str) -> StatusCode {
        let request = self.request(Method::PATCH, &format!("/rooms/{id}/events"));
        ask(request.json(&json!({"method": "zoomroom.restart"}))).await.0
    }

    async fn status(&self, id: &str) -> String {
        let (_, room) = self
            .get(&format!("/metrics/zoomrooms/{id}?from=2025-01-05&to=2025-01-06"))
            .await;
        room["status"].as_str().expect("a status").to_owned()
    }
}

fn names(rooms: &Value) -> Vec<&str> {
    rooms
        .as_array()
        .expect("rooms")
        .iter()
        .map(|room| room["name"].as_str().expect("a name"))
        .collect()
}

#[tokio::test]
async fn tokens_come_for_the_right_credentials_only() {
    let rig = Rig::start().await;
    let path = "/zoom/oauth/token?grant_type=account_credentials&account_id=sandbox-zoom-account";
    let right = |path: &str| {
        rig.bare(Method::POST, path)
            .basic_auth(ZOOM_CLIENT_ID, Some(ZOOM_CLIENT_SECRET))
    };
    let (status, body) = ask(right(path)).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("bearer"), &json!(3600))
    );

    let wrong = rig
        .bare(Method::POST, path)
        .basic_auth(ZOOM_CLIENT_ID, Some("guess"));
    let (status, body) = ask(wrong).await;
    assert_eq!((status.as_u16(), &body["error"]), (400, &json!("invalid_client")));
    let (_, body) = ask(right("/zoom/oauth/token?grant_type=password")).await;
    assert_eq!(body["error"], "unsupported_grant_type");
    let (_, body) = ask(right(
        "/zoom/oauth/token?grant_type=account_credentials&account_id=other",
    ))
    .await;
    assert_eq!(body["error"], "invalid_request");
}

#[tokio::test]
async fn a_token_expires_by_the_clock() {
    let zoom = Zoom::start().await;
    zoom.rig.clock.advance_s(3_599);
    assert_eq!(zoom.get("/users/me").await.0, 200);
    zoom.rig.clock.advance_s(1);
    let (status, body) = zoom.get("/users/me").await;
    assert_eq!(status, 401);
    assert_eq!(body, json!({"code": 124, "message": "Access token is expired."}));
    let (status, body) = ask(zoom
        .rig
        .bare(Method::GET, "/zoom/v2/users/me")
        .bearer_auth("guess"))
    .await;
    assert_eq!(
        (status.as_u16(), &body["message"]),
        (401, &json!("Invalid access token."))
    );
    let fresh = zoom.rig.zoom_token().await;
    let (status, user) = ask(zoom.rig.bare(Method::GET, "/zoom/v2/users/me").bearer_auth(fresh)).await;
    assert_eq!(
        (status.as_u16(), &user["email"]),
        (200, &json!("agentops@avops.example"))
    );
}

#[tokio::test]
async fn rooms_are_listed_in_pages_and_filtered() {
    let zoom = Zoom::start().await;
    let (_, first) = zoom.get("/rooms?page_size=4").await;
    let token = first["next_page_token"].as_str().expect("a token");
    assert_eq!(names(&first["rooms"]).len(), 4);
    assert_eq!(
        first["rooms"][0],
        json!({"id": "ZR-101", "room_id": "zr-boardroom-4a", "name": "Boardroom 4A", "location_id": "loc-hq", "status": "Offline"})
    );
    let (_, second) = zoom
        .get(&format!("/rooms?page_size=4&next_page_token={token}"))
        .await;
    assert_eq!(names(&second["rooms"]), ["Briefing Center", "Auditorium West"]);
    assert_eq!(second["next_page_token"], "");

    let (_, some) = zoom.get("/rooms?status=InMeeting").await;
    assert_eq!(names(&some["rooms"]), ["All Hands Studio"]);
    let (_, some) = zoom.get("/rooms?query_name=boardroom").await;
    assert_eq!(names(&some["rooms"]), ["Boardroom 4A"]);
    let (status, body) = zoom.get("/rooms?status=Asleep").await;
    assert_eq!(
        (status.as_u16(), &body["code"], &body["errors"][0]["field"]),
        (400, &json!(300), &json!("status"))
    );
    let (status, _) = zoom.get("/rooms?next_page_token=guess").await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_room_shows_its_profile_settings_and_devices() {
    let zoom = Zoom::start().await;
    let (_, profile) = zoom.get("/rooms/ZR-101").await;
    assert_eq!(profile["basic"]["email"], "boardroom-4a@avops.example");
    let (_, careful) = zoom.get("/rooms/ZR-102/settings").await;
    let (_, careless) = zoom.get("/rooms/ZR-301/settings?setting_type=meeting").await;
    assert_eq!(
        careful["meeting_security"]["encryption_type"],
        "enhanced_encryption"
    );
    assert_eq!(careless["meeting_security"]["encryption_type"], "none");
    assert_eq!(careless["zoom_rooms"]["weekly_system_restart"], false);
    let (_, alerts) = zoom.get("/rooms/ZR-301/settings?setting_type=alert").await;
    assert!(alerts["notification"].is_object());
    assert_eq!(zoom.get("/rooms/ZR-301/settings?setting_type=mood").await.0, 400);
    let (_, devices) = zoom.get("/rooms/ZR-101/devices").await;
    assert_eq!(devices["devices"][0]["status"], "Offline");
    assert_eq!(devices["devices"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn a_profile_can_be_changed() {
    let zoom = Zoom::start().await;
    let change = |body: Value| ask(zoom.request(Method::PATCH, "/rooms/ZR-102").json(&body));
    let (status, _) = change(json!({"basic": {"email": "new@avops.example", "name": "Huddle 2C"}})).await;
    assert_eq!(status, 204);
    let (_, room) = zoom
        .get("/metrics/zoomrooms/ZR-102?from=2025-01-05&to=2025-01-06")
        .await;
    assert_eq!(
        (&room["email"], &room["room_name"]),
        (&json!("new@avops.example"), &json!("Huddle 2C"))
    );
    let (status, body) = change(json!({"basic": {"email": 5}})).await;
    assert_eq!(
        (status.as_u16(), &body["errors"][0]["field"]),
        (400, &json!("email"))
    );
    assert_eq!(change(json!({})).await.0, 400);
}

#[tokio::test]
async fn the_dashboard_shows_health_issues_and_load() {
    let zoom = Zoom::start().await;
    let answer = zoom
        .request(Method::GET, "/metrics/zoomrooms")
        .send()
        .await
        .expect("an answer");
    assert_eq!(header(&answer, "x-ratelimit-category"), "Resource-intensive");
    let all: Value = answer.json().await.expect("JSON");
    assert_eq!(all["total_records"], 6);
    let find = |id: &str| {
        let rooms = all["zoom_rooms"].as_array().expect("rooms");
        rooms
            .iter()
            .find(|room| room["id"] == id)
            .expect("a room")
            .clone()
    };
    assert_eq!(find("ZR-101")["health"], "critical");
    assert_eq!(find("ZR-101")["issues"][0], "HDMI output is black");
    let load = &find("ZR-201")["metrics"];
    assert!(load["cpu_percent"].as_f64().expect("a number") > 85.0);
    assert!(load["packet_loss"].as_f64().expect("a number") > 3.0);
    assert_eq!(find("ZR-302")["status"], "UnderConstruction");
}

#[tokio::test]
async fn a_restart_takes_two_reads() {
    let zoom = Zoom::start().await;
    assert_eq!(zoom.restart("ZR-101").await, 202);
    // The profile shows no status, so reading it doesn't count.
    zoom.get("/rooms/ZR-101").await;
    // Nor does looking at another room.
    zoom.status("ZR-102").await;
    let seen = [
        zoom.status("ZR-101").await,
        zoom.status("ZR-101").await,
        zoom.status("ZR-101").await,
    ];
    assert_eq!(seen, ["Offline", "Offline", "Available"]);
    let (_, room) = zoom
        .get("/metrics/zoomrooms/ZR-101?from=2025-01-05&to=2025-01-06")
        .await;
    assert_eq!((&room["health"], &room["issues"]), (&json!("good"), &json!([])));
    assert_eq!(room["metrics"]["last_reboot_hours"].as_f64(), Some(0.0));
    let (_, devices) = zoom.get("/rooms/ZR-101/devices").await;
    assert_eq!(devices["devices"][0]["status"], "Online");
}

#[tokio::test]
async fn polling_for_available_rooms_counts_too() {
    let zoom = Zoom::start().await;
    zoom.restart("ZR-101").await;
    let mut polls = 0;
    loop {
        polls += 1;
        assert!(polls < 10, "the room never came back");
        let (_, rooms) = zoom.get("/rooms?query_name=board&status=Available").await;
        if names(&rooms["rooms"]) == ["Boardroom 4A"] {
            break;
        }
    }
    assert_eq!(polls, 3);
}

#[tokio::test]
async fn how_long_a_restart_takes_can_be_set() {
    let zoom = Zoom::start().await;
    zoom.rig.sandbox.set_zoom_restart_reads(0).expect("a setting");
    zoom.restart("ZR-202").await;
    assert_eq!(zoom.status("ZR-202").await, "Available");
    let request = zoom
        .rig
        .bare(Method::PUT, "/_sandbox/settings")
        .json(&json!({"zoom_restart_reads": 1}));
    assert_eq!(ask(request).await.0, 200);
    zoom.restart("ZR-202").await;
    assert_eq!(
        [zoom.status("ZR-202").await, zoom.status("ZR-202").await],
        ["Offline", "Available"]
    );
    let error = zoom
        .rig
        .sandbox
        .set_zoom_restart_reads(5_000)
        .expect_err("too many");
    assert_eq!(error.code(), "sandbox_setting_invalid");
}

#[tokio::test]
async fn controls_know_their_rooms_and_methods() {
    let zoom = Zoom::start().await;
    assert_eq!(zoom.restart("ZR-302").await, 202);
    assert_eq!(zoom.status("ZR-302").await, "UnderConstruction");
    let (status, body) = ask(zoom
        .request(Method::PATCH, "/rooms/ZR-999/events")
        .json(&json!({"method": "zoomroom.restart"})))
    .await;
    assert_eq!(status, 404);
    assert_eq!(
        body,
        json!({"code": 300, "message": "Zoom Room does not exist: ZR-999."})
    );
    let wrong = zoom
        .request(Method::PATCH, "/rooms/ZR-101/events")
        .json(&json!({"method": "zoomroom.explode"}));
    let (status, body) = ask(wrong).await;
    assert_eq!(
        (status.as_u16(), &body["errors"][0]["field"]),
        (400, &json!("method"))
    );
    let (status, body) = ask(zoom
        .request(Method::PATCH, "/rooms/ZR-101/events")
        .body("no json"))
    .await;
    assert_eq!((status.as_u16(), &body["code"]), (400, &json!(300)));
}

#[tokio::test]
async fn an_unknown_path_is_zooms_own_404() {
    let zoom = Zoom::start().await;
    let (status, body) = zoom.get("/toasters").await;
    assert_eq!((status.as_u16(), &body["code"]), (404, &json!(2300)));
    let (status, body) = zoom
        .get("/metrics/zoomrooms/ZR-999?from=2025-01-05&to=2025-01-06")
        .await;
    assert_eq!((status.as_u16(), &body["code"]), (404, &json!(300)));
}
