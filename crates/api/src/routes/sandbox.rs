//! The vendors' sandbox, to look at: what mock runs did there.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use crate::Api;
use crate::http::page::Page;
use crate::http::path::Path;
use crate::http::problem::{Answer, Problem, Refusal};

/// The vendors that the sandbox speaks for.
#[utoipa::path(
    get,
    path = "/sandbox",
    operation_id = "list_sandbox_vendors",
    tag = "sandbox",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    responses((status = 200, body = Page<String>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_sandbox_vendors(State(api): State<Api>) -> Answer<Json<Page<String>>> {
    let state = state(&api)?;
    let names = state.as_object().map(|map| map.keys().cloned().collect());
    Ok(Json(Page::all(names.unwrap_or_default())))
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
    let mut state = state(&api)?;
    let found = state.as_object_mut().and_then(|map| map.remove(&vendor));
    found.map(Json).ok_or_else(|| {
        Refusal::new("not_found", "the sandbox has no such vendor").hint("GET /api/v1/sandbox lists them")
    })
}

fn state(api: &Api) -> Answer<Value> {
    let view = api.sandbox.as_ref().and_then(|sandbox| sandbox.state());
    view.ok_or_else(|| {
        Refusal::new("sandbox_off", "the sandbox doesn't run in this process")
            .hint("set sandbox.enabled to true")
    })
}
