//! Agents.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use ports::ByName;
use services::agents;

use crate::Api;
use crate::http::body::Body;
use crate::http::etag;
use crate::http::identity::Caller;
use crate::http::page::{self, Asked, Page, PageQuery};
use crate::http::path::Path;
use crate::http::problem::{Answer, Problem};
use crate::wire::library::{Agent, PutAgent};

/// Lists agents that are not archived, by name.
#[utoipa::path(
    get,
    path = "/agents",
    operation_id = "list_agents",
    tag = "agents",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(PageQuery),
    responses((status = 200, body = Page<Agent>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_agents(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Answer<Json<Page<Agent>>> {
    let limit = page::limit(query.limit);
    let wanted = ByName {
        after: page::after(query.cursor.as_deref())?,
        limit: limit + 1,
    };
    let records = agents::page(&api.services, wanted).await?;
    let items = records.into_iter().map(Agent::from).collect();
    Ok(Json(Page::cut(items, limit, |agent: &Agent| agent.name.clone())))
}

/// Makes an agent.
#[utoipa::path(
    post,
    path = "/agents",
    operation_id = "make_agent",
    tag = "agents",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("write"))),
    request_body = PutAgent,
    responses((status = 201, body = Agent), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn make_agent(
    State(api): State<Api>,
    Caller(caller): Caller,
    Body(wish): Body<PutAgent>,
) -> Answer<Response> {
    let agent: Agent = agents::make(&api.services, &wish_of(wish), &caller.actor)
        .await?
        .into();
    Ok(etag::answer(&HeaderMap::new(), StatusCode::CREATED, &agent))
}

/// One agent, with an ETag.
#[utoipa::path(
    get,
    path = "/agents/{agent}",
    operation_id = "get_agent",
    tag = "agents",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(("agent" = String, Path, description = "The agent's name")),
    responses((status = 200, body = Agent), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_agent(
    State(api): State<Api>,
    headers: HeaderMap,
    Path(agent): Path<String>,
) -> Answer<Response> {
    let agent: Agent = agents::show(&api.services, &agent).await?.into();
    Ok(etag::answer(&headers, StatusCode::OK, &agent))
}

/// Changes an agent; another name renames it. `If-Match` with the ETag that was read keeps one writer from undoing another's change.
#[utoipa::path(
    put,
    path = "/agents/{agent}",
    operation_id = "put_agent",
    tag = "agents",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("write"))),
    params(("agent" = String, Path, description = "The agent's name")),
    request_body = PutAgent,
    responses((status = 200, body = Agent), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn put_agent(
    State(api): State<Api>,
    Caller(caller): Caller,
    headers: HeaderMap,
    Path(agent): Path<String>,
    Body(wish): Body<PutAgent>,
) -> Answer<Response> {
    let before = agents::show(&api.services, &agent).await?;
    etag::check(&headers, &Agent::from(before.clone()))?;
    let changed = agents::change(&api.services, before, &wish_of(wish), &caller.actor).await?;
    Ok(etag::answer(
        &HeaderMap::new(),
        StatusCode::OK,
        &Agent::from(changed),
    ))
}

/// Archives an agent: its runs stay, its name is free again.
#[utoipa::path(
    delete,
    path = "/agents/{agent}",
    operation_id = "archive_agent",
    tag = "agents",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("write"))),
    params(("agent" = String, Path, description = "The agent's name")),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn archive_agent(
    State(api): State<Api>,
    Caller(caller): Caller,
    headers: HeaderMap,
    Path(agent): Path<String>,
) -> Answer<StatusCode> {
    let before = agents::show(&api.services, &agent).await?;
    etag::check(&headers, &Agent::from(before.clone()))?;
    agents::archive(&api.services, before, &caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn wish_of(wish: PutAgent) -> agents::NewAgent {
    agents::NewAgent {
        name: wish.name,
        domain: wish.domain,
        instructions: wish.instructions,
        tools: wish.tools,
        config: wish.config,
        recipes: Vec::new(),
    }
}
