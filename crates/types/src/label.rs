//! Provenance labels: where a value came from, and so what it may steer.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One origin of a value. The order is the order of printing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Label {
    /// Text of an activated recipe.
    Author = 1,
    /// Given by the person who started the run or answered it.
    User = 2,
    /// Given by a person who operates the product (settings, approvals, tasks).
    Operator = 4,
    /// An identifier, enum or number of a configured system.
    System = 8,
    /// Names, descriptions, messages, pages: the default for anything undeclared.
    Untrusted = 16,
    /// Written by a model; stands beside the labels of what the model had read.
    Model = 32,
    /// A model's value that occurs as a whole token in the user's own request.
    Mentioned = 64,
}

impl Label {
    /// Every label.
    pub const ALL: [Label; 7] = [
        Label::Author,
        Label::User,
        Label::Operator,
        Label::System,
        Label::Untrusted,
        Label::Model,
        Label::Mentioned,
    ];

    /// The label's name in the journal and the interface.
    pub fn name(self) -> &'static str {
        match self {
            Label::Author => "author",
            Label::User => "user",
            Label::Operator => "operator",
            Label::System => "system",
            Label::Untrusted => "untrusted",
            Label::Model => "model",
            Label::Mentioned => "mentioned",
        }
    }
}

/// A set of labels. Serialised as names joined by `+`, such as `author+untrusted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(u8);

impl Labels {
    /// No label: what a constant of the language itself has.
    pub const NONE: Labels = Labels(0);
    /// What a value has whose labels are missing.
    pub const UNTRUSTED: Labels = Labels(Label::Untrusted as u8);

    /// The set with this one label.
    pub const fn of(label: Label) -> Self {
        Self(label as u8)
    }

    /// The labels in either set.
    #[must_use]
    pub const fn union(self, other: Labels) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `label` is in the set.
    pub const fn contains(self, label: Label) -> bool {
        self.0 & label as u8 != 0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The labels in the set, in their order.
    pub fn iter(self) -> impl Iterator<Item = Label> {
        Label::ALL.into_iter().filter(move |label| self.contains(*label))
    }
}

impl From<Label> for Labels {
    fn from(label: Label) -> Self {
        Self::of(label)
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, label) in self.iter().enumerate() {
            if position > 0 {
                f.write_str("+")?;
            }
            f.write_str(label.name())?;
        }
        Ok(())
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        text.split('+')
            .filter(|name| !name.is_empty())
            .try_fold(Labels::NONE, |set, name| {
                let label = Label::ALL.into_iter().find(|label| label.name() == name);
                label
                    .map(|label| set.union(label.into()))
                    .ok_or_else(|| de::Error::custom(format_args!("unknown provenance label '{name}'")))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_prints_and_reads_back() {
        let set = Labels::of(Label::Untrusted).union(Label::Author.into());
        assert_eq!(set.to_string(), "author+untrusted");
        let json = serde_json::to_string(&set).expect("labels serialise");
        assert_eq!(serde_json::from_str::<Labels>(&json).expect("labels read"), set);
        assert!(serde_json::from_str::<Labels>("\"author+god\"").is_err());
    }
}
