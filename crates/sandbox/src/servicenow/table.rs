//! The Table API: list, get, create, change, delete.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::query::Query;
use super::record::{Stamp, class, insert, texts, write};
use super::schema::Table;
use super::view::View;
use super::{new_sys_id, no_record, ok, refuse};
use crate::call::Call;
use crate::credentials::SERVICENOW_USER;
use crate::reply::{self, Fail, Handled};
use crate::state::{Record, State};
use crate::world::World;

/// The most records kept, over all tables.
const MAX_RECORDS: usize = 10_000;
/// Entries in a list, unless asked otherwise, and at most.
const LIMIT: usize = 10_000;
/// `GET /table/{table}`.
pub(super) fn list(world: &World, call: &Call, name: &str) -> Handled {
    let table = find_table(name)?;
    let query = Query::read(call.query.get("sysparm_query").map_or("", String::as_str), table);
    // A plain parameter named like a field is a condition too.
    let plain: Vec<(&String, &String)> = call.query.iter().filter(|(name, _)| table.has(name)).collect();
    let limit = call.number("sysparm_limit", LIMIT, 1, LIMIT);
    let offset = call.number("sysparm_offset", 0, 0, MAX_RECORDS);
    let view = View::of(call);
    let base = base(world);
    let (total, shown) = world.read(|state| {
        let mut found: Vec<&Record> = state
            .servicenow
            .records
            .values()
            .filter(|record| class(record).is_some_and(|class| class.is_a(table.name)))
            .filter(|record| {
                plain
                    .iter()
                    .all(|(name, value)| record.get(*name) == Some(*value))
            })
            .filter(|record| query.matches(record))
            .collect();
        found.sort_by(|left, right| left.get("number").cmp(&right.get("number")));
        query.sort(&mut found);
        let page = found.iter().skip(offset).take(limit);
        let shown: Vec<Value> = page
            .map(|record| view.show(state, table, record, &base))
            .collect();
        (found.len(), shown)
    });
    let answer = ok(StatusCode::OK, &Value::Array(shown));
    let answer = reply::with_header(answer, "x-total-count", &total.to_string());
    Ok(match links(call, &base, name, offset, limit, total) {
        Some(links) => reply::with_header(answer, "link", &links),
        None => answer,
    })
}

/// `GET /table/{table}/{sys_id}`.
pub(super) fn get(world: &World, call: &Call, name: &str, id: &str) -> Handled {
    let table = find_table(name)?;
    let view = View::of(call);
    let base = base(world);
    world.read(|state| {
        let record = find(state, table, id)?;
        Ok(ok(StatusCode::OK, &view.show(state, table, record, &base)))
    })
}

/// `POST /table/{table}`.
pub(super) fn create(world: &World, call: &Call, name: &str) -> Handled {
    let table = writable(name)?;
    let sent = object(call)?;
    let view = View::of(call);
    let base = base(world);
    let stamp = Stamp {
        at: world.now(),
        by: SERVICENOW_USER,
    };
    world.write(|state| {
        if state.servicenow.records.len() >= MAX_RECORDS {
            let say = format!("the sandbox keeps {MAX_RECORDS} records");
            return Err(refuse(StatusCode::INSUFFICIENT_STORAGE, "Insert failed", Some(&say)).into());
        }
        let fields = texts(state, table, &sent);
        let id = new_sys_id(state);
        insert(state, table.name, id.clone(), fields, &stamp);
        let record = find(state, table, &id)?;
        let shown = view.show(state, table, record, &base);
        let location = format!("{base}/api/now/table/{name}/{id}");
        Ok(reply::with_header(
            ok(StatusCode::CREATED, &shown),
            "location",
            &location,
        ))
    })
}

/// `PATCH` and `PUT /table/{table}/{sys_id}`; both change only what is sent.
pub(super) fn update(world: &World, call: &Call, name: &str, id: &str) -> Handled {
    let table = writable(name)?;
    let sent = object(call)?;
    let view = View::of(call);
    let base = base(world);
    let stamp = Stamp {
        at: world.now(),
        by: SERVICENOW_USER,
    };
    world.write(|state| {
        let class = class(find(state, table, id)?).unwrap_or(table);
        let fields = texts(state, class, &sent);
        let record = state.servicenow.records.get_mut(id).ok_or_else(no_record)?;
        let count = record
            .get("sys_mod_count")
            .and_then(|count| count.parse::<u32>().ok())
            .unwrap_or(0);
        record.insert("sys_mod_count".to_owned(), count.saturating_add(1).to_string());
        write(class, record, fields, &stamp);
        let record = find(state, table, id)?;
        Ok(ok(StatusCode::OK, &view.show(state, table, record, &base)))
    })
}

/// `DELETE /table/{table}/{sys_id}`.
pub(super) fn delete(world: &World, name: &str, id: &str) -> Handled {
    let table = writable(name)?;
    world.write(|state| {
        find(state, table, id)?;
        state.servicenow.records.remove(id);
        state
            .servicenow
            .attachments
            .retain(|_, attachment| attachment.table_sys_id != id);
        Ok(reply::empty(StatusCode::NO_CONTENT))
    })
}

/// The record, if it is in the table or in one that extends it.
pub(super) fn find<'a>(state: &'a State, table: &Table, id: &str) -> Result<&'a Record, Fail> {
    let record = state.servicenow.records.get(id);
    let inside = record.filter(|record| class(record).is_some_and(|class| class.is_a(table.name)));
    inside.ok_or_else(no_record)
}

/// The table of that name, or 400.
pub(super) fn find_table(name: &str) -> Result<&'static Table, Fail> {
    let refusal = || refuse(StatusCode::BAD_REQUEST, &format!("Invalid table {name}"), None).into();
    Table::find(name).ok_or_else(refusal)
}

fn writable(name: &str) -> Result<&'static Table, Fail> {
    let table = find_table(name)?;
    if table.writable {
        return Ok(table);
    }
    let detail = "Failed API level ACL Validation";
    Err(refuse(StatusCode::FORBIDDEN, "User Not Authorized", Some(detail)).into())
}

fn object(call: &Call) -> Result<Map<String, Value>, Fail> {
    if call.media_type() != "application/json" {
        let detail = format!("{} is not supported, use application/json", call.media_type());
        return Err(refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Unsupported media type",
            Some(&detail),
        )
        .into());
    }
    let detail = "The payload is not valid JSON.";
    let refusal = || {
        refuse(
            StatusCode::BAD_REQUEST,
            "Exception while reading request",
            Some(detail),
        )
        .into()
    };
    call.json_object().ok_or_else(refusal)
}

fn base(world: &World) -> String {
    format!("{}/servicenow", world.public_url())
}

/// The `Link` header of a list that has more pages.
fn links(call: &Call, base: &str, table: &str, offset: usize, limit: usize, total: usize) -> Option<String> {
    if total <= limit {
        return None;
    }
    let kept: String = call
        .query
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "sysparm_offset" | "sysparm_limit"))
        .map(|(name, value)| format!("&{}={}", escape(name), escape(value)))
        .collect();
    let link = |offset: usize, rel: &str| {
        format!(
            "<{base}/api/now/table/{table}?sysparm_limit={limit}&sysparm_offset={offset}{kept}>;rel=\"{rel}\""
        )
    };
    let mut all = vec![link(0, "first")];
    if offset > 0 {
        all.push(link(offset.saturating_sub(limit), "prev"));
    }
    if offset + limit < total {
        all.push(link(offset + limit, "next"));
    }
    all.push(link((total - 1) / limit * limit, "last"));
    Some(all.join(","))
}

fn escape(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes()
        .map(|byte| {
            if keep(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
