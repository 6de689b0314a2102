//! Built-in calendars.

use std::sync::Arc;

use ports::{Booking, CalendarEvent, EventFilter, EventMove, Store, StoreError};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use types::{EventId, EventStatus, Mode, TenantId, Timestamp};

use super::fixtures::{Bench, TENANT, World};

const MINUTE: u64 = 60_000;

/// An event in the boardroom, minutes from the start of the bench's time.
fn event(world: &World, from: u64, to: u64) -> CalendarEvent {
    let zero = Timestamp::from_millis(1_700_000_000_000);
    CalendarEvent {
        id: EventId::new(world.clock.as_ref(), world.entropy.as_ref()),
        mode: Mode::Mock,
        calendar: "Boardroom 4A".to_owned(),
        title: "Town hall".to_owned(),
        description: "All hands.".to_owned(),
        organizer: "sam".to_owned(),
        attendees: vec!["ann@example.com".to_owned()],
        starts_at: zero + from * MINUTE,
        ends_at: zero + to * MINUTE,
        zone: "Europe/Berlin".to_owned(),
        status: EventStatus::Confirmed,
        created_at: world.now(),
        updated_at: world.now(),
    }
}

fn everything(mode: Mode) -> EventFilter {
    EventFilter {
        mode,
        calendar: None,
        from: Timestamp::from_millis(0),
        to: Timestamp::MAX,
        cancelled: true,
        limit: 1_000,
    }
}

async fn keep(store: &dyn Store, event: CalendarEvent, key: &str) -> CalendarEvent {
    match store.book(TENANT, event, key).await {
        Ok(Booking::Kept(kept)) => kept,
        other => panic!("{key}: {other:?}"),
    }
}

pub async fn no_two_events_overlap_on_a_calendar(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let standing = keep(store.as_ref(), event(world, 60, 120), "k0").await;
    for (index, (from, to)) in [(60, 120), (0, 61), (119, 200), (70, 80), (0, 200)]
        .into_iter()
        .enumerate()
    {
        let clash = store
            .book(TENANT, event(world, from, to), &format!("clash{index}"))
            .await;
        assert_eq!(
            clash,
            Ok(Booking::Taken(vec![standing.clone()])),
            "{from} to {to}"
        );
    }
    let mut shouted = event(world, 90, 100);
    shouted.calendar = " BOARDROOM 4a".to_owned();
    let clash = store.book(TENANT, shouted, "shouted").await;
    assert!(matches!(clash, Ok(Booking::Taken(_))), "{clash:?}");
    keep(store.as_ref(), event(world, 0, 60), "before").await;
    keep(store.as_ref(), event(world, 120, 121), "after").await;
    let mut elsewhere = event(world, 60, 120);
    elsewhere.calendar = "Boardroom 4B".to_owned();
    keep(store.as_ref(), elsewhere, "elsewhere").await;
    let mut rehearsal = event(world, 60, 120);
    rehearsal.mode = Mode::Real;
    keep(store.as_ref(), rehearsal, "real").await;
    let backwards = store.book(TENANT, event(world, 500, 500), "nothing").await;
    assert!(
        matches!(backwards, Err(StoreError::Conflict { .. })),
        "{backwards:?}"
    );
}

pub async fn a_call_books_once(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    assert_eq!(store.event_of_call(TENANT, Mode::Mock, "k").await, Ok(None));
    let first = keep(store.as_ref(), event(world, 0, 60), "k").await;
    assert_eq!(first.attendees, vec!["ann@example.com".to_owned()]);
    let again = keep(store.as_ref(), event(world, 0, 60), "k").await;
    assert_eq!(again, first);
    let elsewhere = keep(store.as_ref(), event(world, 600, 660), "k").await;
    assert_eq!(elsewhere, first, "whatever it asks for the second time");
    assert_eq!(
        store.event_of_call(TENANT, Mode::Mock, "k").await,
        Ok(Some(first.clone()))
    );
    assert_eq!(store.event_of_call(TENANT, Mode::Real, "k").await, Ok(None));
    assert_eq!(
        store.events(TENANT, everything(Mode::Mock)).await,
        Ok(vec![first])
    );
    let reopened = bench.boot().await;
    let found = reopened
        .events(TENANT, everything(Mode::Mock))
        .await
        .expect("read");
    assert_eq!(found.len(), 1, "it is on disk");
}

