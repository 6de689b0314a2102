//! Calendars and tickets pass through untouched.

use async_trait::async_trait;
use ports::{
    Booking, CalendarEvent, DeskStore, EventFilter, EventMove, StoreError, Ticket, TicketChange, TicketFilter,
};
use types::{EventId, Mode, TenantId, Timestamp};

use super::{Between, Interposed};

#[async_trait]
impl<B: Between> DeskStore for Interposed<B> {
    async fn book(&self, tenant: TenantId, event: CalendarEvent, key: &str) -> Result<Booking, StoreError> {
        self.inner.book(tenant, event, key).await
    }

    async fn move_event(&self, tenant: TenantId, to: EventMove, key: &str) -> Result<Booking, StoreError> {
        self.inner.move_event(tenant, to, key).await
    }

    async fn cancel_event(
        &self,
        tenant: TenantId,
        mode: Mode,
        event: EventId,
        at: Timestamp,
        key: &str,
    ) -> Result<CalendarEvent, StoreError> {
        self.inner.cancel_event(tenant, mode, event, at, key).await
    }

    async fn event(&self, tenant: TenantId, mode: Mode, event: EventId) -> Result<CalendarEvent, StoreError> {
        self.inner.event(tenant, mode, event).await
    }

    async fn event_of_call(
        &self,
        tenant: TenantId,
        mode: Mode,
        key: &str,
    ) -> Result<Option<CalendarEvent>, StoreError> {
        self.inner.event_of_call(tenant, mode, key).await
    }

    async fn events(&self, tenant: TenantId, filter: EventFilter) -> Result<Vec<CalendarEvent>, StoreError> {
        self.inner.events(tenant, filter).await
    }

    async fn open_ticket(&self, tenant: TenantId, ticket: Ticket, key: &str) -> Result<Ticket, StoreError> {
        self.inner.open_ticket(tenant, ticket, key).await
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
        self.inner
            .change_ticket(tenant, mode, number, change, at, key)
            .await
    }

    async fn ticket(&self, tenant: TenantId, mode: Mode, number: u64) -> Result<Ticket, StoreError> {
        self.inner.ticket(tenant, mode, number).await
    }

    async fn ticket_of_call(
        &self,
        tenant: TenantId,
        mode: Mode,
        key: &str,
    ) -> Result<Option<Ticket>, StoreError> {
        self.inner.ticket_of_call(tenant, mode, key).await
    }

    async fn tickets(&self, tenant: TenantId, filter: TicketFilter) -> Result<Vec<Ticket>, StoreError> {
        self.inner.tickets(tenant, filter).await
    }

    async fn pin_route(
        &self,
        tenant: TenantId,
        mode: Mode,
        key: &str,
        through: &str,
    ) -> Result<String, StoreError> {
        self.inner.pin_route(tenant, mode, key, through).await
    }
}
