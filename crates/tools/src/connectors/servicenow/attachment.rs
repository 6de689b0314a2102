//! `servicenow.attach_file`. The Attachment API keeps no field of ours, so a mark of the call's key
//! stands in the stored name, before its extension.

use serde_json::{Value, json};
use types::{Artifact, ArtifactKind, Digest, Failure};

use super::table;
use crate::arguments::{content, invalid, text};
use crate::http::{Body, Request};
use crate::{Answer, CallContext, CallError};

/// The largest file, in bytes.
const MOST_BYTES: usize = 1_000_000;
/// Hexadecimal digits of the mark.
const MARK: usize = 12;

/// Uploads the file.
pub(super) async fn create(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let bytes = bytes(args)?;
    let (table_name, record) = target(args);
    let request = Request::post(&["api", "now", "attachment", "file"])
        .query("table_name", table_name)
        .query("table_sys_id", record)
        .query("file_name", stored_name(ctx, args))
        .body(Body::Bytes {
            content_type: text(args, "content_type")
                .unwrap_or("application/octet-stream")
                .to_owned(),
            bytes,
        })
        .effect();
    let uploaded = table::send(ctx, request).await?;
    answer(args, &uploaded).ok_or_else(|| {
        CallError::unknown(Failure::new(
            "answer_unreadable",
            "servicenow answered a success without a sys_id",
        ))
    })
}

/// Looks for the record's attachment with this call's mark in its name.
pub(super) async fn look_up(ctx: &CallContext, args: &Value) -> Result<Option<Answer>, CallError> {
    let (_, record) = target(args);
    let name = stored_name(ctx, args);
    table::check_value(&name)?;
    let request = Request::get(&["api", "now", "attachment"])
        .query("sysparm_query", format!("table_sys_id={record}^file_name={name}"))
        .query("sysparm_limit", "10");
    let Value::Array(found) = table::send(ctx, request).await? else {
        return Err(CallError::unknown(Failure::new(
            "answer_unreadable",
            "servicenow answered without a list",
        )));
    };
    let ours = |attachment: &&Value| table::value(attachment, "file_name") == Some(name.as_str());
    match found.iter().find(ours) {
        Some(attachment) => Ok(answer(args, attachment)),
        None if found.is_empty() => Ok(None),
        None => Err(CallError::unknown(Failure::new(
            "look_up_unclear",
            "servicenow did not filter attachments by their name",
        ))),
    }
}

fn target(args: &Value) -> (&str, &str) {
    (
        text(args, "table").unwrap_or("kb_knowledge"),
        text(args, "sys_id").unwrap_or_default(),
    )
}

fn bytes(args: &Value) -> Result<Vec<u8>, CallError> {
    let bytes = content(args, MOST_BYTES)?;
    match bytes.is_empty() {
        true => Err(invalid("an empty file can't be attached")),
        false => Ok(bytes),
    }
}

fn stored_name(ctx: &CallContext, args: &Value) -> String {
    marked_name(text(args, "file_name").unwrap_or("file"), &ctx.key)
}

fn marked_name(name: &str, key: &str) -> String {
    let digest = Digest::of_bytes(key.as_bytes());
    let mark = &digest.as_str()[..MARK];
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem}-{mark}.{extension}"),
        _ => format!("{name}-{mark}"),
    }
}

fn answer(args: &Value, attachment: &Value) -> Option<Answer> {
    let (table_name, record) = target(args);
    let id = table::value(attachment, "sys_id")?.to_owned();
    let name = table::json_of(attachment, "file_name");
    let url = table::value(attachment, "download_link").map(str::to_owned);
    let size = match &attachment["size_bytes"] {
        Value::String(digits) => digits.parse::<u64>().ok(),
        other => other.as_u64(),
    };
    let output = json!({
        "sys_id": id,
        "file_name": name,
        "table": table_name,
        "record": record,
        "size_bytes": size,
        "url": url,
    });
    let artifact = Artifact {
        kind: ArtifactKind::File,
        external_id: id,
        url,
        data: json!({ "file_name": name }),
    };
    Some(Answer::new(output).with(artifact))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_name_keeps_its_extension() {
        let name = marked_name("photo.of.rack.jpg", "key");
        assert!(
            name.starts_with("photo.of.rack-") && name.ends_with(".jpg"),
            "{name}"
        );
        assert_ne!(name, marked_name("photo.of.rack.jpg", "other"));
        assert!(marked_name(".profile", "key").starts_with(".profile-"));
    }

    #[test]
    fn content_comes_one_way() {
        let code = |args| bytes(&args).map_err(|error| error.failure().code.clone());
        assert_eq!(code(json!({"content": "hi"})), Ok(b"hi".to_vec()));
        assert_eq!(code(json!({"content_base64": "aGk="})), Ok(b"hi".to_vec()));
        for bad in [
            json!({}),
            json!({"content": "a", "content_base64": "aGk="}),
            json!({"content": ""}),
            json!({"content_base64": "?"}),
        ] {
            assert_eq!(code(bad.clone()), Err("arguments_invalid".into()), "{bad}");
        }
    }
}
