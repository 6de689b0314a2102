//! What people set up, and the audit leaves that tell of it.

use engine::rows::Leaf;
use ports::{AgentRecord, LibraryChange, NewVersion, SecretRecord, StoreError, ToolRecord, VersionStatus};
use serde_json::json;
use types::{AgentId, Digest, RecipeId};

use super::fixtures::{Bench, TENANT, World, by_name, recipes, versions};

pub(super) fn agent(world: &World, name: &str) -> AgentRecord {
    AgentRecord {
        id: AgentId::new(world.clock.as_ref(), world.entropy.as_ref()),
        name: name.to_owned(),
        domain: "support".to_owned(),
        instructions: "Help.".to_owned(),
        tools: vec!["zoom".to_owned()],
        config: json!({"tone": "calm"}),
        created_at: world.now(),
        updated_at: world.now(),
        archived_at: None,
    }
}

pub(super) fn version(world: &World, slug: &str, text: &str) -> NewVersion {
    NewVersion {
        recipe: world.recipe_id(),
        slug: slug.to_owned(),
        name: format!("The {slug}"),
        description: text.to_owned(),
        text: text.to_owned(),
        tree: Some("{}".to_owned()),
        digest: Digest::of_bytes(text.as_bytes()).as_str().to_owned(),
        activate: false,
        seen: None,
        author: "sam".to_owned(),
        labels: types::Labels::UNTRUSTED,
        at: world.now(),
    }
}

pub async fn agent_names_are_unique_without_case(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let mut support = agent(world, "Support");
    let events = agent(world, "Events");
    for agent in [&support, &events] {
        store
            .put_agent(TENANT, agent.clone(), None, world.leaf("agent_put"))
            .await
            .expect("put");
    }
    let twin = store
        .put_agent(TENANT, agent(world, "sUPPORT"), None, world.leaf("agent_put"))
        .await;
    assert!(matches!(twin, Err(StoreError::Conflict { .. })), "{twin:?}");
    assert_eq!(
        store.agents(TENANT, by_name(10)).await,
        Ok(vec![events.clone(), support.clone()])
    );
    assert_eq!(store.agent(TENANT, "SUPPORT").await, Ok(support.clone()));
    support.instructions = "Help more.".to_owned();
    support.archived_at = Some(world.now());
    store
        .put_agent(TENANT, support.clone(), None, world.leaf("agent_put"))
        .await
        .expect("replaced");
    assert_eq!(store.agents(TENANT, by_name(10)).await, Ok(vec![events]));
    assert_eq!(
        store.agent(TENANT, "support").await,
        Ok(support),
        "an archived one is still found"
    );
    let heir = agent(world, "support");
    store
        .put_agent(TENANT, heir.clone(), None, world.leaf("agent_put"))
        .await
        .expect("the name is free");
    assert_eq!(store.agent(TENANT, "Support").await, Ok(heir.clone()));
    let missing = store.agent(TENANT, "nobody").await;
    assert!(
        matches!(missing, Err(StoreError::NotFound { what: "agent", .. })),
        "{missing:?}"
    );
    let since = heir.updated_at;
    let mut newer = heir.clone();
    newer.updated_at = since + 1;
    for expected in [true, false] {
        let leaf = world.leaf("agent_put");
        let done = store.put_agent(TENANT, newer.clone(), Some(since), leaf).await;
        assert_eq!(done.is_ok(), expected, "{done:?}");
    }
}

