//! What is asked twice with one key is done once, and a key that meets something else is refused.

use serde_json::json;
use types::{Actor, Mode};

use super::*;
use crate::requests::RepeatKey;

#[tokio::test]
async fn one_start_key_starts_once() {
    let bench = testing::bench().await;
    bench.save(POST).await;
    bench.save(TALK).await;
    let services = &bench.services;
    let wish = |by: &Actor, key: RepeatKey| StartRun {
        start_key: Some(key),
        inputs: inputs(json!({"room": "4A"})),
        mode: Some(Mode::Mock),
        ..StartRun::new("talk", by.clone())
    };
    let ours = |key: &str| RepeatKey::of_wish(&ann(), key).expect("fits");
    let first = start(services, wish(&ann(), ours("k"))).await.expect("starts");
    let again = start(services, wish(&ann(), ours("k"))).await.expect("is there");
    assert_eq!((first.new, again.new, again.run), (true, false, first.run));
    let open = StartRun {
        mode: None,
        ..wish(&ann(), ours("k"))
    };
    assert_eq!(
        start(services, open).await.expect("is there").run,
        first.run,
        "what is left open fits"
    );

    let others = [
        StartRun {
            inputs: inputs(json!({"room": "4B"})),
            ..wish(&ann(), ours("k"))
        },
        StartRun {
            mode: Some(Mode::Real),
            ..wish(&ann(), ours("k"))
        },
        StartRun {
            recipe: "post".into(),
            inputs: inputs(json!({})),
            ..wish(&ann(), ours("k"))
        },
    ];
    for other in others {
        assert_eq!(code(start(services, other).await), "idempotency_key_reused");
    }
    // Nobody can take a key of somebody else, nor one that was said elsewhere.
    let eve = Actor::user("eve");
    for key in [
        RepeatKey::of_request(&ann(), "k"),
        RepeatKey::of_wish(&eve, "k"),
        RepeatKey::of_wish(&eve, "ann k"),
    ] {
        let started = start(services, wish(&eve, key.expect("fits"))).await;
        assert!(started.expect("starts").new);
    }
    // A new version in between changes nothing for whoever asks again.
    bench
        .save(&TALK.replace("name: Talk\n", "name: Talk\ndescription: more\n"))
        .await;
    let late = start(services, wish(&ann(), ours("k"))).await.expect("is there");
    assert_eq!(late.run, first.run);
}

#[tokio::test]
async fn a_signal_sent_twice_with_one_key_comes_once() {
    let bench = testing::bench().await;
    bench.save(TALK).await;
    let services = &bench.services;
    let run = started(&bench, "Talk", json!({"room": "4A"}))
        .await
        .expect("starts");
    let key = RepeatKey::of_request(&ann(), "k").expect("fits");
    let send = async |n: u32| {
        let payload = json!({"n": n});
        signal(services, run, "knock", payload, Some(key.clone()), &ann())
            .await
            .expect("open");
        bench.work(&good()).await;
    };
    for n in [1, 1, 2] {
        send(n).await;
        bench.pass(60_000);
    }
    let all = journal(services, run, 0, 100).await.expect("there");
    let signals = all
        .iter()
        .filter(|recorded| matches!(recorded.event, engine::Event::SignalReceived { .. }));
    assert_eq!(signals.count(), 2, "the second was the first, sent again");
}

#[tokio::test]
async fn one_key_restarts_once() {
    let bench = testing::bench().await;
    bench.save(POST).await;
    let services = &bench.services;
    let run = started(&bench, "post", json!({})).await.expect("starts");
    bench.work(&good()).await;
    assert!(status(&bench, run).await.is_final());
    let key = || RepeatKey::of_request(&ann(), "k").ok();
    let first = restart(services, run, "post", key(), &ann())
        .await
        .expect("forked");
    let again = restart(services, run, "post", key(), &ann())
        .await
        .expect("is there");
    assert_eq!((first.new, again.new, again.run), (true, false, first.run));
    let wish = StartRun {
        start_key: key(),
        ..StartRun::new("post", ann())
    };
    assert_eq!(code(start(services, wish).await), "idempotency_key_reused");
}
