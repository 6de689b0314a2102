//! Settings and secrets.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use ports::ByName;
use services::{secrets, settings};

use crate::Api;
use crate::http::body::Body;
use crate::http::etag;
use crate::http::identity::Caller;
use crate::http::page::{self, Asked, Page, PageQuery};
use crate::http::path::Path;
use crate::http::problem::{Answer, Fault, Problem, Refusal};
use crate::wire::library::{PutSecret, PutSetting, Secret, Setting};

/// Lists settings, by key.
#[utoipa::path(
    get,
    path = "/settings",
    operation_id = "list_settings",
    tag = "settings",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(PageQuery),
    responses((status = 200, body = Page<Setting>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_settings(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Answer<Json<Page<Setting>>> {
    let all = settings::list(&api.services).await?;
    let items = all.into_iter().map(Setting::from).collect();
    let page = Page::of_whole(items, &query, |setting: &Setting| setting.key.clone());
    Ok(Json(page?))
}

/// One setting, with an ETag.
#[utoipa::path(
    get,
    path = "/settings/{key}",
    operation_id = "get_setting",
    tag = "settings",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(("key" = String, Path, description = "The setting's key")),
    responses((status = 200, body = Setting), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_setting(
    State(api): State<Api>,
    headers: HeaderMap,
    Path(key): Path<String>,
) -> Answer<Response> {
    let setting: Setting = settings::get(&api.services, &key).await?.into();
    Ok(etag::answer(&headers, StatusCode::OK, &setting))
}

/// Sets a setting. `If-Match` keeps one writer from undoing another's change. No token can set
/// `approvals.groups` or `approvals.self_approval`.
#[utoipa::path(
    put,
    path = "/settings/{key}",
    operation_id = "put_setting",
    tag = "settings",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    params(("key" = String, Path, description = "The setting's key")),
    request_body = PutSetting,
    responses((status = 200, body = Setting), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn put_setting(
    State(api): State<Api>,
    Caller(caller): Caller,
    headers: HeaderMap,
    Path(key): Path<String>,
    Body(wish): Body<PutSetting>,
) -> Answer<Response> {
    let before = settings::get(&api.services, &key).await?;
    etag::check(&headers, &Setting::from(before.clone()))?;
    let seen = headers.contains_key("if-match").then_some(before);
    let set = settings::change(&api.services, &key, wish.value, seen, &caller).await;
    let set = set.map_err(|failure| match failure.code.as_str() {
        "setting_invalid" => {
            let fault = Fault::new("/value", failure.message.clone());
            Refusal::from(failure).with(vec![fault])
        }
        _ => failure.into(),
    })?;
    Ok(etag::answer(
        &HeaderMap::new(),
        StatusCode::OK,
        &Setting::from(set),
    ))
}

/// Lists secrets by name, as far as they are ever shown.
#[utoipa::path(
    get,
    path = "/secrets",
    operation_id = "list_secrets",
    tag = "secrets",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    params(PageQuery),
    responses((status = 200, body = Page<Secret>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_secrets(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Answer<Json<Page<Secret>>> {
    let limit = page::limit(query.limit);
    let wanted = ByName {
        after: page::after(query.cursor.as_deref())?,
        limit: limit + 1,
    };
    let records = secrets::page(&api.services, wanted).await?;
    let items = records.into_iter().map(Secret::from).collect();
    Ok(Json(Page::cut(items, limit, |secret: &Secret| {
        secret.name.clone()
    })))
}

/// Sets a secret, bound to the origin that it may be sent to. It is never given back.
#[utoipa::path(
    put,
    path = "/secrets/{name}",
    operation_id = "put_secret",
    tag = "secrets",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    params(("name" = String, Path, description = "The secret's name, such as `slack.token`")),
    request_body = PutSecret,
    responses((status = 200, body = Secret), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn put_secret(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(name): Path<String>,
    Body(wish): Body<PutSecret>,
) -> Answer<Json<Secret>> {
    let set = secrets::set(&api.services, &name, &wish.origin, &wish.value, &caller.actor).await?;
    Ok(Json(set.into()))
}

/// Removes a secret.
#[utoipa::path(
    delete,
    path = "/secrets/{name}",
    operation_id = "remove_secret",
    tag = "secrets",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    params(("name" = String, Path, description = "The secret's name, such as `slack.token`")),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn remove_secret(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    secrets::remove(&api.services, &name, &caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
