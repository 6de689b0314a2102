//! What an older step saves, and the answer that its `fallback` makes up.

use serde_json::{Map, Value, json};

use super::Older;
use super::build::{self, first, many, scalar};
use crate::reader::{json_path, snake_case};
use crate::yaml::{Data, Entry, Node};

/// The largest index that a made-up answer may have in a list.
const MOST_ITEMS: usize = 100;
const SAVES: &[&str] = &["saves", "save", "save_as", "register", "output", "outputs"];

/// One thing that is saved.
struct Save<'n> {
    node: &'n Node,
    name: String,
    /// JSON Pointer into the answer; `None` is a constant.
    pointer: Option<String>,
}

/// The names that a step saves, so that templates may read them.
pub(super) fn names(step: &Node) -> Vec<String> {
    let of = |entry: &Entry| -> Vec<String> {
        match &entry.value.data {
            Data::Map(parts) => parts.iter().map(|part| part.key.clone()).collect(),
            _ => many(&entry.value).iter().filter_map(scalar).collect(),
        }
    };
    let mut names = first(step, SAVES).map(of).unwrap_or_default();
    let fallback = first(step, &["fallback"]).and_then(|fallback| first(&fallback.value, &["saves", "save"]));
    names.extend(fallback.map(of).unwrap_or_default());
    names
}

impl Older<'_, '_, '_> {
    pub(super) fn saves_and_fallback(&mut self, node: &Node, calls: bool, entries: &mut Vec<Entry>) {
        let given = first(node, SAVES);
        let mut saves = given.map(|given| self.saves(&given.value)).unwrap_or_default();
        let fallback = first(node, &["fallback"]);
        let mock = fallback.and_then(|fallback| self.fallback(fallback, calls, &mut saves, entries));
        if let Some(holder) = given.or(fallback).filter(|_| !saves.is_empty()) {
            let parts = saves.iter().map(|save| {
                let path = save.pointer.as_deref().map(crate::show::json_path);
                let value = match path {
                    Some(path) => build::text(save.node, path),
                    None => build::map(save.node, vec![build::entry("value", save.node.clone())]),
                };
                build::entry(&save.name, value)
            });
            let parts = build::map(&holder.value, parts.collect());
            entries.push(build::renamed(holder, "save", parts));
        }
        entries.extend(mock);
    }

    fn saves<'n>(&mut self, node: &'n Node) -> Vec<Save<'n>> {
        let Data::Map(parts) = &node.data else {
            let whole = !matches!(node.data, Data::List(_));
            let of = |name: &'n Node| {
                let written = scalar(name)?;
                let pointer = if whole {
                    String::new()
                } else {
                    format!("/{written}")
                };
                Some(Save {
                    node: name,
                    name: name_of(&written),
                    pointer: Some(pointer),
                })
            };
            return many(node).iter().filter_map(of).collect();
        };
        let of = |part: &'n Entry| {
            let text = part.value.as_text();
            if text.is_some_and(|text| text.contains("{{")) {
                let message =
                    "what is saved is a path into the answer or a constant: this is kept as the text it is";
                self.assumed(&part.value, message);
            }
            Save {
                node: &part.value,
                name: name_of(&part.key),
                pointer: text.and_then(json_path),
            }
        };
        parts.iter().map(of).collect()
    }

    /// What stands in for the call in mock mode, or what is done instead.
    fn fallback<'n>(
        &mut self,
        fallback: &'n Entry,
        calls: bool,
        saves: &mut Vec<Save<'n>>,
        entries: &mut Vec<Entry>,
    ) -> Option<Entry> {
        let node = &fallback.value;
        if let Some(word) = node.as_text() {
            let word = match word {
                "continue" | "skip" | "ignore" => "continue",
                "simulate" | "mock" => {
                    return Some(build::renamed(fallback, "mock", made_up(node, saves, None)));
                }
                other => other,
            };
            entries.push(build::renamed(fallback, "on_error", build::text(node, word)));
            return None;
        }
        if super::action::Call::of(node).is_some() {
            let steps = self.nested(node);
            entries.push(build::renamed(fallback, "on_error", steps));
            return None;
        }
        let answer = first(node, &["result", "output", "response", "returns", "answer"]);
        let values = first(node, &["saves", "save"]);
        let simulate = first(node, &["simulate", "simulated", "mock"]);
        if simulate.is_some_and(|flag| matches!(flag.value.data, Data::Bool(false))) || !calls {
            self.dropped(node, "this fallback is never used, so it is left out");
            return None;
        }
        if simulate.is_none() {
            self.assumed(
                node,
                "the values of this fallback stand in for the call in mock mode only",
            );
        }
        const KNOWN: &[&str] = &[
            "simulate",
            "simulated",
            "mock",
            "result",
            "output",
            "response",
            "returns",
            "answer",
            "saves",
            "save",
        ];
        for entry in node
            .entries()
            .iter()
            .filter(|entry| !KNOWN.contains(&entry.key.as_str()))
        {
            self.left_over(entry, KNOWN, &["note", "reason", "comment"], "a fallback");
        }
        for value in values.iter().flat_map(|values| values.value.entries()) {
            let name = name_of(&value.key);
            if saves.iter().all(|save| save.name != name) {
                let message = format!(
                    "only the fallback saves '{name}': real runs save it from the answer's field of that name"
                );
                self.assumed(&value.value, message);
                let pointer = Some(format!("/{}", value.key));
                saves.push(Save {
                    node: &value.value,
                    name,
                    pointer,
                });
            }
        }
        let mut answer = made_up(node, saves, answer.map(|entry| &entry.value)).to_json();
        for value in values.iter().flat_map(|values| values.value.entries()) {
            let name = name_of(&value.key);
            if let Some(pointer) = saves
                .iter()
                .find(|save| save.name == name)
                .and_then(|save| save.pointer.as_deref())
            {
                place(&mut answer, pointer, value.value.to_json());
            }
        }
        Some(build::renamed(fallback, "mock", build::json(node, &answer)))
    }
}

