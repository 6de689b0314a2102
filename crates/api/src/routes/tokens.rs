//! API tokens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use services::tokens;
use utoipa::IntoParams;

use super::id;
use crate::Api;
use crate::http::body::Body;
use crate::http::identity::Caller;
use crate::http::page::{self, Asked, Page};
use crate::http::path::Path;
use crate::http::problem::{Answer, Problem};
use crate::http::repeat::KeepInstead;
use crate::wire::people::{MadeToken, MakeToken, Token};

/// Whose tokens to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TokenQuery {
    /// Everybody's; for admins.
    all: Option<bool>,
    /// Where to begin: what the page before gave as `next`.
    cursor: Option<String>,
    /// How many, 1 to 500; usually 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// One's own API tokens, newest first, or everybody's for an admin.
#[utoipa::path(
    get,
    path = "/tokens",
    operation_id = "list_tokens",
    tag = "tokens",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("admin"))),
    params(TokenQuery),
    responses((status = 200, body = Page<Token>), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn list_tokens(
    State(api): State<Api>,
    Caller(caller): Caller,
    Asked(query): Asked<TokenQuery>,
) -> Answer<Json<Page<Token>>> {
    let limit = page::limit(query.limit);
    let before = page::after(query.cursor.as_deref())?;
    let all = query.all.unwrap_or(false);
    let records = tokens::page(&api.services, all, before, limit + 1, &caller).await?;
    let items = records.into_iter().map(Token::from).collect();
    Ok(Json(Page::cut(items, limit, |token: &Token| token.id)))
}

/// Makes an API token for oneself. It is shown once; only a signed-in person may make one.
#[utoipa::path(
    post,
    path = "/tokens",
    operation_id = "make_token",
    tag = "tokens",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("admin"))),
    request_body = MakeToken,
    responses((status = 201, body = MadeToken), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn make_token(
    State(api): State<Api>,
    Caller(caller): Caller,
    Body(wish): Body<MakeToken>,
) -> Answer<Response> {
    let wish = tokens::NewToken {
        name: wish.name,
        scopes: wish.scopes,
        life_ms: u64::from(wish.days) * 24 * 3600 * 1000,
    };
    let (token, text) = tokens::make(&api.services, wish, &caller).await?;
    let mut made = MadeToken {
        token: token.into(),
        secret: Some(text),
    };
    let mut answer = (StatusCode::CREATED, Json(&made)).into_response();
    made.secret = None;
    let kept = serde_json::to_value(&made).unwrap_or_default();
    answer.extensions_mut().insert(KeepInstead(kept));
    Ok(answer)
}

/// Revokes an API token: one's own, or anybody's for an admin.
#[utoipa::path(
    delete,
    path = "/tokens/{token}",
    operation_id = "revoke_token",
    tag = "tokens",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("admin"))),
    params(("token" = String, Path, description = "The token's id")),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn revoke_token(
    State(api): State<Api>,
    Caller(caller): Caller,
    Path(token): Path<String>,
) -> Answer<StatusCode> {
    tokens::revoke(&api.services, id(&token)?, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
