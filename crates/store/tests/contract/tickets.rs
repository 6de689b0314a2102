//! Built-in tickets, and the tool that a call goes through.

use ports::{StoreError, Ticket, TicketChange, TicketFilter};
use types::{Mode, TicketId, TicketStatus, Urgency};

use super::fixtures::{Bench, TENANT, World};

fn ticket(world: &World, title: &str) -> Ticket {
    Ticket {
        id: TicketId::new(world.clock.as_ref(), world.entropy.as_ref()),
        mode: Mode::Mock,
        number: 0,
        title: title.to_owned(),
        description: "No picture.".to_owned(),
        urgency: Urgency::High,
        category: "video".to_owned(),
        assignee: String::new(),
        status: TicketStatus::New,
        resolution: String::new(),
        created_at: world.now(),
        updated_at: world.now(),
        resolved_at: None,
        comments: Vec::new(),
    }
}

pub async fn tickets_are_numbered_and_change(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let one = store
        .open_ticket(TENANT, ticket(world, "Black screen"), "o1")
        .await
        .expect("opened");
    let same = store
        .open_ticket(TENANT, ticket(world, "Black screen"), "o1")
        .await;
    assert_eq!(same, Ok(one.clone()), "a call opens once");
    let two = store
        .open_ticket(TENANT, ticket(world, "No sound"), "o2")
        .await
        .expect("opened");
    let mut real = ticket(world, "Real");
    real.mode = Mode::Real;
    let real = store.open_ticket(TENANT, real, "o1").await.expect("opened");
    assert_eq!((one.number, two.number, real.number), (1, 2, 1));
    let at = world.clock.advance(9);
    let change = TicketChange {
        assignee: Some("ann".to_owned()),
        urgency: Some(Urgency::Low),
        status: Some(TicketStatus::Resolved),
        resolution: Some("A new cable.".to_owned()),
        comment: Some(("ann".to_owned(), "Looked at it.".to_owned())),
        ..TicketChange::default()
    };
    let changed = store
        .change_ticket(TENANT, Mode::Mock, 1, change.clone(), at, "c1")
        .await
        .expect("changed");
    let expected = (Urgency::Low, TicketStatus::Resolved, "A new cable.", Some(at));
    let seen = (
        changed.urgency,
        changed.status,
        changed.resolution.as_str(),
        changed.resolved_at,
    );
    assert_eq!(seen, expected);
    assert_eq!(
        (changed.title.as_str(), changed.assignee.as_str()),
        ("Black screen", "ann")
    );
    let again = store.change_ticket(TENANT, Mode::Mock, 1, change, at, "c1").await;
    assert_eq!(again, Ok(changed.clone()), "one comment, not two");
    assert_eq!(store.ticket(TENANT, Mode::Mock, 1).await, Ok(changed.clone()));
    assert_eq!(
        store.ticket_of_call(TENANT, Mode::Mock, "c1").await,
        Ok(Some(changed))
    );
    assert_eq!(store.ticket_of_call(TENANT, Mode::Mock, "c9").await, Ok(None));
    let reopened = TicketChange {
        status: Some(TicketStatus::InProgress),
        ..TicketChange::default()
    };
    let reopened = store
        .change_ticket(TENANT, Mode::Mock, 1, reopened, at, "c2")
        .await
        .expect("reopened");
    assert_eq!((reopened.resolution.as_str(), reopened.resolved_at), ("", None));
    let missing = store
        .change_ticket(TENANT, Mode::Mock, 9, TicketChange::default(), at, "c3")
        .await;
    assert!(
        matches!(missing, Err(StoreError::NotFound { what: "ticket", .. })),
        "{missing:?}"
    );
}

pub async fn tickets_are_found_newest_first(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    for (index, title) in ["Black screen", "100% of it", "Screens_flicker"]
        .into_iter()
        .enumerate()
    {
        store
            .open_ticket(TENANT, ticket(world, title), &format!("o{index}"))
            .await
            .expect("opened");
    }
    let close = TicketChange {
        status: Some(TicketStatus::Closed),
        ..TicketChange::default()
    };
    store
        .change_ticket(TENANT, Mode::Mock, 1, close, world.now(), "close")
        .await
        .expect("closed");
    let find = |text: Option<&str>, open_only: bool, limit: u32| TicketFilter {
        mode: Mode::Mock,
        text: text.map(str::to_owned),
        open_only,
        limit,
    };
    for (filter, expected) in [
        (find(None, false, 10), vec![3, 2, 1]),
        (find(None, false, 1), vec![3]),
        (find(None, true, 10), vec![3, 2]),
        (find(Some("SCREEN"), false, 10), vec![3, 1]),
        (find(Some("no picture"), true, 10), vec![3, 2]),
        (find(Some("0% o"), false, 10), vec![2]),
        (find(Some("s_f"), false, 10), vec![3]),
        (find(Some("k_s"), false, 10), vec![]),
        (find(Some("\\"), false, 10), vec![]),
    ] {
        let found = store.tickets(TENANT, filter.clone()).await.expect("found");
        let numbers: Vec<_> = found.iter().map(|ticket| ticket.number).collect();
        assert_eq!(numbers, expected, "{filter:?}");
    }
}

pub async fn a_route_is_pinned_by_its_first_time(bench: &dyn Bench) {
    let (store, _) = (bench.boot().await, bench.world());
    for (mode, key, wish, pinned) in [
        (Mode::Mock, "k", "servicenow", "servicenow"),
        (Mode::Mock, "k", "built_in", "servicenow"),
        (Mode::Real, "k", "built_in", "built_in"),
        (Mode::Mock, "l", "jira", "jira"),
    ] {
        assert_eq!(
            store.pin_route(TENANT, mode, key, wish).await,
            Ok(pinned.to_owned()),
            "{mode} {key}"
        );
    }
}
