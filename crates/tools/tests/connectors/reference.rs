//! Keeps the table of actions in `docs/tools.md` current. After a change of a specification, run
//! `UPDATE_DOCS=1 cargo test -p tools --test connectors reference`.

use std::fmt::Write as _;
use std::path::PathBuf;

use ports::Tools as _;
use serde_json::Value;
use types::{ActionSpec, Catalog};

use crate::support::World;

const BEGIN: &str = "<!-- generated: actions -->\n";
const END: &str = "<!-- end of generated -->";

fn reference(catalog: &Catalog) -> String {
    let mut text = String::new();
    for tool in catalog.tools() {
        let _ = write!(text, "\n### {}\n\n{}\n", tool.name, tool.description);
        for action in &tool.actions {
            entry(&mut text, action);
        }
    }
    text.push('\n');
    text
}

fn entry(text: &mut String, action: &ActionSpec) {
    let _ = write!(text, "\n#### {}\n\n{}\n\n", action.name(), action.description);
    let notes = if action.notification { ", notification" } else { "" };
    let _ = writeln!(
        text,
        "Effect: {}; idempotency: {}; at most {} s{notes}.",
        action.effect.as_str(),
        action.idempotency.as_str(),
        action.timeout_ms / 1000
    );
    if !action.aliases.is_empty() {
        let names: Vec<String> = action.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let _ = write!(text, "\nOther names: {}.\n", names.join(", "));
    }
    let arguments = rows(&action.input, |name, schema| {
        let class = action
            .arg_classes
            .get(name)
            .map_or("text".to_owned(), |class| format!("{class:?}").to_lowercase());
        let needed = action.input["required"]
            .as_array()
            .is_some_and(|list| list.iter().any(|item| item == name));
        format!(
            "| `{name}`{} | {} | {class} | {} |",
            if needed { " *" } else { "" },
            kind(schema),
            words(schema)
        )
    });
    if !arguments.is_empty() {
        let _ = write!(
            text,
            "\n| argument | type | class | meaning |\n|---|---|---|---|\n{arguments}"
        );
    }
    let outputs = rows(&action.output, |name, schema| {
        format!("| `{name}` | {} | {} |", kind(schema), words(schema))
    });
    if !outputs.is_empty() {
        let _ = write!(text, "\n| output | type | meaning |\n|---|---|---|\n{outputs}");
    }
}

fn rows(schema: &Value, row: impl Fn(&str, &Value) -> String) -> String {
    let mut properties: Vec<_> = schema["properties"].as_object().into_iter().flatten().collect();
    properties.sort_by_key(|(name, _)| name.as_str());
    properties
        .into_iter()
        .map(|(name, schema)| row(name, schema) + "\n")
        .collect()
}

fn kind(schema: &Value) -> String {
    match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "any".to_owned(),
    }
}

fn words(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or("").replace('|', "\\|")
}

#[tokio::test]
async fn the_reference_is_current() {
    let world = World::new().await;
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/tools.md");
    let document = std::fs::read_to_string(&path).expect("docs/tools.md");
    let (before, rest) = document
        .split_once(BEGIN)
        .expect("the beginning of the generated part");
    let (_, after) = rest.split_once(END).expect("the end of the generated part");
    let current = format!(
        "{before}{BEGIN}{}{END}{after}",
        reference(&world.registry.catalog())
    );
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &current).expect("written");
    } else {
        assert!(
            document == current,
            "docs/tools.md is out of date: see the head of this test"
        );
    }
}
