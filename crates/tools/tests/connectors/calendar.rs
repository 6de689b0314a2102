//! The built-in calendar through the registry, over a real store.

use std::sync::atomic::Ordering;

use ports::{DeskStore as _, EventFilter};
use serde_json::{Value, json};
use types::{ArtifactKind, Label, LabelMap, Mode, Outcome, Timestamp};

use crate::support::{World, told};

fn wish(start: &str, minutes: u64) -> Value {
    json!({"calendar": "Boardroom 4A", "title": "Town hall", "start": start, "minutes": minutes,
        "attendees": ["ann@example.com"], "zone": "Europe/Berlin"})
}

async fn output(world: &World, key: &str, action: &str, args: Value) -> Value {
    match world.perform_keyed(key, action, args).await {
        Outcome::Succeeded { output, .. } => output.value,
        other => panic!("{key}: {other:?}"),
    }
}

async fn standing(world: &World) -> usize {
    let filter = EventFilter {
        mode: Mode::Mock,
        calendar: None,
        from: Timestamp::from_millis(0),
        to: Timestamp::MAX,
        cancelled: false,
        limit: 100,
    };
    let events = world.desk.events(world.tenant, filter).await;
    events.expect("read").len()
}

#[tokio::test]
async fn an_event_is_told_in_utc_and_in_its_zone() {
    let world = World::new().await;
    let made = world
        .perform(
            "calendar_scheduler.create_event",
            wish("2023-12-01T10:00:00+01:00", 90),
        )
        .await;
    let Outcome::Succeeded { output, artifacts } = made else {
        panic!("{made:?}")
    };
    let event = &output.value;
    for (field, expected) in [
        ("start", json!("2023-12-01T09:00:00.000Z")),
        ("end", json!("2023-12-01T10:30:00.000Z")),
        ("start_local", json!("2023-12-01T10:00:00+01:00")),
        ("zone", json!("Europe/Berlin")),
        ("minutes", json!(90)),
        ("status", json!("confirmed")),
        ("attendees", json!(["ann@example.com"])),
    ] {
        assert_eq!(event[field], expected, "{field}");
    }
    assert_eq!(artifacts[0].kind, ArtifactKind::Event);
    assert_eq!(artifacts[0].external_id, event["id"].as_str().expect("an id"));
    let labels: &LabelMap = &output.labels;
    assert_eq!(labels.at("/id"), Label::System.into());
    assert_eq!(
        labels.at("/title"),
        Label::Untrusted.into(),
        "people's words stay theirs"
    );
}

#[tokio::test]
async fn a_repeated_call_gives_the_same_event_even_when_its_time_is_over() {
    let world = World::new().await;
    let args = wish("2023-11-20T10:00:00Z", 30);
    let first = output(&world, "k", "calendar_scheduler.create_event", args.clone()).await;
    world.clock.advance(30 * 86_400_000);
    let again = output(&world, "k", "calendar_scheduler.create_event", args.clone()).await;
    assert_eq!(again, first);
    let late = world
        .perform_keyed("other", "calendar_scheduler.create_event", args)
        .await;
    assert_eq!(
        told(&late),
        "failed arguments_invalid",
        "a new wish for that time is refused"
    );
    assert_eq!(standing(&world).await, 1);
}

#[tokio::test]
async fn a_taken_time_is_refused_with_what_stands_there() {
    let world = World::new().await;
    output(
        &world,
        "a",
        "calendar_scheduler.create_event",
        wish("2023-12-01T10:00:00Z", 60),
    )
    .await;
    let clash = world
        .perform_keyed(
            "b",
            "calendar_scheduler.create_event",
            wish("2023-12-01T10:30:00Z", 60),
        )
        .await;
    let Outcome::Failed {
        failure,
        retryable: false,
        ..
    } = &clash
    else {
        panic!("{clash:?}")
    };
    assert_eq!(failure.code, "calendar_taken");
    assert!(
        failure.message.contains("2023-12-01T11:00:00+01:00"),
        "in the asker's zone: {failure}"
    );
    let beside = wish("2023-12-01T11:00:00Z", 60);
    let second = output(&world, "c", "calendar_scheduler.create_event", beside).await;
    let moved = json!({"event": second["id"], "start": "2023-12-01T10:59:00Z"});
    let clash = world
        .perform_keyed("d", "calendar_scheduler.reschedule_event", moved)
        .await;
    assert_eq!(told(&clash), "failed calendar_taken");
    let gone = json!({"event": second["id"]});
    let gone = output(&world, "e", "calendar_scheduler.cancel_event", gone).await;
    assert_eq!(gone["status"], "cancelled");
    let moved = json!({"event": second["id"], "start": "2023-12-05T10:00:00Z"});
    let refused = world
        .perform_keyed("f", "calendar_scheduler.reschedule_event", moved)
        .await;
    assert_eq!(told(&refused), "failed event_cancelled");
}

#[tokio::test]
async fn a_moved_event_keeps_its_length_unless_told() {
    let world = World::new().await;
    let made = output(
        &world,
        "a",
        "calendar_scheduler.create_event",
        wish("2023-12-01T10:00:00Z", 45),
    )
    .await;
    let to = json!({"event": made["id"], "start": "2023-12-02T10:00:00Z"});
    let moved = output(&world, "b", "calendar_scheduler.reschedule_event", to).await;
    assert_eq!(
        (&moved["minutes"], &moved["zone"]),
        (&json!(45), &json!("Europe/Berlin"))
    );
    let to = json!({"event": made["id"], "start": "2023-12-02T10:00:00Z", "minutes": 15, "zone": "UTC"});
    let moved = output(&world, "c", "calendar_scheduler.reschedule_event", to).await;
    assert_eq!((&moved["minutes"], &moved["zone"]), (&json!(15), &json!("UTC")));
}

