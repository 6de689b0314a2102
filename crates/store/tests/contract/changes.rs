//! Changes that are made together, and those that count on what somebody saw.

use ports::{LibraryChange, NewVersion, SeenRecipe, StoreError};
use serde_json::json;

use super::fixtures::{Bench, TENANT, by_name, recipes};
use super::library::{agent, version};

pub async fn library_changes_are_all_made_or_none(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let three = |before: serde_json::Value| {
        let agent = LibraryChange::Agent {
            agent: agent(world, "Support"),
            unchanged_since: None,
        };
        let setting = LibraryChange::Setting {
            key: "tea".to_owned(),
            value: json!("green"),
            before: Some(before),
        };
        [
            agent,
            LibraryChange::Version(version(world, "restart", "one")),
            setting,
        ]
        .map(|change| (change, world.leaf("changed")))
        .to_vec()
    };
    let refused = store.change_library(TENANT, three(json!("black"))).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(store.agents(TENANT, by_name(10)).await, Ok(vec![]));
    assert_eq!(store.recipes(TENANT, recipes(10)).await, Ok(vec![]));
    assert_eq!(store.setting(TENANT, "tea").await, Ok(None));
    assert_eq!(store.leaves(TENANT, 0, 10).await, Ok(vec![]));

    let made = store.change_library(TENANT, three(json!(null))).await;
    let made = made.expect("nobody stands in the way");
    let versions: Vec<_> = made
        .iter()
        .map(|saved| saved.as_ref().map(|saved| saved.version))
        .collect();
    assert_eq!(versions, [None, Some(1), None]);
    assert_eq!(store.agents(TENANT, by_name(10)).await.expect("listed").len(), 1);
    assert_eq!(store.setting(TENANT, "tea").await, Ok(Some(json!("green"))));
    assert_eq!(store.leaves(TENANT, 0, 10).await.expect("read").len(), 3);
}

pub async fn a_recipe_that_is_not_as_it_was_seen_is_left_alone(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let seen = |latest: u32, active: Option<u32>| Some(SeenRecipe { latest, active });
    let save = async |text: &str, seen: Option<SeenRecipe>| {
        let version = NewVersion {
            seen,
            ..version(world, "restart", text)
        };
        store.save_version(TENANT, version, world.leaf("saved")).await
    };
    let unknown = save("one", seen(1, None)).await;
    assert!(matches!(unknown, Err(StoreError::Conflict { .. })), "{unknown:?}");
    let first = save("one", None).await.expect("saved");
    save("two", seen(1, None)).await.expect("as it was seen");
    let late = save("three", seen(1, None)).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    let activate = async |seen: Option<SeenRecipe>| {
        let leaf = world.leaf("activated");
        store
            .activate_version(TENANT, first.recipe, (1, "one"), seen, leaf)
            .await
    };
    let late = activate(seen(1, None)).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    activate(seen(2, None)).await.expect("as it was seen");
    let late = activate(seen(2, None)).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    let recipe = store.recipe(TENANT, "restart").await.expect("found");
    assert_eq!((recipe.latest, recipe.active), (2, Some(1)));
}
