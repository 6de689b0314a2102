//! Nodes of today's tree, made in place of older ones: each keeps the place of what it came from, so
//! that every later message points into the text as it was written.

use crate::yaml::{Data, Entry, Node};

/// A text where `at` stood.
pub(super) fn text(at: &Node, value: impl Into<String>) -> Node {
    with(at, Data::Text(value.into(), false))
}

/// A list where `at` stood.
pub(super) fn list(at: &Node, items: Vec<Node>) -> Node {
    with(at, Data::List(items))
}

/// A map where `at` stood.
pub(super) fn map(at: &Node, entries: Vec<Entry>) -> Node {
    with(at, Data::Map(entries))
}

/// Anything where `at` stood.
pub(super) fn with(at: &Node, data: Data) -> Node {
    Node {
        at: at.at,
        path: at.path.clone(),
        data,
    }
}

/// An entry whose key stands where its value stands.
pub(super) fn entry(key: &str, value: Node) -> Entry {
    Entry {
        key: key.to_owned(),
        key_at: value.at,
        value,
    }
}

/// An entry under another key, in its place.
pub(super) fn renamed(older: &Entry, key: &str, value: Node) -> Entry {
    Entry {
        key: key.to_owned(),
        key_at: older.key_at,
        value,
    }
}

/// A JSON value as a node where `at` stood.
pub(super) fn json(at: &Node, value: &serde_json::Value) -> Node {
    use serde_json::Value;
    let data = match value {
        Value::Null => Data::Null,
        Value::Bool(flag) => Data::Bool(*flag),
        Value::Number(number) => Data::Number(number.clone(), number.to_string()),
        Value::String(text) => Data::Text(text.clone(), false),
        Value::Array(items) => Data::List(items.iter().map(|item| json(at, item)).collect()),
        Value::Object(map) => Data::Map(map.iter().map(|(key, item)| entry(key, json(at, item))).collect()),
    };
    with(at, data)
}

/// The first of these keys that is there.
pub(super) fn first<'n>(node: &'n Node, keys: &[&str]) -> Option<&'n Entry> {
    node.entries()
        .iter()
        .find(|entry| keys.contains(&entry.key.as_str()) && !matches!(entry.value.data, Data::Null))
}

/// A scalar as the text that was written.
pub(super) fn scalar(node: &Node) -> Option<String> {
    match &node.data {
        Data::Text(text, _) => Some(text.clone()),
        Data::Number(_, written) => Some(written.clone()),
        Data::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// One node or the items of a list.
pub(super) fn many(node: &Node) -> &[Node] {
    match &node.data {
        Data::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}
