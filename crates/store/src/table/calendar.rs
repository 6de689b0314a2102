//! Table `calendar_events`: built-in calendars. Nobody else writes meanwhile, so what is seen to be free is
//! still free when the event is written.

use crate::sql::{Connection, Row, params};
use ports::{Booking, CLASHES, CalendarEvent, DESK_PAGE, EventFilter, EventMove};
use types::{EventId, EventStatus, Mode, TenantId, Timestamp};

use super::desk_calls::{self, DeskCall, Done};
use crate::convert::{at, id, json, parsed};
use crate::fault::{Fault, conflict, not_found};

const COLUMNS: &str =
    "event_id, mode, calendar, title, description, organizer, attendees, starts_at, ends_at,
    zone, status, created_at, updated_at";

/// The name by which a calendar is found.
pub(crate) fn calendar_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Books an event; `attendees` is their list as JSON.
pub(crate) fn book(
    connection: &Connection,
    call: &DeskCall,
    event: &CalendarEvent,
    attendees: &str,
) -> Result<Booking, Fault> {
    if let Some(done) = of_call(connection, call)? {
        return Ok(Booking::Kept(done));
    }
    let clashes = clashes(connection, call.tenant, event, event.starts_at, event.ends_at)?;
    if !clashes.is_empty() {
        return Ok(Booking::Taken(clashes));
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO calendar_events (tenant_id, event_id, mode, calendar, calendar_key, title, description,
            organizer, attendees, starts_at, ends_at, zone, status, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    insert.execute(params![
        call.tenant.as_bytes(),
        event.id.as_bytes(),
        event.mode.as_str(),
        event.calendar,
        calendar_key(&event.calendar),
        event.title,
        event.description,
        event.organizer,
        attendees,
        event.starts_at.as_millis(),
        event.ends_at.as_millis(),
        event.zone,
        EventStatus::Confirmed.as_str(),
        event.created_at.as_millis(),
        event.updated_at.as_millis(),
    ])?;
    desk_calls::keep(connection, call, Done::Event, &event.id.to_string())?;
    Ok(Booking::Kept(get(connection, call.tenant, event.mode, event.id)?))
}

/// Gives an event another time.
pub(crate) fn shift(connection: &Connection, call: &DeskCall, to: &EventMove) -> Result<Booking, Fault> {
    if let Some(done) = of_call(connection, call)? {
        return Ok(Booking::Kept(done));
    }
    let event = get(connection, call.tenant, to.mode, to.event)?;
    if event.status == EventStatus::Cancelled {
        return Err(conflict(format!("{} is cancelled", event.id)).into());
    }
    let clashes = clashes(connection, call.tenant, &event, to.starts_at, to.ends_at)?;
    if !clashes.is_empty() {
        return Ok(Booking::Taken(clashes));
    }
    let mut update = connection.prepare_cached(
        "UPDATE calendar_events SET starts_at = ?3, ends_at = ?4, zone = coalesce(?5, zone), updated_at = ?6
         WHERE tenant_id = ?1 AND event_id = ?2",
    )?;
    update.execute(params![
        call.tenant.as_bytes(),
        event.id.as_bytes(),
        to.starts_at.as_millis(),
        to.ends_at.as_millis(),
        to.zone,
        to.at.as_millis(),
    ])?;
    desk_calls::keep(connection, call, Done::Event, &event.id.to_string())?;
    Ok(Booking::Kept(get(connection, call.tenant, to.mode, event.id)?))
}

/// Cancels an event that stands.
pub(crate) fn cancel(
    connection: &Connection,
    call: &DeskCall,
    event: EventId,
    when: Timestamp,
) -> Result<CalendarEvent, Fault> {
    if let Some(done) = of_call(connection, call)? {
        return Ok(done);
    }
    get(connection, call.tenant, call.mode, event)?;
    let mut update = connection.prepare_cached(
        "UPDATE calendar_events SET status = 'cancelled', updated_at = ?3
         WHERE tenant_id = ?1 AND event_id = ?2 AND status <> 'cancelled'",
    )?;
    update.execute(params![
        call.tenant.as_bytes(),
        event.as_bytes(),
        when.as_millis()
    ])?;
    desk_calls::keep(connection, call, Done::Event, &event.to_string())?;
    get(connection, call.tenant, call.mode, event)
}

/// One event.
pub(crate) fn get(
    connection: &Connection,
    tenant: TenantId,
    mode: Mode,
    event: EventId,
) -> Result<CalendarEvent, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM calendar_events WHERE tenant_id = ?1 AND event_id = ?2 AND mode = ?3"
    ))?;
    let found = select.query_opt(params![tenant.as_bytes(), event.as_bytes(), mode.as_str()], read)?;
    found.ok_or_else(|| not_found("event", event).into())
}

/// The event that a call changed, if it did.
pub(crate) fn of_call(connection: &Connection, call: &DeskCall) -> Result<Option<CalendarEvent>, Fault> {
    let Some(subject) = desk_calls::subject(connection, call, Done::Event)? else {
        return Ok(None);
    };
    let event = subject.parse().map_err(|_| not_found("event", &subject))?;
    get(connection, call.tenant, call.mode, event).map(Some)
}

/// Events by their start; `calendar` is the key of one.
pub(crate) fn list(
    connection: &Connection,
    tenant: TenantId,
    filter: &EventFilter,
) -> Result<Vec<CalendarEvent>, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM calendar_events
         WHERE tenant_id = ?1 AND mode = ?2 AND (CAST(?3 AS TEXT) IS NULL OR calendar_key = ?3) AND ends_at > ?4
            AND starts_at < ?5 AND (?6 OR status = 'confirmed')
         ORDER BY starts_at, event_id LIMIT ?7"
    ))?;
    select.query_map(
        params![
            tenant.as_bytes(),
            filter.mode.as_str(),
            filter.calendar.as_deref().map(calendar_key),
            filter.from.as_millis(),
            filter.to.as_millis(),
            filter.cancelled,
            filter.limit.min(DESK_PAGE),
        ],
        read,
    )
}

/// What stands between two instants on the calendar of an event, the event itself aside.
fn clashes(
    connection: &Connection,
    tenant: TenantId,
    event: &CalendarEvent,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<CalendarEvent>, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM calendar_events
         WHERE tenant_id = ?1 AND mode = ?2 AND calendar_key = ?3 AND status = 'confirmed'
            AND ends_at > ?4 AND starts_at < ?5 AND event_id <> ?6
         ORDER BY ends_at LIMIT ?7"
    ))?;
    select.query_map(
        params![
            tenant.as_bytes(),
            event.mode.as_str(),
            calendar_key(&event.calendar),
            from.as_millis(),
            to.as_millis(),
            event.id.as_bytes(),
            CLASHES,
        ],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<CalendarEvent, Fault> {
    Ok(CalendarEvent {
        id: id(row, 0, EventId::from_bytes)?,
        mode: parsed(row, 1)?,
        calendar: row.get(2)?,
        title: row.get(3)?,
        description: row.get(4)?,
        organizer: row.get(5)?,
        attendees: json(row, 6)?,
        starts_at: at(row, 7)?,
        ends_at: at(row, 8)?,
        zone: row.get(9)?,
        status: parsed(row, 10)?,
        created_at: at(row, 11)?,
        updated_at: at(row, 12)?,
    })
}
