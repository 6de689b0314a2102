//! What Google's stand-in keeps: one account's files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::Timestamp;

use crate::tokens::Tokens;

/// One account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Google {
    pub tokens: Tokens,
    /// Files by id.
    pub files: BTreeMap<String, File>,
}

/// A file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct File {
    pub name: String,
    pub mime_type: String,
    pub description: Option<String>,
    pub parents: Vec<String>,
    pub app_properties: BTreeMap<String, String>,
    pub created: Timestamp,
    /// Base64.
    pub content: String,
    pub size_bytes: u64,
    /// Permissions by id.
    pub permissions: BTreeMap<String, Permission>,
}

/// Who may do what with a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Permission {
    pub kind: String,
    pub role: String,
    pub email: Option<String>,
    pub domain: Option<String>,
}
