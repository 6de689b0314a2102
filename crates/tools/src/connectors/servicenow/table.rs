//! The Table API: one record or a list, read, created, changed; and a created record found again.

use serde_json::{Map, Value};
use types::Failure;

use crate::http::{Request, Response};
use crate::{CallContext, CallError};

/// A look-up that is answered with this many records has not been filtered.
const LOOK_UP_LIMIT: u32 = 10;

/// Sends to ServiceNow and opens the envelope.
pub(super) async fn send(ctx: &CallContext, request: Request) -> Result<Value, CallError> {
    let effect = request.is_effect();
    let request = request.header("accept", "application/json");
    let accepted = ctx.send(&request).await?.accept(ctx.now(), say);
    let accepted: Response = accepted.inspect_err(|error| {
        if effect && matches!(error, CallError::Failed { .. }) {
            ctx.refused();
        }
    })?;
    let mut body = accepted.json()?;
    match body.get_mut("result") {
        Some(result) => Ok(result.take()),
        None => Err(unreadable("servicenow answered without a result")),
    }
}

/// Records of `table` that fit an encoded query; the caller has checked the values in it.
pub(super) async fn list(
    ctx: &CallContext,
    table: &str,
    query: &str,
    limit: u32,
) -> Result<Vec<Value>, CallError> {
    let request = Request::get(&["api", "now", "table", table])
        .query("sysparm_query", query)
        .query("sysparm_limit", limit.to_string());
    match send(ctx, request).await? {
        Value::Array(records) => Ok(records),
        _ => Err(unreadable("servicenow answered a list request without a list")),
    }
}

/// The record with this number or sys_id.
pub(super) async fn get(ctx: &CallContext, table: &str, reference: &str) -> Result<Value, CallError> {
    check_value(reference)?;
    let field = if is_sys_id(reference) { "sys_id" } else { "number" };
    let found = list(ctx, table, &format!("{field}={reference}"), 2).await?;
    let exact = found
        .into_iter()
        .find(|record| value(record, field) == Some(reference));
    exact.ok_or_else(|| missing(table, reference))
}

/// The sys_id of the record with this number or sys_id.
pub(super) async fn id_of(ctx: &CallContext, table: &str, reference: &str) -> Result<String, CallError> {
    if is_sys_id(reference) {
        return Ok(reference.to_owned());
    }
    let record = get(ctx, table, reference).await?;
    let id =
        value(&record, "sys_id").ok_or_else(|| unreadable("servicenow told a record without its sys_id"))?;
    Ok(id.to_owned())
}

/// Creates a record.
pub(super) async fn create(
    ctx: &CallContext,
    table: &str,
    fields: Map<String, Value>,
) -> Result<Value, CallError> {
    let request = Request::post(&["api", "now", "table", table])
        .json(Value::Object(fields))
        .effect();
    let record = send(ctx, request).await?;
    with_id(record)
}

/// Changes fields of a record.
pub(super) async fn change(
    ctx: &CallContext,
    table: &str,
    id: &str,
    fields: Map<String, Value>,
) -> Result<Value, CallError> {
    let request = Request::patch(&["api", "now", "table", table, id])
        .json(Value::Object(fields))
        .effect();
    with_id(send(ctx, request).await?)
}

/// The record whose `field` holds this call's marker. ServiceNow ignores conditions on fields that it
/// doesn't know, so what comes back is looked at, and an unfiltered answer proves nothing.
pub(super) async fn find_marked(
    ctx: &CallContext,
    table: &str,
    field: &str,
    operator: &str,
) -> Result<Option<Value>, CallError> {
    let marker = ctx.marker();
    let found = list(ctx, table, &format!("{field}{operator}{marker}"), LOOK_UP_LIMIT).await?;
    let holds = |record: &Value| {
        value(record, field).is_some_and(|text| text.split([' ', ',']).any(|word| word == marker))
    };
    match found.iter().position(holds) {
        Some(index) => Ok(found.into_iter().nth(index)),
        None if found.is_empty() => Ok(None),
        None => Err(CallError::unknown(
            Failure::new(
                "look_up_unclear",
                format!("servicenow did not filter {table} by {field}"),
            )
            .hint(format!("let the user read {table}.{field}")),
        )),
    }
}

/// A field's text; a reference is told as `{link, value}`.
pub(super) fn value<'a>(record: &'a Value, field: &str) -> Option<&'a str> {
    let told = &record[field];
    told.as_str()
        .or_else(|| told["value"].as_str())
        .filter(|text| !text.is_empty())
}

/// A field's text as JSON, null if it is empty.
pub(super) fn json_of(record: &Value, field: &str) -> Value {
    value(record, field).map_or(Value::Null, Value::from)
}

/// Copies arguments to fields of the same name.
pub(super) fn copy(args: &Value, names: &[&str], fields: &mut Map<String, Value>) {
    for name in names {
        if let Some(value) = args.get(*name).filter(|value| !value.is_null()) {
            fields.insert((*name).to_owned(), value.clone());
        }
    }
}

/// An address for people: `/{table}.do?sys_id=…` inside ServiceNow's frame.
pub(super) fn record_url(ctx: &CallContext, table: &str, id: &str) -> String {
    let base = ctx
        .endpoint()
        .map(|endpoint| endpoint.base_url.trim_end_matches('/').to_owned())
        .unwrap_or_default();
    format!("{base}/nav_to.do?uri={table}.do%3Fsys_id%3D{id}")
}

/// Refuses a value that would end its condition inside an encoded query.
pub(super) fn check_value(text: &str) -> Result<(), CallError> {
    if text.contains(['^', '\n', '\r']) {
        return Err(crate::arguments::invalid(format!(
            "'{text}' can't be searched for: it holds ^ or a line break"
        )));
    }
    Ok(())
}

fn is_sys_id(text: &str) -> bool {
    text.len() == 32 && text.chars().all(|c| c.is_ascii_hexdigit())
}

fn with_id(record: Value) -> Result<Value, CallError> {
    match value(&record, "sys_id") {
        Some(_) => Ok(record),
        None => Err(unreadable("servicenow answered a success without a sys_id")),
    }
}

fn missing(table: &str, reference: &str) -> CallError {
    CallError::refused(
        Failure::new(
            "record_not_found",
            format!("servicenow has no {table} {reference}"),
        )
        .hint("check the number or sys_id, and that the user may read the record"),
    )
}

fn unreadable(message: &str) -> CallError {
    CallError::unknown(Failure::new("answer_unreadable", message))
}

fn say(body: &Value) -> Option<String> {
    let message = body["error"]["message"].as_str()?;
    Some(match body["error"]["detail"].as_str() {
        Some(detail) if !detail.is_empty() => format!("{message} ({detail})"),
        _ => message.to_owned(),
    })
}
