//! Server-sent events: nothing is missed by a client that comes back.

use reqwest::Method;
use serde_json::{Value, json};

use crate::site::{Browser, Site};

/// A stream that is being read.
struct Reading {
    answer: reqwest::Response,
    text: String,
}

/// Reads events of a stream until `enough` says so: each with id, kind and data.
async fn read(
    who: &Browser,
    path: &str,
    last: Option<&str>,
    enough: impl Fn(&[(String, String, Value)]) -> bool,
) -> Vec<(String, String, Value)> {
    open(who, path, last).await.until(enough).await
}

async fn open(who: &Browser, path: &str, last: Option<&str>) -> Reading {
    let mut request = who.request(Method::GET, path);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    Reading {
        answer,
        text: String::new(),
    }
}

impl Reading {
    /// The events up to the one with which there are enough; later ones stay for the next time.
    async fn until(
        &mut self,
        enough: impl Fn(&[(String, String, Value)]) -> bool,
    ) -> Vec<(String, String, Value)> {
        let mut events = Vec::new();
        while !enough(&events) {
            let Some((one, rest)) = self.text.split_once("\n\n") else {
                let Some(chunk) = self.answer.chunk().await.expect("bytes") else {
                    break;
                };
                self.text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
                continue;
            };
            let field = |name: &str| {
                let line = one.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_default().trim().to_owned()
            };
            let kind = field("event:");
            if !kind.is_empty() {
                let data = serde_json::from_str(&field("data:")).expect("JSON");
                events.push((field("id:"), kind, data));
            }
            self.text = rest.to_owned();
        }
        events
    }
}

async fn call(site: &Site) -> String {
    let wish = json!({"args": {}});
    let run = site
        .admin
        .post("/api/v1/actions/slack.auth_test/call", wish)
        .await
        .ok(201);
    run["run"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_misses_no_change() {
    let site = Site::open().await;
    let start = read(&site.admin, "/api/v1/events", Some("0"), |events| {
        !events.is_empty()
    })
    .await;
    let (first, kind, _) = &start[0];
    assert_eq!(
        (first.as_str(), kind.as_str()),
        ("1", "change"),
        "the feed begins with the first change"
    );

    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(call(&site).await);
    }
    let done = |events: &[(String, String, Value)]| {
        let ended = |run: &String| {
            let over = |data: &Value| data["id"] == **run && data["what"] == "succeeded";
            events.iter().any(|(_, _, data)| over(data))
        };
        runs.iter().all(ended)
    };
    let whole = read(&site.admin, "/api/v1/events", Some("0"), done).await;
    let positions: Vec<u64> = whole
        .iter()
        .map(|(id, ..)| id.parse().expect("a number"))
        .collect();
    let expected: Vec<u64> = (1..=positions.len() as u64).collect();
    assert_eq!(positions, expected, "no change is missing and none comes twice");
    let middle = &whole[whole.len() / 2].0;
    let rest = read(
        &site.admin,
        "/api/v1/events",
        Some(middle),
        done_after(whole.len() / 2),
    )
    .await;
    assert_eq!(rest[..1], whole[whole.len() / 2 + 1..whole.len() / 2 + 2]);

    let ahead = read(&site.admin, "/api/v1/events", Some("999999"), |events| {
        !events.is_empty()
    })
    .await;
    assert_eq!(ahead[0].1, "reset", "a position that the feed never had");
    let wrong = site.admin.with("last-event-id", "x").get("/api/v1/events").await;
    wrong.refused(400, "cursor_invalid");
}

fn done_after(_: usize) -> impl Fn(&[(String, String, Value)]) -> bool {
    |events| !events.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runs_stream_is_its_journal_and_ends_with_it() {
    let site = Site::open().await;
    let run = call(&site).await;
    let path = format!("/api/v1/runs/{run}/events");
    let ended = |events: &[(String, String, Value)]| events.iter().any(|(_, kind, _)| kind == "end");
    let events = read(&site.admin, &path, None, ended).await;
    let seqs: Vec<u64> = events
        .iter()
        .filter(|(_, kind, _)| kind == "journal")
        .map(|(id, ..)| id.parse().expect("a number"))
        .collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    let journal = site
        .admin
        .get(&format!("/api/v1/runs/{run}/journal"))
        .await
        .ok(200);
    assert_eq!(journal["items"].as_array().expect("a list").len(), seqs.len());
    let rest = read(&site.admin, &path, Some("2"), ended).await;
    assert_eq!(rest[0].0, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_cannot_be_read_ends_instead_of_keeping_silent() {
    let site = Site::open().await;
    let stream = site.admin.request(Method::GET, "/api/v1/events").send().await;
    let database = rusqlite::Connection::open(site.folder.path("agentops.db"));
    let spoil = "ALTER TABLE feed RENAME TO taken_away";
    database
        .expect("the server's database")
        .execute_batch(spoil)
        .expect("renamed");
    let text = stream.expect("an answer").text().await;
    assert_eq!(text.expect("a whole answer"), "");
    let again = site.admin.get("/api/v1/events").await;
    again.refused(500, "store_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_falls_behind_what_is_kept_says_so_and_goes_on() {
    let site = Site::open().await;
    let mut stream = open(&site.admin, "/api/v1/events", None).await;
    // As if many changes had come at once, and all but the newest were dropped before the stream read on.
    let database =
        rusqlite::Connection::open(site.folder.path("agentops.db")).expect("the server's database");
    let fall_behind = "BEGIN IMMEDIATE;
        INSERT INTO feed (tenant_id, position, at, noun, id, what)
            SELECT tenant_id, position + 5, at, noun, id, what FROM feed ORDER BY position DESC LIMIT 1;
        DELETE FROM feed WHERE position < (SELECT max(position) FROM feed);
        COMMIT";
    database.execute_batch(fall_behind).expect("written");
    let newest: i64 = database
        .query_row("SELECT min(position) FROM feed", [], |row| row.get(0))
        .expect("a position");
    let position = |event: &(String, String, Value)| event.0.parse::<i64>().expect("a number");

    let reaches =
        |events: &[(String, String, Value)]| events.last().is_some_and(|last| position(last) >= newest);
    let events = stream.until(reaches).await;
    let told = events.last().expect("an event");
    assert_eq!(told.1, "reset", "{events:?}");

    let run = call(&site).await;
    let begun = |events: &[(String, String, Value)]| events.iter().any(|(_, _, data)| data["id"] == *run);
    let rest = stream.until(begun).await;
    assert!(rest.iter().all(|(_, kind, _)| kind == "change"), "{rest:?}");
    assert_eq!(
        position(&rest[0]),
        position(told) + 1,
        "it goes on after that position"
    );
}
