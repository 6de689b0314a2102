//! Tables `recipes` and `recipe_versions`: recipes and their immutable versions.

use crate::sql::{Connection, Row, params};
use ports::{
    NewVersion, RecipeFilter, RecipeRecord, SavedVersion, SeenRecipe, VersionFilter, VersionRecord,
    VersionStatus,
};
use types::{RecipeId, TenantId};

use super::conditions::Conditions;
use crate::convert::{at, id, named, opt_at};
use crate::fault::{Fault, changed, conflict, not_found};

const COLUMNS: &str =
    "recipe_id, slug, name, description, latest, active, created_at, updated_at, archived_at,
     (SELECT newest.version FROM recipe_versions newest WHERE newest.tenant_id = recipes.tenant_id
         AND newest.recipe_id = recipes.recipe_id AND newest.version = recipes.latest
         AND newest.status = 'draft')";
const VERSION_COLUMNS: &str =
    "recipe_id, version, name, text, tree, digest, status, author, labels, created_at";

/// What saving did, and whether anything changed at all.
pub(crate) struct Saved {
    pub saved: SavedVersion,
    pub changed: bool,
}

/// Saves a version unless the newest one has the same digest; then it is only made active, if asked.
pub(crate) fn save(connection: &Connection, tenant: TenantId, new: &NewVersion) -> Result<Saved, Fault> {
    let known = by_slug(connection, tenant, &new.slug)?;
    as_seen(&new.slug, known.as_ref(), new.seen)?;
    let Some(recipe) = known else {
        insert_recipe(connection, tenant, new)?;
        insert_version(connection, tenant, new.recipe, 1, new)?;
        if new.activate {
            activate(connection, tenant, new.recipe, (1, &new.description))?;
        }
        let saved = SavedVersion {
            recipe: new.recipe,
            version: 1,
            new: true,
            new_recipe: true,
        };
        return Ok(Saved { saved, changed: true });
    };
    let newest = version(connection, tenant, recipe.id, recipe.latest)?;
    let is_new = newest.digest != new.digest;
    let number = if is_new { recipe.latest + 1 } else { recipe.latest };
    if is_new {
        insert_version(connection, tenant, recipe.id, number, new)?;
        let mut update = connection.prepare_cached(
            "UPDATE recipes SET latest = ?3, updated_at = ?4 WHERE tenant_id = ?1 AND recipe_id = ?2",
        )?;
        update.execute(params![
            tenant.as_bytes(),
            recipe.id.as_bytes(),
            number,
            new.at.as_millis(),
        ])?;
        if recipe.active.is_none() {
            title(connection, tenant, recipe.id, (&new.name, &new.description))?;
        }
    }
    let activating = (number, new.description.as_str());
    let activated = new.activate && activate(connection, tenant, recipe.id, activating)?;
    let saved = SavedVersion {
        recipe: recipe.id,
        version: number,
        new: is_new,
        new_recipe: false,
    };
    Ok(Saved {
        saved,
        changed: is_new || activated,
    })
}

/// Fails if the recipe isn't as somebody saw it.
pub(crate) fn unchanged(
    connection: &Connection,
    tenant: TenantId,
    recipe: RecipeId,
    seen: Option<SeenRecipe>,
) -> Result<(), Fault> {
    if seen.is_none() {
        return Ok(());
    }
    let now = by_id(connection, tenant, recipe)?;
    as_seen(&now.slug, Some(&now), seen)
}

fn as_seen(slug: &str, now: Option<&RecipeRecord>, seen: Option<SeenRecipe>) -> Result<(), Fault> {
    let now = now.map(|now| SeenRecipe {
        latest: now.latest,
        active: now.active,
    });
    if seen.is_some() && seen != now {
        return Err(changed("recipe", slug).into());
    }
    Ok(())
}

/// Makes a version the active one; false if it was.
pub(crate) fn activate(
    connection: &Connection,
    tenant: TenantId,
    recipe: RecipeId,
    (number, description): (u32, &str),
) -> Result<bool, Fault> {
    let version = version(connection, tenant, recipe, number)?;
    if version.status == VersionStatus::Active {
        return Ok(false);
    }
    title(connection, tenant, recipe, (&version.name, description))?;
    let mut states = connection.prepare_cached(
        "UPDATE recipe_versions SET status = CASE WHEN version = ?3 THEN 'active' ELSE 'retired' END
         WHERE tenant_id = ?1 AND recipe_id = ?2 AND (version = ?3 OR status = 'active')",
    )?;
    states.execute(params![tenant.as_bytes(), recipe.as_bytes(), number])?;
    let mut active = connection
        .prepare_cached("UPDATE recipes SET active = ?3 WHERE tenant_id = ?1 AND recipe_id = ?2")?;
    active.execute(params![tenant.as_bytes(), recipe.as_bytes(), number])?;
    Ok(true)
}

/// Lists the recipe under this name and description from now on.
fn title(
    connection: &Connection,
    tenant: TenantId,
    recipe: RecipeId,
    (name, description): (&str, &str),
) -> Result<(), Fault> {
    let mut update = connection.prepare_cached(
        "UPDATE recipes SET name = ?3, name_key = ?4, description = ?5
         WHERE tenant_id = ?1 AND recipe_id = ?2",
    )?;
    update.execute(params![
        tenant.as_bytes(),
        recipe.as_bytes(),
        name,
        name.to_lowercase(),
        description,
    ])?;
    Ok(())
}

