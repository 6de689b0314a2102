//! What arguments of older recipes mean to an action of today: other names, words in another case,
//! numbers where texts are due.

use serde_json::Value;
use types::{ActionSpec, Effect};

use super::Reader;
use crate::diagnostic::{At, Severity};
use crate::yaml::{Data, Entry, Node};

/// What becomes of an argument of an older recipe.
pub(super) enum OlderArgument {
    /// It is taken, perhaps under another name.
    Taken(Entry),
    /// The action only reads and has nothing like it: it is left out.
    Dropped,
    /// The action changes something and has nothing like it: without it something else could be
    /// changed than was meant, so it stays, and the recipe can't be run.
    NotTaken(Entry),
}

impl Reader<'_, '_, '_> {
    /// An older argument as the action takes it.
    pub(super) fn older_argument(
        &mut self,
        entry: &Entry,
        all: &[Entry],
        spec: &ActionSpec,
    ) -> OlderArgument {
        let properties = spec.input.get("properties").and_then(Value::as_object);
        let Some(properties) = properties else {
            return OlderArgument::Taken(entry.clone());
        };
        let mut entry = entry.clone();
        if !properties.contains_key(&entry.key) {
            let aliased = properties.iter().find(|(_, schema)| {
                let aliases = schema.get("x-aliases").and_then(Value::as_array);
                aliases.is_some_and(|aliases| aliases.iter().any(|alias| *alias == entry.key.as_str()))
            });
            match aliased {
                Some((name, _)) if all.iter().all(|other| other.key != *name) => {
                    let message = format!("the argument '{}' is called '{name}' here", entry.key);
                    self.note("older_assumed", entry.key_at, &entry.value.path, message);
                    entry.key.clone_from(name);
                }
                _ => return self.foreign(entry, properties, spec),
            }
        }
        if let Some(schema) = properties.get(&entry.key) {
            entry.value = self.older_value(&entry.value, schema);
        }
        OlderArgument::Taken(entry)
    }

    /// An argument that the action doesn't take. A slip is reported like any; else a read leaves it out
    /// with a warning, and anything else keeps it and can't be run.
    fn foreign(
        &mut self,
        entry: Entry,
        properties: &serde_json::Map<String, Value>,
        spec: &ActionSpec,
    ) -> OlderArgument {
        let takes_more = spec
            .input
            .get("additionalProperties")
            .is_some_and(|more| *more != Value::Bool(false));
        let key = entry.key.as_str();
        let most = if key.chars().count() < 8 { 1 } else { 2 };
        let slip = key.chars().count() > 3
            && properties
                .keys()
                .any(|known| strsim::damerau_levenshtein(known, key) <= most);
        if takes_more || slip {
            return OlderArgument::Taken(entry);
        }
        let name = spec.name();
        if spec.effect == Effect::Read {
            let message = format!("'{name}' takes nothing like '{key}': it is left out");
            self.warning("older_dropped", entry.key_at, &entry.value.path, message);
            return OlderArgument::Dropped;
        }
        let message = format!(
            "'{name}' takes nothing like '{key}', and without it something else could be changed than was \
             meant: the recipe can be kept but not run"
        );
        let path = &entry.value.path;
        self.findings.add(
            Severity::NeedsTool,
            "argument_not_taken",
            entry.key_at,
            path,
            message,
        );
        self.findings
            .suggest(format!("take '{key}' out if the call is right without it"));
        OlderArgument::NotTaken(entry)
    }

    fn older_value(&mut self, node: &Node, schema: &Value) -> Node {
        let texts_only = schema.get("type").is_some_and(|kind| *kind == "string");
        let data = match &node.data {
            Data::Number(_, written) if texts_only => Data::Text(written.clone(), false),
            Data::Text(word, _) => {
                let options = schema.get("enum").and_then(Value::as_array);
                let other_case = options
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .find(|option| option.eq_ignore_ascii_case(word) && *option != word.as_str());
                match other_case {
                    Some(option) => Data::Text(option.to_owned(), false),
                    None => return node.clone(),
                }
            }
            _ => return node.clone(),
        };
        Node {
            at: node.at,
            path: node.path.clone(),
            data,
        }
    }

    pub(super) fn note(&mut self, code: &str, at: At, path: &str, message: impl Into<String>) {
        self.findings.add(Severity::Note, code, at, path, message);
    }
}
