//! The vendors' sandbox, to look at: what mock runs did there.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use types::Failure;
use utoipa::IntoParams;

use crate::http::page::{Asked, Page, PageQuery};
use crate::http::path::Path;
use crate::http::problem::{Answer, Problem, Refusal};
use crate::wire::sandbox::PullDiff;
use crate::{Api, SandboxView};

/// The vendors that the sandbox speaks for, by name.
#[utoipa::path(
    get,
    path = "/sandbox",
    operation_id = "list_sandbox_vendors",
    tag = "sandbox",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(PageQuery),
    responses((status = 200, body = Page<String>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_sandbox_vendors(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Answer<Json<Page<String>>> {
    let vendors = look(&api, |sandbox| sandbox.vendors()).await?;
    let names = vendors.into_keys().collect();
    Ok(Json(Page::of_whole(names, &query, String::clone)?))
}

/// Everything that one vendor of the sandbox knows.
#[utoipa::path(
    get,
    path = "/sandbox/{vendor}",
    operation_id = "get_sandbox_vendor",
    tag = "sandbox",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(("vendor" = String, Path, description = "Such as `slack`")),
    responses((status = 200, body = Object), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_sandbox_vendor(
    State(api): State<Api>,
    Path(vendor): Path<String>,
) -> Answer<Json<Value>> {
    let mut vendors = look(&api, |sandbox| sandbox.vendors()).await?;
    vendors.remove(&vendor).map(Json).ok_or_else(|| {
        Refusal::new("not_found", "the sandbox has no such vendor").hint("GET /api/v1/sandbox lists them")
    })
}

/// Which pull request.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Its number; the newest one if there is none
    number: Option<u64>,
}

/// What a pull request of the sandbox's repository changes, as a unified difference.
#[utoipa::path(
    get,
    path = "/sandbox/github/diff",
    operation_id = "get_sandbox_diff",
    tag = "sandbox",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(Which),
    responses((status = 200, body = PullDiff), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_sandbox_diff(
    State(api): State<Api>,
    Asked(which): Asked<Which>,
) -> Answer<Json<PullDiff>> {
    let diff = look(&api, move |sandbox| sandbox.pull_diff(which.number)).await?;
    Ok(Json(diff))
}

/// Looks at the sandbox; that may wait for a disk.
async fn look<T: Send + 'static>(
    api: &Api,
    see: impl FnOnce(&dyn SandboxView) -> Result<T, Failure> + Send + 'static,
) -> Answer<T> {
    let Some(sandbox) = api.sandbox.clone() else {
        return Err(
            Refusal::new("sandbox_off", "the sandbox doesn't run in this process")
                .hint("set sandbox.enabled to true"),
        );
    };
    let seen = tokio::task::spawn_blocking(move || see(sandbox.as_ref())).await;
    let failed = |error| Failure::new("internal", format!("looking at the sandbox failed: {error}"));
    Ok(seen.map_err(failed)??)
}
