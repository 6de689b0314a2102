//! Users, sessions, one-time links and API tokens.

use ports::{TokenRecord, UserRecord};
use serde::{Deserialize, Serialize};
use types::{Role, Scope, Timestamp, TokenId, UserId};
use utoipa::ToSchema;

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Their id.
    #[schema(value_type = String)]
    pub id: UserId,
    /// The sign-in name.
    pub name: String,
    /// `viewer`, `operator`, `approver`, `admin`.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    /// Whether they have chosen a password.
    pub has_password: bool,
    /// Whether they are kept out.
    pub disabled: bool,
    /// When they were added.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
    /// When they were changed.
    #[schema(value_type = i64)]
    pub updated_at: Timestamp,
}

impl From<UserRecord> for User {
    fn from(record: UserRecord) -> Self {
        Self {
            id: record.id,
            name: record.name,
            roles: record.roles,
            has_password: record.password.is_some(),
            disabled: record.disabled,
            created_at: record.created_at,
            updated_at: record.updated_at,
        }
    }
}

/// A user to be added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddUser {
    /// The sign-in name.
    pub name: String,
    /// `viewer`, `operator`, `approver`, `admin`.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
}

/// A one-time link, shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OneTimeLink {
    /// The user.
    pub user: String,
    /// What opens it; missing in the answer to a repeated request.
    pub secret: Option<String>,
    /// Where a browser opens it, below the server's address.
    pub path: Option<String>,
    /// Until when.
    #[schema(value_type = i64)]
    pub expires_at: Timestamp,
}

/// A change of a user; what is missing stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeUser {
    /// New roles.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub roles: Option<Vec<Role>>,
    /// Whether to keep them out.
    #[serde(default)]
    pub disabled: Option<bool>,
}

/// Name and password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The sign-in name.
    pub name: String,
    /// The password.
    pub password: String,
}

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The sign-in name.
    pub name: String,
    /// Their roles.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    /// Groups and roles by which approvals name them.
    pub groups: Vec<String>,
    /// The scopes, if an API token asks.
    #[schema(value_type = Option<Vec<String>>)]
    pub scopes: Option<Vec<Scope>>,
    /// What a browser sends as `X-CSRF-Token` with every change.
    pub csrf: Option<String>,
}

/// What a one-time link holds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookAtLink {
    /// What opens it.
    pub secret: String,
}

/// Whose link it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkOwner {
    /// The user; missing if the link makes the first admin.
    pub user: Option<String>,
}

/// Using a one-time link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UseLink {
    /// What opens it.
    pub secret: String,
    /// The first admin's sign-in name; ignored for others.
    #[serde(default)]
    pub name: String,
    /// The new password.
    pub password: String,
}

/// A new password by the old one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The old one.
    pub old: String,
    /// The new one.
    pub new: String,
}

/// An API token, as far as it is ever shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its id.
    #[schema(value_type = String)]
    pub id: TokenId,
    /// Whose.
    #[schema(value_type = String)]
    pub user: UserId,
    /// What it is for.
    pub name: String,
    /// `read`, `run`, `write`, `approve`, `admin`.
    #[schema(value_type = Vec<String>)]
    pub scopes: Vec<Scope>,
    /// Its last four characters.
    pub hint: String,
    /// When it was made.
    #[schema(value_type = i64)]
    pub created_at: Timestamp,
    /// Until when.
    #[schema(value_type = i64)]
    pub expires_at: Timestamp,
    /// When it was last used, to the minute or so.
    #[schema(value_type = Option<i64>)]
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<i64>)]
    pub revoked_at: Option<Timestamp>,
}

impl From<TokenRecord> for Token {
    fn from(record: TokenRecord) -> Self {
        Self {
            id: record.id,
            user: record.user,
            name: record.name,
            scopes: record.scopes,
            hint: record.hint,
            created_at: record.created_at,
            expires_at: record.expires_at,
            last_used_at: record.last_used_at,
            revoked_at: record.revoked_at,
        }
    }
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeToken {
    /// What it is for.
    pub name: String,
    /// `read`, `run`, `write`, `approve`, `admin`; `admin` does not include `approve`.
    #[schema(value_type = Vec<String>)]
    pub scopes: Vec<Scope>,
    /// How many days it works, at most 366.
    pub days: u32,
}

/// A token that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeToken {
    /// The token's record.
    pub token: Token,
    /// The token itself, shown once; missing in the answer to a repeated request.
    pub secret: Option<String>,
}

/// A group that approvals may name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Who is in it; empty for a role, whose holders the users' list shows.
    pub members: Vec<String>,
}
