//! Table `desk_calls`: what the call with a key has done on the desk.

use crate::sql::{Connection, params};
use types::{Mode, TenantId};

use crate::fault::Fault;

/// Whose call it is and by which key it is known.
#[derive(Debug, Clone)]
pub(crate) struct DeskCall {
    pub tenant: TenantId,
    pub mode: Mode,
    pub key: String,
}

/// What a call did.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Done {
    Event,
    Ticket,
    Route,
}

impl Done {
    fn as_str(self) -> &'static str {
        match self {
            Done::Event => "event",
            Done::Ticket => "ticket",
            Done::Route => "route",
        }
    }
}

/// What the call did it to, if it has.
pub(crate) fn subject(connection: &Connection, call: &DeskCall, done: Done) -> Result<Option<String>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT subject FROM desk_calls WHERE tenant_id = ?1 AND mode = ?2 AND call_key = ?3 AND kind = ?4",
    )?;
    let bound = params![
        call.tenant.as_bytes(),
        call.mode.as_str(),
        call.key,
        done.as_str()
    ];
    select.query_opt(bound, |row| row.get(0))
}

/// Keeps what the call has done; its first time stays.
pub(crate) fn keep(connection: &Connection, call: &DeskCall, done: Done, subject: &str) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO desk_calls (tenant_id, mode, call_key, kind, subject) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant_id, mode, call_key, kind) DO NOTHING",
    )?;
    insert.execute(params![
        call.tenant.as_bytes(),
        call.mode.as_str(),
        call.key,
        done.as_str(),
        subject
    ])?;
    Ok(())
}