pub async fn versions_are_saved_and_activated(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let first = version(world, "restart", "one");
    let saved = store
        .save_version(TENANT, first.clone(), world.leaf("version_saved"))
        .await
        .expect("saved");
    assert_eq!(
        (saved.recipe, saved.version, saved.new, saved.new_recipe),
        (first.recipe, 1, true, true)
    );
    let recipe = store.recipe(TENANT, "restart").await.expect("found");
    assert_eq!((recipe.latest, recipe.active), (1, None));
    world.clock.advance(7);
    let mut second = version(world, "restart", "two");
    second.activate = true;
    let saved = store
        .save_version(TENANT, second.clone(), world.leaf("version_saved"))
        .await
        .expect("saved");
    assert_eq!(
        (saved.recipe, saved.version, saved.new, saved.new_recipe),
        (first.recipe, 2, true, false)
    );
    let recipe = store.recipe(TENANT, "restart").await.expect("found");
    assert_eq!(
        (recipe.latest, recipe.active, recipe.description.as_str()),
        (2, Some(2), "two")
    );
    assert_eq!((recipe.created_at, recipe.updated_at), (first.at, second.at));
    store
        .activate_version(TENANT, first.recipe, (1, "one"), None, world.leaf("activated"))
        .await
        .expect("activated");
    // A recipe is what runs follow, and a draft beside it is told of.
    let mut third = version(world, "restart", "three");
    third.name = "Another name".to_owned();
    store
        .save_version(TENANT, third.clone(), world.leaf("version_saved"))
        .await
        .expect("saved");
    let found = store.recipe(TENANT, "restart").await.expect("found");
    assert_eq!(
        (found.name.as_str(), found.description.as_str()),
        ("The restart", "one")
    );
    assert_eq!((found.latest, found.active, found.draft), (3, Some(1), Some(3)));
    assert_eq!(found.updated_at, third.at);
    let listed = store.recipes(TENANT, recipes(10)).await.expect("listed");
    assert_eq!(listed, [found]);
    let unknown = store.recipe(TENANT, "another NAME").await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
    store
        .activate_version(TENANT, first.recipe, (3, "three"), None, world.leaf("activated"))
        .await
        .expect("activated");
    let found = store.recipe(TENANT, "another NAME").await.expect("found");
    assert_eq!(
        (found.active, found.draft, found.description.as_str()),
        (Some(3), None, "three")
    );
    let versions = store.versions(TENANT, first.recipe, versions(10)).await;
    let versions = versions.expect("listed");
    let states: Vec<_> = versions
        .iter()
        .map(|version| (version.version, version.status))
        .collect();
    assert_eq!(
        states,
        vec![
            (3, VersionStatus::Active),
            (2, VersionStatus::Retired),
            (1, VersionStatus::Retired)
        ]
    );
    let old = store.version(TENANT, first.recipe, 1).await.expect("found");
    assert_eq!(
        (old.text, old.tree, old.digest, old.author, old.labels),
        (first.text, first.tree, first.digest, first.author, first.labels)
    );
    let missing = store
        .activate_version(TENANT, first.recipe, (9, ""), None, world.leaf("activated"))
        .await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
    assert_eq!(
        store.leaves(TENANT, 0, 10).await.expect("read").len(),
        5,
        "one for each change"
    );
}

pub async fn the_same_text_is_no_new_version(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let first = version(world, "restart", "one");
    store
        .save_version(TENANT, first.clone(), world.leaf("version_saved"))
        .await
        .expect("saved");
    let mut again = version(world, "restart", "one");
    let saved = store
        .save_version(TENANT, again.clone(), world.leaf("version_saved"))
        .await
        .expect("saved");
    assert_eq!(
        (saved.recipe, saved.version, saved.new, saved.new_recipe),
        (first.recipe, 1, false, false)
    );
    assert_eq!(
        store.leaves(TENANT, 0, 10).await.expect("read").len(),
        1,
        "nothing changed"
    );
    again.activate = true;
    store
        .save_version(TENANT, again, world.leaf("version_saved"))
        .await
        .expect("saved");
    assert_eq!(
        store.recipe(TENANT, "restart").await.expect("found").active,
        Some(1)
    );
    let listed = store.versions(TENANT, first.recipe, versions(10)).await;
    assert_eq!(listed.expect("listed").len(), 1);
    let other = NewVersion {
        recipe: first.recipe,
        ..version(world, "other", "x")
    };
    let refused = store
        .save_version(TENANT, other, world.leaf("version_saved"))
        .await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "one id, two short names: {refused:?}"
    );
}

