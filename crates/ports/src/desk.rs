//! The desk: what AgentOps keeps by itself for the tools `calendar_scheduler` and
//! `incident_ticketing`. Mock and real are kept apart, so that a rehearsal never blocks a real room.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use types::{EventId, EventStatus, Mode, TenantId, TicketId, TicketStatus, Timestamp, Urgency};

use crate::StoreError;

/// The most events that a refused booking names.
pub const CLASHES: u32 = 10;
/// The most records that one list holds.
pub const DESK_PAGE: u32 = 1_000;
/// The newest comments that a ticket is read with.
pub const COMMENTS: u32 = 100;

/// An event on a calendar. A calendar is whatever can be in use once at a time: a room, a person, a
/// device. It exists as soon as an event names it; its name is compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarEvent {
    /// Its id.
    pub id: EventId,
    /// Mock or real.
    pub mode: Mode,
    /// The calendar.
    pub calendar: String,
    /// What it is about.
    pub title: String,
    /// More about it.
    pub description: String,
    /// Who called it.
    pub organizer: String,
    /// Who takes part.
    pub attendees: Vec<String>,
    /// Its first instant.
    pub starts_at: Timestamp,
    /// The first instant after it; later than `starts_at`.
    pub ends_at: Timestamp,
    /// The IANA name of the time zone in which people read it; it changes nothing about when it is.
    pub zone: String,
    /// Whether it stands.
    pub status: EventStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
}

/// What a wish for time on a calendar came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Booking {
    /// The event stands as told.
    Kept(CalendarEvent),
    /// The time is taken by these events, earliest first, at most [`CLASHES`]; nothing has changed.
    Taken(Vec<CalendarEvent>),
}

/// Another time for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMove {
    /// Mock or real.
    pub mode: Mode,
    /// Which event.
    pub event: EventId,
    /// Its new first instant.
    pub starts_at: Timestamp,
    /// The first instant after it.
    pub ends_at: Timestamp,
    /// Another zone to show it in; none keeps the zone.
    pub zone: Option<String>,
    /// When it is changed.
    pub at: Timestamp,
}

/// Which events to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFilter {
    /// Mock or real.
    pub mode: Mode,
    /// One calendar; none is all of them.
    pub calendar: Option<String>,
    /// Events that end after this instant.
    pub from: Timestamp,
    /// Events that start before this instant.
    pub to: Timestamp,
    /// Whether cancelled events are listed too.
    pub cancelled: bool,
    /// At most so many, and never more than [`DESK_PAGE`].
    pub limit: u32,
}

/// Something that somebody has to see to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// Mock or real.
    pub mode: Mode,
    /// Counted from 1 for each tenant, mock and real apart; given by the store.
    pub number: u64,
    /// What is wrong, in a line.
    pub title: String,
    /// More about it.
    pub description: String,
    /// How soon it must be seen to.
    pub urgency: Urgency,
    /// What it belongs to, such as `audio`; may be empty.
    pub category: String,
    /// Who sees to it; empty is nobody yet.
    pub assignee: String,
    /// How far it is.
    pub status: TicketStatus,
    /// What helped; empty until it is resolved.
    pub resolution: String,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was changed or commented on.
    pub updated_at: Timestamp,
    /// When it was resolved, if it is.
    pub resolved_at: Option<Timestamp>,
    /// Comments, oldest first: the newest [`COMMENTS`] where one ticket is read, none in lists.
    pub comments: Vec<TicketComment>,
}

/// A remark on a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketComment {
    /// Who made it.
    pub author: String,
    /// What it says.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// What to change about a ticket; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketChange {
    /// Another title.
    pub title: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Another urgency.
    pub urgency: Option<Urgency>,
    /// Another category.
    pub category: Option<String>,
    /// Another person.
    pub assignee: Option<String>,
    /// How far it is now. Anything but resolved or closed forgets the resolution.
    pub status: Option<TicketStatus>,
    /// What helped.
    pub resolution: Option<String>,
    /// A comment to add: its author and its text.
    pub comment: Option<(String, String)>,
}

/// Which tickets to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketFilter {
    /// Mock or real.
    pub mode: Mode,
    /// Words that the title or the description holds, without regard to the case of ASCII letters.
    pub text: Option<String>,
    /// Only those that aren't resolved or closed.
    pub open_only: bool,
    /// At most so many, newest first, and never more than [`DESK_PAGE`].
    pub limit: u32,
}

/// Calendars and tickets. Every change takes the key of the call that asks for it. A key does one
/// thing once: the same key again changes nothing and gives the thing as it is by then.
#[async_trait]
pub trait DeskStore: Send + Sync + 'static {
    /// Books an event, unless one that stands on the same calendar overlaps it. Times are half open:
    /// an event may start at the instant at which another one ends. Of bookings at the same time that
    /// overlap, one is kept.
    async fn book(&self, tenant: TenantId, event: CalendarEvent, key: &str) -> Result<Booking, StoreError>;
    /// Gives an event another time, under the same rule. A cancelled event is a conflict.
    async fn move_event(&self, tenant: TenantId, to: EventMove, key: &str) -> Result<Booking, StoreError>;
    /// Cancels an event, which frees its time. A cancelled one stays as it is.
    async fn cancel_event(
        &self,
        tenant: TenantId,
        mode: Mode,
        event: EventId,
        at: Timestamp,
        key: &str,
    ) -> Result<CalendarEvent, StoreError>;
    /// One event.
    async fn event(&self, tenant: TenantId, mode: Mode, event: EventId) -> Result<CalendarEvent, StoreError>;
    /// The event that the call with this key changed, if it did.
    async fn event_of_call(
        &self,
        tenant: TenantId,
        mode: Mode,
        key: &str,
    ) -> Result<Option<CalendarEvent>, StoreError>;
    /// Events by their start.
    async fn events(&self, tenant: TenantId, filter: EventFilter) -> Result<Vec<CalendarEvent>, StoreError>;

    /// Opens a ticket; its number is the next one, whatever the record says.
    async fn open_ticket(&self, tenant: TenantId, ticket: Ticket, key: &str) -> Result<Ticket, StoreError>;
    /// Changes a ticket.
    async fn change_ticket(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: u64,
        change: TicketChange,
        at: Timestamp,
        key: &str,
    ) -> Result<Ticket, StoreError>;
    /// One ticket with its comments.
    async fn ticket(&self, tenant: TenantId, mode: Mode, number: u64) -> Result<Ticket, StoreError>;
    /// The ticket that the call with this key opened or changed, if it did.
    async fn ticket_of_call(
        &self,
        tenant: TenantId,
        mode: Mode,
        key: &str,
    ) -> Result<Option<Ticket>, StoreError>;
    /// Tickets, newest first, without comments.
    async fn tickets(&self, tenant: TenantId, filter: TicketFilter) -> Result<Vec<Ticket>, StoreError>;

    /// Remembers which tool a call goes through and gives the answer of the first time: a call that is
    /// tried again after a setting has changed must ask where it was sent, not somewhere else.
    async fn pin_route(
        &self,
        tenant: TenantId,
        mode: Mode,
        key: &str,
        through: &str,
    ) -> Result<String, StoreError>;
}
