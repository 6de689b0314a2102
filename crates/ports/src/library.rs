//! What people set up: agents, recipes and their immutable versions, tools, settings, secrets; and
//! the audit leaves that changing them leaves behind.

use async_trait::async_trait;
use engine::rows::Leaf;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{AgentId, Labels, RecipeId, TenantId, Timestamp};

use crate::{ByName, RecipeFilter, StoreError, VersionFilter};

/// A named worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentRecord {
    /// Its id.
    pub id: AgentId,
    /// The unique name (without regard to case).
    pub name: String,
    /// What it looks after, such as `support`.
    pub domain: String,
    /// How it should work.
    pub instructions: String,
    /// Tools it may use.
    pub tools: Vec<String>,
    /// Anything else about it.
    pub config: Value,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// When it was archived.
    pub archived_at: Option<Timestamp>,
}

/// A recipe, whatever its versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecipeRecord {
    /// Its id.
    pub id: RecipeId,
    /// The unique short name, such as `zoom-room-hdmi-black`.
    pub slug: String,
    /// The active version's name; the newest version's while all are drafts.
    pub name: String,
    /// The description of the same version.
    pub description: String,
    /// The newest version.
    pub latest: u32,
    /// The version that runs follow unless they name another; none while all are drafts.
    pub active: Option<u32>,
    /// The newest version, if it is a draft.
    pub draft: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its newest version was saved.
    pub updated_at: Timestamp,
    /// When it was archived.
    pub archived_at: Option<Timestamp>,
}

/// The state of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionStatus {
    /// Not to be run by default; may hold errors.
    Draft,
    /// The one that runs follow.
    Active,
    /// Was active.
    Retired,
}

impl VersionStatus {
    /// The name in rows and the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            VersionStatus::Draft => "draft",
            VersionStatus::Active => "active",
            VersionStatus::Retired => "retired",
        }
    }
}

/// One immutable version of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// The recipe.
    pub recipe: RecipeId,
    /// Counted from 1.
    pub version: u32,
    /// The recipe's name at this version.
    pub name: String,
    /// The text as it was saved.
    pub text: String,
    /// The checked tree as JSON; none if the text has errors.
    pub tree: Option<String>,
    /// SHA-256 of the text, hexadecimal.
    pub digest: String,
    /// Its state.
    pub status: VersionStatus,
    /// Who saved it.
    pub author: String,
    /// Where the text came from: the union of the labels of all of it.
    pub labels: Labels,
    /// When.
    pub created_at: Timestamp,
}

/// A version to be saved.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVersion {
    /// Used if the slug is new.
    pub recipe: RecipeId,
    /// The recipe's short name.
    pub slug: String,
    /// The recipe's name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The text.
    pub text: String,
    /// The checked tree as JSON.
    pub tree: Option<String>,
    /// SHA-256 of the text, hexadecimal.
    pub digest: String,
    /// Make it active at once (the older active version is then retired), else it is a draft.
    pub activate: bool,
    /// Only if the recipe is still as somebody saw it.
    pub seen: Option<SeenRecipe>,
    /// Who saves it.
    pub author: String,
    /// Where the text came from: the union of the labels of all of it.
    pub labels: Labels,
    /// When.
    pub at: Timestamp,
}

/// How somebody saw a recipe whom a change made meanwhile would mislead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenRecipe {
    /// Its newest version.
    pub latest: u32,
    /// Its active version.
    pub active: Option<u32>,
}

/// What saving a version came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedVersion {
    /// The recipe.
    pub recipe: RecipeId,
    /// The version: a new one, or the newest if its text is the same.
    pub version: u32,
    /// False if the newest version has the same digest.
    pub new: bool,
    /// Whether the recipe itself is new.
    pub new_recipe: bool,
}

