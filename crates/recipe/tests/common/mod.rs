//! A small catalogue of tools for the recipes of the tests.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use types::{ActionSpec, Catalog, Effect, Idempotency, Risk, ToolSpec};

/// One action.
pub fn action(name: &str, description: &str, aliases: &[&str], effect: Effect, input: Value) -> ActionSpec {
    let (tool, action) = name.split_once('.').expect("names are tool.action");
    ActionSpec {
        tool: tool.into(),
        action: action.into(),
        description: description.into(),
        aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
        input,
        output: json!({"type": "object"}),
        arg_classes: BTreeMap::new(),
        trust: BTreeMap::new(),
        effect,
        idempotency: Idempotency::Natural,
        risk: Risk::Low,
        notification: name == "slack.post_message",
        probe: false,
        timeout_ms: 10_000,
    }
}

/// A schema of these arguments.
pub fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// Zoom, Slack, ServiceNow and the local tool, as far as the fixtures need them.
pub fn catalog() -> Catalog {
    of(actions())
}

/// A catalogue of these.
pub fn of(actions: Vec<ActionSpec>) -> Catalog {
    let mut tools: BTreeMap<String, Vec<ActionSpec>> = BTreeMap::new();
    for action in actions {
        tools.entry(action.tool.clone()).or_default().push(action);
    }
    Catalog::new(tools.into_iter().map(|(name, actions)| ToolSpec {
        name,
        description: String::new(),
        version: "1".into(),
        actions,
    }))
}

/// The actions.
pub fn actions() -> Vec<ActionSpec> {
    let text = json!({"type": "string"});
    vec![
        action(
            "zoom.find_room",
            "Find a Zoom room by e-mail address or display name.",
            &["lookup_zoom_room"],
            Effect::Read,
            object(json!({"query": text}), &["query"]),
        ),
        action(
            "zoom.restart_room",
            "Restart a Zoom room's controller.",
            &["restart_zoom_room"],
            Effect::Destructive,
            object(
                json!({"room_id": text, "delay_s": {"type": "number"}, "force": {"type": "boolean"}}),
                &["room_id"],
            ),
        ),
        action(
            "zoom.check_policy",
            "Compare a room's settings with a policy document.",
            &["check_policy"],
            Effect::Read,
            object(
                json!({"room_id": text, "policy": {"type": "object"}}),
                &["room_id"],
            ),
        ),
        action(
            "slack.post_message",
            "Post a message to a Slack channel.",
            &["post_message"],
            Effect::Write,
            object(json!({"channel": text, "text": text}), &["channel", "text"]),
        ),
        action(
            "servicenow.create_incident",
            "Create an incident.",
            &[],
            Effect::Write,
            object(
                json!({"title": text, "urgency": {"enum": ["low", "medium", "high"]}, "number": text}),
                &["title"],
            ),
        ),
        action(
            "local.report_status",
            "Keep the status of a room with the run.",
            &["report_status"],
            Effect::Read,
            object(
                json!({"title": text, "room": {"type": ["object", "string", "null"]}, "policy": {"type": "object"}}),
                &[],
            ),
        ),
    ]
}
