//! People, requests and the feed.

use async_trait::async_trait;
use engine::rows::Leaf;
use ports::{
    Begun, ByName, Change, FeedBounds, FeedStore, KeptAnswer, LinkRecord, PeopleStore, RequestKey,
    RequestStore, SessionRecord, Sessions, StoreError, TokenFilter, TokenRecord, UserRecord,
};
use types::{TenantId, Timestamp, TokenId, UserId};

use crate::db::{Backend, Db, Kind};
use crate::table::leaves::{self, PreparedLeaf};
use crate::table::requests::{self, Times};
use crate::table::{feed, sessions, tokens, users};

/// Changes in one page.
const CHANGES: u32 = 1_000;

#[async_trait]
impl<B: Backend> PeopleStore for Db<B> {
    async fn put_user(
        &self,
        tenant: TenantId,
        user: UserRecord,
        unchanged_since: Option<Timestamp>,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        self.change(tenant, leaf, move |connection| {
            users::put(connection, tenant, &user, unchanged_since)
        })
        .await
    }

    async fn users(&self, tenant: TenantId, page: ByName) -> Result<Vec<UserRecord>, StoreError> {
        self.read(move |connection| users::list(connection, tenant, &page))
            .await
    }

    async fn user(&self, tenant: TenantId, name: &str) -> Result<UserRecord, StoreError> {
        let name = name.to_owned();
        self.read(move |connection| users::get(connection, tenant, &name))
            .await
    }

    async fn user_by_id(&self, tenant: TenantId, id: UserId) -> Result<UserRecord, StoreError> {
        self.read(move |connection| users::by_id(connection, tenant, id))
            .await
    }

    async fn put_link(&self, tenant: TenantId, link: LinkRecord, leaf: Leaf) -> Result<(), StoreError> {
        self.change(tenant, leaf, move |connection| {
            users::put_link(connection, tenant, &link)
        })
        .await
    }

    async fn link(&self, tenant: TenantId, digest: &str) -> Result<Option<LinkRecord>, StoreError> {
        let digest = digest.to_owned();
        self.read(move |connection| users::link(connection, tenant, &digest))
            .await
    }

    async fn redeem_link(
        &self,
        tenant: TenantId,
        digest: &str,
        user: UserRecord,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        let digest = digest.to_owned();
        self.change(tenant, leaf, move |connection| {
            users::redeem(connection, tenant, &digest, &user)
        })
        .await
    }

    async fn put_session(
        &self,
        tenant: TenantId,
        session: SessionRecord,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        self.change(tenant, leaf, move |connection| {
            sessions::put(connection, tenant, &session)
        })
        .await
    }

    async fn session(
        &self,
        tenant: TenantId,
        digest: &str,
    ) -> Result<Option<(SessionRecord, UserRecord)>, StoreError> {
        let digest = digest.to_owned();
        self.read(move |connection| sessions::get(connection, tenant, &digest))
            .await
    }

    async fn touch_session(&self, tenant: TenantId, digest: &str, at: Timestamp) -> Result<(), StoreError> {
        let digest = digest.to_owned();
        self.write(Kind::Other, move |connection| {
            sessions::touch(connection, tenant, &digest, at)
        })
        .await
    }

    async fn end_sessions(&self, tenant: TenantId, which: Sessions, leaf: Leaf) -> Result<u64, StoreError> {
        let leaf = PreparedLeaf::new(leaf, self.core().entropy.as_ref());
        self.write(Kind::Other, move |connection| {
            let ended = sessions::end(connection, tenant, &which)?;
            if ended > 0 {
                leaves::note(connection, tenant, &leaf)?;
            }
            Ok(ended)
        })
        .await
    }

    async fn put_token(&self, tenant: TenantId, token: TokenRecord, leaf: Leaf) -> Result<(), StoreError> {
        self.change(tenant, leaf, move |connection| {
            tokens::put(connection, tenant, &token)
        })
        .await
    }

    async fn tokens(&self, tenant: TenantId, filter: TokenFilter) -> Result<Vec<TokenRecord>, StoreError> {
        self.read(move |connection| tokens::list(connection, tenant, filter))
            .await
    }

    async fn token(
        &self,
        tenant: TenantId,
        digest: &str,
    ) -> Result<Option<(TokenRecord, UserRecord)>, StoreError> {
        let digest = digest.to_owned();
        self.read(move |connection| tokens::get(connection, tenant, &digest))
            .await
    }

    async fn touch_token(&self, tenant: TenantId, id: TokenId, at: Timestamp) -> Result<(), StoreError> {
        self.write(Kind::Other, move |connection| {
            tokens::touch(connection, tenant, id, at)
        })
        .await
    }

    async fn revoke_token(
        &self,
        tenant: TenantId,
        id: TokenId,
        of: Option<UserId>,
        at: Timestamp,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        self.change(tenant, leaf, move |connection| {
            tokens::revoke(connection, tenant, id, of, at)
        })
        .await
    }
}

#[async_trait]
impl<B: Backend> RequestStore for Db<B> {
    async fn begin_request(
        &self,
        tenant: TenantId,
        key: &RequestKey,
        digest: &str,
        at: Timestamp,
        stale: Timestamp,
        forget: Timestamp,
    ) -> Result<Begun, StoreError> {
        let (key, digest) = (key.clone(), digest.to_owned());
        let times = Times { at, stale, forget };
        let boot = self.core().held_boot().ok();
        self.write(Kind::Other, move |connection| {
            requests::begin(connection, tenant, &key, &digest, times, boot)
        })
        .await
    }

    async fn end_request(
        &self,
        tenant: TenantId,
        key: &RequestKey,
        answer: Option<KeptAnswer>,
    ) -> Result<(), StoreError> {
        let (key, boot) = (key.clone(), self.core().held_boot().ok());
        self.write(Kind::Other, move |connection| {
            requests::end(connection, tenant, &key, answer.as_ref(), boot)
        })
        .await
    }
}

#[async_trait]
impl<B: Backend> FeedStore for Db<B> {
    async fn feed(&self, tenant: TenantId, after: u64, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.backend.settle().await?;
        self.read(move |connection| feed::after(connection, tenant, after, limit.min(CHANGES)))
            .await
    }

    async fn feed_bounds(&self, tenant: TenantId) -> Result<FeedBounds, StoreError> {
        self.backend.settle().await?;
        self.read(move |connection| feed::bounds(connection, tenant))
            .await
    }
}