pub async fn recipes_are_found_by_slug_name_and_id(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    for slug in ["b", "a"] {
        store
            .save_version(TENANT, version(world, slug, slug), world.leaf("saved"))
            .await
            .expect("saved");
    }
    let a = store.recipe(TENANT, "a").await.expect("by slug");
    assert_eq!(store.recipe(TENANT, "THE A").await, Ok(a.clone()));
    assert_eq!(store.recipe(TENANT, &a.id.to_string()).await, Ok(a.clone()));
    let names: Vec<_> = store
        .recipes(TENANT, recipes(10))
        .await
        .expect("listed")
        .into_iter()
        .map(|r| r.name)
        .collect();
    assert_eq!(names, vec!["The a", "The b"]);
    let stranger: RecipeId = world.recipe_id();
    for name in ["c", &stranger.to_string()] {
        let missing = store.recipe(TENANT, name).await;
        assert!(
            matches!(missing, Err(StoreError::NotFound { what: "recipe", .. })),
            "{missing:?}"
        );
    }
    let twin = NewVersion {
        name: "The A".to_owned(),
        ..version(world, "a-2", "other")
    };
    store
        .save_version(TENANT, twin, world.leaf("saved"))
        .await
        .expect("saved");
    let ambiguous = store.recipe(TENANT, "the a").await;
    assert!(
        matches!(ambiguous, Err(StoreError::Conflict { .. })),
        "{ambiguous:?}"
    );
}

pub async fn tools_are_replaced_by_name(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let mut zoom = ToolRecord {
        name: "zoom".to_owned(),
        kind: "builtin".to_owned(),
        config: json!({"base_url": "https://api.zoom.example"}),
        enabled: true,
        paused: false,
        updated_at: world.now(),
    };
    store
        .put_tool(TENANT, zoom.clone(), None, world.leaf("tool_put"))
        .await
        .expect("put");
    let before = zoom.updated_at;
    let since = Some(before);
    zoom.paused = true;
    zoom.updated_at = zoom.updated_at + 1;
    let put = async |tool: &ToolRecord, since| {
        let leaf = world.leaf("tool_put");
        store.put_tool(TENANT, tool.clone(), since, leaf).await
    };
    put(&zoom, since).await.expect("as it was");
    let late = ToolRecord {
        paused: false,
        ..zoom.clone()
    };
    let refused = put(&late, since).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(store.tools(TENANT).await, Ok(vec![zoom.clone()]));
    let remove = async |since| {
        let change = LibraryChange::RemoveTool {
            name: zoom.name.clone(),
            unchanged_since: since,
        };
        let leaf = world.leaf("tool_removed");
        store.change_library(TENANT, vec![(change, leaf)]).await
    };
    let refused = remove(before).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    remove(zoom.updated_at).await.expect("as it is");
    assert_eq!(store.tools(TENANT).await, Ok(vec![]));
    let refused = remove(zoom.updated_at).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
}

pub async fn settings_are_kept_by_key(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    assert_eq!(store.setting(TENANT, "mode").await, Ok(None));
    for (key, value) in [
        ("mode", json!("mock")),
        ("limit", json!(3)),
        ("mode", json!({"v": null})),
    ] {
        store
            .put_setting(TENANT, key, value, None, world.leaf("setting_put"))
            .await
            .expect("put");
    }
    assert_eq!(store.setting(TENANT, "mode").await, Ok(Some(json!({"v": null}))));
    let all = vec![
        ("limit".to_owned(), json!(3)),
        ("mode".to_owned(), json!({"v": null})),
    ];
    assert_eq!(store.settings(TENANT).await, Ok(all));
    for (before, expected) in [
        (json!("other"), false),
        (json!(null), false),
        (json!("old"), true),
    ] {
        let put =
            |value, before| store.put_setting(TENANT, "guarded", value, before, world.leaf("setting_put"));
        put(json!("old"), None).await.expect("put");
        let done = put(json!("new"), Some(before.clone())).await;
        assert_eq!(done.is_ok(), expected, "{before}: {done:?}");
    }
    let fresh = store
        .put_setting(
            TENANT,
            "fresh",
            json!(1),
            Some(json!(null)),
            world.leaf("setting_put"),
        )
        .await;
    assert_eq!(fresh, Ok(()));
}

