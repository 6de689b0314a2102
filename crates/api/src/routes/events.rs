//! Changes as server-sent events: the whole feed, and one run's journal. A client that comes back with
//! `Last-Event-ID` misses nothing.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream, StreamExt as _};
use services::{feed, runs};
use types::{Failure, RunId};

use super::id;
use crate::Api;
use crate::http::identity::Caller;
use crate::http::path::Path;
use crate::http::problem::{Answer, Problem, Refusal};
use crate::wire::runs::JournalEntry;

/// How often the store is asked for more.
const EVERY: Duration = Duration::from_millis(250);
/// Changes handed on at once.
const BATCH: u32 = 500;

/// What changed, as server-sent events in the order in which changes became visible.
///
/// Each event's data is `{position, at, noun, id, what}`; its id is the position. Send `Last-Event-ID` to go on after it, without missing any; without it the stream begins now. An event `reset`, at the beginning or in the midst of a stream that is read too slowly, says that what was missed is no longer kept: read everything again.
#[utoipa::path(
    get,
    path = "/events",
    operation_id = "watch_changes",
    tag = "events",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn watch_changes(
    State(api): State<Api>,
    Caller(caller): Caller,
    headers: HeaderMap,
) -> Answer<Response> {
    let seat = api.seat(&caller)?;
    let longest = api.longest_stream;
    let bounds = feed::bounds(&api.services).await?;
    let asked = last_id(&headers)?;
    let missed = asked.is_some_and(|after| after.saturating_add(1) < bounds.oldest || after > bounds.newest);
    let after = asked.filter(|_| !missed).unwrap_or(bounds.newest);
    let first = missed.then(|| reset(bounds.newest));
    let state = (api, after, false, seat);
    let changes = stream::unfold(state, |(api, after, waits, seat)| async move {
        if waits {
            tokio::time::sleep(EVERY).await;
        }
        let (events, last) = changes_after(&api, after).await?;
        let waits = events.len() < BATCH as usize;
        Some((stream::iter(events), (api, last, waits, seat)))
    });
    Ok(sse(stream::iter(first).chain(changes.flatten()), longest))
}

/// A run's journal as server-sent events, from its beginning or after `Last-Event-ID`.
///
/// Each event's id is its position in the journal. An event `end` closes the stream of a run that has ended.
#[utoipa::path(
    get,
    path = "/runs/{run}/events",
    operation_id = "watch_run",
    tag = "runs",
    extensions(("x-role" = json!("viewer")), ("x-scope" = json!("read"))),
    params(("run" = String, Path, description = "The run")),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(crate) async fn watch_run(
    State(api): State<Api>,
    Caller(caller): Caller,
    headers: HeaderMap,
    Path(run): Path<String>,
) -> Answer<Response> {
    let run: RunId = id(&run)?;
    runs::find(&api.services, run).await?;
    let after = last_id(&headers)?.unwrap_or(0);
    let seat = api.seat(&caller)?;
    let longest = api.longest_stream;
    let state = Some((api, after, false, seat));
    let entries = stream::unfold(state, move |state| async move {
        let (api, after, waits, seat) = state?;
        if waits {
            tokio::time::sleep(EVERY).await;
        }
        // The row first: an end that it shows is in the journal that is read after it.
        let ended = kept(runs::find(&api.services, run).await)?.status.is_final();
        let found = kept(runs::journal(&api.services, run, after, BATCH).await)?;
        let last = found.last().map_or(after, |entry| entry.seq);
        let mut events: Vec<Event> = found
            .into_iter()
            .map(|entry| event("journal", &entry.seq.to_string(), &JournalEntry::from(entry)))
            .collect();
        let over = ended && events.is_empty();
        if over {
            events.push(Event::default().event("end").data("{}"));
        }
        let waits = events.is_empty();
        Some((stream::iter(events), (!over).then_some((api, last, waits, seat))))
    });
    Ok(sse(entries.flatten(), longest))
}

/// The next changes, and the last position among them. A client that reads more slowly than old changes are
/// dropped is told so: positions have no gaps, so a first one that isn't the next shows it.
async fn changes_after(api: &Api, after: u64) -> Option<(Vec<Event>, u64)> {
    let found = kept(feed::after(&api.services, after, BATCH).await)?;
    let next = after.saturating_add(1);
    if found.first().is_some_and(|first| first.position != next) {
        let newest = kept(feed::bounds(&api.services).await)?.newest;
        return Some((vec![reset(newest)], newest));
    }
    let last = found.last().map_or(after, |change| change.position);
    let events = found
        .iter()
        .map(|change| event("change", &change.position.to_string(), change));
    Some((events.collect(), last))
}

/// Says that changes were missed; the stream goes on after `newest`.
fn reset(newest: u64) -> Event {
    Event::default().event("reset").id(newest.to_string()).data("{}")
}

/// What was read. If the store can't be, the stream ends: the client comes back with what it has seen last,
/// and is told by the answer what is wrong.
fn kept<T>(read: Result<T, Failure>) -> Option<T> {
    read.inspect_err(|failure| tracing::warn!(%failure, "a stream of changes ends"))
        .ok()
}

fn event(kind: &str, id: &str, data: &impl serde::Serialize) -> Event {
    let text = serde_json::to_string(data).unwrap_or_default();
    Event::default().event(kind).id(id).data(text)
}

/// After `longest` a stream ends, however much there is to tell, and the client comes back: who may look
/// is then asked again.
fn sse(events: impl Stream<Item = Event> + Send + 'static, longest: Duration) -> Response {
    let events = events
        .take_until(tokio::time::sleep(longest))
        .map(Ok::<_, Infallible>);
    let mut answer = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
        .into_response();
    // Proxies that gather answers would hold events back.
    let headers = answer.headers_mut();
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn last_id(headers: &HeaderMap) -> Answer<Option<u64>> {
    let Some(sent) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let number = sent.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| {
        Refusal::new(
            "cursor_invalid",
            "Last-Event-ID is not a position that this stream gave",
        )
    })
}