/// An answer in which everything that is saved is there, as nothing.
fn made_up(at: &Node, saves: &[Save<'_>], answer: Option<&Node>) -> Node {
    let mut made = answer.map_or_else(|| Value::Object(Map::new()), Node::to_json);
    for pointer in saves.iter().filter_map(|save| save.pointer.as_deref()) {
        if !pointer.is_empty() && made.pointer(pointer).is_none() {
            place(&mut made, pointer, Value::Null);
        }
    }
    build::json(at, &made)
}

/// Puts a value where a pointer points, making what lies on the way.
fn place(root: &mut Value, pointer: &str, value: Value) {
    let mut at = root;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        at = match token.parse::<usize>() {
            Ok(index) if index < MOST_ITEMS && !at.is_object() => {
                if !at.is_array() {
                    *at = json!([]);
                }
                let Value::Array(items) = at else { return };
                if items.len() <= index {
                    items.resize(index + 1, Value::Null);
                }
                &mut items[index]
            }
            _ => {
                if !at.is_object() {
                    *at = json!({});
                }
                let Value::Object(map) = at else { return };
                map.entry(token).or_insert(Value::Null)
            }
        };
    }
    *at = value;
}

fn name_of(written: &str) -> String {
    if crate::reader::is_identifier(written) {
        written.to_owned()
    } else {
        snake_case(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_where_they_are_read() {
        let mut root = json!({});
        for (pointer, value) in [("/a", json!(1)), ("/rooms/1/id", json!("x")), ("/a/b", json!(2))] {
            place(&mut root, pointer, value);
        }
        assert_eq!(root, json!({"a": {"b": 2}, "rooms": [null, {"id": "x"}]}));
        place(&mut root, "", json!("all"));
        assert_eq!(root, json!("all"));
    }
}
