//! Artifacts: what runs left behind.

use axum::Json;
use axum::extract::State;
use ports::ArtifactFilter;
use serde::Deserialize;
use services::artifacts;
use utoipa::IntoParams;

use super::id;
use crate::Api;
use crate::http::page::{self, Asked, Page};
use crate::http::path::Path;
use crate::http::problem::{Answer, Problem};
use crate::wire::artifacts::Artifact;

/// Which artifacts to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ArtifactQuery {
    /// Of this run.
    run: Option<String>,
    /// Of this kind, such as `kb`.
    kind: Option<String>,
    /// Where to begin.
    cursor: Option<String>,
    /// How many, 1 to 500; usually 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Lists artifacts, newest first.
#[utoipa::path(
    get,
    path = "/artifacts",
    operation_id = "list_artifacts",
    tag = "artifacts",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(ArtifactQuery),
    responses((status = 200, body = Page<Artifact>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_artifacts(
    State(api): State<Api>,
    Asked(query): Asked<ArtifactQuery>,
) -> Answer<Json<Page<Artifact>>> {
    let limit = page::limit(query.limit);
    let filter = ArtifactFilter {
        run: query.run.as_deref().map(id).transpose()?,
        kind: query.kind,
        before: page::after(query.cursor.as_deref())?,
        limit: limit + 1,
    };
    let rows = artifacts::list(&api.services, filter).await?;
    let items = rows.into_iter().map(Artifact::from).collect();
    Ok(Json(Page::cut(items, limit, |artifact: &Artifact| artifact.id)))
}

/// One artifact.
#[utoipa::path(
    get,
    path = "/artifacts/{artifact}",
    operation_id = "get_artifact",
    tag = "artifacts",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(("artifact" = String, Path, description = "The artifact")),
    responses((status = 200, body = Artifact), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_artifact(
    State(api): State<Api>,
    Path(artifact): Path<String>,
) -> Answer<Json<Artifact>> {
    let row = artifacts::show(&api.services, id(&artifact)?).await?;
    Ok(Json(row.into()))
}
