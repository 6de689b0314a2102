//! Approvals: what waits for a decision, and deciding it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::rows::ApprovalStatus;
use ports::ApprovalFilter;
use serde::Deserialize;
use services::approvals;
use utoipa::IntoParams;

use super::id;
use crate::Api;
use crate::http::body::Body;
use crate::http::identity::Caller;
use crate::http::page::{self, Asked, Page};
use crate::http::path::Path;
use crate::http::problem::{Answer, Problem};
use crate::wire::approvals::{Approval, Decide};
use crate::wire::forms;

/// Which approvals to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ApprovalQuery {
    /// `pending`, `approved`, `denied`, `expired` or `void`.
    #[param(schema_with = forms::approval_status, required = false)]
    status: Option<ApprovalStatus>,
    /// Of this run.
    run: Option<String>,
    /// Where to begin.
    cursor: Option<String>,
    /// How many, 1 to 500; usually 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Lists approvals, newest first.
#[utoipa::path(
    get,
    path = "/approvals",
    operation_id = "list_approvals",
    tag = "approvals",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(ApprovalQuery),
    responses((status = 200, body = Page<Approval>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_approvals(
    State(api): State<Api>,
    Asked(query): Asked<ApprovalQuery>,
) -> Answer<Json<Page<Approval>>> {
    let limit = page::limit(query.limit);
    let filter = ApprovalFilter {
        status: query.status,
        run: query.run.as_deref().map(id).transpose()?,
        before: page::after(query.cursor.as_deref())?,
        limit: limit + 1,
    };
    let rows = approvals::list(&api.services, filter).await?;
    let items = rows.into_iter().map(Approval::from).collect();
    Ok(Json(Page::cut(items, limit, |approval: &Approval| approval.id)))
}

/// One approval.
#[utoipa::path(
    get,
    path = "/approvals/{approval}",
    operation_id = "get_approval",
    tag = "approvals",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(("approval" = String, Path, description = "The approval")),
    responses((status = 200, body = Approval), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_approval(
    State(api): State<Api>,
    Path(approval): Path<String>,
) -> Answer<Json<Approval>> {
    let row = approvals::show(&api.services, id(&approval)?).await?;
    Ok(Json(row.into()))
}

/// Approves or denies. The consent holds for the exact arguments that are shown.
///
/// A token needs the scope `approve`, which `admin` does not include.
#[utoipa::path(
    post,
    path = "/approvals/{approval}/decision",
    operation_id = "decide_approval",
    tag = "approvals",
    extensions(("x-role" = json!("approver")), ("x-scope" = json!("approve"))),
    params(("approval" = String, Path, description = "The approval")),
    request_body = Decide,
    responses((status = 202), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn decide_approval(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(approval): Path<String>,
    Body(wish): Body<Decide>,
) -> Answer<StatusCode> {
    approvals::decide(
        &api.services,
        id(&approval)?,
        wish.approve,
        &wish.note,
        &caller.actor,
    )
    .await?;
    Ok(StatusCode::ACCEPTED)
}
