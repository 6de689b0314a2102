//! Google's stand-in: tokens, files and who may see them.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::rig::{Rig, ask};

async fn token(rig: &Rig) -> String {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", sandbox::GOOGLE_CLIENT_ID),
        ("client_secret", sandbox::GOOGLE_CLIENT_SECRET),
        ("refresh_token", sandbox::GOOGLE_REFRESH_TOKEN),
    ];
    let (status, body) = ask(rig.bare(Method::POST, "/google/token").form(&form)).await;
    assert_eq!(
        (status.as_u16(), &body["token_type"]),
        (200, &json!("Bearer")),
        "{body}"
    );
    body["access_token"].as_str().expect("a token").to_owned()
}

fn upload(rig: &Rig, token: &str, metadata: &Value, content: &str) -> RequestBuilder {
    let body = format!(
        "--b\r\ncontent-type: application/json\r\n\r\n{metadata}\r\n--b\r\ncontent-type: text/plain\r\n\r\n{content}\r\n--b--"
    );
    rig.bare(
        Method::POST,
        "/google/upload/drive/v3/files?uploadType=multipart&fields=*",
    )
    .bearer_auth(token)
    .header("content-type", "multipart/related; boundary=b")
    .body(body)
}

#[tokio::test]
async fn a_file_is_kept_found_by_its_property_and_read_back() {
    let rig = Rig::start().await;
    let token = token(&rig).await;
    let metadata = json!({"name": "a.txt", "appProperties": {"key": "k1"}});
    let (status, file) = ask(upload(&rig, &token, &metadata, "hello")).await;
    assert_eq!(
        (status.as_u16(), &file["size"], &file["mimeType"]),
        (200, &json!("5"), &json!("text/plain"))
    );
    let id = file["id"].as_str().expect("an id");
    let query = "appProperties has { key='key' and value='k1' } and trashed = false";
    let list = |query: &str| {
        rig.bare(Method::GET, "/google/drive/v3/files")
            .bearer_auth(&token)
            .query(&[("q", query), ("fields", "nextPageToken,files(id,appProperties)")])
    };
    let (_, found) = ask(list(query)).await;
    assert_eq!(
        found["files"],
        json!([{"id": id, "appProperties": {"key": "k1"}}])
    );
    let (_, none) = ask(list("appProperties has { key='key' and value='k2' }")).await;
    assert_eq!(none["files"], json!([]));
    let (status, refused) = ask(list("nonsense")).await;
    assert_eq!(
        (status.as_u16(), &refused["error"]["errors"][0]["reason"]),
        (400, &json!("invalid"))
    );
    let media = rig
        .bare(Method::GET, &format!("/google/drive/v3/files/{id}?alt=media"))
        .bearer_auth(&token);
    assert_eq!(
        media
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("a text"),
        "hello"
    );
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_googles_envelope() {
    let rig = Rig::start().await;
    let good = token(&rig).await;
    let get = |token: &str| {
        rig.bare(Method::GET, "/google/drive/v3/files/none")
            .bearer_auth(token)
    };
    for (request, status, reason) in [
        (get(&good), 404, "notFound"),
        (get("nobody"), 401, "authError"),
        (upload(&rig, &good, &json!({"name": 5}), "x"), 400, "badRequest"),
        (
            upload(
                &rig,
                &good,
                &json!({"appProperties": {"k": "v".repeat(124)}}),
                "x",
            ),
            400,
            "badRequest",
        ),
        (
            rig.bare(Method::POST, "/google/upload/drive/v3/files")
                .bearer_auth(&good)
                .body("x"),
            400,
            "badRequest",
        ),
        (
            rig.bare(Method::GET, "/google/drive/v3/about").bearer_auth(&good),
            400,
            "badRequest",
        ),
    ] {
        let (got, body) = ask(request).await;
        assert_eq!(
            (got.as_u16(), &body["error"]["errors"][0]["reason"]),
            (status, &json!(reason)),
            "{body}"
        );
        assert_eq!(body["error"]["code"], json!(status));
    }
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "x"),
        ("client_secret", "y"),
        ("refresh_token", "z"),
    ];
    let (status, body) = ask(rig.bare(Method::POST, "/google/token").form(&form)).await;
    assert_eq!((status.as_u16(), &body["error"]), (401, &json!("invalid_client")));
    rig.clock.advance_s(3_600);
    assert_eq!(ask(get(&good)).await.0.as_u16(), 401, "a token ends");
}
