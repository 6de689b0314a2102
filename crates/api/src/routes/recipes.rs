//! Recipes and their versions.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use ports::{SeenRecipe, VersionFilter};
use serde::Deserialize;
use services::recipes;
use types::{Failure, Label};
use utoipa::IntoParams;

use crate::Api;
use crate::http::body::Body;
use crate::http::etag;
use crate::http::identity::Caller;
use crate::http::page::{self, Asked, Keys, Page, PageQuery};
use crate::http::path::Path;
use crate::http::problem::{Answer, Problem};
use crate::wire::recipes::{CheckRecipe, Checked, Recipe, RecipeDetail, SaveRecipe, Saved, Version};

/// Which recipes to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RecipeQuery {
    /// Those of calls by hand too.
    calls: Option<bool>,
    /// Where to begin: what the page before gave as `next`.
    cursor: Option<String>,
    /// How many, 1 to 500; usually 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Lists recipes that are not archived, by name.
#[utoipa::path(
    get,
    path = "/recipes",
    operation_id = "list_recipes",
    tag = "recipes",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(RecipeQuery),
    responses((status = 200, body = Page<Recipe>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_recipes(
    State(api): State<Api>,
    Asked(query): Asked<RecipeQuery>,
) -> Answer<Json<Page<Recipe>>> {
    let limit = page::limit(query.limit);
    let after: Option<Keys<String, String>> = page::after(query.cursor.as_deref())?;
    let after = after.map(|Keys(name, slug)| (name, slug));
    let calls = query.calls.unwrap_or(false);
    let records = recipes::page(&api.services, calls, after, limit + 1).await?;
    let items = records.into_iter().map(Recipe::from).collect();
    let keys = |recipe: &Recipe| Keys(recipe.name.clone(), recipe.slug.clone());
    Ok(Json(Page::cut(items, limit, keys)))
}

/// Saves a recipe's text: a new immutable version if it has changed. One with errors is kept as a draft.
/// With `If-Match`, only if the recipe still has the ETag that `get_recipe` gave.
#[utoipa::path(
    post,
    path = "/recipes",
    operation_id = "save_recipe",
    tag = "recipes",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("write"))),
    request_body = SaveRecipe,
    responses((status = 201, body = Saved), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn save_recipe(
    State(api): State<Api>,
    Caller(caller): Caller,
    headers: HeaderMap,
    Body(wish): Body<SaveRecipe>,
) -> Answer<(StatusCode, Json<Saved>)> {
    let recipe = async {
        match &wish.slug {
            Some(slug) => Ok(slug.clone()),
            None => recipes::short_name(&api.services, &wish.text).await,
        }
    };
    let seen = if_seen(&api, &headers, recipe).await?;
    let wish = recipes::SaveRecipe {
        text: wish.text,
        slug: wish.slug,
        activate: wish.activate,
        seen,
        person: caller.is_present(),
        by: caller.actor,
        labels: Label::Author.into(),
    };
    let saved = recipes::save(&api.services, wish).await?;
    let status = if saved.new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(saved.into())))
}

