//! What people set up. Every change writes its audit leaf in the same transaction.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use engine::rows::Leaf;
use ports::{
    AgentRecord, ByName, LeafRecord, LibraryChange, LibraryStore, RecipeFilter, RecipeRecord, SavedVersion,
    SecretRecord, StoreError, ToolRecord, VersionFilter, VersionRecord,
};
use serde_json::Value;
use types::{RecipeId, TenantId};

use crate::db::{Backend, Db, Kind};
use crate::fault::Fault;
use crate::table::library::PreparedChange;
use crate::table::{agents, leaves, recipes, secrets, settings, tools};

/// Leaves in one page.
const LEAVES: u32 = 10_000;

#[async_trait]
impl<B: Backend> LibraryStore for Db<B> {
    async fn change_library(
        &self,
        tenant: TenantId,
        changes: Vec<(LibraryChange, Leaf)>,
    ) -> Result<Vec<Option<SavedVersion>>, StoreError> {
        let entropy = self.core().entropy.as_ref();
        let prepared = changes.into_iter().map(|one| PreparedChange::new(one, entropy));
        let prepared: Vec<PreparedChange> = prepared.collect::<Result<_, Fault>>()?;
        self.write(Kind::Other, move |connection| {
            prepared
                .iter()
                .map(|change| change.make(connection, tenant))
                .collect()
        })
        .await
    }

    async fn agents(&self, tenant: TenantId, page: ByName) -> Result<Vec<AgentRecord>, StoreError> {
        self.read(move |connection| agents::list(connection, tenant, &page))
            .await
    }

    async fn agent(&self, tenant: TenantId, name: &str) -> Result<AgentRecord, StoreError> {
        let name = name.to_owned();
        self.read(move |connection| agents::get(connection, tenant, &name))
            .await
    }

    async fn recipes(&self, tenant: TenantId, filter: RecipeFilter) -> Result<Vec<RecipeRecord>, StoreError> {
        self.read(move |connection| recipes::list(connection, tenant, &filter))
            .await
    }

    async fn recipe(&self, tenant: TenantId, name: &str) -> Result<RecipeRecord, StoreError> {
        let name = name.to_owned();
        self.read(move |connection| recipes::find(connection, tenant, &name))
            .await
    }

    async fn version(
        &self,
        tenant: TenantId,
        recipe: RecipeId,
        version: u32,
    ) -> Result<VersionRecord, StoreError> {
        self.read(move |connection| recipes::version(connection, tenant, recipe, version))
            .await
    }

    async fn versions(
        &self,
        tenant: TenantId,
        recipe: RecipeId,
        filter: VersionFilter,
    ) -> Result<Vec<VersionRecord>, StoreError> {
        self.read(move |connection| recipes::versions(connection, tenant, recipe, filter))
            .await
    }

    async fn tools(&self, tenant: TenantId) -> Result<Vec<ToolRecord>, StoreError> {
        self.read(move |connection| tools::list(connection, tenant)).await
    }

    async fn setting(&self, tenant: TenantId, key: &str) -> Result<Option<Value>, StoreError> {
        let key = key.to_owned();
        self.read(move |connection| settings::get(connection, tenant, &key))
            .await
    }

    async fn settings(&self, tenant: TenantId) -> Result<Vec<(String, Value)>, StoreError> {
        self.read(move |connection| settings::list(connection, tenant))
            .await
    }

    async fn put_secret(
        &self,
        tenant: TenantId,
        secret: SecretRecord,
        value: &str,
        leaf: Leaf,
    ) -> Result<(), StoreError> {
        let bound_to = (tenant, secret.name.as_str(), secret.origin.as_str());
        let sealed = self
            .core()
            .sealer
            .seal(self.core().entropy.as_ref(), bound_to, value)?;
        self.change(tenant, leaf, move |connection| {
            secrets::put(connection, tenant, &secret, &sealed)
        })
        .await
    }

    async fn reveal_secret(
        &self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<(SecretRecord, String)>, StoreError> {
        let (name, sealer) = (name.to_owned(), Arc::clone(&self.core().sealer));
        self.read(move |connection| {
            let Some((record, sealed)) = secrets::get(connection, tenant, &name)? else {
                return Ok(None);
            };
            let value = sealer.open((tenant, &record.name, &record.origin), &sealed)?;
            Ok(Some((record, value)))
        })
        .await
    }

    async fn secrets(&self, tenant: TenantId, page: ByName) -> Result<Vec<SecretRecord>, StoreError> {
        self.read(move |connection| secrets::list(connection, tenant, &page))
            .await
    }

    async fn remove_secret(&self, tenant: TenantId, name: &str, leaf: Leaf) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.change(tenant, leaf, move |connection| {
            secrets::remove(connection, tenant, &name)
        })
        .await
    }

    async fn leaves(&self, tenant: TenantId, skip: u64, limit: u32) -> Result<Vec<LeafRecord>, StoreError> {
        self.backend.settle().await?;
        self.read(move |connection| leaves::list(connection, tenant, skip, limit.min(LEAVES)))
            .await
    }

    async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        self.backend.backup(to).await
    }
}
