//! `google_drive.share_file`: lets somebody see a file, and gives back its link. Sharing with the same
//! receiver again changes nothing, so the action is idempotent by nature.

use serde_json::{Value, json};

use super::api::{self, Api};
use crate::arguments::{invalid, text};
use crate::http::Request;
use crate::{Answer, CallError};

/// Creates the permission and reads the link.
pub(super) async fn call(api: &Api<'_>, args: &Value) -> Result<Answer, CallError> {
    let id = text(args, "file_id").unwrap_or_default();
    let role = text(args, "role").unwrap_or("reader");
    let permission = permission(args, role)?;
    let request = Request::post(&["drive", "v3", "files", id, "permissions"])
        .query("fields", "id,type,role")
        .query("supportsAllDrives", "true");
    // Google mails people about what is shared with them; telling them is the recipe's to do.
    let request = match permission["type"].as_str() {
        Some("user" | "group") => request.query("sendNotificationEmail", "false"),
        _ => request,
    };
    let created = api.json(request.json(permission.clone()).effect()).await?;
    let Some(permission_id) = created["id"].as_str() else {
        return Err(api::unreadable("google answered without the permission's id"));
    };
    Ok(Answer::new(json!({
        "file_id": id,
        "permission_id": permission_id,
        "with": permission["type"],
        "role": role,
        "link": link(api, id).await,
    })))
}

/// Who may see it: one person, everybody of a domain, or whoever has the link.
fn permission(args: &Value, role: &str) -> Result<Value, CallError> {
    match (text(args, "email"), text(args, "domain"), args["anyone"] == true) {
        (Some(email), None, false) => Ok(json!({"type": "user", "role": role, "emailAddress": email})),
        (None, Some(domain), false) => {
            Ok(json!({"type": "domain", "role": role, "domain": domain, "allowFileDiscovery": false}))
        }
        (None, None, true) if role == "writer" => Err(invalid("whoever has a link may not write")),
        (None, None, true) => Ok(json!({"type": "anyone", "role": role, "allowFileDiscovery": false})),
        _ => Err(invalid("say with whom: email, domain, or anyone: true")),
    }
}

/// The file is shared; that its address can't be told must not make it look otherwise.
async fn link(api: &Api<'_>, id: &str) -> Option<String> {
    let request = Request::get(&["drive", "v3", "files", id])
        .query("fields", "webViewLink")
        .query("supportsAllDrives", "true")
        .side();
    match api.json(request).await {
        Ok(file) => file["webViewLink"].as_str().map(str::to_owned),
        Err(error) => {
            tracing::debug!(code = error.failure().code, "no link of a shared file");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_shared_with_exactly_one() {
        for (args, kind) in [
            (json!({"email": "ann@a.example"}), Ok("user")),
            (json!({"domain": "a.example"}), Ok("domain")),
            (json!({"anyone": true}), Ok("anyone")),
            (json!({"anyone": false, "domain": "a.example"}), Ok("domain")),
            (json!({}), Err(())),
            (json!({"email": "ann@a.example", "anyone": true}), Err(())),
        ] {
            let got = permission(&args, "reader").map_err(drop);
            let named = got.map(|got| got["type"].as_str().unwrap_or("").to_owned());
            assert_eq!(named, kind.map(str::to_owned), "{args}");
        }
        assert!(permission(&json!({"anyone": true}), "writer").is_err());
    }
}
