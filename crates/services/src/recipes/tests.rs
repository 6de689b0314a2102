//! Saving, activating and checking recipes over a real store.

use types::{Actor, Label};

use super::*;
use crate::setup::{self, RecipeSeed, Seeds, Standing};
use crate::testing::{self, Bench, ann, ann_there};

const EMPTY: &str = "intake: []\nplan: []\nact: []\nverify: []\n";

fn named(name: &str, rest: &str) -> String {
    format!("name: {name}\n{rest}")
}

async fn saved(bench: &Bench, text: &str, activate: bool) -> Result<SavedRecipe> {
    let wish = SaveRecipe {
        text: text.to_owned(),
        slug: None,
        activate,
        seen: None,
        by: ann(),
        person: true,
        labels: Label::Author.into(),
    };
    save(&bench.services, wish).await
}

#[tokio::test]
async fn only_a_changed_text_makes_a_version() {
    let bench = testing::bench().await;
    let one = saved(&bench, &named("Room Check", EMPTY), true)
        .await
        .expect("saves");
    assert_eq!(
        (one.slug.as_str(), one.version, one.new, one.active),
        ("room-check", 1, true, true)
    );
    let same = saved(&bench, &named("Room Check", EMPTY), true)
        .await
        .expect("saves");
    assert_eq!((same.version, same.new, same.new_recipe), (1, false, false));
    let two = saved(
        &bench,
        &named("Room Check", &format!("description: more\n{EMPTY}")),
        false,
    )
    .await
    .expect("saves");
    assert_eq!((two.version, two.new, two.active), (2, true, false));
    assert_eq!(
        find(&bench.services, "ROOM CHECK").await.expect("there").active,
        Some(1)
    );
    activate(&bench.services, "room-check", 2, None, &ann_there())
        .await
        .expect("fits");
    let (record, version) = show(&bench.services, "room-check", None).await.expect("there");
    assert_eq!((record.active, version.version), (Some(2), 2));
    assert_eq!(
        all_versions(&bench.services, "room-check")
            .await
            .expect("there")
            .len(),
        2
    );
}

#[tokio::test]
async fn a_text_with_errors_is_a_draft_only() {
    let bench = testing::bench().await;
    let broken = named(
        "Broken",
        "intake: []\nplan: []\nact:\n  - action: zoom.dance\nverify: []\n",
    );
    let failure = saved(&bench, &broken, true).await.expect_err("has errors");
    assert_eq!(failure.code, "recipe_has_errors");
    assert!(failure.message.contains("line 5"), "{failure}");
    let draft = saved(&bench, &broken, false).await.expect("is kept");
    assert!(!draft.runnable && !draft.active);
    assert_eq!(
        activate(&bench.services, "broken", 1, None, &ann_there())
            .await
            .expect_err("errors")
            .code,
        "recipe_has_errors"
    );
    let kept = SaveRecipe {
        slug: Some("tool-call-zoom".into()),
        text: named("Mine", EMPTY),
        activate: false,
        seen: None,
        by: ann(),
        person: true,
        labels: Label::Author.into(),
    };
    assert_eq!(
        save(&bench.services, kept)
            .await
            .expect_err("kept for calls")
            .code,
        "recipe_name_invalid"
    );
    assert_eq!(
        saved(&bench, "[", false).await.expect_err("nameless").code,
        "recipe_has_errors"
    );
    assert_eq!(
        saved(&bench, &named("'!!'", EMPTY), false)
            .await
            .expect_err("no slug")
            .code,
        "recipe_name_invalid"
    );
}

#[tokio::test]
async fn recipes_that_run_each_other_in_a_circle_are_refused() {
    let bench = testing::bench().await;
    let runs = |child: &str| format!("intake: []\nplan: []\nact:\n  - run: {child}\nverify: []\n");
    saved(&bench, &named("One", EMPTY), true).await.expect("saves");
    saved(&bench, &named("Two", &runs("one")), true)
        .await
        .expect("saves");
    let failure = saved(&bench, &named("One", &runs("two")), true)
        .await
        .expect_err("a circle");
    assert_eq!(failure.code, "recipe_has_errors");
}

#[tokio::test]
async fn set_up_makes_what_is_missing_and_leaves_what_people_changed() {
    let bench = testing::bench().await;
    let services = &bench.services;
    let seed = |slug: &str, text: String| RecipeSeed {
        slug: slug.to_owned(),
        text,
    };
    let agent = crate::agents::NewAgent {
        name: "Support".into(),
        domain: "support".into(),
        instructions: String::new(),
        tools: vec!["zoom".into()],
        config: None,
        recipes: vec![],
    };
    let mut seeds = Seeds {
        agents: vec![agent],
        recipes: vec![seed("one", named("One", EMPTY)), seed("two", named("Two", EMPTY))],
    };
    let standings = |items: Vec<setup::Item>| {
        items
            .into_iter()
            .map(|item| (item.standing, item.made))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        standings(setup::make(services, &seeds).await.expect("makes")),
        vec![(Standing::Missing, true); 3]
    );
    assert_eq!(
        standings(setup::make(services, &seeds).await.expect("again")),
        vec![(Standing::There, false); 3]
    );

    // One is newer in a later binary; two was changed by a person and then shipped anew.
    saved(
        &bench,
        &named("Two", &format!("description: mine\n{EMPTY}")),
        true,
    )
    .await
    .expect("saves");
    for seed in &mut seeds.recipes {
        seed.text.push_str("# newer\n");
    }
    let items = standings(setup::make(services, &seeds).await.expect("third"));
    assert_eq!(
        items,
        vec![
            (Standing::There, false),
            (Standing::Older, true),
            (Standing::Changed, false)
        ]
    );
    assert_eq!(find(services, "one").await.expect("there").active, Some(2));
    let leaves = services
        .store
        .leaves(services.tenant, 0, 100)
        .await
        .expect("leaves");
    assert!(leaves.iter().any(|record| record.leaf.kind == "agent_made"));
    assert!(
        leaves
            .iter()
            .any(|record| record.leaf.actor == Actor::system(setup::SHIPPED_BY).name)
    );
}
