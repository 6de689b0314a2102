//! What holds for every action that changes something, whichever vendor it calls.

use std::sync::atomic::Ordering;

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use wiremock::ResponseTemplate;

use crate::support::{World, answer, told};
use crate::writes::{OTHERS, STATUS_ALONE, writes};

/// What every write comes to when its request is answered like this.
async fn check(template: ResponseTemplate, expected: &str) {
    for write in writes() {
        let world = World::new().await;
        world.gives_token("t1", 0).await;
        world.answers(write.verb, write.route, template.clone(), 0).await;
        let outcome = world.perform(write.action, write.args).await;
        assert_eq!(told(&outcome), expected, "{}: {outcome:?}", write.action);
        assert_eq!(
            world.seen(write.verb, write.route).await.len(),
            1,
            "{} was sent more than once",
            write.action
        );
    }
}

#[tokio::test]
async fn the_list_names_every_write() {
    let world = World::new().await;
    let catalog = ports::Tools::catalog(&world.registry);
    let mut there: Vec<String> = catalog
        .actions()
        .filter(|action| action.effect != types::Effect::Read && !OTHERS.contains(&action.tool.as_str()))
        .map(types::ActionSpec::name)
        .collect();
    let mut listed: Vec<String> = writes().iter().map(|write| write.action.to_owned()).collect();
    there.sort();
    listed.sort();
    assert_eq!(listed, there);
}

#[tokio::test]
async fn a_good_answer_is_a_success_and_fits_the_schema() {
    for write in writes() {
        let world = World::new().await;
        world.gives_token("t1", 0).await;
        world
            .answers(write.verb, write.route, answer(write.status, write.good), 0)
            .await;
        let output = world.output(write.action, write.args).await;
        let spec = crate::support::spec(&ports::Tools::catalog(&world.registry), write.action);
        let problems: Vec<String> = jsonschema::draft202012::new(&spec.output)
            .expect("a schema")
            .iter_errors(&output)
            .map(|error| error.to_string())
            .collect();
        assert!(problems.is_empty(), "{}: {problems:?} in {output}", write.action);
    }
}

#[tokio::test]
async fn a_429_is_a_refusal_that_says_how_long_to_wait() {
    check(
        answer(429, json!({})).insert_header("Retry-After", "7"),
        "retry tool_rate_limited after 7000",
    )
    .await;
    let date = "Tue, 14 Nov 2023 22:13:30 GMT";
    check(
        answer(429, json!({})).insert_header("Retry-After", date),
        "retry tool_rate_limited after 10000",
    )
    .await;
    // `support::NOW_MS` plus nine seconds.
    check(
        answer(429, json!({})).insert_header("X-RateLimit-Reset", "1700000009"),
        "retry tool_rate_limited after 9000",
    )
    .await;
    check(
        answer(429, json!({}))
            .insert_header("RateLimit-Reset", "5")
            .insert_header("Retry-After", "7"),
        "retry tool_rate_limited after 7000",
    )
    .await;
}

#[tokio::test]
async fn a_documented_refusal_is_known_and_final() {
    check(answer(400, json!({"message": "bad"})), "failed tool_refused").await;
    check(answer(403, json!({})), "failed credentials_refused").await;
    check(answer(404, json!({})), "failed tool_refused").await;
}

