//! `files`: upload, list, get with content, delete.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use types::Timestamp;

use super::multipart::{self, Upload};
use super::state::File;
use super::{bad, chosen, no_file, query, refuse};
use crate::call::Call;
use crate::reply::{self, Handled};
use crate::state::opaque;
use crate::world::World;

/// The most bytes of files kept, and the most files.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
const MAX_FILES: usize = 1_000;
/// The most bytes of a property's name and value together, as Google has it.
const MAX_PROPERTY: usize = 124;
/// The folder of everything that is put nowhere else.
const ROOT: &str = "sandbox-root";
/// What is told of a file unless `fields` says otherwise.
const USUAL: &str = "kind,id,name,mimeType";

/// `POST /upload/drive/v3/files?uploadType=multipart`, or `media` without metadata.
pub(super) fn upload(world: &World, call: &Call) -> Handled {
    let content_type = call.header("content-type").unwrap_or("").to_owned();
    let upload = match call.query.get("uploadType").map(String::as_str) {
        Some("multipart") => multipart::read(&content_type, &call.body),
        Some("media") => Some(Upload {
            metadata: Map::new(),
            content_type,
            content: call.body.to_vec(),
        }),
        _ => {
            return Ok(bad(
                "Invalid upload request: uploadType must be multipart or media",
            ));
        }
    };
    match upload {
        Some(upload) => keep(world, call, upload),
        None => Ok(bad("Malformed multipart body.")),
    }
}

/// `POST /drive/v3/files`: a file without content.
pub(super) fn create(world: &World, call: &Call) -> Handled {
    let Some(metadata) = call.json_object() else {
        return Ok(bad("Parse Error"));
    };
    let upload = Upload {
        metadata,
        content_type: "application/octet-stream".to_owned(),
        content: Vec::new(),
    };
    keep(world, call, upload)
}

/// `GET /drive/v3/files?q=…`.
pub(super) fn list(world: &World, call: &Call) -> Handled {
    let text = call.query.get("q").map_or("", String::as_str);
    let Some(fits) = query::read(text) else {
        return Ok(refuse(StatusCode::BAD_REQUEST, "invalid", "Invalid Value"));
    };
    let size = call.number("pageSize", 100, 1, 1_000);
    let from = call.number("pageToken", 0, 0, MAX_FILES);
    let (files, more): (Vec<Value>, bool) = world.read(|state| {
        let mut found: Vec<_> = state.google.files.iter().filter(|(_, file)| fits(file)).collect();
        found.sort_by_key(|(id, file)| (std::cmp::Reverse(file.created), (*id).clone()));
        let page = found.iter().skip(from).take(size);
        let shown = page
            .map(|(id, file)| listed(call, &show(world, id, file)))
            .collect();
        (shown, found.len() > from + size)
    });
    let mut body = json!({"kind": "drive#fileList", "incompleteSearch": false, "files": files});
    if more {
        body["nextPageToken"] = (from + size).to_string().into();
    }
    Ok(reply::json(StatusCode::OK, &body))
}

/// `GET /drive/v3/files/{id}`, with `alt=media` its content.
pub(super) fn get(world: &World, call: &Call, id: &str) -> Handled {
    world.read(|state| {
        let file = state.google.files.get(id).ok_or_else(|| no_file(id))?;
        if call.query.get("alt").map(String::as_str) == Some("media") {
            let content = STANDARD.decode(&file.content).unwrap_or_default();
            let answer = reply::with_body(StatusCode::OK, &file.mime_type, content);
            // What it holds may come from anybody: never shown by a browser in place.
            let answer = reply::with_header(answer, "content-disposition", "attachment");
            return Ok(reply::with_header(answer, "x-content-type-options", "nosniff"));
        }
        Ok(reply::json(
            StatusCode::OK,
            &chosen(call, &show(world, id, file), USUAL),
        ))
    })
}

/// `DELETE /drive/v3/files/{id}`.
pub(super) fn delete(world: &World, id: &str) -> Handled {
    world.write(|state| {
        state.google.files.remove(id).ok_or_else(|| no_file(id))?;
        Ok(reply::empty(StatusCode::NO_CONTENT))
    })
}

fn keep(world: &World, call: &Call, upload: Upload) -> Handled {
    let now = world.now();
    let Some(file) = file(upload, now) else {
        return Ok(bad("Invalid metadata."));
    };
    world.write(|state| {
        let kept: u64 = state.google.files.values().map(|file| file.size_bytes).sum();
        if kept + file.size_bytes > MAX_BYTES || state.google.files.len() >= MAX_FILES {
            let message = "The user's Drive storage quota has been exceeded.";
            return Err(refuse(StatusCode::FORBIDDEN, "storageQuotaExceeded", message).into());
        }
        let id = format!("1{}", &opaque("google-file", state.next())[..32]);
        let shown = show(world, &id, &file);
        state.google.files.insert(id, file);
        Ok(reply::json(StatusCode::OK, &chosen(call, &shown, USUAL)))
    })
}

/// The file that metadata and content make; `None` if the metadata are of other types than Google's.
fn file(upload: Upload, created: Timestamp) -> Option<File> {
    let metadata = Value::Object(upload.metadata);
    let text = |name: &str| match &metadata[name] {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.clone())),
        _ => None,
    };
    let parents: Option<Vec<String>> = serde_json::from_value(metadata["parents"].clone()).ok()?;
    let properties: Option<BTreeMap<String, String>> =
        serde_json::from_value(metadata["appProperties"].clone()).ok()?;
    let properties = properties.unwrap_or_default();
    if properties
        .iter()
        .any(|(name, value)| name.len() + value.len() > MAX_PROPERTY)
    {
        return None;
    }
    Some(File {
        name: text("name")?.unwrap_or_else(|| "Untitled".to_owned()),
        mime_type: text("mimeType")?.unwrap_or(upload.content_type),
        description: text("description")?,
        parents: parents.unwrap_or_else(|| vec![ROOT.to_owned()]),
        app_properties: properties,
        created,
        size_bytes: upload.content.len() as u64,
        content: STANDARD.encode(&upload.content),
        permissions: BTreeMap::new(),
    })
}

/// Everything that is known of a file, as Google spells it.
fn show(world: &World, id: &str, file: &File) -> Value {
    let at = file.created.to_string();
    let mut shown = json!({
        "kind": "drive#file",
        "id": id,
        "name": file.name,
        "mimeType": file.mime_type,
        "size": file.size_bytes.to_string(),
        "createdTime": at,
        "modifiedTime": at,
        "parents": file.parents,
        "webViewLink": format!("{}/google/file/{id}/view", world.public_url()),
        "trashed": false,
        "shared": !file.permissions.is_empty(),
        "permissionIds": file.permissions.keys().collect::<Vec<_>>(),
    });
    if let Some(description) = &file.description {
        shown["description"] = description.as_str().into();
    }
    if !file.app_properties.is_empty() {
        shown["appProperties"] = json!(file.app_properties);
    }
    shown
}

/// A file in a list: `fields` names its parts in `files(…)`.
fn listed(call: &Call, all: &Value) -> Value {
    let fields = call.query.get("fields").map_or("", String::as_str);
    if fields.trim() == "*" {
        return all.clone();
    }
    let inner = fields
        .split_once("files(")
        .and_then(|(_, rest)| rest.split_once(')'));
    super::named(all, inner.map_or(USUAL, |(names, _)| names))
}