#[tokio::test]
async fn availability_tells_what_is_free_and_what_is_not() {
    let world = World::new().await;
    for (key, start) in [("a", "2023-12-01T10:00:00Z"), ("b", "2023-12-01T10:50:00Z")] {
        output(&world, key, "calendar_scheduler.create_event", wish(start, 40)).await;
    }
    let span =
        json!({"calendar": "boardroom 4A", "from": "2023-12-01T09:00:00Z", "to": "2023-12-01T12:00:00Z"});
    let seen = world
        .output("calendar_scheduler.check_availability", span.clone())
        .await;
    let times = |list: &Value| -> Vec<(String, u64)> {
        let entries = list.as_array().into_iter().flatten();
        entries
            .map(|entry| {
                (
                    entry["start"].as_str().unwrap_or("")[11..16].to_owned(),
                    entry["minutes"].as_u64().unwrap_or(0),
                )
            })
            .collect()
    };
    assert_eq!(seen["available"], false);
    assert_eq!(
        times(&seen["busy"]),
        [("10:00".to_owned(), 40), ("10:50".to_owned(), 40)]
    );
    let free = [("09:00".to_owned(), 60), ("11:30".to_owned(), 30)];
    assert_eq!(
        times(&seen["free"]),
        free,
        "ten minutes between are too short to tell"
    );
    let mut finer = span.clone();
    finer["minutes"] = json!(10);
    let seen = world.output("calendar_scheduler.check_availability", finer).await;
    assert_eq!(times(&seen["free"]).len(), 3);
    let other = json!({"calendar": "Lobby", "from": "2023-12-01T09:00:00Z", "to": "2023-12-01T12:00:00Z"});
    let seen = world.output("calendar_scheduler.check_availability", other).await;
    assert_eq!(
        (&seen["available"], times(&seen["free"])),
        (&json!(true), vec![("09:00".to_owned(), 180)])
    );
    let mut long = span;
    long["to"] = json!("2024-12-01T12:00:00Z");
    let refused = world.perform("calendar_scheduler.check_availability", long).await;
    assert_eq!(told(&refused), "failed arguments_invalid");
}

#[tokio::test]
async fn nonsense_is_refused_before_anything_is_kept() {
    let world = World::new().await;
    for args in [
        json!({"calendar": "x", "title": "t", "start": "tomorrow", "minutes": 5}),
        json!({"calendar": "x", "title": "t", "start": "2023-12-01T10:00:00", "minutes": 5}),
        json!({"calendar": " ", "title": "t", "start": "2023-12-01T10:00:00Z", "minutes": 5}),
        json!({"calendar": "x", "title": "t", "start": "2023-12-01T10:00:00Z"}),
        json!({"calendar": "x", "title": "t", "start": "2023-12-01T10:00:00Z", "minutes": 0}),
        json!({"calendar": "x", "title": "t", "start": "2023-02-30T10:00:00Z", "minutes": 5}),
        json!({"calendar": "x", "title": "t", "start": "2023-12-01T10:00:00Z", "minutes": 5, "zone": "Mars/Olympus"}),
        json!({"calendar": "x", "title": "t", "start": "2023-12-01T10:00:00Z", "minutes": 5, "zone": "../etc/passwd"}),
        json!({"calendar": "x".repeat(121), "title": "t", "start": "2023-12-01T10:00:00Z", "minutes": 5}),
    ] {
        let refused = world
            .perform("calendar_scheduler.create_event", args.clone())
            .await;
        assert_eq!(told(&refused), "failed arguments_invalid", "{args}");
    }
    let stranger = json!({"event": "evt_0190a1b2c3d47000800000000000000a"});
    let missing = world.perform("calendar_scheduler.cancel_event", stranger).await;
    assert_eq!(told(&missing), "failed record_not_found");
    assert_eq!(standing(&world).await, 0);
}

#[tokio::test]
async fn a_worker_that_lost_its_run_books_nothing() {
    let world = World::new().await;
    world.guard.refuses.store(true, Ordering::SeqCst);
    let refused = world
        .perform(
            "calendar_scheduler.create_event",
            wish("2023-12-01T10:00:00Z", 60),
        )
        .await;
    assert_eq!(told(&refused), "retry lease_lost");
    assert_eq!(standing(&world).await, 0);
}

#[tokio::test]
async fn of_many_calls_for_one_time_one_books() {
    let world = World::new().await;
    let calls = (0..24).map(|n| {
        let key = format!("call-{n}");
        let world = &world;
        async move {
            world
                .perform_keyed(
                    &key,
                    "calendar_scheduler.create_event",
                    wish("2023-12-01T10:00:00Z", 60),
                )
                .await
        }
    });
    let outcomes = futures::future::join_all(calls).await;
    let kept = outcomes.iter().filter(|outcome| told(outcome) == "ok").count();
    let taken = outcomes
        .iter()
        .filter(|outcome| told(outcome) == "failed calendar_taken")
        .count();
    assert_eq!((kept, taken), (1, 23));
    assert_eq!(standing(&world).await, 1);
}
