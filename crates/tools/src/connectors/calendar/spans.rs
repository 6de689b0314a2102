//! `calendar_scheduler.check_availability`: what is taken in a span, and what lies between.

use ports::{CalendarEvent, DESK_PAGE, DeskStore, EventFilter};
use serde_json::{Value, json};
use types::{Millis, Timestamp};

use super::times::{self, Zone};
use super::{failed, stamp};
use crate::arguments::{invalid, text};
use crate::{Answer, CallContext, CallError};

/// The longest span that is looked at.
const LONGEST_MS: Millis = 62 * times::DAY_MS;
/// The shortest free time told if nothing is asked for.
const SHORTEST_MINUTES: u64 = 30;

/// Looks.
pub(super) async fn check(
    desk: &dyn DeskStore,
    ctx: &CallContext,
    args: &Value,
) -> Result<Answer, CallError> {
    let zone = Zone::of(args, "UTC")?;
    let from = times::instant(args, "from")?.ok_or_else(|| invalid("give from"))?;
    let to = times::instant(args, "to")?.ok_or_else(|| invalid("give to"))?;
    if to <= from || to.since(from) > LONGEST_MS {
        return Err(invalid(
            "the span ends after it begins and is at most 62 days long",
        ));
    }
    let filter = EventFilter {
        mode: ctx.mode,
        calendar: text(args, "calendar").map(str::to_owned),
        from,
        to,
        cancelled: false,
        limit: DESK_PAGE,
    };
    let busy = desk.events(ctx.tenant, filter).await.map_err(failed)?;
    if busy.len() as u64 >= u64::from(DESK_PAGE) {
        return Err(invalid(format!(
            "there are {DESK_PAGE} events or more in this span: ask for a shorter one"
        )));
    }
    let shortest = args["minutes"].as_u64().unwrap_or(SHORTEST_MINUTES) * times::MINUTE_MS;
    let time = |from: Timestamp, to: Timestamp| {
        json!({
            "start": stamp(from),
            "end": stamp(to),
            "minutes": to.since(from) / times::MINUTE_MS,
            "start_local": zone.local(from),
            "end_local": zone.local(to),
        })
    };
    let free: Vec<Value> = gaps(from, to, &busy)
        .into_iter()
        .filter(|(from, to)| to.since(*from) >= shortest)
        .map(|(from, to)| time(from, to))
        .collect();
    let told: Vec<Value> = busy
        .iter()
        .map(|event| {
            let mut entry = time(event.starts_at, event.ends_at);
            entry["event"] = event.id.to_string().into();
            entry["title"] = event.title.clone().into();
            entry
        })
        .collect();
    Ok(Answer::new(json!({
        "available": busy.is_empty(),
        "free": free,
        "busy": told,
        "zone": zone.name(),
    })))
}

/// What events leave free between two instants; they are in the order of their starts.
fn gaps(from: Timestamp, to: Timestamp, busy: &[CalendarEvent]) -> Vec<(Timestamp, Timestamp)> {
    let mut gaps = Vec::new();
    let mut free_from = from;
    for event in busy {
        if event.starts_at > free_from {
            gaps.push((free_from, event.starts_at));
        }
        free_from = free_from.max(event.ends_at);
    }
    if free_from < to {
        gaps.push((free_from, to));
    }
    gaps
}
