//! People: users, their sessions and API tokens, and one-time links. What opens something is kept as
//! a digest only.

use async_trait::async_trait;
use engine::rows::Leaf;
use types::{Role, Scope, TenantId, Timestamp, TokenId, UserId};

use crate::{ByName, StoreError, TokenFilter};

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// Their id.
    pub id: UserId,
    /// The unique sign-in name (without regard to case).
    pub name: String,
    /// What they may do.
    pub roles: Vec<Role>,
    /// The password's hash in PHC string format; none until they have chosen one.
    pub password: Option<String>,
    /// Whether they are kept out.
    pub disabled: bool,
    /// When they were added.
    pub created_at: Timestamp,
    /// When they were changed.
    pub updated_at: Timestamp,
}

/// A one-time link to choose a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRecord {
    /// SHA-256 of what the link holds, hexadecimal.
    pub digest: String,
    /// Whose password; none makes the first admin, once, while there is no user.
    pub user: Option<UserId>,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// SHA-256 of what the cookie holds, hexadecimal.
    pub digest: String,
    /// Who.
    pub user: UserId,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used, to the minute or so.
    pub seen_at: Timestamp,
    /// Until when, however it is used.
    pub expires_at: Timestamp,
}

/// An API token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its id.
    pub id: TokenId,
    /// Whose.
    pub user: UserId,
    /// What it is for, in the owner's words.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// SHA-256 of the token, hexadecimal.
    pub digest: String,
    /// The token's last four characters.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Which sessions to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sessions {
    /// The one with this digest.
    One(String),
    /// All of a user.
    AllOf(UserId),
}

/// Users, links, sessions, tokens. A change that takes a leaf writes both in one transaction.
#[async_trait]
pub trait PeopleStore: Send + Sync + 'static {
    /// Makes or replaces a user by id. A name in use by another one is a conflict, and so is a user
    /// that was not changed last at `unchanged_since`, if that is given. Whoever is the last admin that
    /// isn't kept out stays one ([`StoreError::LastAdmin`]).
    async fn put_user(
        &self,
        tenant: TenantId,
        user: UserRecord,
        unchanged_since: Option<Timestamp>,
        leaf: Leaf,
    ) -> Result<(), StoreError>;
    /// Users by name.
    async fn users(&self, tenant: TenantId, page: ByName) -> Result<Vec<UserRecord>, StoreError>;
    /// The user with this name, without regard to case.
    async fn user(&self, tenant: TenantId, name: &str) -> Result<UserRecord, StoreError>;
    /// The user with this id.
    async fn user_by_id(&self, tenant: TenantId, id: UserId) -> Result<UserRecord, StoreError>;

    /// Keeps a link in place of an older one for the same user, or for the first admin.
    async fn put_link(&self, tenant: TenantId, link: LinkRecord, leaf: Leaf) -> Result<(), StoreError>;
    /// The link with this digest, if it was not used and has not been replaced.
    async fn link(&self, tenant: TenantId, digest: &str) -> Result<Option<LinkRecord>, StoreError>;
    /// Uses a link up and makes or replaces the user, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the link is gone, [`StoreError::Conflict`] if it makes the first
    /// admin and there is a user already, or if the name is in use; nothing is changed then.
    async fn redeem_link(
        &self,
        tenant: TenantId,
        digest: &str,
        user: UserRecord,
        leaf: Leaf,
    ) -> Result<(), StoreError>;

    /// Begins a session; expired ones of the same user are forgotten.
    async fn put_session(
        &self,
        tenant: TenantId,
        session: SessionRecord,
        leaf: Leaf,
    ) -> Result<(), StoreError>;
    /// A session and whose it is, expired or not.
    async fn session(
        &self,
        tenant: TenantId,
        digest: &str,
    ) -> Result<Option<(SessionRecord, UserRecord)>, StoreError>;
    /// Notes that a session was used.
    async fn touch_session(&self, tenant: TenantId, digest: &str, at: Timestamp) -> Result<(), StoreError>;
    /// Ends sessions; returns how many there were.
    async fn end_sessions(&self, tenant: TenantId, which: Sessions, leaf: Leaf) -> Result<u64, StoreError>;

    /// Keeps a new token.
    async fn put_token(&self, tenant: TenantId, token: TokenRecord, leaf: Leaf) -> Result<(), StoreError>;
    /// Tokens, newest first.
    async fn tokens(&self, tenant: TenantId, filter: TokenFilter) -> Result<Vec<TokenRecord>, StoreError>;
    /// A token and whose it is, expired or revoked or not.
    async fn token(
        &self,
        tenant: TenantId,
        digest: &str,
    ) -> Result<Option<(TokenRecord, UserRecord)>, StoreError>;
    /// Notes that a token was used.
    async fn touch_token(&self, tenant: TenantId, id: TokenId, at: Timestamp) -> Result<(), StoreError>;
    /// Revokes a token, of one user only if `of` says whose; revoking twice is no error.
    async fn revoke_token(
        &self,
        tenant: TenantId,
        id: TokenId,
        of: Option<UserId>,
        at: Timestamp,
        leaf: Leaf,
    ) -> Result<(), StoreError>;
}