/// A configured tool. Built-in connectors have a row too, for what a person changed about them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolRecord {
    /// The unique name.
    pub name: String,
    /// `builtin`, `http` (a manifest) or `mcp` (an [`crate::McpRecord`]).
    pub kind: String,
    /// Base URL, manifest, limits, classification; never a secret.
    pub config: Value,
    /// Whether it may be called.
    pub enabled: bool,
    /// Whether a person holds it: its calls wait.
    pub paused: bool,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// A secret, as far as it is ever shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRecord {
    /// Its name, such as `slack.token`.
    pub name: String,
    /// The origin it may be sent to, such as `https://slack.com`; empty is none yet.
    pub origin: String,
    /// Its last characters, at most 4, and only if it has at least 12.
    pub hint: String,
    /// When it was set.
    pub updated_at: Timestamp,
}

/// One change of what people set up, as the method of [`LibraryStore`] that makes it alone says.
#[derive(Debug, Clone, PartialEq)]
pub enum LibraryChange {
    /// [`LibraryStore::put_agent`].
    Agent {
        /// The agent.
        agent: AgentRecord,
        /// When it must have been changed last.
        unchanged_since: Option<Timestamp>,
    },
    /// [`LibraryStore::save_version`].
    Version(NewVersion),
    /// [`LibraryStore::activate_version`].
    Activate {
        /// The recipe.
        recipe: RecipeId,
        /// The version.
        version: u32,
        /// What that version says it is for.
        description: String,
        /// How the recipe must still be.
        seen: Option<SeenRecipe>,
    },
    /// [`LibraryStore::put_tool`].
    Tool {
        /// The tool.
        tool: ToolRecord,
        /// When it must have been changed last.
        unchanged_since: Option<Timestamp>,
    },
    /// Takes a tool's row away. A tool that isn't there, or that was not changed last then, is a conflict.
    RemoveTool {
        /// Its name.
        name: String,
        /// When it must have been changed last.
        unchanged_since: Timestamp,
    },
    /// [`LibraryStore::put_setting`].
    Setting {
        /// Its name.
        key: String,
        /// What it is set to.
        value: Value,
        /// What it must have been until now.
        before: Option<Value>,
    },
}

/// An audit leaf as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeafRecord {
    /// The leaf.
    pub leaf: Leaf,
    /// 16 random bytes, hexadecimal; can be erased.
    pub salt: String,
    /// SHA-256 over the salt and the canonical body, hexadecimal.
    pub commitment: String,
}

