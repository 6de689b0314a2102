//! What every specification owes its readers: schemas that compile, words for every argument, and
//! declarations that agree with each other.

use ports::Tools as _;
use serde_json::Value;
use types::{ActionSpec, ArgClass, Effect, Idempotency};

use crate::support::World;

async fn each(check: impl Fn(&ActionSpec)) {
    let world = World::new().await;
    let catalog = world.registry.catalog();
    assert!(catalog.actions().count() > 30);
    catalog.actions().for_each(check);
}

#[tokio::test]
async fn schemas_are_schemas() {
    each(|action| {
        for schema in [&action.input, &action.output] {
            assert!(
                jsonschema::draft202012::meta::is_valid(schema),
                "{}",
                action.name()
            );
            jsonschema::draft202012::new(schema).unwrap_or_else(|error| panic!("{}: {error}", action.name()));
        }
        assert_eq!(action.input["type"], "object", "{}", action.name());
    })
    .await;
}

#[tokio::test]
async fn every_argument_and_output_is_described() {
    each(|action| {
        let name = action.name();
        assert!(
            action.description.ends_with('.'),
            "{name}: {}",
            action.description
        );
        for (argument, schema) in action.input["properties"].as_object().into_iter().flatten() {
            assert!(
                schema["description"]
                    .as_str()
                    .is_some_and(|text| text.ends_with('.')),
                "{name}: {argument}"
            );
            assert!(schema["title"].is_string(), "{name}: {argument} has no title");
            assert!(bounded(schema), "{name}: {argument} has no bound");
        }
        for (field, schema) in action.output["properties"].as_object().into_iter().flatten() {
            assert!(schema["description"].is_string(), "{name}: output {field}");
        }
    })
    .await;
}

/// Texts and lists have an upper bound.
fn bounded(schema: &Value) -> bool {
    match schema["type"].as_str() {
        Some("string") => ["maxLength", "pattern", "enum"]
            .iter()
            .any(|key| !schema[key].is_null()),
        Some("array") => !schema["maxItems"].is_null(),
        _ => true,
    }
}

#[tokio::test]
async fn declarations_agree() {
    each(|action| {
        let name = action.name();
        let open = action.input["properties"].is_null();
        for argument in action.arg_classes.keys() {
            assert!(
                open || action.input["properties"][argument].is_object(),
                "{name}: {argument} is classed, not taken"
            );
        }
        for pattern in action.trust.keys() {
            let first = pattern.split('/').nth(1).unwrap_or("");
            assert!(
                action.output["properties"][first].is_object(),
                "{name}: {pattern} is trusted, not told"
            );
        }
        let marked = matches!(action.idempotency, Idempotency::Marker { .. });
        assert_eq!(action.probe, marked, "{name}: a marker is what a look-up finds");
        if action.effect == Effect::Read {
            assert_eq!(action.idempotency, Idempotency::Natural, "{name}");
        }
        assert!((1..=60_000).contains(&action.timeout_ms), "{name}");
    })
    .await;
}

#[tokio::test]
async fn whatever_names_a_receiver_or_a_thing_is_consequential() {
    each(|action| {
        if action.effect == Effect::Read {
            return;
        }
        for argument in action.input["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
        {
            let consequential = [
                "channel",
                "repo",
                "issue",
                "branch",
                "path",
                "head",
                "base",
                "number",
                "project",
                "dedup_key",
                "room_id",
                "incident",
                "article",
                "story",
                "sys_id",
                "table",
                "host",
                "assigned_to",
                "assignment_group",
            ];
            let class = action
                .arg_classes
                .get(argument)
                .copied()
                .unwrap_or(ArgClass::Text);
            if consequential.contains(&argument.as_str()) {
                assert_ne!(class, ArgClass::Text, "{}: {argument}", action.name());
            }
        }
    })
    .await;
}
