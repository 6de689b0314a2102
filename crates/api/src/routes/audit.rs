//! Audit leaves.

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Api;
use crate::http::page::{self, Asked, Page};
use crate::http::problem::{Answer, Problem};
use crate::wire::audit::Leaf;

/// Where in the log to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LeafQuery {
    /// Only those after this position.
    after: Option<u64>,
    /// Where to begin; stronger than `after`.
    cursor: Option<String>,
    /// How many, 1 to 500; usually 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// The audit log's leaves in the order in which they were stored.
#[utoipa::path(
    get,
    path = "/audit/leaves",
    operation_id = "list_audit_leaves",
    tag = "audit",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    params(LeafQuery),
    responses((status = 200, body = Page<Leaf>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_audit_leaves(
    State(api): State<Api>,
    Asked(query): Asked<LeafQuery>,
) -> Answer<Json<Page<Leaf>>> {
    let limit = page::limit(query.limit);
    let skip: u64 = page::after(query.cursor.as_deref())?.or(query.after).unwrap_or(0);
    let records = services::audit::leaves(&api.services, skip, limit + 1).await?;
    let more = records.len() > limit as usize;
    // The records first: a position after the last number is never counted to.
    let items: Vec<Leaf> = records
        .into_iter()
        .take(limit as usize)
        .zip(skip.saturating_add(1)..)
        .map(|(record, position)| Leaf::at(position, record))
        .collect();
    let last = items.last().filter(|_| more);
    let next = last.map(|leaf| URL_SAFE_NO_PAD.encode(leaf.position.to_string()));
    Ok(Json(Page { items, next }))
}
