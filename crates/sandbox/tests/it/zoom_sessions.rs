//! Zoom's meetings and webinars.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::rig::ask;
use crate::zoom::Zoom;

impl Zoom {
    async fn create(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        ask(self.request(Method::POST, path).json(body)).await
    }
}

#[tokio::test]
async fn a_webinar_is_created_found_and_deleted() {
    let zoom = Zoom::start().await;
    let sent = json!({
        "topic": "All Hands", "start_time": "2025-10-21T17:00:00Z", "duration": 45, "agenda": "news [key-1]",
        "tracking_fields": [{"field": "run", "value": "run_1"}],
    });
    let (status, made) = zoom.create("/users/me/webinars", &sent).await;
    assert_eq!(status, 201);
    for name in ["topic", "start_time", "duration", "agenda", "tracking_fields"] {
        assert_eq!(made[name], sent[name], "{name}");
    }
    let number = made["id"].as_u64().expect("a number");
    assert_eq!(number.to_string().len(), 11);
    assert_eq!(made["created_at"], "2023-11-14T22:13:20Z");
    assert!(
        made["start_url"]
            .as_str()
            .is_some_and(|url| url.contains("/zoom/s/"))
    );

    let (_, listed) = zoom.get("/users/agentops@avops.example/webinars").await;
    assert_eq!(listed["total_records"], 1);
    assert_eq!(listed["webinars"][0]["agenda"], "news [key-1]");
    let (_, got) = zoom.get(&format!("/webinars/{number}")).await;
    assert_eq!(got, made);
    assert_eq!(
        zoom.get(&format!("/meetings/{number}")).await.0,
        404,
        "a webinar is no meeting"
    );

    let page = zoom
        .rig
        .client
        .get(made["join_url"].as_str().expect("a link"))
        .send()
        .await
        .expect("a page");
    assert!(page.text().await.expect("text").starts_with("All Hands"));

    let delete = || ask(zoom.request(Method::DELETE, &format!("/webinars/{number}")));
    assert_eq!(delete().await.0, 204);
    let (status, body) = delete().await;
    assert_eq!((status.as_u16(), &body["code"]), (404, &json!(3001)));
}

#[tokio::test]
async fn meetings_have_numbers_of_their_own_and_pages() {
    let zoom = Zoom::start().await;
    let mut numbers = Vec::new();
    for n in 0..3 {
        let (status, made) = zoom
            .create("/users/me/meetings", &json!({"topic": format!("m{n}")}))
            .await;
        assert_eq!(status, 201);
        assert_eq!((&made["type"], &made["status"]), (&json!(2), &json!("waiting")));
        numbers.push(made["id"].as_u64().expect("a number"));
    }
    numbers.sort_unstable();
    let (_, first) = zoom.get("/users/me/meetings?page_size=2").await;
    let token = first["next_page_token"].as_str().expect("a token");
    let (_, second) = zoom
        .get(&format!("/users/me/meetings?page_size=2&next_page_token={token}"))
        .await;
    let mut listed: Vec<u64> = [&first, &second]
        .iter()
        .flat_map(|page| page["meetings"].as_array().expect("meetings"))
        .map(|meeting| meeting["id"].as_u64().expect("a number"))
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, numbers);
    listed.dedup();
    assert_eq!(listed.len(), 3);
    let (_, others) = zoom.get("/users/events@avops.example/meetings").await;
    assert_eq!(others["meetings"], json!([]));
}

#[tokio::test]
async fn wrong_sessions_name_their_fields() {
    let zoom = Zoom::start().await;
    let cases = [
        ("/users/me/webinars", json!({"duration": 60}), "topic"),
        ("/users/me/webinars", json!({"topic": "  "}), "topic"),
        ("/users/me/meetings", json!({"topic": 5}), "topic"),
        (
            "/users/me/meetings",
            json!({"start_time": "tomorrow"}),
            "start_time",
        ),
        ("/users/me/meetings", json!({"duration": 0}), "duration"),
        ("/users/me/meetings", json!({"duration": "long"}), "duration"),
        ("/users/me/meetings", json!({"type": 77}), "type"),
        (
            "/users/me/meetings",
            json!({"agenda": "x".repeat(2_001)}),
            "agenda",
        ),
        (
            "/users/me/meetings",
            json!({"tracking_fields": "x"}),
            "tracking_fields",
        ),
        ("/users/me/meetings", json!({"settings": []}), "settings"),
    ];
    for (path, body, field) in cases {
        let (status, answer) = zoom.create(path, &body).await;
        assert_eq!(status, 400, "{field}");
        assert_eq!(
            (&answer["code"], &answer["errors"][0]["field"]),
            (&json!(300), &json!(field))
        );
    }
    let (status, body) = zoom.create("/users/nobody/meetings", &json!({})).await;
    assert_eq!((status.as_u16(), &body["code"]), (404, &json!(1001)));
    let (_, listed) = zoom.get("/users/me/meetings").await;
    assert_eq!(listed["total_records"], 0, "nothing refused was made");
}

#[tokio::test]
async fn a_local_start_time_goes_with_a_time_zone() {
    let zoom = Zoom::start().await;
    let sent = json!({"topic": "x", "start_time": "2025-10-21T17:00:00", "timezone": "Europe/Berlin"});
    let (status, made) = zoom.create("/users/me/meetings", &sent).await;
    assert_eq!(
        (status.as_u16(), &made["timezone"]),
        (201, &json!("Europe/Berlin"))
    );
}
