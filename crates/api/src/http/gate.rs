//! The gate: before any handler runs, it is known who asks, that they may, and that they don't ask too
//! often.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use services::principal::Principal;

use super::identity::identify;
use super::needs::Asks;
use super::problem::{Answer, Refusal};
use crate::Api;

/// Lets a request through, or refuses it.
pub(crate) async fn gate(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    match admit(&api, &mut request).await {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

async fn admit(api: &Api, request: &mut Request) -> Answer<()> {
    let path = request.extensions().get::<MatchedPath>();
    let asks = path.and_then(|path| api.needs.of(request.method(), path.as_str()));
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let from = from.map(|ConnectInfo(address)| address.ip());
    match asks {
        None => {
            let message = format!("{} is not allowed here", request.method());
            Err(Refusal::new("method_unknown", message))
        }
        Some(Asks::Public) => match from {
            Some(from) => api.limits.public(from),
            None => Ok(()),
        },
        Some(Asks::Of(need)) => {
            // A command in this process says by itself who asks; nothing from outside can.
            let principal = match request.extensions().get::<Principal>() {
                Some(principal) => principal.clone(),
                None => {
                    let known = identify(api, request.method(), request.headers()).await;
                    if let (Err(_), Some(from)) = (&known, from) {
                        api.limits.stranger(from)?;
                    }
                    let principal = known?;
                    api.limits.principal(&principal.actor.name)?;
                    principal
                }
            };
            principal.may(need)?;
            request.extensions_mut().insert(principal);
            Ok(())
        }
    }
}
