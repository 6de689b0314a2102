//! What nobody stands between: the rest of the store, passed on.

use async_trait::async_trait;
use engine::rows::Leaf;
use ports::{
    AgentRecord, Begun, ByName, Change, FeedBounds, FeedStore, KeptAnswer, LeafRecord, LibraryChange,
    LibraryStore, LinkRecord, PeopleStore, RecipeFilter, RecipeRecord, RequestKey, RequestStore,
    SavedVersion, SecretRecord, SessionRecord, Sessions, StoreError, TokenFilter, TokenRecord, ToolRecord,
    UserRecord, VersionFilter, VersionRecord,
};
use serde_json::Value;
use types::{RecipeId, TenantId, Timestamp, TokenId, UserId};

use super::{Between, Interposed};

#[async_trait]
impl<B: Between> LibraryStore for Interposed<B> {
    async fn change_library(
        &self,
        tenant: TenantId,
        changes: Vec<(LibraryChange, Leaf)>,
    ) -> Result<Vec<Option<SavedVersion>>, StoreError> {
        self.inner.change_library(tenant, changes).await
    }

    async fn agents(&self, tenant: TenantId, page: ByName) -> Result<Vec<AgentRecord>, StoreError> {
        self.inner.agents(tenant, page).await
    }

    async fn agent(&self, tenant: TenantId, name: &str) -> Result<AgentRecord, StoreError> {
        self.inner.agent(tenant, name).await
    }

    async fn recipes(&self, tenant: TenantId, filter: RecipeFilter) -> Result<Vec<RecipeRecord>, StoreError> {
        self.inner.recipes(tenant, filter).await
    }

    async fn recipe(&self, tenant: TenantId, name: &str) -> Result<RecipeRecord, StoreError> {
        self.inner.recipe(tenant, name).await
    }

    async fn version(
        &self,
        tenant: TenantId,
        recipe: RecipeId,
        version: u32,
    ) -> Result<VersionRecord, StoreError> {
        self.inner.version(tenant, recipe, version).await
    }

    async fn versions(
        &self,
        tenant: TenantId,
        recipe: RecipeId,
        filter: VersionFilter,
    ) -> Result<Vec<VersionRecord>, StoreError> {
        self.inner.versions(tenant, recipe, filter).await
    }

    async fn tools(&self, tenant: TenantId) -> Result<Vec<ToolRecord>, StoreError> {
        self.inner.tools(tenant).await
    }

    async fn setting(&self, tenant: TenantId, key: &str) -> Result<Option<Value>, StoreError> {
        self.inner.setting(tenant, key).await
    }

    async fn settings(&self, tenant: TenantId) -> Result<Vec<(String, Value)>, StoreError> {
        self.inner.settings(tenant).await
    }

    async fn put_secret(
        &self,
        tenant: TenantId,
        secret: SecretRecord,
        value: &str,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        self.inner.put_secret(tenant, secret, value, leaf).await
    }

    async fn reveal_secret(
        &self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<(SecretRecord, String)>, StoreError> {
        self.inner.reveal_secret(tenant, name).await
    }

    async fn secrets(&self, tenant: TenantId, page: ByName) -> Result<Vec<SecretRecord>, StoreError> {
        self.inner.secrets(tenant, page).await
    }

    async fn remove_secret(&self, tenant: TenantId, name: &str, leaf: Leaf) -> Result<(), StoreError> {
        self.inner.remove_secret(tenant, name, leaf).await
    }

    async fn leaves(&self, tenant: TenantId, skip: u64, limit: u32) -> Result<Vec<LeafRecord>, StoreError> {
        self.inner.leaves(tenant, skip, limit).await
    }

    async fn backup(&self, to: &std::path::Path) -> Result<(), StoreError> {
        self.inner.backup(to).await
    }
}

#[async_trait]
impl<B: Between> PeopleStore for Interposed<B> {
    async fn put_user(
        &self,
        tenant: TenantId,
        user: UserRecord,
        unchanged_since: Option<Timestamp>,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        self.inner.put_user(tenant, user, unchanged_since, leaf).await
    }

