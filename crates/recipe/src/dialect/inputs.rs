//! Declared inputs of older documents, and those that they read without declaring them; guardrails
//! and metrics in their older spellings.

use serde_json::json;

use super::Older;
use super::build::{self, first, scalar};
use crate::reader::snake_case;
use crate::yaml::{Data, Entry, Node};

/// Other names of types.
const TYPES: &[(&str, &[&str])] = &[
    (
        "string",
        &[
            "str", "text", "date", "datetime", "time", "email", "url", "uri", "file", "path", "enum",
            "select",
        ],
    ),
    ("integer", &["int", "long"]),
    ("number", &["float", "double", "decimal", "num"]),
    ("boolean", &["bool", "flag"]),
    ("array", &["list", "sequence", "multiselect"]),
    ("object", &["dict", "map", "mapping", "json"]),
];
const KNOWN: &[&str] = &[
    "type",
    "required",
    "default",
    "description",
    "enum",
    "items",
    "properties",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "format",
];

impl Older<'_, '_, '_> {
    pub(super) fn inputs(&mut self, root: &Node) -> Vec<Entry> {
        let mut inputs = Vec::new();
        if let Some(declared) = first(root, &["inputs"]) {
            match &declared.value.data {
                Data::List(items) => {
                    for item in items {
                        let named = first(item, &["name", "id", "key"]).and_then(|name| scalar(&name.value));
                        match named.or_else(|| scalar(item)) {
                            Some(name) => inputs.push(self.input(&name, item, item)),
                            None => self.wrong("wrong_value", item, "an input needs a name"),
                        }
                    }
                }
                Data::Map(entries) => {
                    for entry in entries {
                        let mut input = self.input(&entry.key, &entry.value, &entry.value);
                        input.key_at = entry.key_at;
                        inputs.push(input);
                    }
                }
                _ => self.wrong("wrong_value", &declared.value, "inputs are a map of names"),
            }
        }
        let wanted = std::mem::take(&mut self.refs.wanted);
        for (name, has_profile) in wanted {
            if inputs.iter().any(|input| input.key == name) {
                continue;
            }
            let at = self.first_read(root, &name).unwrap_or(root);
            let message = match has_profile {
                true => {
                    format!("'{name}' becomes an input that may be left out: the profile has its default")
                }
                false => {
                    format!("'{name}' is read but nowhere declared: it becomes an input that must be given")
                }
            };
            self.assumed(at, message);
            let required = build::json(at, &json!(!has_profile));
            inputs.push(build::entry(
                &name,
                build::map(at, vec![build::entry("required", required)]),
            ));
        }
        inputs
    }

    fn input(&mut self, written: &str, node: &Node, at: &Node) -> Entry {
        let name = self
            .refs
            .dashed
            .get(written)
            .cloned()
            .unwrap_or_else(|| written.to_owned());
        if name != written {
            self.assumed(
                at,
                format!("the input '{written}' is called '{name}' from now on"),
            );
        }
        let value = match &node.data {
            Data::Map(parts) => {
                let parts = parts.iter().filter_map(|part| self.input_part(part)).collect();
                build::map(node, parts)
            }
            Data::Text(word, _) if type_of(word).is_some() => {
                build::text(node, type_of(word).unwrap_or_default())
            }
            Data::Null => build::map(
                node,
                vec![build::entry("required", build::json(node, &json!(true)))],
            ),
            _ if scalar(node).as_deref() == Some(written) => build::map(node, Vec::new()),
            _ => build::map(node, vec![build::entry("default", node.clone())]),
        };
        build::entry(&name, value)
    }

    fn input_part(&mut self, part: &Entry) -> Option<Entry> {
        match part.key.as_str() {
            "type" => {
                let word = scalar(&part.value)?;
                let today = type_of(&word).unwrap_or(&word).to_owned();
                Some(build::renamed(part, "type", build::text(&part.value, today)))
            }
            "default" if matches!(part.value.data, Data::Null) => None,
            "optional" => {
                let required = !matches!(part.value.data, Data::Bool(true));
                Some(build::renamed(
                    part,
                    "required",
                    build::json(&part.value, &json!(required)),
                ))
            }
            "options" | "choices" | "values" => Some(build::renamed(part, "enum", part.value.clone())),
            "desc" | "help" | "prompt" | "label" => {
                Some(build::renamed(part, "description", part.value.clone()))
            }
            "name" | "id" | "key" => None,
            known if KNOWN.contains(&known) => Some(part.clone()),
            _ => {
                self.left_over(
                    part,
                    KNOWN,
                    &["example", "examples", "secret", "placeholder", "order", "group"],
                    "an input",
                );
                None
            }
        }
    }

    /// Where a name is first read, to point at.
    fn first_read<'n>(&self, node: &'n Node, name: &str) -> Option<&'n Node> {
        let read = |text: &str| {
            let mut places = text.match_indices(name);
            places.any(|(at, _)| {
                let before = text[..at].chars().next_back();
                let after = text[at + name.len()..].chars().next();
                before == Some('.') && !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
            })
        };
        match &node.data {
            Data::Text(text, _) => read(text).then_some(node),
            Data::List(items) => items.iter().find_map(|item| self.first_read(item, name)),
            Data::Map(entries) => entries
                .iter()
                .find_map(|entry| self.first_read(&entry.value, name)),
            _ => None,
        }
    }

    /// Guardrails with what today has no word for left out, and told.
    pub(super) fn guardrails(&mut self, node: &Node) -> Node {
        const READ: &[&str] = &[
            "timeout_s",
            "timeout_minutes",
            "max_cost_usd",
            "rollback",
            "rollback_actions",
        ];
        const SPANS: &[(&str, f64)] = &[
            ("timeout", 1.0),
            ("timeout_seconds", 1.0),
            ("timeout_sec", 1.0),
            ("timeout_min", 60.0),
            ("timeout_hours", 3600.0),
            ("max_duration_s", 1.0),
            ("max_duration_minutes", 60.0),
        ];
        match &node.data {
            Data::List(items) => {
                let kept = items.iter().filter_map(|item| match &item.data {
                    Data::Map(_) => Some(self.guardrails(item)),
                    Data::Text(words, _) => {
                        self.dropped(item, format!("nothing here enforces '{words}': it is left out"));
                        None
                    }
                    _ => Some(item.clone()),
                });
                build::list(node, kept.collect())
            }
            Data::Map(entries) => {
                let kept = entries.iter().filter_map(|entry| {
                    let key = entry.key.as_str();
                    if matches!(entry.value.data, Data::Null) {
                        return None;
                    }
                    if READ.contains(&key) {
                        return Some(entry.clone());
                    }
                    if let Some((_, factor)) = SPANS.iter().find(|(known, _)| *known == key) {
                        return Some(build::renamed(
                            entry,
                            "timeout_s",
                            self.span(&entry.value, *factor),
                        ));
                    }
                    self.left_over(
                        entry,
                        READ,
                        &["notes", "note", "comment", "description"],
                        "'guardrails'",
                    );
                    None
                });
                build::map(node, kept.collect())
            }
            _ => node.clone(),
        }
    }

    /// Metrics as a list of `{metric, target}`, whatever way they were written.
    pub(super) fn metrics(&mut self, node: &Node) -> Node {
        let pair = |entry: &Entry| {
            let name = build::renamed(entry, "metric", build::text(&entry.value, entry.key.clone()));
            let target = build::entry("target", entry.value.clone());
            build::map(&entry.value, vec![name, target])
        };
        let items = match &node.data {
            Data::Map(entries) => entries.iter().map(pair).collect(),
            Data::List(items) => items
                .iter()
                .filter_map(|item| match &item.data {
                    Data::Map(parts) if first(item, &["metric", "target"]).is_none() => {
                        match parts.as_slice() {
                            [only] => Some(pair(only)),
                            _ => self.metric_of_parts(item),
                        }
                    }
                    Data::Text(words, _) => {
                        self.dropped(
                            item,
                            format!("'{words}' names no metric and target: it is left out"),
                        );
                        None
                    }
                    _ => Some(item.clone()),
                })
                .collect(),
            _ => return node.clone(),
        };
        build::list(node, items)
    }

    fn metric_of_parts(&mut self, item: &Node) -> Option<Node> {
        let name = first(item, &["name", "kpi", "id"]);
        let target = first(item, &["threshold", "goal", "value", "min"]);
        match (name, target) {
            (Some(name), Some(target)) => {
                let name = build::renamed(name, "metric", name.value.clone());
                let target = build::renamed(target, "target", target.value.clone());
                Some(build::map(item, vec![name, target]))
            }
            _ => {
                self.dropped(item, "this names no metric and target: it is left out");
                None
            }
        }
    }

    /// An id that no step has.
    pub(super) fn free_id(&mut self, base: &str) -> String {
        let base = snake_case(base);
        let mut id = base.clone();
        let mut number = 2;
        while !self.used_ids.insert(id.clone()) {
            id = format!("{base}_{number}");
            number += 1;
        }
        id
    }
}

fn type_of(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    TYPES
        .iter()
        .find(|(today, older)| *today == word || older.contains(&word.as_str()))
        .map(|(today, _)| *today)
}
