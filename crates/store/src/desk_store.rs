//! Built-in calendars and tickets.

use async_trait::async_trait;
use ports::{
    Booking, CalendarEvent, DeskStore, EventFilter, EventMove, StoreError, Ticket, TicketChange, TicketFilter,
};
use types::{EventId, Mode, TenantId, Timestamp};

use crate::db::{Backend, Db, Kind};
use crate::fault::Fault;
use crate::table::desk_calls::{self, DeskCall, Done};
use crate::table::{calendar, tickets};

#[async_trait]
impl<B: Backend> DeskStore for Db<B> {
    async fn book(&self, tenant: TenantId, event: CalendarEvent, key: &str) -> Result<Booking, StoreError> {
        let call = call(tenant, event.mode, key);
        let attendees = serde_json::to_string(&event.attendees).map_err(Fault::from)?;
        self.write(Kind::Other, move |connection| {
            calendar::book(connection, &call, &event, &attendees)
        })
        .await
    }

    async fn move_event(&self, tenant: TenantId, to: EventMove, key: &str) -> Result<Booking, StoreError> {
        let call = call(tenant, to.mode, key);
        self.write(Kind::Other, move |connection| {
            calendar::shift(connection, &call, &to)
        })
        .await
    }

    async fn cancel_event(
        &self,
        tenant: TenantId,
        mode: Mode,
        event: EventId,
        at: Timestamp,
        key: &str,
    ) -> Result<CalendarEvent, StoreError> {
        let call = call(tenant, mode, key);
        self.write(Kind::Other, move |connection| {
            calendar::cancel(connection, &call, event, at)
        })
        .await
    }

    async fn event(&self, tenant: TenantId, mode: Mode, event: EventId) -> Result<CalendarEvent, StoreError> {
        self.read(move |connection| calendar::get(connection, tenant, mode, event))
            .await
    }

    async fn event_of_call(
        &self,
        tenant: TenantId,
        mode: Mode,
        key: &str,
    ) -> Result<Option<CalendarEvent>, StoreError> {
        let call = call(tenant, mode, key);
        self.read(move |connection| calendar::of_call(connection, &call))
            .await
    }

    async fn events(&self, tenant: TenantId, filter: EventFilter) -> Result<Vec<CalendarEvent>, StoreError> {
        self.read(move |connection| calendar::list(connection, tenant, &filter))
            .await
    }

    async fn open_ticket(&self, tenant: TenantId, ticket: Ticket, key: &str) -> Result<Ticket, StoreError> {
        let call = call(tenant, ticket.mode, key);
        self.write(Kind::Other, move |connection| {
            tickets::open(connection, &call, &ticket)
        })
        .await
    }

    async fn change_ticket(
        &self,
        tenant: TenantId,
        mode: Mode,
        number: u64,
        change: TicketChange,
        at: Timestamp,
        key: &str,
    ) -> Result<Ticket, StoreError> {
        let call = call(tenant, mode, key);
        self.write(Kind::Other, move |connection| {
            tickets::change(connection, &call, number, &change, at)
        })
        .await
    }

    async fn ticket(&self, tenant: TenantId, mode: Mode, number: u64) -> Result<Ticket, StoreError> {
        self.read(move |connection| tickets::get(connection, tenant, mode, number))
            .await
    }

    async fn ticket_of_call(
        &self,
        tenant: TenantId,
        mode: Mode,
        key: &str,
    ) -> Result<Option<Ticket>, StoreError> {
        let call = call(tenant, mode, key);
        self.read(move |connection| tickets::of_call(connection, &call))
            .await
    }

    async fn tickets(&self, tenant: TenantId, filter: TicketFilter) -> Result<Vec<Ticket>, StoreError> {
        self.read(move |connection| tickets::list(connection, tenant, &filter))
            .await
    }

    async fn pin_route(
        &self,
        tenant: TenantId,
        mode: Mode,
        key: &str,
        through: &str,
    ) -> Result<String, StoreError> {
        let (call, through) = (call(tenant, mode, key), through.to_owned());
        self.write(Kind::Other, move |connection| {
            desk_calls::keep(connection, &call, Done::Route, &through)?;
            let kept = desk_calls::subject(connection, &call, Done::Route)?;
            Ok(kept.unwrap_or_else(|| through.clone()))
        })
        .await
    }
}

fn call(tenant: TenantId, mode: Mode, key: &str) -> DeskCall {
    DeskCall {
        tenant,
        mode,
        key: key.to_owned(),
    }
}