    async fn users(&self, tenant: TenantId, page: ByName) -> Result<Vec<UserRecord>, StoreError> {
        self.inner.users(tenant, page).await
    }

    async fn user(&self, tenant: TenantId, name: &str) -> Result<UserRecord, StoreError> {
        self.inner.user(tenant, name).await
    }

    async fn user_by_id(&self, tenant: TenantId, id: UserId) -> Result<UserRecord, StoreError> {
        self.inner.user_by_id(tenant, id).await
    }

    async fn put_link(&self, tenant: TenantId, link: LinkRecord, leaf: Leaf) -> Result<(), StoreError> {
        self.inner.put_link(tenant, link, leaf).await
    }

    async fn link(&self, tenant: TenantId, digest: &str) -> Result<Option<LinkRecord>, StoreError> {
        self.inner.link(tenant, digest).await
    }

    async fn redeem_link(
        &self,
        tenant: TenantId,
        digest: &str,
        user: UserRecord,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        self.inner.redeem_link(tenant, digest, user, leaf).await
    }

    async fn put_session(
        &self,
        tenant: TenantId,
        session: SessionRecord,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        self.inner.put_session(tenant, session, leaf).await
    }

    async fn session(
        &self,
        tenant: TenantId,
        digest: &str,
    ) -> Result<Option<(SessionRecord, UserRecord)>, StoreError> {
        self.inner.session(tenant, digest).await
    }

    async fn touch_session(&self, tenant: TenantId, digest: &str, at: Timestamp) -> Result<(), StoreError> {
        self.inner.touch_session(tenant, digest, at).await
    }

    async fn end_sessions(&self, tenant: TenantId, which: Sessions, leaf: Leaf) -> Result<u64, StoreError> {
        self.inner.end_sessions(tenant, which, leaf).await
    }

    async fn put_token(&self, tenant: TenantId, token: TokenRecord, leaf: Leaf) -> Result<(), StoreError> {
        self.inner.put_token(tenant, token, leaf).await
    }

    async fn tokens(&self, tenant: TenantId, filter: TokenFilter) -> Result<Vec<TokenRecord>, StoreError> {
        self.inner.tokens(tenant, filter).await
    }

    async fn token(
        &self,
        tenant: TenantId,
        digest: &str,
    ) -> Result<Option<(TokenRecord, UserRecord)>, StoreError> {
        self.inner.token(tenant, digest).await
    }

    async fn touch_token(&self, tenant: TenantId, id: TokenId, at: Timestamp) -> Result<(), StoreError> {
        self.inner.touch_token(tenant, id, at).await
    }

    async fn revoke_token(
        &self,
        tenant: TenantId,
        id: TokenId,
        of: Option<UserId>,
        at: Timestamp,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        self.inner.revoke_token(tenant, id, of, at, leaf).await
    }
}

#[async_trait]
impl<B: Between> RequestStore for Interposed<B> {
    async fn begin_request(
        &self,
        tenant: TenantId,
        key: &RequestKey,
        digest: &str,
        at: Timestamp,
        stale: Timestamp,
        forget: Timestamp,
    ) -> Result<Begun, StoreError> {
        self.inner
            .begin_request(tenant, key, digest, at, stale, forget)
            .await
    }

    async fn end_request(
        &self,
        tenant: TenantId,
        key: &RequestKey,
        answer: Option<KeptAnswer>,
    ) -> Result<(), StoreError> {
        self.inner.end_request(tenant, key, answer).await
    }
}

#[async_trait]
impl<B: Between> FeedStore for Interposed<B> {
    async fn feed(&self, tenant: TenantId, after: u64, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.inner.feed(tenant, after, limit).await
    }

    async fn feed_bounds(&self, tenant: TenantId) -> Result<FeedBounds, StoreError> {
        self.inner.feed_bounds(tenant).await
    }
}