pub async fn events_move_and_are_cancelled(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let one = keep(store.as_ref(), event(world, 0, 60), "one").await;
    let two = keep(store.as_ref(), event(world, 60, 120), "two").await;
    let at = world.clock.advance(5);
    let to = |from: u64, until: u64| EventMove {
        mode: Mode::Mock,
        event: one.id,
        starts_at: event(world, from, until).starts_at,
        ends_at: event(world, from, until).ends_at,
        zone: None,
        at,
    };
    let clash = store.move_event(TENANT, to(30, 90), "m1").await;
    assert_eq!(
        clash,
        Ok(Booking::Taken(vec![two.clone()])),
        "not itself, but the other"
    );
    let Ok(Booking::Kept(moved)) = store.move_event(TENANT, to(15, 60), "m2").await else {
        panic!("it may overlap where it was")
    };
    assert_eq!(
        (moved.starts_at, moved.zone.as_str(), moved.updated_at),
        (to(15, 60).starts_at, "Europe/Berlin", at)
    );
    let Ok(Booking::Kept(same)) = store.move_event(TENANT, to(600, 660), "m2").await else {
        panic!("the same call")
    };
    assert_eq!(same, moved);
    let gone = store
        .cancel_event(TENANT, Mode::Mock, two.id, at, "c1")
        .await
        .expect("cancelled");
    assert_eq!(gone.status, EventStatus::Cancelled);
    let later = world.clock.advance(5);
    let still = store.cancel_event(TENANT, Mode::Mock, two.id, later, "c2").await;
    assert_eq!(still, Ok(gone), "cancelling twice cancels once");
    keep(store.as_ref(), event(world, 60, 120), "three").await;
    let back = EventMove {
        event: two.id,
        ..to(800, 900)
    };
    let refused = store.move_event(TENANT, back, "m3").await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    let stranger = event(world, 0, 1).id;
    let missing = store.cancel_event(TENANT, Mode::Mock, stranger, at, "c3").await;
    assert!(
        matches!(missing, Err(StoreError::NotFound { what: "event", .. })),
        "{missing:?}"
    );
    let other_mode = store.event(TENANT, Mode::Real, one.id).await;
    assert!(
        matches!(other_mode, Err(StoreError::NotFound { .. })),
        "{other_mode:?}"
    );
}

pub async fn events_are_listed_by_their_start(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let late = keep(store.as_ref(), event(world, 120, 180), "late").await;
    let early = keep(store.as_ref(), event(world, 0, 60), "early").await;
    let mut other = event(world, 30, 40);
    other.calendar = "Lobby".to_owned();
    let other = keep(store.as_ref(), other, "other").await;
    let gone = keep(store.as_ref(), event(world, 60, 90), "gone").await;
    let gone = store
        .cancel_event(TENANT, Mode::Mock, gone.id, world.now(), "c")
        .await
        .expect("cancelled");
    let all = everything(Mode::Mock);
    let listed = store.events(TENANT, all.clone()).await;
    assert_eq!(listed, Ok(vec![early.clone(), other, gone, late.clone()]));
    let narrow = EventFilter {
        calendar: Some("boardroom 4A".to_owned()),
        from: early.ends_at,
        to: late.starts_at + 1,
        cancelled: false,
        ..all.clone()
    };
    assert_eq!(
        store.events(TENANT, narrow).await,
        Ok(vec![late]),
        "both ends are half open"
    );
    let one = EventFilter {
        limit: 1,
        ..all.clone()
    };
    assert_eq!(store.events(TENANT, one).await, Ok(vec![early]));
    assert_eq!(store.events(TENANT, everything(Mode::Real)).await, Ok(vec![]));
    let stranger = TenantId::from_bytes([7; 16]);
    assert_eq!(store.events(stranger, all).await, Ok(vec![]), "tenants are apart");
}

/// Sixteen writers, two of them processes, ask for times that overlap; what stands never does.
pub async fn many_writers_never_double_book(bench: &dyn Bench) {
    const WRITERS: u64 = 16;
    const EACH: u64 = 12;
    let (store, world) = (bench.boot().await, bench.world());
    let guest = bench.guest().await.expect("there is a database");
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let store: Arc<dyn Store> = if writer % 2 == 0 {
            Arc::clone(&store)
        } else {
            Arc::clone(&guest)
        };
        let world = world.clone();
        writers.push(tokio::spawn(async move {
            let mut kept = Vec::new();
            for round in 0..EACH {
                // Spread so that neighbours overlap in part and some ask for the same time.
                let from = (writer * 7 + round * 13) % 60 * 5;
                let wish = event(&world, from, from + 10 + writer % 3 * 5);
                let key = format!("{writer}/{round}");
                match store.book(TENANT, wish, &key).await {
                    Ok(Booking::Kept(event)) => kept.push(event.id),
                    Ok(Booking::Taken(by)) => assert!(!by.is_empty()),
                    Err(error) => panic!("{key}: {error}"),
                }
            }
            kept
        }));
    }
    let mut told = Vec::new();
    for writer in writers {
        told.extend(writer.await.expect("no writer panics"));
    }
    let standing = store.events(TENANT, everything(Mode::Mock)).await.expect("read");
    for pair in standing.windows(2) {
        assert!(
            pair[0].ends_at <= pair[1].starts_at,
            "{:?} and {:?}",
            pair[0],
            pair[1]
        );
    }
    let mut found: Vec<_> = standing.iter().map(|event| event.id).collect();
    found.sort();
    told.sort();
    assert_eq!(
        found, told,
        "whoever was told that the event stands was told the truth"
    );
    assert!(told.len() >= 10, "only {} of the bookings were kept", told.len());
}

