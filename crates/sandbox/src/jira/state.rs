//! What Jira knows: the issues of one site with their comments and properties.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::Timestamp;

/// One site.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Jira {
    /// By id, which grows.
    pub issues: BTreeMap<u64, Issue>,
    /// The last number given, by project.
    pub numbers: BTreeMap<String, u64>,
}

/// An issue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Issue {
    pub key: String,
    pub project: String,
    pub summary: String,
    /// In the Atlassian Document Format, or nothing.
    pub description: Value,
    pub issue_type: String,
    pub priority: String,
    pub labels: Vec<String>,
    /// An account's id.
    pub assignee: Option<String>,
    /// An issue's key.
    pub parent: Option<String>,
    pub status: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub properties: BTreeMap<String, Value>,
    pub comments: Vec<Comment>,
}

/// A comment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Comment {
    pub id: u64,
    pub body: Value,
    pub created: Timestamp,
    pub properties: BTreeMap<String, Value>,
}

impl Jira {
    /// The issue with this key or id.
    pub(crate) fn find(&self, reference: &str) -> Option<(u64, &Issue)> {
        let by_id = reference.parse().ok();
        self.issues
            .iter()
            .find(|(id, issue)| Some(**id) == by_id || issue.key.eq_ignore_ascii_case(reference))
            .map(|(id, issue)| (*id, issue))
    }

    /// The same, to change it.
    pub(crate) fn find_mut(&mut self, reference: &str) -> Option<&mut Issue> {
        let id = self.find(reference)?.0;
        self.issues.get_mut(&id)
    }
}
