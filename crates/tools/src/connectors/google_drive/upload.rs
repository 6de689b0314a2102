//! `google_drive.upload_file`: metadata and content in one `multipart/related` request, with the
//! call's marker in the file's `appProperties`, which only this client sees.

use serde_json::{Value, json};
use types::{Artifact, ArtifactKind, Digest, Failure};

use super::api::{self, Api};
use crate::arguments::{self, text};
use crate::http::{Body, Request};
use crate::{Answer, CallError};

/// The property that holds the marker.
const PROPERTY: &str = "agentops";
/// The largest file, in bytes. Google takes 5 MB in one request.
const MOST_BYTES: usize = 1_000_000;

/// Uploads the file.
pub(super) async fn call(api: &Api<'_>, args: &Value) -> Result<Answer, CallError> {
    let (bytes, usual_type) = content(args)?;
    let media_type = text(args, "mime_type").unwrap_or(usual_type);
    let mut metadata = json!({
        "name": args["name"],
        "mimeType": media_type,
        "appProperties": {PROPERTY: api.ctx.marker()},
    });
    if let Some(folder) = text(args, "folder_id") {
        metadata["parents"] = json!([folder]);
    }
    if let Some(description) = text(args, "description") {
        metadata["description"] = description.into();
    }
    let request = Request::post(&["upload", "drive", "v3", "files"])
        .query("uploadType", "multipart")
        .query("fields", api::FIELDS)
        .query("supportsAllDrives", "true")
        .body(related(&metadata, media_type, &bytes))
        .effect();
    answer(&api.json(request).await?)
}

/// Looks for the file with this call's marker.
pub(super) async fn look_up(api: &Api<'_>) -> Result<Option<Answer>, CallError> {
    let marker = api.ctx.marker();
    let query = format!(
        "appProperties has {{ key='{PROPERTY}' and value={} }} and trashed = false",
        api::quoted(&marker)
    );
    let found = api.list(&query, 10).await?;
    let ours = |file: &&Value| file["appProperties"][PROPERTY] == marker.as_str();
    match found.iter().find(ours) {
        Some(file) => answer(file).map(Some),
        None if found.is_empty() => Ok(None),
        None => Err(CallError::unknown(Failure::new(
            "look_up_unclear",
            "google did not filter files by their properties",
        ))),
    }
}

fn answer(file: &Value) -> Result<Answer, CallError> {
    let shown = api::shown(file)?;
    let artifact = Artifact {
        kind: ArtifactKind::File,
        external_id: shown["file_id"].as_str().unwrap_or_default().to_owned(),
        url: shown["link"].as_str().map(str::to_owned),
        data: json!({"name": shown["name"]}),
    };
    Ok(Answer::new(shown).with(artifact))
}

/// The content, and the type that it has unless the call says another.
fn content(args: &Value) -> Result<(Vec<u8>, &'static str), CallError> {
    let usual = match text(args, "content") {
        Some(_) => "text/plain",
        None => "application/octet-stream",
    };
    Ok((arguments::content(args, MOST_BYTES)?, usual))
}

/// Two parts (RFC 2387): the metadata as JSON, then the content.
fn related(metadata: &Value, media_type: &str, content: &[u8]) -> Body {
    let boundary = boundary(content);
    let head = format!(
        "--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{metadata}\r\n\
         --{boundary}\r\nContent-Type: {media_type}\r\n\r\n"
    );
    let bytes = [
        head.as_bytes(),
        content,
        format!("\r\n--{boundary}--\r\n").as_bytes(),
    ]
    .concat();
    Body::Bytes {
        content_type: format!("multipart/related; boundary={boundary}"),
        bytes,
    }
}

/// A line that doesn't occur in the content: it follows from its digest, which nobody can choose so
/// that the content holds it.
fn boundary(content: &[u8]) -> String {
    let digest = Digest::of_bytes(content);
    format!("agentops-{}", &digest.as_str()[..32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_and_content_are_two_parts() {
        let Body::Bytes { content_type, bytes } =
            related(&json!({"name": "a"}), "text/plain", b"hello\r\n--x")
        else {
            panic!("bytes")
        };
        let boundary = content_type
            .strip_prefix("multipart/related; boundary=")
            .expect("a boundary");
        let expected = format!(
            "--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{{\"name\":\"a\"}}\r\n\
             --{boundary}\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x\r\n--{boundary}--\r\n"
        );
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    }

    #[test]
    fn either_kind_of_content_is_taken() {
        assert_eq!(
            content(&json!({"content": "é"})).map(|(bytes, _)| bytes),
            Ok("é".as_bytes().to_vec())
        );
        assert_eq!(
            content(&json!({"content_base64": "AP8="})).map(|(bytes, _)| bytes),
            Ok(vec![0, 255])
        );
        for bad in [
            json!({}),
            json!({"content": "a", "content_base64": "AP8="}),
            json!({"content_base64": "?"}),
        ] {
            assert_eq!(
                content(&bad).map_err(|error| error.failure().code.clone()),
                Err("arguments_invalid".into())
            );
        }
    }
}
