//! The built-in calendar. Events lie in the desk of the store, which alone decides whether a time is
//! free; a call's key books, moves or cancels once.

mod spans;
mod times;

use std::sync::Arc;

use async_trait::async_trait;
use ports::{Booking, CalendarEvent, DeskStore, EventFilter, EventMove, StoreError};
use serde_json::{Value, json};
use types::{Artifact, ArtifactKind, EventId, EventStatus, Failure, Timestamp, ToolSpec};

use self::times::Zone;
use crate::arguments::{invalid, text};
use crate::connector::unknown_action;
use crate::{Answer, CallContext, CallError, Connector, load};

/// How far ahead `list_events` looks if it isn't told, in milliseconds.
const AHEAD_MS: u64 = 31 * times::DAY_MS;

/// The connector.
pub(crate) struct Calendar {
    desk: Arc<dyn DeskStore>,
}

impl Calendar {
    /// The calendar in `desk`.
    pub(crate) fn new(desk: Arc<dyn DeskStore>) -> Self {
        Self { desk }
    }
}

/// The tool's specification.
pub(crate) fn spec() -> ToolSpec {
    load::embedded(include_str!("spec.json"))
}

#[async_trait]
impl Connector for Calendar {
    fn spec(&self) -> ToolSpec {
        spec()
    }

    fn remote(&self) -> bool {
        false
    }

    async fn call(&self, ctx: &CallContext, action: &str, args: &Value) -> Result<Answer, CallError> {
        match action {
            "create_event" | "reschedule_event" | "cancel_event" => {
                // What was done stays done, even where the same wish would be refused by now.
                let done = self.desk.event_of_call(ctx.tenant, ctx.mode, &ctx.key).await;
                if let Some(event) = done.map_err(failed)? {
                    return Ok(answer(&event));
                }
                match action {
                    "create_event" => self.create(ctx, args).await,
                    "reschedule_event" => self.reschedule(ctx, args).await,
                    _ => self.cancel(ctx, args).await,
                }
            }
            "check_availability" => spans::check(self.desk.as_ref(), ctx, args).await,
            "list_events" => self.list(ctx, args).await,
            other => Err(unknown_action(other)),
        }
    }

    async fn health(&self, ctx: &CallContext) -> Result<String, CallError> {
        let filter = EventFilter {
            mode: ctx.mode,
            calendar: None,
            from: ctx.now(),
            to: ctx.now() + times::DAY_MS,
            cancelled: false,
            limit: 1,
        };
        self.desk.events(ctx.tenant, filter).await.map_err(failed)?;
        Ok("built in; the calendar can be read".to_owned())
    }
}

impl Calendar {
    async fn create(&self, ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
        let zone = Zone::of(args, "UTC")?;
        let (starts_at, ends_at) = times::span(ctx.now(), args, None)?;
        let attendees = args["attendees"].as_array().into_iter().flatten();
        let word = |name: &str| text(args, name).unwrap_or_default().trim().to_owned();
        let event = CalendarEvent {
            id: EventId::derive(ctx.now(), &[&ctx.key]),
            mode: ctx.mode,
            calendar: word("calendar"),
            title: word("title"),
            description: word("description"),
            organizer: word("organizer"),
            attendees: attendees.filter_map(Value::as_str).map(str::to_owned).collect(),
            starts_at,
            ends_at,
            zone: zone.name().to_owned(),
            status: EventStatus::Confirmed,
            created_at: ctx.now(),
            updated_at: ctx.now(),
        };
        let calendar = event.calendar.clone();
        ctx.begin_effect()?;
        let booked = self.desk.book(ctx.tenant, event, &ctx.key).await;
        kept(booked.map_err(failed)?, &calendar, &zone)
    }

    async fn reschedule(&self, ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
        let event = self.find(ctx, args).await?;
        if event.status == EventStatus::Cancelled {
            return Err(CallError::refused(
                Failure::new("event_cancelled", format!("{} is cancelled", event.id))
                    .hint("create a new event instead"),
            ));
        }
        let zone = Zone::of(args, &event.zone)?;
        let length = event.ends_at.since(event.starts_at);
        let (starts_at, ends_at) = times::span(ctx.now(), args, Some(length))?;
        let to = EventMove {
            mode: ctx.mode,
            event: event.id,
            starts_at,
            ends_at,
            zone: Some(zone.name().to_owned()),
            at: ctx.now(),
        };
        ctx.begin_effect()?;
        let moved = self.desk.move_event(ctx.tenant, to, &ctx.key).await;
        kept(moved.map_err(failed)?, &event.calendar, &zone)
    }