pub async fn secrets_are_sealed(bench: &dyn Bench) {
    const VALUE: &str = "xoxb-very-secret-token-0123456789";
    let (store, world) = (bench.boot().await, bench.world());
    let secret = SecretRecord {
        name: "slack.token".to_owned(),
        origin: "https://slack.example".to_owned(),
        hint: "6789".to_owned(),
        updated_at: world.now(),
    };
    store
        .put_secret(TENANT, secret.clone(), VALUE, world.leaf("secret_set"))
        .await
        .expect("put");
    let revealed = store.reveal_secret(TENANT, "slack.token").await;
    assert_eq!(revealed, Ok(Some((secret.clone(), VALUE.to_owned()))));
    assert_eq!(store.secrets(TENANT, by_name(10)).await, Ok(vec![secret.clone()]));
    assert_eq!(store.reveal_secret(TENANT, "other").await, Ok(None));
    let contains = |needle: &str| {
        let bytes = bench.bytes();
        bytes
            .windows(needle.len())
            .any(|window| window == needle.as_bytes())
    };
    assert!(contains("slack.token"), "the search finds what is in the clear");
    assert!(!contains(VALUE) && !contains(&VALUE[..16]));
    drop(store);
    let store = bench.boot().await;
    assert_eq!(
        store.reveal_secret(TENANT, "slack.token").await,
        Ok(Some((secret, VALUE.to_owned())))
    );
    assert!(!contains(VALUE));
    store
        .remove_secret(TENANT, "slack.token", world.leaf("secret_removed"))
        .await
        .expect("removed");
    assert_eq!(store.reveal_secret(TENANT, "slack.token").await, Ok(None));
    let twice = store
        .remove_secret(TENANT, "slack.token", world.leaf("secret_removed"))
        .await;
    assert!(
        matches!(twice, Err(StoreError::NotFound { what: "secret", .. })),
        "{twice:?}"
    );
}

pub async fn leaves_are_kept_in_order_and_recompute(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    let (row, claim) = world.held_run(store.as_ref()).await;
    let mut append = world.append(claim.lease, &row, 1, 1);
    let mut leaves: Vec<_> = (0..3)
        .map(|number| world.leaf(&format!("kind_{number}")))
        .collect();
    leaves[1].run = Some(row.run);
    leaves[1].step = Some(engine::StepKey::new("act", "restart"));
    append.rows.leaves = leaves.clone();
    store.append(append).await.expect("appended");
    leaves.push(world.leaf("setting_put"));
    store
        .put_setting(TENANT, "k", json!(1), None, leaves[3].clone())
        .await
        .expect("put");
    let records = store.leaves(TENANT, 0, 10).await.expect("read");
    assert_eq!(
        records
            .iter()
            .map(|record| record.leaf.clone())
            .collect::<Vec<_>>(),
        leaves
            .iter()
            .map(|leaf| Leaf {
                args: None,
                ..leaf.clone()
            })
            .collect::<Vec<_>>(),
        "what a leaf commits to is not kept with it"
    );
    let mut salts = std::collections::BTreeSet::new();
    for record in &records {
        let salt = hex::decode(&record.salt).expect("hexadecimal");
        assert_eq!(salt.len(), 16);
        assert_eq!(
            store::commitment(
                &salt,
                &record.leaf.body,
                Some(&json!({"room": "only committed to"}))
            ),
            record.commitment
        );
        assert!(salts.insert(salt), "each leaf has a salt of its own");
    }
    assert_eq!(store.leaves(TENANT, 1, 2).await, Ok(records[1..3].to_vec()));
    assert_eq!(store.leaves(TENANT, 4, 2).await, Ok(vec![]));
    let twice = store
        .put_setting(TENANT, "k", json!(2), None, leaves[3].clone())
        .await;
    assert!(
        matches!(twice, Err(StoreError::Conflict { .. })),
        "a leaf is stored once: {twice:?}"
    );
    assert_eq!(
        store.setting(TENANT, "k").await,
        Ok(Some(json!(1))),
        "and no change without its leaf"
    );
}

pub async fn a_failed_change_leaves_no_leaf(bench: &dyn Bench) {
    let (store, world) = (bench.boot().await, bench.world());
    store
        .put_agent(TENANT, agent(world, "Support"), None, world.leaf("agent_put"))
        .await
        .expect("put");
    store
        .put_agent(TENANT, agent(world, "support"), None, world.leaf("agent_put"))
        .await
        .expect_err("taken");
    store
        .remove_secret(TENANT, "none", world.leaf("secret_removed"))
        .await
        .expect_err("missing");
    assert_eq!(store.leaves(TENANT, 0, 10).await.expect("read").len(), 1);
}
