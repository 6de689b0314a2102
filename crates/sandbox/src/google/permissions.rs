//! `permissions`: who may see a file. The same receiver has one permission, whoever often it is given.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::state::Permission;
use super::{bad, chosen, no_file};
use crate::call::Call;
use crate::reply::{self, Handled};
use crate::state::opaque;
use crate::world::World;

/// The most permissions of one file.
const MAX_PERMISSIONS: usize = 600;

/// `POST /drive/v3/files/{id}/permissions`.
pub(super) fn create(world: &World, call: &Call, id: &str) -> Handled {
    let Some(sent) = call.json_object() else {
        return Ok(bad("Parse Error"));
    };
    let text = |name: &str| sent.get(name).and_then(Value::as_str).map(str::to_owned);
    let (kind, role) = (text("type").unwrap_or_default(), text("role").unwrap_or_default());
    if !matches!(role.as_str(), "reader" | "commenter" | "writer") {
        return Ok(bad("The role field is required."));
    }
    let (permission_id, email, domain) = match (kind.as_str(), text("emailAddress"), text("domain")) {
        ("anyone", _, _) => ("anyoneWithLink".to_owned(), None, None),
        ("user" | "group", Some(email), _) if email.contains('@') => {
            (numbered(&email.to_lowercase()), Some(email), None)
        }
        ("domain", _, Some(domain)) => (numbered(&domain.to_lowercase()), None, Some(domain)),
        _ => return Ok(bad("The permission type field is required.")),
    };
    let permission = Permission {
        kind,
        role,
        email,
        domain,
    };
    world.write(|state| {
        let file = state.google.files.get_mut(id).ok_or_else(|| no_file(id))?;
        if file.permissions.len() >= MAX_PERMISSIONS {
            return Err(bad("The file has too many permissions.").into());
        }
        let shown = chosen(call, &show(&permission_id, &permission), "kind,id,type,role");
        file.permissions.insert(permission_id, permission);
        Ok(reply::json(StatusCode::OK, &shown))
    })
}

/// `GET /drive/v3/files/{id}/permissions`.
pub(super) fn list(world: &World, _: &Call, id: &str) -> Handled {
    world.read(|state| {
        let file = state.google.files.get(id).ok_or_else(|| no_file(id))?;
        let all: Vec<Value> = file
            .permissions
            .iter()
            .map(|(id, permission)| show(id, permission))
            .collect();
        let body = json!({"kind": "drive#permissionList", "permissions": all});
        Ok(reply::json(StatusCode::OK, &body))
    })
}

fn show(id: &str, permission: &Permission) -> Value {
    let mut shown = json!({
        "kind": "drive#permission",
        "id": id,
        "type": permission.kind,
        "role": permission.role,
    });
    if let Some(email) = &permission.email {
        shown["emailAddress"] = email.as_str().into();
    }
    if let Some(domain) = &permission.domain {
        shown["domain"] = domain.as_str().into();
    }
    if permission.kind != "user" {
        shown["allowFileDiscovery"] = false.into();
    }
    shown
}

/// A number of Google's kind that stands for a receiver.
fn numbered(receiver: &str) -> String {
    let digits: String = opaque(receiver, 0)
        .bytes()
        .take(20)
        .map(|byte| char::from(b'0' + byte % 10))
        .collect();
    format!("1{}", &digits[1..])
}
