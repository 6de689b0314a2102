//! Tables `tickets` and `ticket_comments`: built-in tickets.

use crate::sql::{Connection, Row, params};
use ports::{COMMENTS, DESK_PAGE, Ticket, TicketChange, TicketComment, TicketFilter};
use types::{Mode, TenantId, TicketId, TicketStatus, Timestamp, Urgency};

use super::desk_calls::{self, DeskCall, Done};
use crate::convert::{at, count, id, int, opt_at, parsed};
use crate::fault::{Fault, not_found};

const COLUMNS: &str = "ticket_id, mode, number, title, description, urgency, category, assignee, status,
    resolution, created_at, updated_at, resolved_at";

/// Opens a ticket under the next number.
pub(crate) fn open(connection: &Connection, call: &DeskCall, ticket: &Ticket) -> Result<Ticket, Fault> {
    if let Some(done) = of_call(connection, call)? {
        return Ok(done);
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO tickets (tenant_id, mode, number, ticket_id, title, description, urgency, category,
            assignee, status, resolution, created_at, updated_at, resolved_at)
         VALUES (?1, ?2,
            (SELECT coalesce(max(number), 0) + 1 FROM tickets WHERE tenant_id = ?1 AND mode = ?2),
            ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         RETURNING number",
    )?;
    let number = insert.query_one(
        params![
            call.tenant.as_bytes(),
            call.mode.as_str(),
            ticket.id.as_bytes(),
            ticket.title,
            ticket.description,
            ticket.urgency.as_str(),
            ticket.category,
            ticket.assignee,
            ticket.status.as_str(),
            ticket.resolution,
            ticket.created_at.as_millis(),
            ticket.updated_at.as_millis(),
            ticket.resolved_at.map(Timestamp::as_millis),
        ],
        |row| count(row, 0),
    )?;
    desk_calls::keep(connection, call, Done::Ticket, &number.to_string())?;
    get(connection, call.tenant, call.mode, number)
}

/// Changes a ticket and adds the comment, if there is one.
pub(crate) fn change(
    connection: &Connection,
    call: &DeskCall,
    number: u64,
    change: &TicketChange,
    when: Timestamp,
) -> Result<Ticket, Fault> {
    if let Some(done) = of_call(connection, call)? {
        return Ok(done);
    }
    let before = get(connection, call.tenant, call.mode, number)?;
    let status = change.status.unwrap_or(before.status);
    let resolved_at = match (status.is_open(), before.resolved_at) {
        (true, _) => None,
        (false, earlier) => Some(earlier.unwrap_or(when)),
    };
    let resolution = match &change.resolution {
        _ if status.is_open() => "",
        Some(resolution) => resolution,
        None => &before.resolution,
    };
    let mut update = connection.prepare_cached(
        "UPDATE tickets SET title = coalesce(?4, title), description = coalesce(?5, description),
            urgency = coalesce(?6, urgency), category = coalesce(?7, category),
            assignee = coalesce(?8, assignee), status = ?9, resolution = ?10, updated_at = ?11,
            resolved_at = ?12
         WHERE tenant_id = ?1 AND mode = ?2 AND number = ?3",
    )?;
    update.execute(params![
        call.tenant.as_bytes(),
        call.mode.as_str(),
        int(number),
        change.title,
        change.description,
        change.urgency.map(Urgency::as_str),
        change.category,
        change.assignee,
        status.as_str(),
        resolution,
        when.as_millis(),
        resolved_at.map(Timestamp::as_millis),
    ])?;
    if let Some((author, text)) = &change.comment {
        let mut insert = connection.prepare_cached(
            "INSERT INTO ticket_comments (tenant_id, mode, number, position, author, text, at)
             VALUES (?1, ?2, ?3,
                (SELECT coalesce(max(position), 0) + 1 FROM ticket_comments
                 WHERE tenant_id = ?1 AND mode = ?2 AND number = ?3),
                ?4, ?5, ?6)",
        )?;
        let (tenant, mode) = (call.tenant.as_bytes(), call.mode.as_str());
        insert.execute(params![tenant, mode, int(number), author, text, when.as_millis()])?;
    }
    desk_calls::keep(connection, call, Done::Ticket, &number.to_string())?;
    get(connection, call.tenant, call.mode, number)
}

/// One ticket with its newest comments.
pub(crate) fn get(
    connection: &Connection,
    tenant: TenantId,
    mode: Mode,
    number: u64,
) -> Result<Ticket, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM tickets WHERE tenant_id = ?1 AND mode = ?2 AND number = ?3"
    ))?;
    let found = select.query_opt(params![tenant.as_bytes(), mode.as_str(), int(number)], read)?;
    let mut ticket = found.ok_or_else(|| not_found("ticket", number))?;
    let mut select = connection.prepare_cached(
        "SELECT author, text, at FROM ticket_comments WHERE tenant_id = ?1 AND mode = ?2 AND number = ?3
         ORDER BY position DESC LIMIT ?4",
    )?;
    let bound = params![tenant.as_bytes(), mode.as_str(), int(number), COMMENTS];
    ticket.comments = select.query_map(bound, |row| {
        Ok(TicketComment {
            author: row.get(0)?,
            text: row.get(1)?,
            at: at(row, 2)?,
        })
    })?;
    ticket.comments.reverse();
    Ok(ticket)
}

/// The ticket that a call opened or changed, if it did.
pub(crate) fn of_call(connection: &Connection, call: &DeskCall) -> Result<Option<Ticket>, Fault> {
    let Some(subject) = desk_calls::subject(connection, call, Done::Ticket)? else {
        return Ok(None);
    };
    let number = subject.parse().map_err(|_| not_found("ticket", &subject))?;
    get(connection, call.tenant, call.mode, number).map(Some)
}

/// Tickets, newest first, without comments.
pub(crate) fn list(
    connection: &Connection,
    tenant: TenantId,
    filter: &TicketFilter,
) -> Result<Vec<Ticket>, Fault> {
    let (resolved, closed) = (TicketStatus::Resolved.as_str(), TicketStatus::Closed.as_str());
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM tickets
         WHERE tenant_id = ?1 AND mode = ?2
            AND (CAST(?3 AS TEXT) IS NULL OR lower(title) LIKE ?3 ESCAPE '\\'
                OR lower(description) LIKE ?3 ESCAPE '\\')
            AND (NOT ?4 OR status NOT IN ('{resolved}', '{closed}'))
         ORDER BY number DESC LIMIT ?5"
    ))?;
    select.query_map(
        params![
            tenant.as_bytes(),
            filter.mode.as_str(),
            filter.text.as_deref().map(pattern),
            filter.open_only,
            filter.limit.min(DESK_PAGE),
        ],
        read,
    )
}

/// A pattern for LIKE under which every character stands for itself.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.trim().to_ascii_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn read(row: &Row<'_>) -> Result<Ticket, Fault> {
    Ok(Ticket {
        id: id(row, 0, TicketId::from_bytes)?,
        mode: parsed(row, 1)?,
        number: count(row, 2)?,
        title: row.get(3)?,
        description: row.get(4)?,
        urgency: parsed(row, 5)?,
        category: row.get(6)?,
        assignee: row.get(7)?,
        status: parsed(row, 8)?,
        resolution: row.get(9)?,
        created_at: at(row, 10)?,
        updated_at: at(row, 11)?,
        resolved_at: opt_at(row, 12)?,
        comments: Vec::new(),
    })
}
