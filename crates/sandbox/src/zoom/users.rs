//! Users: who may host.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::refuse;
use crate::credentials::ZOOM_ACCOUNT_ID;
use crate::reply::{self, Fail, Handled};
use crate::state::{User, Zoom};
use crate::world::World;

/// `GET /users/{userId}`.
pub(super) fn get(world: &World, wanted: &str) -> Handled {
    world.read(|state| find(&state.zoom, wanted).map(|user| reply::json(StatusCode::OK, &show(user))))
}

/// A user by id, e-mail address, or `me`: the first user owns the app.
pub(super) fn find<'a>(zoom: &'a Zoom, wanted: &str) -> Result<&'a User, Fail> {
    let found = if wanted == "me" {
        zoom.users.first()
    } else {
        zoom.users
            .iter()
            .find(|user| user.id == wanted || user.email.eq_ignore_ascii_case(wanted))
    };
    let missing = || {
        refuse(
            StatusCode::NOT_FOUND,
            1001,
            &format!("User does not exist: {wanted}."),
        )
        .into()
    };
    found.ok_or_else(missing)
}

fn show(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "display_name": format!("{} {}", user.first_name, user.last_name),
        "account_id": ZOOM_ACCOUNT_ID,
        "type": 2,
        "role_name": "Owner",
        "status": "active",
        "timezone": "UTC",
        "language": "en-US",
        "verified": 1,
    })
}
