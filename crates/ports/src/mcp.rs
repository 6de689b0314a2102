//! What is kept of a server of the Model Context Protocol: where it is, what it offered when it was
//! last looked at, and what people said of its actions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{Digest, Effect, Timestamp};

/// The `config` of a [`crate::ToolRecord`] of the kind `mcp`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct McpRecord {
    /// Where it answers over HTTP; none for a server that the host's configuration starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether its own word about its actions counts.
    #[serde(default)]
    pub trusted: bool,
    /// Whether it may be called in mock mode, which has no stand-in for it.
    #[serde(default)]
    pub mock: bool,
    /// What it offered when it was last looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<McpSeen>,
    /// How it stood when it was last tried; none if nobody has tried it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stand: Option<McpStand>,
    /// What people said of its actions, by name.
    #[serde(default)]
    pub classified: BTreeMap<String, McpClass>,
}

/// How a server stood when it was last tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct McpStand {
    /// Since when it is known to stand so.
    pub since: Timestamp,
    /// What keeps it from being worked with; none if it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// What a server offered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct McpSeen {
    /// The revision of the protocol that was agreed on, such as `2025-11-25`.
    pub protocol: String,
    /// The server's own name and version.
    pub server: String,
    /// When it was looked at.
    pub at: Timestamp,
    /// Its tools that can be used.
    pub tools: Vec<McpTool>,
    /// Those that can't.
    pub left_out: Vec<McpLeftOut>,
}

/// One tool of a server: its words are its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct McpTool {
    /// Its name at the server.
    pub name: String,
    /// What it says it does, cut to a bounded length.
    pub description: String,
    /// JSON Schema of its arguments, checked.
    pub input: Value,
    /// JSON Schema of its structured answer, checked, if it promises one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// What it says of itself.
    #[serde(default)]
    pub hints: McpHints,
    /// Arguments that go along as HTTP headers too: the header's name and the argument's pointer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Digest of the whole definition as it was sent: a changed one has another.
    pub digest: Digest,
}

/// A server's annotations of a tool; what it doesn't say is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct McpHints {
    /// It changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// It may destroy something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destructive: Option<bool>,
    /// Calling it again gives the same world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotent: Option<bool>,
}

/// A tool that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct McpLeftOut {
    /// Its name, cut to a bounded length.
    pub name: String,
    /// Why, in words.
    pub why: String,
}

/// What a person said of an action. It holds as long as the definition is the one they saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct McpClass {
    /// What it does to the world.
    pub effect: Effect,
    /// Whether calling it again with the same arguments gives the same world.
    #[serde(default)]
    pub idempotent: bool,
    /// The definition that they saw.
    pub definition: Digest,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl McpRecord {
    /// What people said of a tool, if it still is the one they spoke of.
    pub fn class_of(&self, tool: &McpTool) -> Option<&McpClass> {
        self.classified
            .get(&tool.name)
            .filter(|class| class.definition == tool.digest)
    }
}
