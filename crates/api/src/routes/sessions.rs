//! Sessions: signing in and out, one-time links, and who is asking.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use services::principal::{Principal, Proof};
use services::sessions::{self, SignedIn};
use services::users;

use crate::Api;
use crate::http::body::Body;
use crate::http::identity::{COOKIE, Caller};
use crate::http::problem::{Answer, Problem};
use crate::wire::people::{ChangePassword, LinkOwner, LookAtLink, Session, SignIn, UseLink};

/// Signs in by name and password; sets the session's cookie. An `Idempotency-Key` isn't heeded.
#[utoipa::path(
    post,
    path = "/session",
    operation_id = "sign_in",
    tag = "session",
    extensions(("x-role" = json!("public"))),
    request_body = SignIn,
    responses((status = 200, body = Session), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn sign_in(
    State(api): State<Api>,
    from: Option<Extension<ConnectInfo<SocketAddr>>>,
    Body(wish): Body<SignIn>,
) -> Answer<Response> {
    let sign_ins = &api.limits.sign_ins;
    let attempt = sign_ins.sign_in(&wish.name, address(from), api.services.clock.now())?;
    let signed = sessions::sign_in(&api.services, &wish.name, &wish.password).await?;
    sign_ins.give_back(attempt);
    signed_in(&api, signed).await
}

/// Who is asking, and what a browser sends as `X-CSRF-Token`.
#[utoipa::path(
    get,
    path = "/session",
    operation_id = "get_session",
    tag = "session",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    responses((status = 200, body = Session), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn get_session(Caller(caller): Caller, headers: HeaderMap) -> Json<Session> {
    let jar = CookieJar::from_headers(&headers);
    let secret = jar.get(COOKIE).map(Cookie::value);
    Json(shown(&caller, secret))
}

/// Signs this browser out.
#[utoipa::path(
    delete,
    path = "/session",
    operation_id = "sign_out",
    tag = "session",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn sign_out(State(api): State<Api>, Caller(caller): Caller) -> Answer<Response> {
    if let Proof::Session(digest) = &caller.proof {
        sessions::end(&api.services, digest, &caller.actor).await?;
    }
    Ok((
        StatusCode::NO_CONTENT,
        CookieJar::new().add(cookie(String::new())),
    )
        .into_response())
}

/// Signs all of one's own browsers out.
#[utoipa::path(
    delete,
    path = "/sessions",
    operation_id = "sign_out_everywhere",
    tag = "session",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("admin"))),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn sign_out_everywhere(State(api): State<Api>, Caller(caller): Caller) -> Answer<Response> {
    if let Some(user) = caller.user {
        sessions::end_all(&api.services, user, &caller.actor).await?;
    }
    Ok((
        StatusCode::NO_CONTENT,
        CookieJar::new().add(cookie(String::new())),
    )
        .into_response())
}

/// Sets a new password by the old one; all sessions end.
#[utoipa::path(
    put,
    path = "/session/password",
    operation_id = "change_password",
    tag = "session",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("admin"))),
    request_body = ChangePassword,
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn change_password(
    State(api): State<Api>,
    Caller(caller): Caller,
    Body(wish): Body<ChangePassword>,
) -> Answer<StatusCode> {
    let sign_ins = &api.limits.sign_ins;
    let attempt = sign_ins.own(&caller.actor.name, api.services.clock.now())?;
    users::change_password(&api.services, &caller.actor.name, &wish.old, &wish.new).await?;
    sign_ins.give_back(attempt);
    Ok(StatusCode::NO_CONTENT)
}

/// Whose one-time link this is; it stays unused. An `Idempotency-Key` isn't heeded.
#[utoipa::path(
    post,
    path = "/links/look",
    operation_id = "look_at_link",
    tag = "session",
    extensions(("x-role" = json!("public"))),
    request_body = LookAtLink,
    responses((status = 200, body = LinkOwner), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn look_at_link(
    State(api): State<Api>,
    Body(wish): Body<LookAtLink>,
) -> Answer<Json<LinkOwner>> {
    let owner = users::of_link(&api.services, &wish.secret).await?;
    Ok(Json(LinkOwner {
        user: owner.map(|user| user.name),
    }))
}

/// Uses a one-time link: chooses a password, makes the first admin if it is for that, and signs in. An `Idempotency-Key` isn't heeded: the link works once.
#[utoipa::path(
    post,
    path = "/links/use",
    operation_id = "use_link",
    tag = "session",
    extensions(("x-role" = json!("public"))),
    request_body = UseLink,
    responses((status = 200, body = Session), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn use_link(State(api): State<Api>, Body(wish): Body<UseLink>) -> Answer<Response> {
    let user = users::redeem(&api.services, &wish.secret, &wish.name, &wish.password).await?;
    let signed = sessions::begin(&api.services, user).await?;
    signed_in(&api, signed).await
}

async fn signed_in(api: &Api, signed: SignedIn) -> Answer<Response> {
    let principal = sessions::authenticate(&api.services, &signed.secret).await?;
    let session = shown(&principal, Some(&signed.secret));
    Ok((CookieJar::new().add(cookie(signed.secret)), Json(session)).into_response())
}

fn shown(principal: &Principal, secret: Option<&str>) -> Session {
    Session {
        name: principal.actor.name.clone(),
        roles: principal.roles.clone(),
        groups: principal.actor.groups.clone(),
        scopes: match &principal.proof {
            Proof::Token(scopes) => Some(scopes.clone()),
            _ => None,
        },
        csrf: match &principal.proof {
            Proof::Session(_) => secret.map(sessions::csrf_of),
            _ => None,
        },
    }
}

/// The session's cookie: for this host only, never over plain HTTP except to the own machine, never
/// to scripts, never along with another site's request. Without a value it takes the cookie back.
fn cookie(secret: String) -> Cookie<'static> {
    let gone = secret.is_empty();
    let cookie = Cookie::build((COOKIE, secret))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Strict);
    if gone {
        cookie.removal().build()
    } else {
        cookie.build()
    }
}

fn address(from: Option<Extension<ConnectInfo<SocketAddr>>>) -> Option<std::net::IpAddr> {
    from.map(|Extension(ConnectInfo(address))| address.ip())
}
