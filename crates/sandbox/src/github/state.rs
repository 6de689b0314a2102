//! What GitHub knows beside its git repository: issues and pull requests with their comments, and what
//! was pushed. Commits and branches are in the repository alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::Timestamp;

/// The one repository's surroundings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct GitHub {
    /// Issues and pull requests by their number, which they share.
    pub issues: BTreeMap<u64, Issue>,
    /// The newest changes of branches, oldest first.
    pub pushes: Vec<Push>,
}

/// An issue, or a pull request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Issue {
    pub id: u64,
    pub title: String,
    pub body: Option<String>,
    pub labels: Vec<String>,
    /// Log-ins.
    pub assignees: Vec<String>,
    pub open: bool,
    pub reason: Option<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub closed: Option<Timestamp>,
    pub comments: Vec<Comment>,
    pub pull: Option<Pull>,
}

/// What makes an issue a pull request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pull {
    /// Branches.
    pub head: String,
    pub base: String,
    pub draft: bool,
}

/// A comment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Comment {
    pub id: u64,
    pub body: String,
    pub created: Timestamp,
}

/// A branch that was made or moved.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Push {
    pub branch: String,
    pub commit: String,
    pub at: Timestamp,
}

impl GitHub {
    /// Keeps a push in mind.
    pub(crate) fn pushed(&mut self, branch: &str, commit: &str, at: Timestamp) {
        /// The most pushes kept.
        const MOST: usize = 1_000;
        self.pushes.push(Push {
            branch: branch.to_owned(),
            commit: commit.to_owned(),
            at,
        });
        if self.pushes.len() > MOST {
            self.pushes.remove(0);
        }
    }
}
