//! Tools: what there is, adding, holding and releasing, rules, health, and calls by hand.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use services::{call, mcp, settings, tools};
use types::Mode;
use utoipa::IntoParams;

use super::runs::started;
use crate::Api;
use crate::http::body::Body;
use crate::http::identity::Caller;
use crate::http::page::{Asked, Page, PageQuery};
use crate::http::path::Path;
use crate::http::problem::{Answer, Problem};
use crate::http::repeat::StartKey;
use crate::wire::forms;
use crate::wire::runs::Started;
use crate::wire::tools::{
    Action, AddTool, AddedTool, CallAction, PutClass, PutMcpServer, PutRule, Tool, ToolHealth,
};

/// In which mode to ask.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HealthQuery {
    /// `mock` or `real`; the setting `runs.mode` if not said.
    #[param(schema_with = forms::mode, required = false)]
    mode: Option<Mode>,
}

/// Lists tools with their actions, by name.
#[utoipa::path(
    get,
    path = "/tools",
    operation_id = "list_tools",
    tag = "tools",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(PageQuery),
    responses((status = 200, body = Page<Tool>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_tools(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Answer<Json<Page<Tool>>> {
    let views = tools::list(&api.services).await?;
    let items = views.into_iter().map(Tool::from).collect();
    let page = Page::of_whole(items, &query, |tool: &Tool| tool.name.clone());
    Ok(Json(page?))
}

/// Adds or replaces a plain HTTP tool. One with an action that would run unasked, such as what it calls a
/// read, asks for a person.
#[utoipa::path(
    post,
    path = "/tools",
    operation_id = "add_tool",
    tag = "tools",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    request_body = AddTool,
    responses((status = 201, body = AddedTool), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn add_tool(
    State(api): State<Api>,
    Caller(caller): Caller,
    Body(wish): Body<AddTool>,
) -> Answer<(StatusCode, Json<AddedTool>)> {
    let spec = tools::add_manifest(&api.services, wish.manifest, &caller).await?;
    let added = AddedTool {
        actions: spec.actions.iter().map(types::ActionSpec::name).collect(),
        tool: spec.name,
    };
    Ok((StatusCode::CREATED, Json(added)))
}

/// One tool.
#[utoipa::path(
    get,
    path = "/tools/{tool}",
    operation_id = "get_tool",
    tag = "tools",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(("tool" = String, Path, description = "The tool's name")),
    responses((status = 200, body = Tool), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_tool(State(api): State<Api>, Path(tool): Path<String>) -> Answer<Json<Tool>> {
    Ok(Json(tools::show(&api.services, &tool).await?.into()))
}

/// Removes a tool that somebody added: a plain HTTP tool, or a server of the Model Context Protocol that
/// answers over HTTP. The rules for its actions go with it, and so a token can't remove a tool with a rule
/// that asks or denies. Steps of runs that need it fail.
#[utoipa::path(
    delete,
    path = "/tools/{tool}",
    operation_id = "remove_tool",
    tag = "tools",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    params(("tool" = String, Path, description = "The tool's name")),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn remove_tool(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(tool): Path<String>,
) -> Answer<StatusCode> {
    tools::remove(&api.services, &tool, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks a tool how it is, with a cheap read.
#[utoipa::path(
    get,
    path = "/tools/{tool}/health",
    operation_id = "get_tool_health",
    tag = "tools",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("run"))),
    params(("tool" = String, Path, description = "The tool's name"), HealthQuery),
    responses((status = 200, body = ToolHealth), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_tool_health(
    State(api): State<Api>,
    Path(tool): Path<String>,
    Asked(query): Asked<HealthQuery>,
) -> Answer<Json<ToolHealth>> {
    let mode = match query.mode {
        Some(mode) => mode,
        None => settings::read(&api.services, settings::MODE).await?,
    };
    Ok(Json(tools::health(&api.services, &tool, mode).await?.into()))
}

/// Holds a tool: its calls wait until it is released.
#[utoipa::path(
    post,
    path = "/tools/{tool}/pause",
    operation_id = "pause_tool",
    tag = "tools",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("run"))),
    params(("tool" = String, Path, description = "The tool's name")),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn pause_tool(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(tool): Path<String>,
) -> Answer<StatusCode> {
    tools::pause(&api.services, &tool, &caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Releases a tool.
#[utoipa::path(
    post,
    path = "/tools/{tool}/resume",
    operation_id = "resume_tool",
    tag = "tools",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("run"))),
    params(("tool" = String, Path, description = "The tool's name")),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn resume_tool(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(tool): Path<String>,
) -> Answer<StatusCode> {
    tools::resume(&api.services, &tool, &caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds a server of the Model Context Protocol that answers over HTTP, or changes what is said of it.
///
/// Nobody looks at it yet: `POST /api/v1/tools/{tool}/refresh` does. What was seen of it and said of its
/// actions stays. A server that this host starts stands in its configuration file only.
#[utoipa::path(
    put,
    path = "/tools/{tool}/mcp",
    operation_id = "put_mcp_server",
    tag = "tools",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    params(("tool" = String, Path, description = "The tool's name")),
    request_body = PutMcpServer,
    responses((status = 200, body = Tool), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn put_mcp_server(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(tool): Path<String>,
    Body(wish): Body<PutMcpServer>,
) -> Answer<Json<Tool>> {
    let (trusted, mock) = (wish.trusted, wish.mock);
    let view = mcp::add(&api.services, &tool, &wish.url, trusted, mock, &caller).await?;
    Ok(Json(view.into()))
}

/// Looks at a server of the Model Context Protocol anew, and works with what it offers from here on.
#[utoipa::path(
    post,
    path = "/tools/{tool}/refresh",
    operation_id = "refresh_tool",
    tag = "tools",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    params(("tool" = String, Path, description = "The tool's name")),
    responses((status = 200, body = Tool), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn refresh_tool(State(api): State<Api>, Path(tool): Path<String>) -> Answer<Json<Tool>> {
    Ok(Json(mcp::refresh(&api.services, &tool).await?.into()))
}

/// Says what an action of a server of the Model Context Protocol does; answers the tool as it stands then.
/// No token can.
#[utoipa::path(
    put,
    path = "/actions/{action}/class",
    operation_id = "put_action_class",
    tag = "tools",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    params(("action" = String, Path, description = "`tool.action`")),
    request_body = PutClass,
    responses((status = 200, body = Tool), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn put_action_class(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(action): Path<String>,
    Body(wish): Body<PutClass>,
) -> Answer<Json<Tool>> {
    let class = wish.effect.map(|effect| mcp::Class {
        effect,
        idempotent: wish.idempotent,
    });
    let view = mcp::classify(&api.services, &action, class, &caller).await?;
    Ok(Json(view.into()))
}

/// One action, by any of its names.
#[utoipa::path(
    get,
    path = "/actions/{action}",
    operation_id = "get_action",
    tag = "tools",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(("action" = String, Path, description = "`tool.action`, or another name of it")),
    responses((status = 200, body = Action), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_action(State(api): State<Api>, Path(action): Path<String>) -> Answer<Json<Action>> {
    let spec = call::find_action(&api.services, &action)?;
    let tool = tools::show(&api.services, &spec.tool).await?;
    let found = tool.actions.into_iter().find(|view| view.name == spec.name());
    let view =
        found.ok_or_else(|| types::Failure::new("unknown_action", format!("no action {}", spec.name())))?;
    Ok(Json(view.into()))
}

/// Sets this installation's rule for an action. A token can only set `deny`.
#[utoipa::path(
    put,
    path = "/actions/{action}/rule",
    operation_id = "put_action_rule",
    tag = "tools",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    params(("action" = String, Path, description = "`tool.action`, or another name of it")),
    request_body = PutRule,
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn put_action_rule(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(action): Path<String>,
    Body(wish): Body<PutRule>,
) -> Answer<StatusCode> {
    tools::set_rule(&api.services, &action, wish.rule, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Calls an action by hand: a run of one step, through the same door as any other.
#[utoipa::path(
    post,
    path = "/actions/{action}/call",
    operation_id = "call_action",
    tag = "tools",
    extensions(("x-role" = json!("operator")), ("x-scope" = json!("run"))),
    params(("action" = String, Path, description = "`tool.action`, or another name of it")),
    request_body = CallAction,
    responses((status = 201, body = Started), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn call_action(
    State(api): State<Api>,
    Caller(caller): Caller,
    key: Option<Extension<StartKey>>,
    Path(action): Path<String>,
    Body(wish): Body<CallAction>,
) -> Answer<(StatusCode, Json<Started>)> {
    let key = key.map(|Extension(StartKey(key))| key);
    let created = call::call(&api.services, &action, wish.args, wish.mode, key, &caller.actor).await?;
    Ok(started(created))
}
