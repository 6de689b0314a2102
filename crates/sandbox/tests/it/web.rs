//! The small web and those who search it.

use reqwest::Method;
use serde_json::json;

use crate::rig::{Rig, ask, header};

#[tokio::test]
async fn pages_are_served_so_that_no_browser_runs_them() {
    let rig = Rig::start().await;
    let get = async |path: &str| {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        let client = client.tls_certs_only([]).build().expect("a client");
        client
            .get(format!("{}{path}", rig.sandbox.http_url()))
            .send()
            .await
            .expect("an answer")
    };
    let page = get("/web/https/docs.av.example/rooms/hdmi-black?from=x").await;
    assert!(header(&page, "content-security-policy").contains("sandbox"));
    assert!(page.text().await.expect("a text").contains("<h1>No picture"));
    let moved = get("/web/https/docs.av.example/hdmi").await;
    assert_eq!(
        header(&moved, "location"),
        "https://docs.av.example/rooms/hdmi-black"
    );
    assert_eq!(
        get("/web/https/docs.av.example/nothing").await.status().as_u16(),
        404
    );
    assert!(get("/web").await.text().await.expect("a text").lines().count() > 4);
}

#[tokio::test]
async fn both_services_find_the_pages() {
    let rig = Rig::start().await;
    let searx = |query: &str| {
        rig.bare(Method::GET, "/search/search")
            .query(&[("q", query), ("format", "json")])
    };
    let (_, found) = ask(searx("echo boardroom")).await;
    assert_eq!(found["results"][0]["title"], "Echo in the boardroom");
    assert_eq!(ask(searx("xyzzy")).await.1["results"], json!([]));
    let page = rig
        .bare(Method::GET, "/search/search?q=echo")
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        page.status().as_u16(),
        403,
        "without JSON among its formats an instance refuses it"
    );

    let brave = |query: &str, key: &str| {
        let request = rig
            .bare(Method::GET, "/search/res/v1/web/search")
            .query(&[("q", query), ("count", "1")]);
        request.header("x-subscription-token", key)
    };
    let (_, found) = ask(brave("checklist hdmi", sandbox::BRAVE_API_KEY)).await;
    assert_eq!(found["web"]["results"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        ask(brave("xyzzy", sandbox::BRAVE_API_KEY)).await.1["web"],
        json!(null)
    );
    let (status, refused) = ask(brave("echo", "wrong")).await;
    assert_eq!(
        (status.as_u16(), &refused["error"]["code"]),
        (422, &json!("SUBSCRIPTION_TOKEN_INVALID"))
    );
}
