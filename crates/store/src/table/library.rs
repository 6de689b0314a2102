//! Changes of what people set up, each with its leaf: several of them are one transaction.

use engine::rows::Leaf;
use ports::{LibraryChange, NewVersion, SavedVersion, SeenRecipe, ToolRecord};
use serde_json::Value;
use types::{Entropy, RecipeId, TenantId, Timestamp};

use super::agents::PreparedAgent;
use super::leaves::{self, PreparedLeaf};
use super::{recipes, settings, tools};
use crate::fault::Fault;
use crate::sql::Connection;

/// A change, ready to be written.
pub(crate) struct PreparedChange {
    what: What,
    leaf: PreparedLeaf,
}

enum What {
    Agent {
        agent: PreparedAgent,
        unchanged_since: Option<Timestamp>,
    },
    Version(NewVersion),
    Activate {
        recipe: RecipeId,
        version: u32,
        description: String,
        seen: Option<SeenRecipe>,
    },
    Tool {
        tool: ToolRecord,
        config: String,
        unchanged_since: Option<Timestamp>,
    },
    RemoveTool {
        name: String,
        unchanged_since: Timestamp,
    },
    Setting {
        key: String,
        value: String,
        before: Option<Value>,
    },
}

impl PreparedChange {
    pub(crate) fn new((change, leaf): (LibraryChange, Leaf), entropy: &dyn Entropy) -> Result<Self, Fault> {
        let what = match change {
            LibraryChange::Agent {
                agent,
                unchanged_since,
            } => What::Agent {
                agent: PreparedAgent::new(agent)?,
                unchanged_since,
            },
            LibraryChange::Version(version) => What::Version(version),
            LibraryChange::Activate {
                recipe,
                version,
                description,
                seen,
            } => What::Activate {
                recipe,
                version,
                description,
                seen,
            },
            LibraryChange::Tool {
                tool,
                unchanged_since,
            } => What::Tool {
                config: tool.config.to_string(),
                tool,
                unchanged_since,
            },
            LibraryChange::RemoveTool {
                name,
                unchanged_since,
            } => What::RemoveTool {
                name,
                unchanged_since,
            },
            LibraryChange::Setting { key, value, before } => What::Setting {
                key,
                value: value.to_string(),
                before,
            },
        };
        let leaf = PreparedLeaf::new(leaf, entropy);
        Ok(Self { what, leaf })
    }

    /// Makes the change, and leaves word of it unless everything was so already.
    pub(crate) fn make(
        &self,
        connection: &Connection,
        tenant: TenantId,
    ) -> Result<Option<SavedVersion>, Fault> {
        let (changed, saved) = match &self.what {
            What::Agent {
                agent,
                unchanged_since,
            } => {
                agent.put(connection, tenant, *unchanged_since)?;
                (true, None)
            }
            What::Version(version) => {
                let done = recipes::save(connection, tenant, version)?;
                (done.changed, Some(done.saved))
            }
            What::Activate {
                recipe,
                version,
                description,
                seen,
            } => {
                recipes::unchanged(connection, tenant, *recipe, *seen)?;
                let changed = recipes::activate(connection, tenant, *recipe, (*version, description))?;
                (changed, None)
            }
            What::Tool {
                tool,
                config,
                unchanged_since,
            } => {
                tools::put(connection, tenant, tool, config, *unchanged_since)?;
                (true, None)
            }
            What::RemoveTool {
                name,
                unchanged_since,
            } => {
                tools::remove(connection, tenant, name, *unchanged_since)?;
                (true, None)
            }
            What::Setting { key, value, before } => {
                settings::put(connection, tenant, key, value, before.as_ref())?;
                (true, None)
            }
        };
        if changed {
            leaves::note(connection, tenant, &self.leaf)?;
        }
        Ok(saved)
    }
}