/// Checks a recipe's text against what is set up here, and saves nothing.
#[utoipa::path(
    post,
    path = "/recipes/check",
    operation_id = "check_recipe",
    tag = "recipes",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    request_body = CheckRecipe,
    responses((status = 200, body = Checked), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn check_recipe(
    State(api): State<Api>,
    Body(wish): Body<CheckRecipe>,
) -> Answer<Json<Checked>> {
    let checked = recipes::check(&api.services, wish.text.as_bytes()).await?;
    Ok(Json(checked.into()))
}

/// The JSON Schema of the recipe language, for editors.
#[utoipa::path(
    get,
    path = "/recipes/schema",
    operation_id = "get_recipe_schema",
    tag = "recipes",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    responses((status = 200, body = Object), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_recipe_schema() -> Json<serde_json::Value> {
    Json(recipe::schema())
}

/// A recipe with its active version, or the newest while there is none.
#[utoipa::path(
    get,
    path = "/recipes/{recipe}",
    operation_id = "get_recipe",
    tag = "recipes",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(("recipe" = String, Path, description = "Slug, name or id of the recipe")),
    responses((status = 200, body = RecipeDetail), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_recipe(
    State(api): State<Api>,
    headers: HeaderMap,
    Path(recipe): Path<String>,
) -> Answer<Response> {
    let (record, version) = recipes::show(&api.services, &recipe, None).await?;
    let detail = RecipeDetail::of(record, version)?;
    Ok(etag::answer(&headers, StatusCode::OK, &detail))
}

/// Lists versions of a recipe, newest first.
#[utoipa::path(
    get,
    path = "/recipes/{recipe}/versions",
    operation_id = "list_recipe_versions",
    tag = "recipes",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(("recipe" = String, Path, description = "Slug, name or id of the recipe"), PageQuery),
    responses((status = 200, body = Page<Version>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_recipe_versions(
    State(api): State<Api>,
    Path(recipe): Path<String>,
    Asked(query): Asked<PageQuery>,
) -> Answer<Json<Page<Version>>> {
    let limit = page::limit(query.limit);
    let wanted = VersionFilter {
        before: page::after(query.cursor.as_deref())?,
        limit: limit + 1,
    };
    let versions = recipes::versions(&api.services, &recipe, wanted).await?;
    let items = versions.into_iter().map(Version::from).collect();
    Ok(Json(Page::cut(items, limit, |version: &Version| version.version)))
}

/// One version.
#[utoipa::path(
    get,
    path = "/recipes/{recipe}/versions/{version}",
    operation_id = "get_recipe_version",
    tag = "recipes",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(("recipe" = String, Path, description = "Slug, name or id of the recipe"), ("version" = u32, Path, description = "The version")),
    responses((status = 200, body = RecipeDetail), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_recipe_version(
    State(api): State<Api>,
    headers: HeaderMap,
    Path((recipe, version)): Path<(String, u32)>,
) -> Answer<Response> {
    let (record, version) = recipes::show(&api.services, &recipe, Some(version)).await?;
    let detail = RecipeDetail::of(record, version)?;
    Ok(etag::answer(&headers, StatusCode::OK, &detail))
}

/// Makes a version the one that runs follow. No token can activate what strangers or a model wrote. With
/// `If-Match`, only if the recipe still has the ETag that `get_recipe` gave.
#[utoipa::path(
    post,
    path = "/recipes/{recipe}/versions/{version}/activate",
    operation_id = "activate_recipe_version",
    tag = "recipes",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("write"))),
    params(("recipe" = String, Path, description = "Slug, name or id of the recipe"), ("version" = u32, Path, description = "The version")),
    responses((status = 200, body = RecipeDetail), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn activate_recipe_version(
    State(api): State<Api>,
    Caller(caller): Caller,
    headers: HeaderMap,
    Path((recipe, version)): Path<(String, u32)>,
) -> Answer<Response> {
    let seen = if_seen(&api, &headers, async { Ok(recipe.clone()) }).await?;
    let (record, version) = recipes::activate(&api.services, &recipe, version, seen, &caller).await?;
    let detail = RecipeDetail::of(record, version)?;
    Ok(etag::answer(&HeaderMap::new(), StatusCode::OK, &detail))
}

/// How the writer saw the recipe, if `If-Match` speaks of it; its name is found out only then.
async fn if_seen(
    api: &Api,
    headers: &HeaderMap,
    recipe: impl Future<Output = Result<String, Failure>>,
) -> Answer<Option<SeenRecipe>> {
    if !headers.contains_key(header::IF_MATCH) {
        return Ok(None);
    }
    let (record, version) = match recipes::show(&api.services, &recipe.await?, None).await {
        Ok(shown) => shown,
        Err(failure) if failure.code == "not_found" => return Err(etag::stale()),
        Err(failure) => return Err(failure.into()),
    };
    let seen = SeenRecipe {
        latest: record.latest,
        active: record.active,
    };
    etag::check(headers, &RecipeDetail::of(record, version)?)?;
    Ok(Some(seen))
}