/// Recipes that aren't archived, by name.
pub(crate) fn list(
    connection: &Connection,
    tenant: TenantId,
    filter: &RecipeFilter,
) -> Result<Vec<RecipeRecord>, Fault> {
    let mut wanted = Conditions::new(tenant);
    wanted.and_if(true, "archived_at IS NULL");
    let after = filter.after.as_ref();
    let after = after.map(|(name, slug)| (name.to_lowercase(), slug.clone()));
    wanted.and_pair("(name_key, slug) > (?, ?)", after);
    let begun = filter
        .not_begun
        .as_ref()
        .map(|text| format!("{}%", literal(text)));
    wanted.and(r"slug NOT LIKE ? ESCAPE '\'", begun);
    wanted.list(
        connection,
        (COLUMNS, "recipes", "name_key, slug"),
        filter.limit,
        read,
    )
}

/// A text as LIKE finds it and nothing else.
fn literal(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('%', r"\%");
    escaped.replace('_', r"\_")
}

/// The recipe with this slug, or else this name, or else this id.
pub(crate) fn find(connection: &Connection, tenant: TenantId, name: &str) -> Result<RecipeRecord, Fault> {
    if let Some(recipe) = by_slug(connection, tenant, name)? {
        return Ok(recipe);
    }
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM recipes WHERE tenant_id = ?1 AND name_key = ?2
         ORDER BY archived_at IS NOT NULL, slug LIMIT 2"
    ))?;
    let mut named = select.query_map(params![tenant.as_bytes(), name.to_lowercase()], read)?;
    match (named.pop(), named.pop()) {
        (Some(second), Some(first)) if first.archived_at == second.archived_at => Err(conflict(format!(
            "several recipes are named '{name}': use a short name, such as '{}' or '{}'",
            first.slug, second.slug
        ))
        .into()),
        (_, Some(first)) => Ok(first),
        (Some(only), None) => Ok(only),
        (None, None) => match name.parse::<RecipeId>() {
            Ok(recipe) => by_id(connection, tenant, recipe),
            Err(_) => Err(not_found("recipe", name).into()),
        },
    }
}

/// One version.
pub(crate) fn version(
    connection: &Connection,
    tenant: TenantId,
    recipe: RecipeId,
    number: u32,
) -> Result<VersionRecord, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {VERSION_COLUMNS} FROM recipe_versions
         WHERE tenant_id = ?1 AND recipe_id = ?2 AND version = ?3"
    ))?;
    let bound = params![tenant.as_bytes(), recipe.as_bytes(), number];
    let found = select.query_opt(bound, read_version)?;
    found.ok_or_else(|| not_found("recipe version", format!("{recipe} {number}")).into())
}

/// Versions of a recipe, newest first.
pub(crate) fn versions(
    connection: &Connection,
    tenant: TenantId,
    recipe: RecipeId,
    filter: VersionFilter,
) -> Result<Vec<VersionRecord>, Fault> {
    let mut wanted = Conditions::new(tenant);
    wanted.and("recipe_id = ?", Some(*recipe.as_bytes()));
    wanted.and("version < ?", filter.before);
    let list = (VERSION_COLUMNS, "recipe_versions", "version DESC");
    wanted.list(connection, list, filter.limit, read_version)
}

fn by_slug(connection: &Connection, tenant: TenantId, slug: &str) -> Result<Option<RecipeRecord>, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM recipes WHERE tenant_id = ?1 AND slug = ?2"
    ))?;
    select.query_opt(params![tenant.as_bytes(), slug], read)
}

fn by_id(connection: &Connection, tenant: TenantId, recipe: RecipeId) -> Result<RecipeRecord, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM recipes WHERE tenant_id = ?1 AND recipe_id = ?2"
    ))?;
    let found = select.query_opt(params![tenant.as_bytes(), recipe.as_bytes()], read)?;
    found.ok_or_else(|| not_found("recipe", recipe).into())
}

fn insert_recipe(connection: &Connection, tenant: TenantId, new: &NewVersion) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO recipes (tenant_id, recipe_id, slug, name, name_key, description, latest, active,
            created_at, updated_at, archived_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, NULL, ?7, ?7, NULL)
         ON CONFLICT (tenant_id, recipe_id) DO NOTHING",
    )?;
    let changed = insert.execute(params![
        tenant.as_bytes(),
        new.recipe.as_bytes(),
        new.slug,
        new.name,
        new.name.to_lowercase(),
        new.description,
        new.at.as_millis(),
    ])?;
    match changed {
        0 => Err(conflict(format!(
            "the recipe {} has another short name than '{}'",
            new.recipe, new.slug
        ))
        .into()),
        _ => Ok(()),
    }
}

fn insert_version(
    connection: &Connection,
    tenant: TenantId,
    recipe: RecipeId,
    number: u32,
    new: &NewVersion,
) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO recipe_versions (tenant_id, recipe_id, version, name, text, tree, digest, status, author,
            labels, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'draft', ?8, ?9, ?10)",
    )?;
    insert.execute(params![
        tenant.as_bytes(),
        recipe.as_bytes(),
        number,
        new.name,
        new.text,
        new.tree,
        new.digest,
        new.author,
        new.labels.to_string(),
        new.at.as_millis(),
    ])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<RecipeRecord, Fault> {
    Ok(RecipeRecord {
        id: id(row, 0, RecipeId::from_bytes)?,
        slug: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        latest: row.get(4)?,
        active: row.get(5)?,
        created_at: at(row, 6)?,
        updated_at: at(row, 7)?,
        archived_at: opt_at(row, 8)?,
        draft: row.get(9)?,
    })
}

fn read_version(row: &Row<'_>) -> Result<VersionRecord, Fault> {
    Ok(VersionRecord {
        recipe: id(row, 0, RecipeId::from_bytes)?,
        version: row.get(1)?,
        name: row.get(2)?,
        text: row.get(3)?,
        tree: row.get(4)?,
        digest: row.get(5)?,
        status: named(row, 6)?,
        author: row.get(7)?,
        labels: named(row, 8)?,
        created_at: at(row, 9)?,
    })
}
