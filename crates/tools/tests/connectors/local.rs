//! The local actions through the registry: what they tell, and what they keep.

use std::sync::atomic::Ordering;

use ports::Tools as _;
use serde_json::json;
use types::{ArtifactKind, Label, LabelMap, Labels, Outcome};

use crate::support::{KEY, World, permit, told};

#[tokio::test]
async fn pure_actions_answer() {
    let world = World::new().await;
    assert_eq!(
        world.output("local.echo", json!({"a": [1]})).await,
        json!({"a": [1]})
    );
    assert_eq!(world.output("local.noop", json!({"any": 1})).await, json!({}));
    assert_eq!(
        world.output("local.note", json!({"text": "n"})).await,
        json!({"text": "n"})
    );
    assert_eq!(
        world
            .output("local.slug", json!({"text": "Zoom Room: HDMI Black!"}))
            .await,
        json!({"slug": "zoom-room-hdmi-black"})
    );
    let limits = json!({"metrics": {"cpu_percent": 91}, "thresholds": {"cpu_percent": 85}});
    assert_eq!(
        world.output("local.evaluate_thresholds", limits).await["ok"],
        false
    );
    assert_eq!(
        world.output("local.run_checklist", json!({"items": ["a"]})).await["unchecked"],
        1
    );
    assert_eq!(
        world.output("local.report_status", json!({})).await["text"],
        "Nothing to report"
    );
    assert_eq!(
        world
            .output("local.sop_to_article", json!({"sop": "# T\n- a"}))
            .await["title"],
        "T"
    );
    assert!(
        world
            .server
            .received_requests()
            .await
            .expect("recorded")
            .is_empty()
    );
}

#[tokio::test]
async fn a_file_is_kept_once_per_key() {
    let world = World::new().await;
    let args = json!({"name": "log.txt", "content_base64": "aGk="});
    for _ in 0..2 {
        let Outcome::Succeeded { output, artifacts } = world.perform("local.save_file", args.clone()).await
        else {
            panic!("not kept")
        };
        assert_eq!(
            (&output.value["size_bytes"], artifacts[0].kind),
            (&json!(2), ArtifactKind::File)
        );
    }
    let kept = world.sink.kept.lock().expect("the sink");
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[KEY], ("log.txt".to_owned(), b"hi".to_vec()));
}

#[tokio::test]
async fn a_draft_is_kept_under_the_key() {
    let world = World::new().await;
    let output = world
        .output(
            "local.save_recipe_draft",
            json!({"name": "Reset", "text": "name: Reset"}),
        )
        .await;
    assert_eq!(output["id"], "kept/Reset");
    assert!(world.sink.kept.lock().expect("the sink").contains_key(KEY));
}

#[tokio::test]
async fn a_draft_keeps_the_labels_of_its_text_and_of_nothing_else() {
    let world = World::new().await;
    let args = json!({"name": "Reset", "text": "name: Reset"});
    let mut labels = LabelMap::all(Label::Author.into());
    labels.set("/text", Labels::of(Label::System).union(Label::Model.into()));
    let permit = permit(&world.registry.catalog(), "local.save_recipe_draft", &args);
    let mut call = world.call(args);
    call.args.labels = labels;
    let outcome = world.registry.perform(permit, call).await;
    assert_eq!(told(&outcome), "ok");
    let kept = *world.sink.labels.lock().expect("the sink");
    assert_eq!(kept.expect("a draft").to_string(), "system+model");
}

#[tokio::test]
async fn a_sink_that_fails_keeps_nothing_and_may_be_tried_again() {
    let world = World::new().await;
    world.sink.broken.store(true, Ordering::SeqCst);
    let outcome = world
        .perform("local.save_file", json!({"name": "a", "content": "x"}))
        .await;
    assert_eq!(told(&outcome), "retry disk_full");
}

#[tokio::test]
async fn names_and_contents_that_make_no_file_are_refused() {
    let world = World::new().await;
    for bad in [
        json!({"name": "../a", "content": "x"}),
        json!({"name": "..", "content": "x"}),
        json!({"name": "a"}),
        json!({"name": "a", "content": "x", "content_base64": "eA=="}),
        json!({"name": "a", "content_base64": "?"}),
    ] {
        assert_eq!(
            told(&world.perform("local.save_file", bad.clone()).await),
            "failed arguments_invalid",
            "{bad}"
        );
    }
    assert!(world.sink.kept.lock().expect("the sink").is_empty());
}

#[tokio::test]
async fn a_guard_that_refuses_keeps_nothing() {
    let world = World::new().await;
    world.guard.refuses.store(true, Ordering::SeqCst);
    let outcome = world
        .perform("local.save_file", json!({"name": "a", "content": "x"}))
        .await;
    assert_eq!(told(&outcome), "retry lease_lost");
    assert!(world.sink.kept.lock().expect("the sink").is_empty());
}
