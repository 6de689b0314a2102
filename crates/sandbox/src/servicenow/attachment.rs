//! The Attachment API: files on records, sent and fetched as raw bytes.

use axum::http::StatusCode;
use serde_json::{Value, json};
use types::Digest;

use super::record::instant;
use super::table::{find, find_table};
use super::{decode, encode, new_sys_id, no_record, ok, refuse};
use crate::call::Call;
use crate::credentials::SERVICENOW_USER;
use crate::reply::{self, Handled};
use crate::state::Attachment;
use crate::world::World;

/// The most bytes of attachments kept, and the most attachments.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
const MAX_ATTACHMENTS: usize = 1_000;
/// The longest file name, in bytes.
const MAX_NAME: usize = 255;

/// `POST /attachment/file?table_name=…&table_sys_id=…&file_name=…` with the bytes as body.
pub(super) fn upload(world: &World, call: &Call) -> Handled {
    let parameter = |name: &str| call.query.get(name).filter(|value| !value.is_empty()).cloned();
    let sent = (
        parameter("table_name"),
        parameter("table_sys_id"),
        parameter("file_name"),
    );
    let (Some(table_name), Some(table_sys_id), Some(file_name)) = sent else {
        let detail = "table_name, table_sys_id and file_name are required";
        return Ok(refuse(
            StatusCode::BAD_REQUEST,
            "Invalid file attachment request",
            Some(detail),
        ));
    };
    if call.body.is_empty() || file_name.len() > MAX_NAME || file_name.contains(['/', '\\', '\0']) {
        return Ok(refuse(
            StatusCode::BAD_REQUEST,
            "Invalid file attachment request",
            Some("no usable file"),
        ));
    }
    let table = find_table(&table_name)?;
    let at = world.now();
    let media_type = call.media_type();
    world.write(|state| {
        find(state, table, &table_sys_id)?;
        let kept = state
            .servicenow
            .attachments
            .values()
            .map(|attachment| attachment.size_bytes)
            .sum::<u64>();
        let size_bytes = call.body.len() as u64;
        if kept + size_bytes > MAX_BYTES || state.servicenow.attachments.len() >= MAX_ATTACHMENTS {
            let detail = "the sandbox keeps no more attachments";
            return Err(refuse(
                StatusCode::PAYLOAD_TOO_LARGE,
                "Attachment too large",
                Some(detail),
            )
            .into());
        }
        let id = new_sys_id(state);
        let content_type = if media_type.is_empty() {
            "application/octet-stream".to_owned()
        } else {
            media_type
        };
        let content = encode(&call.body);
        let attachment = Attachment {
            file_name,
            table_name,
            table_sys_id,
            content_type,
            size_bytes,
            created: at,
            content,
        };
        let shown = show(world, &id, &attachment);
        state.servicenow.attachments.insert(id.clone(), attachment);
        let location = format!("{}/servicenow/api/now/attachment/{id}", world.public_url());
        Ok(reply::with_header(
            ok(StatusCode::CREATED, &shown),
            "location",
            &location,
        ))
    })
}

/// `GET /attachment?sysparm_query=table_sys_id=…^table_name=…`.
pub(super) fn list(world: &World, call: &Call) -> Handled {
    let query = call.query.get("sysparm_query").map_or("", String::as_str);
    let wanted: Vec<(&str, &str)> = query.split('^').filter_map(|part| part.split_once('=')).collect();
    let limit = call.number("sysparm_limit", 1_000, 1, 1_000);
    let offset = call.number("sysparm_offset", 0, 0, MAX_ATTACHMENTS);
    let (total, shown) = world.read(|state| {
        let matching = |attachment: &Attachment| {
            wanted.iter().all(|(field, value)| match *field {
                "table_name" => attachment.table_name == *value,
                "table_sys_id" => attachment.table_sys_id == *value,
                "file_name" => attachment.file_name == *value,
                _ => true,
            })
        };
        let all: Vec<_> = state
            .servicenow
            .attachments
            .iter()
            .filter(|(_, attachment)| matching(attachment))
            .collect();
        let page = all.iter().skip(offset).take(limit);
        let shown: Vec<Value> = page.map(|(id, attachment)| show(world, id, attachment)).collect();
        (all.len(), shown)
    });
    let answer = ok(StatusCode::OK, &Value::Array(shown));
    Ok(reply::with_header(answer, "x-total-count", &total.to_string()))
}

/// `GET /attachment/{sys_id}`: what it is.
pub(super) fn get(world: &World, id: &str) -> Handled {
    world.read(|state| {
        let attachment = state.servicenow.attachments.get(id).ok_or_else(no_record)?;
        Ok(ok(StatusCode::OK, &show(world, id, attachment)))
    })
}

/// `GET /attachment/{sys_id}/file`: its bytes.
pub(super) fn download(world: &World, id: &str) -> Handled {
    world.read(|state| {
        let attachment = state.servicenow.attachments.get(id).ok_or_else(no_record)?;
        let answer = reply::with_body(
            StatusCode::OK,
            &attachment.content_type,
            decode(&attachment.content),
        );
        // What it holds may come from anybody: never shown by a browser in place.
        let answer = reply::with_header(answer, "content-disposition", "attachment");
        Ok(reply::with_header(answer, "x-content-type-options", "nosniff"))
    })
}

/// `DELETE /attachment/{sys_id}`.
pub(super) fn delete(world: &World, id: &str) -> Handled {
    world.write(|state| {
        state.servicenow.attachments.remove(id).ok_or_else(no_record)?;
        Ok(reply::empty(StatusCode::NO_CONTENT))
    })
}

fn show(world: &World, id: &str, attachment: &Attachment) -> Value {
    let at = instant(attachment.created);
    json!({
        "sys_id": id,
        "file_name": attachment.file_name,
        "table_name": attachment.table_name,
        "table_sys_id": attachment.table_sys_id,
        "content_type": attachment.content_type,
        "size_bytes": attachment.size_bytes.to_string(),
        "hash": Digest::of_bytes(&decode(&attachment.content)).as_str(),
        "state": "available",
        "download_link": format!("{}/servicenow/api/now/attachment/{id}/file", world.public_url()),
        "sys_created_on": at,
        "sys_created_by": SERVICENOW_USER,
        "sys_updated_on": at,
        "sys_updated_by": SERVICENOW_USER,
    })
}
