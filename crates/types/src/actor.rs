//! Who does something.

use serde::{Deserialize, Serialize};

/// What kind of party an actor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person.
    User,
    /// An agent of the product.
    Agent,
    /// The product itself: schedules, recovery, seeds.
    System,
}

/// A party that starts, decides or answers something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// Person, agent or the product.
    pub kind: ActorKind,
    /// The unique name, such as a sign-in name.
    pub name: String,
    /// Groups and roles that name approvers, such as `Support_L2`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

impl Actor {
    /// A person without groups.
    pub fn user(name: impl Into<String>) -> Self {
        Self {
            kind: ActorKind::User,
            name: name.into(),
            groups: Vec::new(),
        }
    }

    /// The product itself.
    pub fn system(name: impl Into<String>) -> Self {
        Self {
            kind: ActorKind::System,
            name: name.into(),
            groups: Vec::new(),
        }
    }

    /// Whether both are the same party: names are unique without regard to case and to spaces around them.
    pub fn is_same(&self, other: &Actor) -> bool {
        let known = |actor: &Actor| actor.name.trim().to_lowercase();
        known(self) == known(other)
    }

    /// The same party as a member of `groups`.
    #[must_use]
    pub fn in_groups(mut self, groups: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.groups = groups.into_iter().map(Into::into).collect();
        self
    }
}
