//! Recipes and their immutable versions: check, save, list, show, activate.

mod brought;
pub mod bundle;
mod check;
pub mod exchange;
mod review;
mod save;
#[cfg(test)]
mod tests;

pub use brought::{Brought, Done};
pub use check::{Context, check, context};
pub use review::is_foreign;
pub use save::{SaveRecipe, SavedRecipe, save, short_name};

use std::sync::Arc;

use engine::event::RecipeRef;
use ports::{LibraryChange, RecipeFilter, RecipeRecord, SeenRecipe, VersionFilter, VersionRecord};
use recipe::Recipe;
use serde_json::json;
use types::{Failure, RecipeId};

use crate::changes::Changes;
use crate::names::not_found;
use crate::principal::Principal;
use crate::{ROWS, Result, Services, if_found};

/// A version that runs can follow.
#[derive(Debug, Clone)]
pub struct RunnableVersion {
    /// Which.
    pub reference: RecipeRef,
    /// Its checked tree.
    pub recipe: Arc<Recipe>,
}

/// Short names that begin so are those of calls by hand; nobody can save others under them.
const CALL: &str = "tool-call-";

/// The short name under which calls of an action by hand are kept.
pub(crate) fn call_slug(action: &str) -> String {
    format!("{CALL}{}", slug::slugify(action))
}

/// Whether a recipe of this short name holds calls by hand.
pub fn is_call(slug: &str) -> bool {
    slug.starts_with(CALL)
}

/// A page of recipes after a name and short name, by name; those of calls by hand too, if asked.
///
/// # Errors
/// The store can't be read.
pub async fn page(
    services: &Services,
    calls: bool,
    after: Option<(String, String)>,
    limit: u32,
) -> Result<Vec<RecipeRecord>> {
    let filter = RecipeFilter {
        after,
        not_begun: (!calls).then(|| CALL.to_owned()),
        limit,
    };
    Ok(services.store.recipes(services.tenant, filter).await?)
}

/// All recipes by name, page by page; those of calls by hand too, which [`is_call`] tells apart.
///
/// # Errors
/// The store can't be read.
pub async fn list(services: &Services) -> Result<Vec<RecipeRecord>> {
    let mut all: Vec<RecipeRecord> = Vec::new();
    loop {
        let last = all.last();
        let after = last.map(|recipe| (recipe.name.clone(), recipe.slug.clone()));
        let found = page(services, true, after, ROWS).await?;
        let last = found.len() < ROWS as usize;
        all.extend(found);
        if last {
            return Ok(all);
        }
    }
}

/// The recipe with this slug, name or id.
///
/// # Errors
/// `not_found` with the nearest name, or the store can't be read.
pub async fn find(services: &Services, name: &str) -> Result<RecipeRecord> {
    if let Some(record) = if_found(services.store.recipe(services.tenant, name).await)? {
        return Ok(record);
    }
    let known = list(services).await?;
    let names = known
        .iter()
        .flat_map(|record| [record.name.as_str(), record.slug.as_str()]);
    Err(not_found("recipe", name, names, "agentops recipe list"))
}

/// One version of a recipe: the given one, else the active one, else the newest.
///
/// # Errors
/// `not_found`, or the store can't be read.
pub async fn show(
    services: &Services,
    name: &str,
    version: Option<u32>,
) -> Result<(RecipeRecord, VersionRecord)> {
    let record = find(services, name).await?;
    let version = version.or(record.active).unwrap_or(record.latest);
    let found = if_found(services.store.version(services.tenant, record.id, version).await)?;
    match found {
        Some(version) => Ok((record, version)),
        None => Err(no_version(&record, version)),
    }
}

/// A page of the versions of a recipe, newest first.
///
/// # Errors
/// `not_found`, or the store can't be read.
pub async fn versions(services: &Services, name: &str, filter: VersionFilter) -> Result<Vec<VersionRecord>> {
    let record = find(services, name).await?;
    Ok(services
        .store
        .versions(services.tenant, record.id, filter)
        .await?)
}