    async fn cancel(&self, ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
        let event = self.find(ctx, args).await?.id;
        ctx.begin_effect()?;
        let done = self
            .desk
            .cancel_event(ctx.tenant, ctx.mode, event, ctx.now(), &ctx.key);
        Ok(answer(&done.await.map_err(failed)?))
    }

    async fn find(&self, ctx: &CallContext, args: &Value) -> Result<CalendarEvent, CallError> {
        let id = text(args, "event").unwrap_or_default();
        let event: EventId = id.parse().map_err(|error| invalid(format!("event: {error}")))?;
        self.desk.event(ctx.tenant, ctx.mode, event).await.map_err(failed)
    }

    async fn list(&self, ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
        let from = times::instant(args, "from")?.unwrap_or(ctx.now());
        let filter = EventFilter {
            mode: ctx.mode,
            calendar: text(args, "calendar").map(str::to_owned),
            from,
            to: times::instant(args, "to")?.unwrap_or(from + AHEAD_MS),
            cancelled: args["include_cancelled"].as_bool().unwrap_or(false),
            limit: args["limit"]
                .as_u64()
                .and_then(|limit| u32::try_from(limit).ok())
                .unwrap_or(50),
        };
        let events = self.desk.events(ctx.tenant, filter).await.map_err(failed)?;
        let events: Vec<Value> = events.iter().map(output).collect();
        Ok(Answer::new(json!({ "events": events })))
    }
}

/// The event that stands, or a refusal that says what stands in its place.
fn kept(booking: Booking, calendar: &str, zone: &Zone) -> Result<Answer, CallError> {
    match booking {
        Booking::Kept(event) => Ok(answer(&event)),
        Booking::Taken(by) => {
            let times: Vec<String> = by
                .iter()
                .map(|event| format!("{} to {}", zone.local(event.starts_at), zone.local(event.ends_at)))
                .collect();
            let message = format!("{calendar} is taken: {}", times.join(", "));
            Err(CallError::refused(Failure::new("calendar_taken", message).hint(
                "`calendar_scheduler.check_availability` tells when it is free",
            )))
        }
    }
}

fn answer(event: &CalendarEvent) -> Answer {
    let artifact = Artifact {
        kind: ArtifactKind::Event,
        external_id: event.id.to_string(),
        url: None,
        data: json!({ "calendar": event.calendar, "start": stamp(event.starts_at), "end": stamp(event.ends_at) }),
    };
    Answer::new(output(event)).with(artifact)
}

fn output(event: &CalendarEvent) -> Value {
    let zone = Zone::known(&event.zone);
    json!({
        "id": event.id.to_string(),
        "calendar": event.calendar,
        "title": event.title,
        "description": event.description,
        "organizer": event.organizer,
        "attendees": event.attendees,
        "start": stamp(event.starts_at),
        "end": stamp(event.ends_at),
        "minutes": event.ends_at.since(event.starts_at) / times::MINUTE_MS,
        "start_local": zone.local(event.starts_at),
        "end_local": zone.local(event.ends_at),
        "zone": event.zone,
        "status": event.status.as_str(),
    })
}

fn stamp(at: Timestamp) -> String {
    at.to_string()
}

/// What the store says: a thing that isn't there can't be acted on; all else may pass.
fn failed(error: StoreError) -> CallError {
    match error {
        StoreError::NotFound { what, name } => CallError::refused(
            Failure::new("record_not_found", format!("there is no {what} {name}"))
                .hint("mock and real are kept apart; `calendar_scheduler.list_events` shows what there is"),
        ),
        StoreError::Conflict { message } => {
            CallError::refused(Failure::new("event_cancelled", message).hint("create a new event instead"))
        }
        other => CallError::retryable(other.into()),
    }
}
