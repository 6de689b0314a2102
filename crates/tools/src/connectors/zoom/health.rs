//! `zoom.room_health`: what the dashboard says of a room.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use types::Timestamp;

use super::{api::Api, rooms};
use crate::arguments::text;
use crate::http::Request;
use crate::{Answer, CallError};

const METRICS: [&str; 4] = ["cpu_percent", "packet_loss", "jitter_ms", "last_reboot_hours"];

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Reads it.
pub(super) async fn call(api: &Api<'_>, args: &Value) -> Result<Answer, CallError> {
    let id = rooms::id_of(api, text(args, "room_id").unwrap_or_default()).await?;
    let now = api.ctx.now();
    let yesterday = Timestamp::from_millis(now.as_millis() - DAY_MS);
    // Zoom wants a span for the room's past meetings, which nothing here reads.
    let request = Request::get(&["v2", "metrics", "zoomrooms", &id])
        .query("from", day(yesterday).to_string())
        .query("to", day(now).to_string());
    let body = api.json(request).await?;
    let metrics: Map<String, Value> = METRICS
        .iter()
        .filter(|name| body["metrics"][**name].is_number())
        .map(|name| ((*name).to_owned(), body["metrics"][*name].clone()))
        .collect();
    let issues = body["issues"].as_array().cloned().unwrap_or_default();
    Ok(Answer::new(json!({
        "id": id,
        "name": body["room_name"],
        "status": status(&body["status"]),
        "health": body["health"],
        "issues": issues,
        "metrics": metrics,
    })))
}

/// The date in UTC, which Zoom goes by.
fn day(at: Timestamp) -> Date {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    at.to_zoned(TimeZone::UTC).date()
}

/// The dashboard spells states with spaces (`In Meeting`), the list of rooms without; one spelling
/// is enough for recipes.
fn status(value: &Value) -> Value {
    match value.as_str() {
        Some(text) => text.split_whitespace().collect::<String>().into(),
        None => Value::Null,
    }
}
