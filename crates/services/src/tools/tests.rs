//! Tests of what tools are and how they are changed.

use super::*;
use crate::testing::{self, ann, ann_there, ann_token};

#[tokio::test]
async fn a_tool_is_held_and_released() {
    let bench = testing::bench().await;
    let services = &bench.services;
    assert!(!show(services, "zoom").await.expect("is there").paused);
    pause(services, "zoom", &ann()).await.expect("is there");
    assert!(show(services, "zoom").await.expect("is there").paused);
    resume(services, "zoom", &ann()).await.expect("is there");
    assert!(!show(services, "zoom").await.expect("is there").paused);
    assert_eq!(
        pause(services, "zom", &ann()).await.expect_err("unknown").code,
        "not_found"
    );
}

#[tokio::test]
async fn a_rule_is_set_by_alias_and_taken_back() {
    let bench = testing::bench().await;
    let services = &bench.services;
    let rule = |view: &ToolView| {
        view.actions
            .iter()
            .find(|action| action.name == "zoom.restart_room")
            .map(|action| action.rule)
    };
    assert_eq!(
        rule(&show(services, "zoom").await.expect("is there")),
        Some("ask")
    );
    set_rule(services, "reboot_room", json!("deny"), &ann_token())
        .await
        .expect("is there");
    assert_eq!(
        rule(&show(services, "zoom").await.expect("is there")),
        Some("deny")
    );
    set_rule(services, "zoom.restart_room", Value::Null, &ann_there())
        .await
        .expect("is there");
    assert_eq!(
        rule(&show(services, "zoom").await.expect("is there")),
        Some("ask")
    );
    let failure = set_rule(services, "zoom.restrt_room", json!("run"), &ann_there())
        .await
        .expect_err("unknown");
    assert_eq!(failure.code, "unknown_action");
}

#[tokio::test]
async fn only_what_somebody_added_can_be_taken_away_and_its_rules_go_with_it() {
    let bench = testing::bench().await;
    let services = &bench.services;
    let by = ann();
    let code = async |name: &str| {
        remove(services, name, &Principal::local(ann()))
            .await
            .map_err(|failure| failure.code)
    };
    assert_eq!(code("nothing").await, Err("not_found".to_owned()));
    assert_eq!(code("zoom").await, Err("tool_not_removable".to_owned()));
    // A row of what a person changed about it makes it no less built in.
    pause(services, "zoom", &by).await.expect("is there");
    assert_eq!(code("zoom").await, Err("tool_not_removable".to_owned()));
    let spec = ToolSpec {
        name: "lamp".into(),
        description: String::new(),
        version: "1".into(),
        actions: vec![],
    };
    let mut changes = Changes::new(services, &by);
    add_http(&mut changes, &spec, json!({})).await.expect("free");
    let rules = json!({"lamp.blink": "run", "lamps.blink": "run", "zoom.restart_room": "deny"});
    changes.set(settings::RULES, rules).await.expect("settable");
    changes.commit().await.expect("is written");
    assert_eq!(code("lamp").await, Ok(()));
    assert_eq!(code("lamp").await, Err("not_found".to_owned()));
    let rules: Value = settings::read(services, settings::RULES).await.expect("reads");
    assert_eq!(rules, json!({"lamps.blink": "run", "zoom.restart_room": "deny"}));
    let leaves = services
        .store
        .leaves(services.tenant, 0, 100)
        .await
        .expect("read");
    let kinds = leaves.iter().filter(|leaf| leaf.leaf.kind == "tool_removed");
    assert_eq!(kinds.count(), 1);
}

#[tokio::test]
async fn a_manifest_may_not_take_the_place_of_a_connector() {
    let bench = testing::bench().await;
    let services = &bench.services;
    let spec = |name: &str| ToolSpec {
        name: name.into(),
        description: String::new(),
        version: "1".into(),
        actions: vec![],
    };
    let by = ann();
    let mut changes = Changes::new(services, &by);
    let failure = add_http(&mut changes, &spec("zoom"), json!({}))
        .await
        .expect_err("taken");
    assert_eq!(failure.code, "tool_name_taken");
    add_http(&mut changes, &spec("qsys"), json!({}))
        .await
        .expect("free");
    changes.commit().await.expect("is written");
    assert_eq!(show(services, "qsys").await.expect("has a row").kind, HTTP);
}