/// Agents, recipes, tools, settings, secrets, audit leaves. Every change takes the leaf that tells
/// of it and writes both in one transaction.
#[async_trait]
pub trait LibraryStore: Send + Sync + 'static {
    /// Makes changes with their leaves in one transaction, in this order: all of them, or none. What came
    /// of each that saves a version.
    async fn change_library(
        &self,
        tenant: TenantId,
        changes: Vec<(LibraryChange, Leaf)>,
    ) -> Result<Vec<Option<SavedVersion>>, StoreError>;

    /// Makes or replaces an agent by id. A name in use by another one is a conflict, and so is an agent
    /// that was not changed last at `unchanged_since`, if that is given.
    async fn put_agent(
        &self,
        tenant: TenantId,
        agent: AgentRecord,
        unchanged_since: Option<Timestamp>,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        let change = LibraryChange::Agent {
            agent,
            unchanged_since,
        };
        self.change_library(tenant, vec![(change, leaf)]).await.map(drop)
    }
    /// Agents that aren't archived, by name.
    async fn agents(&self, tenant: TenantId, page: ByName) -> Result<Vec<AgentRecord>, StoreError>;
    /// The agent with this name, without regard to case.
    async fn agent(&self, tenant: TenantId, name: &str) -> Result<AgentRecord, StoreError>;

    /// Saves a version: a new one only if the newest has another digest.
    async fn save_version(
        &self,
        tenant: TenantId,
        version: NewVersion,
        leaf: Leaf,
    ) -> Result<SavedVersion, StoreError> {
        let change = LibraryChange::Version(version);
        let saved = self.change_library(tenant, vec![(change, leaf)]).await?;
        let saved = saved.into_iter().flatten().next();
        saved.ok_or_else(|| StoreError::Other {
            message: "a version was saved without a word of it".to_owned(),
        })
    }
    /// Makes a version the active one, under whose name and description the recipe is listed from now on;
    /// the older active version is retired. A recipe that isn't as it was `seen` is a conflict.
    async fn activate_version(
        &self,
        tenant: TenantId,
        recipe: RecipeId,
        (version, description): (u32, &str),
        seen: Option<SeenRecipe>,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        let change = LibraryChange::Activate {
            recipe,
            version,
            description: description.to_owned(),
            seen,
        };
        self.change_library(tenant, vec![(change, leaf)]).await.map(drop)
    }
    /// Recipes that aren't archived, by name.
    async fn recipes(&self, tenant: TenantId, filter: RecipeFilter) -> Result<Vec<RecipeRecord>, StoreError>;
    /// The recipe with this slug, or else this name (without regard to case), or else this id.
    async fn recipe(&self, tenant: TenantId, name: &str) -> Result<RecipeRecord, StoreError>;
    /// One version.
    async fn version(
        &self,
        tenant: TenantId,
        recipe: RecipeId,
        version: u32,
    ) -> Result<VersionRecord, StoreError>;
    /// Versions of a recipe, newest first.
    async fn versions(
        &self,
        tenant: TenantId,
        recipe: RecipeId,
        filter: VersionFilter,
    ) -> Result<Vec<VersionRecord>, StoreError>;

    /// Makes or replaces a tool's row by name. A tool that was not changed last at `unchanged_since`, if that
    /// is given, is a conflict.
    async fn put_tool(
        &self,
        tenant: TenantId,
        tool: ToolRecord,
        unchanged_since: Option<Timestamp>,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        let change = LibraryChange::Tool {
            tool,
            unchanged_since,
        };
        self.change_library(tenant, vec![(change, leaf)]).await.map(drop)
    }
    /// All tools, by name.
    async fn tools(&self, tenant: TenantId) -> Result<Vec<ToolRecord>, StoreError>;

    /// Sets a setting. It is a conflict if `before` is given and isn't what was set until now (`Null`
    /// for a setting that isn't set).
    async fn put_setting(
        &self,
        tenant: TenantId,
        key: &str,
        value: Value,
        before: Option<Value>,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        let change = LibraryChange::Setting {
            key: key.to_owned(),
            value,
            before,
        };
        self.change_library(tenant, vec![(change, leaf)]).await.map(drop)
    }
    /// A setting, if it is set.
    async fn setting(&self, tenant: TenantId, key: &str) -> Result<Option<Value>, StoreError>;
    /// All settings, by key.
    async fn settings(&self, tenant: TenantId) -> Result<Vec<(String, Value)>, StoreError>;

    /// Sets a secret; it is encrypted before it reaches the database.
    async fn put_secret(
        &self,
        tenant: TenantId,
        secret: SecretRecord,
        value: &str,
        leaf: Leaf,
    ) -> Result<(), StoreError>;
    /// A secret in the clear with the origin it is bound to, for the connector that sends it.
    async fn reveal_secret(
        &self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<(SecretRecord, String)>, StoreError>;
    /// Secrets by name, as far as they are ever shown.
    async fn secrets(&self, tenant: TenantId, page: ByName) -> Result<Vec<SecretRecord>, StoreError>;
    /// Removes a secret.
    async fn remove_secret(&self, tenant: TenantId, name: &str, leaf: Leaf) -> Result<(), StoreError>;

    /// Audit leaves in the order they were stored, after the given number of them.
    async fn leaves(&self, tenant: TenantId, skip: u64, limit: u32) -> Result<Vec<LeafRecord>, StoreError>;
    /// Writes a copy of the whole database to a new file while running.
    async fn backup(&self, to: &std::path::Path) -> Result<(), StoreError>;
}
