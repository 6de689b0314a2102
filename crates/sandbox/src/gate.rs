//! The way of every vendor request: read it, ask the fault rules, do it or not, answer or not.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State as Shared;
use axum::http::{Request, StatusCode};

use crate::Vendor;
use crate::call::Call;
use crate::fault::{FaultKind, MAX_DELAY_MS};
use crate::reply::{self, Answer, Fail};
use crate::world::World;

/// Marks an answer that must not be sent: the connection closes instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DropConnection;

/// Answers a request to any path that isn't the control interface's.
pub(crate) async fn vendor_request(Shared(world): Shared<Arc<World>>, request: Request<Body>) -> Answer {
    let Some(vendor) = Vendor::of_path(request.uri().path()) else {
        let known: Vec<&str> = Vendor::ALL.iter().map(|vendor| vendor.prefix()).collect();
        let say = format!("no vendor here; the vendors are under {}\n", known.join(", "));
        return reply::text(StatusCode::NOT_FOUND, say);
    };
    let Ok(permit) = Arc::clone(&world.in_flight).try_acquire_owned() else {
        return vendor.desk().server_error(StatusCode::SERVICE_UNAVAILABLE);
    };
    let Ok(call) = Call::read(vendor, request).await else {
        return vendor.desk().too_large();
    };
    let verdict = world.faults().verdict(&call);
    tracing::debug!(%vendor, method = %call.method, path = call.full_path, ?verdict, "sandbox request");
    if verdict.delay_ms == 0 {
        return perform(&world, call, verdict.kind).await;
    }
    // In a task of its own: a slow vendor does what it was asked even if the client has left.
    let shared = Arc::clone(&world);
    let late = tokio::spawn(async move {
        // The permit goes along, or clients that leave early could pile up waits without a bound.
        let _permit = permit;
        if shared.wait(verdict.delay_ms).await {
            perform(&shared, call, verdict.kind).await
        } else {
            dropped()
        }
    });
    late.await
        .unwrap_or_else(|_| vendor.desk().server_error(StatusCode::INTERNAL_SERVER_ERROR))
}

async fn perform(world: &Arc<World>, call: Call, fault: Option<FaultKind>) -> Answer {
    let vendor = call.vendor;
    match fault {
        None => handle(world, call).await,
        Some(FaultKind::RateLimit { retry_after_s }) => vendor.desk().rate_limited(retry_after_s),
        Some(FaultKind::ExpiredToken) => {
            if vendor == Vendor::Zoom
                && let Some(token) = call.bearer()
                && revoke(world, token).is_err()
            {
                return vendor.desk().server_error(StatusCode::INTERNAL_SERVER_ERROR);
            }
            vendor.desk().token_expired()
        }
        Some(FaultKind::ServerError { status }) => vendor
            .desk()
            .server_error(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)),
        // A latency was taken out of the rules before; alone it changes nothing. Half lines and floods are
        // refused as rules for HTTP.
        Some(FaultKind::Latency { .. } | FaultKind::HalfLine | FaultKind::Flood) => handle(world, call).await,
        Some(FaultKind::Timeout) => {
            world.wait(MAX_DELAY_MS).await;
            dropped()
        }
        Some(FaultKind::LostAnswer) => {
            handle(world, call).await;
            dropped()
        }
        Some(FaultKind::Rubbish) => {
            handle(world, call).await;
            reply::with_body(StatusCode::OK, "application/json", "{\"ok\": tru<html>\u{fffd}")
        }
    }
}

/// Does what the call asks, away from the event loop if that may touch a disk.
async fn handle(world: &Arc<World>, call: Call) -> Answer {
    let vendor = call.vendor;
    let handled = if world.writes_to_disk() || vendor.desk().blocks() {
        let world = Arc::clone(world);
        match tokio::task::spawn_blocking(move || vendor.desk().handle(&world, &call)).await {
            Ok(handled) => handled,
            Err(_) => return vendor.desk().server_error(StatusCode::INTERNAL_SERVER_ERROR),
        }
    } else {
        vendor.desk().handle(world, &call)
    };
    match handled {
        Ok(answer) => answer,
        Err(Fail::Refused(answer)) => *answer,
        Err(Fail::Unsaved) => vendor.desk().server_error(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn revoke(world: &World, token: &str) -> Result<(), Fail> {
    world.write(|state| {
        state.zoom.tokens.revoke(token);
        Ok(())
    })
}

fn dropped() -> Answer {
    let mut answer = reply::empty(StatusCode::OK);
    answer.extensions_mut().insert(DropConnection);
    answer
}

#[cfg(test)]
mod tests;
