//! Users, their one-time links, and groups.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use ports::ByName;
use services::users::{self, Link};
use services::{people, settings};

use crate::Api;
use crate::http::body::Body;
use crate::http::etag;
use crate::http::identity::Caller;
use crate::http::page::{self, Asked, Page, PageQuery};
use crate::http::path::Path;
use crate::http::problem::{Answer, Problem};
use crate::http::repeat::KeepInstead;
use crate::wire::people::{AddUser, ChangeUser, Group, OneTimeLink, User};

/// Lists users, by name.
#[utoipa::path(
    get,
    path = "/users",
    operation_id = "list_users",
    tag = "users",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    params(PageQuery),
    responses((status = 200, body = Page<User>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_users(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Answer<Json<Page<User>>> {
    let limit = page::limit(query.limit);
    let wanted = ByName {
        after: page::after(query.cursor.as_deref())?,
        limit: limit + 1,
    };
    let records = users::page(&api.services, wanted).await?;
    let items = records.into_iter().map(User::from).collect();
    Ok(Json(Page::cut(items, limit, |user: &User| user.name.clone())))
}

/// Adds a user. The link in the answer lets them choose a password; it is shown once. No token can do this.
#[utoipa::path(
    post,
    path = "/users",
    operation_id = "add_user",
    tag = "users",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    request_body = AddUser,
    responses((status = 201, body = OneTimeLink), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn add_user(
    State(api): State<Api>,
    Caller(caller): Caller,
    Body(wish): Body<AddUser>,
) -> Answer<Response> {
    let (user, link) = users::add(&api.services, &wish.name, &wish.roles, &caller).await?;
    Ok(shown_once(user.name, link))
}

/// One user, with an ETag.
#[utoipa::path(
    get,
    path = "/users/{user}",
    operation_id = "get_user",
    tag = "users",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    params(("user" = String, Path, description = "The sign-in name")),
    responses((status = 200, body = User), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_user(
    State(api): State<Api>,
    headers: HeaderMap,
    Path(user): Path<String>,
) -> Answer<Response> {
    let user: User = users::show(&api.services, &user).await?.into();
    Ok(etag::answer(&headers, StatusCode::OK, &user))
}

/// Changes a user's roles, or keeps them out. Who loses a role is signed out everywhere. A token can only
/// keep somebody out.
#[utoipa::path(
    patch,
    path = "/users/{user}",
    operation_id = "change_user",
    tag = "users",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    params(("user" = String, Path, description = "The sign-in name")),
    request_body = ChangeUser,
    responses((status = 200, body = User), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn change_user(
    State(api): State<Api>,
    Caller(caller): Caller,
    headers: HeaderMap,
    Path(user): Path<String>,
    Body(wish): Body<ChangeUser>,
) -> Answer<Response> {
    let before = users::show(&api.services, &user).await?;
    etag::check(&headers, &User::from(before.clone()))?;
    let wish = users::ChangeUser {
        roles: wish.roles,
        disabled: wish.disabled,
    };
    let since = Some(before.updated_at);
    let changed = users::change(&api.services, &user, wish, since, &caller).await?;
    Ok(etag::answer(
        &HeaderMap::new(),
        StatusCode::OK,
        &User::from(changed),
    ))
}

/// A new one-time link for a user to choose a password, in place of an older one. No token can do this.
#[utoipa::path(
    post,
    path = "/users/{user}/link",
    operation_id = "make_user_link",
    tag = "users",
    extensions(("x-role" = json!("admin")), ("x-scope" = json!("admin"))),
    params(("user" = String, Path, description = "The sign-in name")),
    responses((status = 201, body = OneTimeLink), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn make_user_link(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(user): Path<String>,
) -> Answer<Response> {
    let user = users::show(&api.services, &user).await?;
    let link = users::link(&api.services, &user, &caller).await?;
    Ok(shown_once(user.name, link))
}

/// Groups that approvals may name, with their members, and the roles, by name. The setting `approvals.groups` holds them.
#[utoipa::path(
    get,
    path = "/groups",
    operation_id = "list_groups",
    tag = "users",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(PageQuery),
    responses((status = 200, body = Page<Group>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_groups(
    State(api): State<Api>,
    Asked(query): Asked<PageQuery>,
) -> Answer<Json<Page<Group>>> {
    let members: std::collections::BTreeMap<String, Vec<String>> =
        settings::read(&api.services, settings::GROUPS).await?;
    let known = people::known_groups(&api.services).await?;
    let groups = known.into_iter().map(|name| Group {
        members: members.get(&name).cloned().unwrap_or_default(),
        name,
    });
    let page = Page::of_whole(groups.collect(), &query, |group| group.name.clone());
    Ok(Json(page?))
}

/// An answer with a link. What is kept of it for a repeated request holds no secret.
fn shown_once(user: String, link: Link) -> Response {
    let mut shown = OneTimeLink {
        user,
        path: Some(path_of(&link.secret)),
        secret: Some(link.secret),
        expires_at: link.record.expires_at,
    };
    let mut answer = (StatusCode::CREATED, Json(&shown)).into_response();
    (shown.secret, shown.path) = (None, None);
    let kept = serde_json::to_value(&shown).unwrap_or_default();
    answer.extensions_mut().insert(KeepInstead(kept));
    answer
}

/// Where a browser opens a link. The secret stands behind `#`, which browsers send to nobody.
pub(crate) fn path_of(secret: &str) -> String {
    format!("/welcome#{secret}")
}