/// All versions of a recipe, newest first, page by page.
///
/// # Errors
/// `not_found`, or the store can't be read.
pub async fn all_versions(services: &Services, name: &str) -> Result<Vec<VersionRecord>> {
    let record = find(services, name).await?;
    versions_of(services, record.id).await
}

/// The same, by id.
async fn versions_of(services: &Services, recipe: RecipeId) -> Result<Vec<VersionRecord>> {
    let mut all: Vec<VersionRecord> = Vec::new();
    loop {
        let filter = VersionFilter {
            before: all.last().map(|version| version.version),
            limit: ROWS,
        };
        let found = services.store.versions(services.tenant, recipe, filter).await?;
        let last = found.len() < ROWS as usize;
        all.extend(found);
        if last {
            return Ok(all);
        }
    }
}

/// Makes a version the one that runs follow.
///
/// # Errors
/// `not_found`, `recipe_has_errors`, `recipe_not_reviewed` if it isn't a person who takes over what
/// strangers or a model wrote (a token isn't one), `conflict` if the recipe isn't as it was seen, or the
/// store can't be written.
pub async fn activate(
    services: &Services,
    name: &str,
    version: u32,
    seen: Option<SeenRecipe>,
    by: &Principal,
) -> Result<(RecipeRecord, VersionRecord)> {
    let mut changes = Changes::new(services, &by.actor);
    activation(&mut changes, name, version, seen, by).await?;
    changes.commit().await?;
    show(services, name, Some(version)).await
}

/// The same as a part of other changes.
async fn activation(
    changes: &mut Changes<'_>,
    name: &str,
    version: u32,
    seen: Option<SeenRecipe>,
    by: &Principal,
) -> Result<()> {
    let services = changes.services;
    let (record, found) = show(services, name, Some(version)).await?;
    let recipe = tree(&found)?;
    review::by_a_person(&record.slug, found.labels, by.is_present(), &by.actor)?;
    let body =
        json!({"recipe": record.slug, "version": version, "text": found.digest, "labels": found.labels});
    let leaf = services.leaf("recipe_activated", &by.actor, body);
    let change = LibraryChange::Activate {
        recipe: record.id,
        version,
        description: recipe.description.clone(),
        seen,
    };
    changes.push(change, leaf);
    Ok(())
}

/// The version that a run follows: the given one, else the active one.
pub(crate) async fn runnable(
    services: &Services,
    name: &str,
    version: Option<u32>,
) -> Result<RunnableVersion> {
    let record = find(services, name).await?;
    let Some(version) = version.or(record.active) else {
        let message = format!("the recipe '{}' has no active version", record.slug);
        return Err(Failure::new("recipe_not_active", message).hint(format!(
            "run a draft with --version N, or `agentops recipe activate {} N`",
            record.slug
        )));
    };
    let found = if_found(services.store.version(services.tenant, record.id, version).await)?
        .ok_or_else(|| no_version(&record, version))?;
    let recipe = tree(&found)?;
    review::reviewed(&record.slug, &found)?;
    let reference = RecipeRef {
        id: record.id,
        name: found.name,
        version,
    };
    Ok(RunnableVersion { reference, recipe })
}

/// The checked tree of a version.
///
/// # Errors
/// `recipe_has_errors` if it has none, `recipe_unreadable` if this binary can't read it.
pub fn tree(version: &VersionRecord) -> Result<Arc<Recipe>> {
    let Some(tree) = &version.tree else {
        let message = format!("version {} of '{}' has errors", version.version, version.name);
        return Err(
            Failure::new("recipe_has_errors", message).hint("`agentops recipe check FILE` shows them")
        );
    };
    serde_json::from_str(tree).map(Arc::new).map_err(|error| {
        let message = format!(
            "the checked tree of version {} of '{}' can't be read: {error}",
            version.version, version.name
        );
        Failure::new("recipe_unreadable", message).hint("save the recipe's text again")
    })
}

fn no_version(record: &RecipeRecord, version: u32) -> Failure {
    let message = format!(
        "the recipe '{}' has no version {version}; the newest is {}",
        record.slug, record.latest
    );
    Failure::new("not_found", message).hint(format!("see `agentops recipe versions {}`", record.slug))
}
