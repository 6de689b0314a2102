//! A JSON value with provenance labels per path.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Label, Labels};

/// Labels by JSON Pointer (RFC 6901). A path without an entry has the labels of its nearest
/// ancestor with one; if there is none it is untrusted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LabelMap(BTreeMap<String, Labels>);

impl LabelMap {
    /// The same labels for the whole value.
    pub fn all(labels: Labels) -> Self {
        Self(BTreeMap::from([(String::new(), labels)]))
    }

    /// Sets the labels at `pointer` and, unless they have their own, below it.
    pub fn set(&mut self, pointer: impl Into<String>, labels: Labels) {
        self.0.insert(pointer.into(), labels);
    }

    /// The labels of exactly the value at `pointer`, not of what lies inside it.
    pub fn at(&self, pointer: &str) -> Labels {
        let mut path = pointer;
        loop {
            if let Some(labels) = self.0.get(path) {
                return *labels;
            }
            match path.rfind('/') {
                Some(slash) => path = &path[..slash],
                None => return Labels::UNTRUSTED,
            }
        }
    }

    /// The union of the labels at `pointer` and of everything inside it.
    pub fn within(&self, pointer: &str) -> Labels {
        self.below(pointer)
            .fold(self.at(pointer), |set, (_, labels)| set.union(labels))
    }

    /// The labels of the part at `pointer`, as a map of its own.
    #[must_use]
    pub fn part(&self, pointer: &str) -> LabelMap {
        let mut part = LabelMap::all(self.at(pointer));
        for (path, labels) in self.below(pointer) {
            part.set(&path[pointer.len()..], labels);
        }
        part
    }

    /// Puts the labels of a part in at `pointer`, replacing what was there.
    pub fn graft(&mut self, pointer: &str, part: &LabelMap) {
        let inside = format!("{pointer}/");
        self.0
            .retain(|path, _| path != pointer && !path.starts_with(&inside));
        self.set(pointer, part.at(""));
        for (path, labels) in &part.0 {
            self.set(format!("{pointer}{path}"), *labels);
        }
    }

    /// Every entry: pointer and labels.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Labels)> {
        self.0.iter().map(|(path, labels)| (path.as_str(), *labels))
    }

    fn below<'a>(&'a self, pointer: &str) -> impl Iterator<Item = (&'a str, Labels)> {
        let inside = format!("{pointer}/");
        let from = inside.clone();
        self.0
            .range(from..)
            .take_while(move |(path, _)| path.starts_with(&inside))
            .map(|(path, labels)| (path.as_str(), *labels))
    }
}

/// A JSON value and where each part of it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Labeled {
    /// The value.
    pub value: Value,
    /// Its labels; missing in a document means untrusted.
    #[serde(default)]
    pub labels: LabelMap,
}

impl Labeled {
    /// A value with one label throughout.
    pub fn new(value: impl Into<Value>, label: Label) -> Self {
        Self::with(value, label.into())
    }

    /// A value with the same labels throughout.
    pub fn with(value: impl Into<Value>, labels: Labels) -> Self {
        Self {
            value: value.into(),
            labels: LabelMap::all(labels),
        }
    }

    /// JSON null, which says nothing and so has no label.
    pub fn null() -> Self {
        Self::with(Value::Null, Labels::NONE)
    }

    /// The part at `pointer` (RFC 6901) with its labels, or `None` if there is nothing there.
    pub fn pointer(&self, pointer: &str) -> Option<Labeled> {
        let value = self.value.pointer(pointer)?.clone();
        Some(Labeled {
            value,
            labels: self.labels.part(pointer),
        })
    }

    /// Builds an object from named parts, keeping each part's labels.
    pub fn object(parts: impl IntoIterator<Item = (String, Labeled)>) -> Self {
        let mut object = Self::with(Value::Object(serde_json::Map::new()), Labels::NONE);
        if let Value::Object(map) = &mut object.value {
            for (name, part) in parts {
                object.labels.graft(&format!("/{}", escape(&name)), &part.labels);
                map.insert(name, part.value);
            }
        }
        object
    }

    /// Builds an array from parts, keeping each part's labels.
    pub fn array(parts: impl IntoIterator<Item = Labeled>) -> Self {
        let mut array = Self::with(Value::Array(Vec::new()), Labels::NONE);
        if let Value::Array(items) = &mut array.value {
            for (index, part) in parts.into_iter().enumerate() {
                array.labels.graft(&format!("/{index}"), &part.labels);
                items.push(part.value);
            }
        }
        array
    }

    /// The union of all labels in the value.
    pub fn all_labels(&self) -> Labels {
        self.labels.within("")
    }
}

/// One name as a token of a JSON Pointer (RFC 6901, section 3).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn room() -> Labeled {
        let mut labels = LabelMap::all(Label::System.into());
        labels.set("/name", Labels::UNTRUSTED);
        Labeled {
            value: json!({"id": "r1", "name": "Boardroom"}),
            labels,
        }
    }

    #[test]
    fn a_path_inherits_from_its_nearest_labelled_ancestor() {
        assert_eq!(room().labels.at("/id"), Label::System.into());
        assert_eq!(room().labels.at("/name/0"), Labels::UNTRUSTED);
        assert_eq!(LabelMap::default().at("/id"), Labels::UNTRUSTED);
        assert_eq!(
            room().all_labels(),
            Labels::of(Label::System).union(Labels::UNTRUSTED)
        );
    }

    #[test]
    fn parts_keep_their_labels_when_composed() {
        let whole = Labeled::object([
            ("a/b".to_owned(), room()),
            ("n".to_owned(), Labeled::new(1, Label::Author)),
        ]);
        assert_eq!(whole.labels.at("/a~1b/name"), Labels::UNTRUSTED);
        assert_eq!(whole.labels.at("/a~1b/id"), Label::System.into());
        assert_eq!(whole.pointer("/a~1b"), Some(room()));
        assert_eq!(Labeled::array([room()]).pointer("/0"), Some(room()));
    }

    proptest! {
        #[test]
        fn a_part_of_a_whole_is_never_less_tainted_than_inside_it(names in prop::collection::vec("[a-z/~]{1,4}", 1..5)) {
            let whole = Labeled::object(names.iter().map(|name| (name.clone(), room())));
            for name in &names {
                let pointer = format!("/{}", escape(name));
                let part = whole.pointer(&pointer).expect("the part is there");
                prop_assert_eq!(part.all_labels(), whole.labels.within(&pointer));
            }
        }
    }
}