#[derive(Debug, Clone)]
enum Wish {
    Book { from: u64, minutes: u64 },
    Move { which: usize, from: u64, minutes: u64 },
    Cancel { which: usize },
}

fn wishes() -> Vec<Wish> {
    let time = || (0u64..240, 1u64..60);
    let wish = prop_oneof![
        4 => time().prop_map(|(from, minutes)| Wish::Book { from, minutes }),
        2 => (0usize..40, time()).prop_map(|(which, (from, minutes))| Wish::Move { which, from, minutes }),
        2 => (0usize..40).prop_map(|which| Wish::Cancel { which }),
    ];
    let mut runner = TestRunner::deterministic();
    let drawn = proptest::collection::vec(wish, 400).new_tree(&mut runner);
    drawn.expect("the strategy has values").current()
}

/// The plainest calendar there is: a list, searched through.
pub async fn random_wishes_agree_with_a_model(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let mut model: Vec<(EventId, Option<(u64, u64)>)> = Vec::new();
    let (mut kept, mut taken) = (0, 0);
    for (round, wish) in wishes().into_iter().enumerate() {
        let key = format!("w{round}");
        let free = |model: &[(EventId, Option<(u64, u64)>)], own: Option<EventId>, from: u64, to: u64| {
            model
                .iter()
                .filter(|(id, _)| Some(*id) != own)
                .all(|(_, time)| time.is_none_or(|(start, end)| end <= from || to <= start))
        };
        match wish {
            Wish::Book { from, minutes } => {
                let event = event(world, from, from + minutes);
                let id = event.id;
                let expected = free(&model, None, from, from + minutes);
                let done = store.book(TENANT, event, &key).await.expect("an answer");
                assert_eq!(matches!(done, Booking::Kept(_)), expected, "round {round}");
                if expected {
                    model.push((id, Some((from, from + minutes))));
                    kept += 1;
                } else {
                    taken += 1;
                }
            }
            Wish::Move { which, from, minutes } => {
                let Some((id, Some(_))) = model.get(which).copied() else {
                    continue;
                };
                let times = event(world, from, from + minutes);
                let to = EventMove {
                    mode: Mode::Mock,
                    event: id,
                    starts_at: times.starts_at,
                    ends_at: times.ends_at,
                    zone: None,
                    at: world.now(),
                };
                let expected = free(&model, Some(id), from, from + minutes);
                let done = store.move_event(TENANT, to, &key).await.expect("an answer");
                assert_eq!(matches!(done, Booking::Kept(_)), expected, "round {round}");
                if expected {
                    model[which].1 = Some((from, from + minutes));
                }
            }
            Wish::Cancel { which } => {
                let Some((id, _)) = model.get(which).copied() else {
                    continue;
                };
                let done = store
                    .cancel_event(TENANT, Mode::Mock, id, world.now(), &key)
                    .await;
                assert_eq!(
                    done.map(|event| event.status),
                    Ok(EventStatus::Cancelled),
                    "round {round}"
                );
                model[which].1 = None;
            }
        }
    }
    assert!(
        kept > 20 && taken > 20,
        "{kept} kept, {taken} taken: the wishes are too alike"
    );
    let mut expected: Vec<_> = model
        .iter()
        .filter_map(|(id, time)| Some(((*time)?.0, *id)))
        .collect();
    expected.sort();
    let standing = EventFilter {
        cancelled: false,
        ..everything(Mode::Mock)
    };
    let found = store.events(TENANT, standing).await.expect("read");
    let found: Vec<_> = found.iter().map(|event| event.id).collect();
    assert_eq!(found, expected.iter().map(|(_, id)| *id).collect::<Vec<_>>());
}