#[tokio::test]
async fn a_5xx_leaves_a_write_in_doubt() {
    for status in [500, 502, 503, 504] {
        check(ResponseTemplate::new(status), "unknown tool_failed").await;
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    for (status, expected) in [
        (307, "failed tool_redirected"),
        (308, "failed tool_redirected"),
        (302, "unknown tool_redirected"),
        (303, "unknown tool_redirected"),
    ] {
        check(
            ResponseTemplate::new(status).insert_header("Location", "/elsewhere"),
            expected,
        )
        .await;
    }
}

#[tokio::test]
async fn rubbish_after_a_write_leaves_it_in_doubt() {
    for write in writes() {
        if STATUS_ALONE.contains(&write.action) {
            continue;
        }
        for rubbish in [
            "<html>surprise</html>",
            "",
            "{\"ok\":",
            "[]",
            "{}",
            "{\"ok\":\"maybe\",\"result\":[]}",
        ] {
            let world = World::new().await;
            world.gives_token("t1", 0).await;
            let template = ResponseTemplate::new(200).set_body_raw(rubbish, "application/json");
            world.answers(write.verb, write.route, template, 0).await;
            let outcome = world.perform(write.action, write.args.clone()).await;
            assert_eq!(
                told(&outcome),
                "unknown answer_unreadable",
                "{} after {rubbish:?}",
                write.action
            );
        }
    }
}

#[tokio::test]
async fn an_endless_answer_leaves_it_in_doubt() {
    let world = World::new().await;
    let body = vec![b' '; 5 * 1024 * 1024];
    world
        .answers(
            "POST",
            "/api/chat.postMessage",
            ResponseTemplate::new(200).set_body_raw(body, "application/json"),
            0,
        )
        .await;
    let outcome = world
        .perform("slack.post_message", json!({"channel": "#a", "text": "x"}))
        .await;
    assert_eq!(told(&outcome), "unknown answer_unreadable");
}

#[tokio::test]
async fn a_connection_that_was_never_made_is_known_to_have_carried_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    for write in writes() {
        let world = World::elsewhere(base.clone()).await;
        let outcome = world.perform(write.action, write.args).await;
        assert_eq!(told(&outcome), "retry tool_unreachable", "{}", write.action);
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_leaves_a_write_in_doubt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        // Takes each request and hangs up without a word.
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut taken = [0u8; 4096];
            let _ = stream.read(&mut taken).await;
        }
    });
    let world = World::elsewhere(base).await;
    let slack = world
        .perform("slack.post_message", json!({"channel": "#a", "text": "x"}))
        .await;
    assert_eq!(told(&slack), "unknown tool_failed");
    let incident = world
        .perform("servicenow.create_incident", json!({"short_description": "x"}))
        .await;
    assert_eq!(told(&incident), "unknown tool_failed");
    // The token is lost, so the restart was never asked for.
    let zoom = world
        .perform("zoom.restart_room", json!({"room_id": "zr1"}))
        .await;
    assert_eq!(told(&zoom), "retry tool_failed");
    server.abort();
}

#[tokio::test]
async fn a_late_answer_leaves_a_write_in_doubt() {
    for write in writes() {
        let world = World::new().await;
        world.gives_token("t1", 0).await;
        // Fetching the token once keeps the race between token and deadline out of the test.
        let _ = world.registry_health("zoom").await;
        let slow = answer(write.status, write.good).set_delay(std::time::Duration::from_secs(60));
        world.answers(write.verb, write.route, slow, 0).await;
        let permit =
            crate::support::permit(&ports::Tools::catalog(&world.registry), write.action, &write.args);
        let outcome =
            ports::Tools::perform(&world.registry, permit, world.call_within(write.args, 100)).await;
        assert_eq!(told(&outcome), "unknown call_timed_out", "{}", write.action);
    }
}

#[tokio::test]
async fn a_call_whose_time_is_up_sends_nothing() {
    for write in writes() {
        let world = World::new().await;
        let permit =
            crate::support::permit(&ports::Tools::catalog(&world.registry), write.action, &write.args);
        let outcome = ports::Tools::perform(&world.registry, permit, world.call_within(write.args, 0)).await;
        assert_eq!(told(&outcome), "retry call_timed_out", "{}", write.action);
        assert!(
            world
                .server
                .received_requests()
                .await
                .expect("recorded")
                .is_empty(),
            "{}",
            write.action
        );
    }
}

#[tokio::test]
async fn a_guard_that_refuses_lets_nothing_out() {
    for write in writes() {
        let world = World::new().await;
        world.guard.refuses.store(true, Ordering::SeqCst);
        let outcome = world.perform(write.action, write.args).await;
        assert_eq!(told(&outcome), "retry lease_lost", "{}", write.action);
        assert!(
            world
                .server
                .received_requests()
                .await
                .expect("recorded")
                .is_empty(),
            "{}",
            write.action
        );
        assert!(world.guard.asked.load(Ordering::SeqCst) >= 1);
    }
}
