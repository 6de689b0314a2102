//! Agents, settings and secrets.

use ports::{AgentRecord, SecretRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{AgentId, Timestamp};
use utoipa::ToSchema;

/// A named worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    /// Its id.
    #[schema(value_type = String)]
    pub id: AgentId,
    /// The unique name (without regard to case).
    pub name: String,
    /// What it looks after.
    pub domain: String,
    /// How it should work.
    pub instructions: String,
    /// Tools it may use.
    pub tools: Vec<String>,
    /// Anything else about it.
    pub config: Value,
    /// When it was made.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
    /// When it was changed.
    #[schema(value_type = i64)]
    pub updated_at: Timestamp,
    /// When it was archived.
    #[schema(value_type = Option<i64>)]
    pub archived_at: Option<Timestamp>,
}

impl From<AgentRecord> for Agent {
    fn from(record: AgentRecord) -> Self {
        Self {
            id: record.id,
            name: record.name,
            domain: record.domain,
            instructions: record.instructions,
            tools: record.tools,
            config: record.config,
            created_at: record.created_at,
            updated_at: record.updated_at,
            archived_at: record.archived_at,
        }
    }
}

/// An agent as it shall be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutAgent {
    /// The unique name (without regard to case).
    pub name: String,
    /// What it looks after.
    #[serde(default)]
    pub domain: String,
    /// How it should work.
    #[serde(default)]
    pub instructions: String,
    /// Tools it may use.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Anything else about it, an object.
    #[serde(default)]
    pub config: Option<Value>,
}

/// A setting as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Setting {
    /// Its key.
    pub key: String,
    /// What holds now.
    pub value: Value,
    /// Whether nobody has set it.
    pub is_default: bool,
    /// What it is for.
    pub description: String,
    /// What it takes.
    pub form: String,
}

impl From<services::settings::Setting> for Setting {
    fn from(setting: services::settings::Setting) -> Self {
        Self {
            key: setting.key.to_owned(),
            value: setting.value,
            is_default: setting.is_default,
            description: setting.description.to_owned(),
            form: setting.form.to_owned(),
        }
    }
}

/// A setting's new value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutSetting {
    /// The value.
    pub value: Value,
}

/// A secret, as far as it is ever shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Secret {
    /// Its name, such as `slack.token`.
    pub name: String,
    /// The origin it may be sent to.
    pub origin: String,
    /// Its last characters, at most 4, and only if it has at least 12.
    pub hint: String,
    /// When it was set.
    #[schema(value_type = i64)]
    pub updated_at: Timestamp,
}

impl From<SecretRecord> for Secret {
    fn from(record: SecretRecord) -> Self {
        Self {
            name: record.name,
            origin: record.origin,
            hint: record.hint,
            updated_at: record.updated_at,
        }
    }
}

/// A secret to be set. It is never given back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutSecret {
    /// The origin it may be sent to, such as `https://slack.com`.
    pub origin: String,
    /// The secret.
    pub value: String,
}
